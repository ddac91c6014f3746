//! Issues and their hours in PostgreSQL. Lists are in `search`; what events do to issues is written by `events::save`.

use std::collections::HashMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{Issue, IssueId, Status};
use crate::projects::ProjectId;

/// The issue with this number, in this project.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Option<Issue>> {
    query_as!(
        Issue,
        r#"select project_id, id, short_id, title, culprit, kind,
                  level, platform, status, first_seen, last_seen, times_seen
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

/// Changes what people decided about an issue.
pub(super) async fn set_status(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    status: Status,
) -> sqlx::Result<()> {
    query!("update issues set status = $3 where project_id = $1 and id = $2", project.0, issue.0, status as i16)
        .execute(db)
        .await?;
    Ok(())
}

/// How finely a series counts, and how far back it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// 24 hours.
    Day,
    /// 14 days.
    Fortnight,
}

impl Window {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Window::Day => "24h",
            Window::Fortnight => "14d",
        }
    }

    fn step(self) -> TimeDelta {
        match self {
            Window::Day => TimeDelta::hours(1),
            Window::Fortnight => TimeDelta::days(1),
        }
    }

    fn steps(self) -> i32 {
        match self {
            Window::Day => 24,
            Window::Fortnight => 14,
        }
    }

    /// When each step of the window that ends now begins.
    pub fn starts(self, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // Only times near the end of what chrono can say do not round.
        let last = now.duration_trunc(self.step()).unwrap_or(now);
        (0..self.steps()).rev().map(|back| last - self.step() * back).collect()
    }
}

/// Events in each step of a window, oldest first, for each of the issues.
pub async fn series(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issues: &[IssueId],
    window: Window,
    now: DateTime<Utc>,
) -> sqlx::Result<HashMap<IssueId, Vec<i64>>> {
    let starts = window.starts(now);
    let ids: Vec<i64> = issues.iter().map(|issue| issue.0).collect();
    let rows = query!(
        r#"select issue_id as issue, hour, events from issue_hours
           where project_id = $1 and issue_id = any($2) and hour >= $3"#,
        project.0,
        &ids,
        starts[0],
    )
    .fetch_all(db)
    .await?;
    let mut series: HashMap<_, _> = issues.iter().map(|issue| (*issue, vec![0; starts.len()])).collect();
    for row in rows {
        let step = starts.partition_point(|start| *start <= row.hour) - 1;
        if let Some(counts) = series.get_mut(&row.issue) {
            counts[step] += row.events;
        }
    }
    Ok(series)
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
