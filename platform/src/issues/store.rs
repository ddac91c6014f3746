//! Issues and their hours in PostgreSQL. Lists are in `search`; what events do to issues is written by `events::save`.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::{PgConnection, PgExecutor, PgPool, query, query_as, query_scalar, types::Json};

use super::{Activity, By, Issue, IssueId, Status, lifecycle::Decision};
use crate::projects::ProjectId;

/// The issue with this number, in this project.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<Issue>> {
    query_as!(
        Issue,
        r#"select project_id, id, short_id, title, culprit, kind,
                  level, platform, status, decision as "decision: Json<Decision>", first_seen, last_seen, times_seen,
                  users_seen
           from issues where project_id = $1 and id = $2"#,
        project.0,
        issue.0,
    )
    .fetch_optional(db)
    .await
}

/// Whether the project has had any event yet.
pub(super) async fn any(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<bool> {
    query_scalar!(r#"select exists(select 1 from issues where project_id = $1) as "any!""#, project.0)
        .fetch_one(db)
        .await
}

/// Changes what people decided about issues, and notes that they did. The rows are locked in order, as by whoever saves events.
pub(super) async fn set_decision(
    db: &PgPool,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
    decision: &Decision,
) -> sqlx::Result<()> {
    let ids: Vec<i64> = issues.iter().map(|issue| issue.0).collect();
    let mut tx = db.begin().await?;
    query!("select id from issues where project_id = $1 and id = any($2) order by id for update", project.0, &ids)
        .fetch_all(&mut *tx)
        .await?;
    query!(
        r#"with decided as (
               update issues set status = $3, decision = case
                   when $4::jsonb ? 'ignored' then jsonb_set($4, '{ignored,users_before}', to_jsonb(users_seen)) else $4
               end
               where project_id = $1 and id = any($2)
               returning project_id, id
           ),
           noted as (
               insert into issue_activity (project_id, issue_id, at, kind, user_id, data)
               select project_id, id, $5, $6, $7, $8 from decided
           ),
           woken as (
               delete from issue_snoozes where project_id = $1 and issue_id = any($2) and $9::timestamptz is null
           )
           insert into issue_snoozes (project_id, issue_id, until)
           select project_id, id, $9 from decided where $9 is not null
           on conflict (project_id, issue_id) do update set until = excluded.until"#,
        project.0,
        &ids,
        decision.status() as i16,
        Json(decision) as Json<&Decision>,
        by.at,
        decision.kind(),
        by.user.0,
        decision.details(),
        decision.until(),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

/// What happened to an issue, latest first.
pub(super) async fn activity(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
) -> sqlx::Result<Vec<Activity>> {
    query_as!(
        Activity,
        r#"select a.id, a.at, a.kind, a.user_id as user, u.email as "email?", a.data
           from issue_activity a left join users u on u.id = a.user_id
           where a.project_id = $1 and a.issue_id = $2 order by a.id desc limit 100"#,
        project.0,
        issue.0,
    )
    .fetch_all(db)
    .await
}

/// Opens ignored issues whose time has come, and says how many.
pub(super) async fn wake(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let woken = query!(
        r#"with due as (
               select project_id, issue_id from issue_snoozes where until <= $1
               order by project_id, issue_id limit 1000 for update skip locked
           ),
           opened as (
               update issues i set status = 0, decision = null
               from due where i.project_id = due.project_id and i.id = due.issue_id and i.status = 2
               returning i.project_id, i.id
           ),
           noted as (
               insert into issue_activity (project_id, issue_id, at, kind)
               select project_id, id, $1, 'set_unresolved' from opened
           )
           delete from issue_snoozes s using due where s.project_id = due.project_id and s.issue_id = due.issue_id"#,
        now,
    );
    Ok(woken.execute(db).await?.rows_affected())
}

/// Resolves issues that were silent for longer than their projects wait, and says how many.
pub(super) async fn resolve_silent(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let resolved = query!(
        r#"with silent as (
               select i.project_id, i.id from projects p
               join issues i on i.project_id = p.id and i.status = 0
                   and i.last_seen < $1::timestamptz - make_interval(hours => (p.settings ->> 'resolve_age')::int)
               where (p.settings ->> 'resolve_age')::int > 0
               order by i.project_id, i.id limit 1000 for update of i
           ),
           resolved as (
               update issues i set status = 1, decision = $2
               from silent where i.project_id = silent.project_id and i.id = silent.id
               returning i.project_id, i.id
           )
           insert into issue_activity (project_id, issue_id, at, kind)
           select project_id, id, $1, 'set_resolved_by_age' from resolved"#,
        now,
        Json(Decision::of(Status::Resolved, now)) as Json<Decision>,
    );
    Ok(resolved.execute(db).await?.rows_affected())
}

/// How finely a series counts, and how far back it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 24 hours.
    Day,
    /// 14 days.
    Fortnight,
    /// 30 days.
    Month,
}

