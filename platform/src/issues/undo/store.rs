//! Actions in PostgreSQL, and the state of issues they change.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, types::Json};
use uuid::Uuid;

use super::{
    super::people::{Assignee, Mark},
    Change,
};
use crate::{
    auth::UserId,
    issues::{By, IssueId, Status, lifecycle::Decision},
    organizations::OrganizationId,
    projects::ProjectId,
};

/// How an issue is, for one person.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub issue: IssueId,
    pub decision: Decision,
    pub assignee: Option<Assignee>,
    is_bookmarked: bool,
    is_subscribed: bool,
    is_seen: bool,
}

impl State {
    pub fn mark(&self, mark: Mark) -> bool {
        match mark {
            Mark::Bookmark => self.is_bookmarked,
            Mark::Subscription => self.is_subscribed,
            Mark::Seen => self.is_seen,
        }
    }

    /// What is different now.
    pub fn changes(&self, now: &State) -> Vec<Change> {
        let issue = self.issue.0;
        let mut changes = Vec::new();
        if self.decision != now.decision {
            changes.push(Change::Decided { issue, before: self.decision.clone(), after: now.decision.clone() });
        }
        if self.assignee != now.assignee {
            changes.push(Change::Assigned { issue, before: self.assignee, after: now.assignee });
        }
        for mark in [Mark::Bookmark, Mark::Subscription, Mark::Seen] {
            let (before, after) = (self.mark(mark), now.mark(mark));
            if before != after {
                changes.push(Change::Marked { issue, mark, before, after });
            }
        }
        changes
    }
}

/// How issues are now.
pub(super) async fn states(
    db: impl PgExecutor<'_>,
    user: UserId,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<Vec<State>> {
    let rows = query!(
        r#"select i.id, i.status, i.decision as "decision: Json<Decision>", a.user_id as "person?: i64", a.team_id as "team?",
                  exists(select from issue_bookmarks b where b.project_id = i.project_id and b.issue_id = i.id and b.user_id = $3)
                      as "is_bookmarked!",
                  exists(select from issue_subscriptions s
                         where s.project_id = i.project_id and s.issue_id = i.id and s.user_id = $3 and s.is_active)
                      as "is_subscribed!",
                  exists(select from issue_views v where v.project_id = i.project_id and v.issue_id = i.id and v.user_id = $3)
                      as "is_seen!"
           from issues i left join issue_assignees a on a.project_id = i.project_id and a.issue_id = i.id
           where i.project_id = $1 and i.id = any($2)"#,
        project.0,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        user.0,
    )
    .fetch_all(db)
    .await?;
    let decided = |decision: Option<Json<Decision>>, status: Status| {
        decision.map_or_else(|| Decision::of(status, DateTime::UNIX_EPOCH), |decision| decision.0)
    };
    let state = rows.into_iter().map(|row| State {
        issue: row.id,
        decision: decided(row.decision, row.status),
        assignee: row.person.map(Assignee::Person).or(row.team.map(Assignee::Team)),
        is_bookmarked: row.is_bookmarked,
        is_subscribed: row.is_subscribed,
        is_seen: row.is_seen,
    });
    Ok(state.collect())
}

/// The fingerprints of issues.
pub(super) async fn hashes(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<Vec<(i64, Uuid)>> {
    let rows = query!(
        r#"select issue_id as "issue: i64", fingerprint from issue_hashes where project_id = $1 and issue_id = any($2)"#,
        project.0,
        &issues.iter().map(|issue| issue.0).collect::<Vec<_>>(),
    );
    let rows = rows.fetch_all(db).await?.into_iter();
    Ok(rows.filter_map(|row| Some((row.issue, Uuid::from_slice(&row.fingerprint).ok()?))).collect())
}

/// Notes an action.
pub(super) async fn save(
    db: impl PgExecutor<'_>,
    id: Uuid,
    by: By,
    project: ProjectId,
    changes: &[Change],
) -> sqlx::Result<()> {
    query!(
        "insert into issue_actions (id, project_id, user_id, at, changes) values ($1, $2, $3, $4, $5)",
        id,
        project.0,
        by.user.0,
        by.at,
        Json(changes) as Json<&[Change]>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What an action of somebody's changed, once, as long as they see its project.
pub(super) async fn take(
    db: impl PgExecutor<'_>,
    by: By,
    organization: OrganizationId,
    (action, since): (Uuid, DateTime<Utc>),
) -> sqlx::Result<Option<(ProjectId, Vec<Change>)>> {
    let taken = query!(
        r#"update issue_actions a set undone_at = $3 from projects p
           where a.id = $1 and a.user_id = $2 and a.undone_at is null and a.at > $5
             and p.id = a.project_id and p.organization_id = $4
             and exists (select 1 from project_viewers v where v.project_id = p.id and v.user_id = $2)
           returning a.project_id, a.changes as "changes: Json<Vec<Change>>""#,
        action,
        by.user.0,
        by.at,
        organization.0,
        since,
    );
    Ok(taken.fetch_optional(db).await?.map(|row| (ProjectId(row.project_id), row.changes.0)))
}

/// Deletes what is too long ago.
pub(super) async fn forget(db: impl PgExecutor<'_>, before: DateTime<Utc>) -> sqlx::Result<()> {
    query!("delete from issue_actions where at < $1", before).execute(db).await?;
    Ok(())
}