impl Window {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Window::Day => "24h",
            Window::Fortnight => "14d",
            Window::Month => "30d",
        }
    }

    fn step(self) -> TimeDelta {
        match self {
            Window::Day => TimeDelta::hours(1),
            Window::Fortnight | Window::Month => TimeDelta::days(1),
        }
    }

    fn steps(self) -> i32 {
        match self {
            Window::Day => 24,
            Window::Fortnight => 14,
            Window::Month => 30,
        }
    }

    /// When each step of the window that ends now begins.
    pub fn starts(self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // Only times near the end of what chrono can say do not round.
        let last = now.duration_trunc(self.step()).unwrap_or(now);
        (0..self.steps()).rev().map(|back| last - self.step() * back).collect()
    }
}

/// Events in each step of a window, oldest first, for issues of any projects.
pub async fn series(
    db: impl PgExecutor<'_>,
    issues: &[Issue],
    window: Window,
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<IssueId, Vec<i64>>> {
    let starts = window.starts(now);
    let rows = query!(
        r#"select h.issue_id as "issue: IssueId", h.hour, h.events
           from unnest($1::bigint[], $2::bigint[]) as i (project_id, id)
           join issue_hours h on h.project_id = i.project_id and h.issue_id = i.id and h.hour >= $3"#,
        &issues.iter().map(|issue| issue.project_id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.id.0).collect::<Vec<_>>(),
        starts[0],
    )
    .fetch_all(db)
    .await?;
    let mut series: HashMap<_, _> = issues.iter().map(|issue| (issue.id, vec![0; starts.len()])).collect();
    for row in rows {
        let step = starts.partition_point(|start| *start <= row.hour) - 1;
        if let Some(counts) = series.get_mut(&row.issue) {
            counts[step] += row.events;
        }
    }
    Ok(series)
}

/// Those of open issues that were resolved once and happened again, since when nobody has decided about them.
pub(super) async fn regressed(db: impl PgExecutor<'_>, issues: &[Issue]) -> sqlx::Result<HashSet<IssueId>> {
    let open = || issues.iter().filter(|issue| issue.status == Status::Unresolved);
    let rows = query_scalar!(
        r#"select i.id as "id!: IssueId" from unnest($1::bigint[], $2::bigint[]) as i (project_id, id)
           cross join lateral (
               select kind from issue_activity a where a.project_id = i.project_id and a.issue_id = i.id and starts_with(kind, 'set_')
               order by a.id desc limit 1
           ) as last
           where last.kind = 'set_regression'"#,
        &open().map(|issue| issue.project_id.0).collect::<Vec<_>>(),
        &open().map(|issue| issue.id.0).collect::<Vec<_>>(),
    );
    Ok(rows.fetch_all(db).await?.into_iter().collect())
}

/// Notes what was done to issues.
pub(super) async fn note(
    db: &mut PgConnection,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
    (kind, data): (&str, serde_json::Value),
) -> sqlx::Result<()> {
    query!(
        "insert into issue_activity (project_id, issue_id, at, kind, user_id, data)
         select $1, id, $3, $4, $5, $6 from unnest($2::bigint[]) as id",
        project.0,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        by.at,
        kind,
        by.user.0,
        data,
    )
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_ends_with_the_step_that_is_under_way() {
        let now = "2026-03-01T12:34:56Z".parse().unwrap();
        let day = Window::Day.starts(now);
        assert_eq!(
            (day.len(), day[0].to_rfc3339(), day[23].to_rfc3339()),
            (24, "2026-02-28T13:00:00+00:00".into(), "2026-03-01T12:00:00+00:00".into())
        );
        let fortnight = Window::Fortnight.starts(now);
        assert_eq!((fortnight.len(), fortnight[13].to_rfc3339()), (14, "2026-03-01T00:00:00+00:00".into()));
    }
}
