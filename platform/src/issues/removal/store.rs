//! Removing issues from PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};

use super::super::{By, IssueId};
use crate::{projects::ProjectId, protocol::Level};

fn numbers(issues: &[IssueId]) -> Vec<i64> {
    issues.iter().map(|issue| issue.0).collect()
}

/// Deletes issues and what is counted of them, and says which were there. They are locked in order, as by whoever saves events.
pub(super) async fn delete(
    db: &mut PgConnection,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<Vec<IssueId>> {
    let ids = numbers(issues);
    let found = query_scalar!(
        r#"select id as "id: IssueId" from issues where project_id = $1 and id = any($2) order by id for update"#,
        project.0,
        &ids,
    );
    let found = found.fetch_all(&mut *db).await?;
    query!(
        r#"with hours as (delete from issue_hours where project_id = $1 and issue_id = any($2)),
           tags as (delete from issue_tags where project_id = $1 and issue_id = any($2)),
           keys as (delete from issue_tag_keys where project_id = $1 and issue_id = any($2)),
           users as (delete from issue_users where project_id = $1 and issue_id = any($2)),
           snoozes as (delete from issue_snoozes where project_id = $1 and issue_id = any($2)),
           history as (delete from issue_activity where project_id = $1 and issue_id = any($2)),
           redirects as (delete from issue_redirects where project_id = $1 and into_id = any($2))
           delete from issues where project_id = $1 and id = any($2)"#,
        project.0,
        &ids,
    )
    .execute(db)
    .await?;
    Ok(found)
}

pub(super) async fn delete_hashes(db: impl PgExecutor<'_>, project: ProjectId, issues: &[IssueId]) -> sqlx::Result<()> {
    query!("delete from issue_hashes where project_id = $1 and issue_id = any($2)", project.0, &numbers(issues))
        .execute(db)
        .await?;
    Ok(())
}

/// Notes what issues were called before they are deleted.
pub(super) async fn remember_discarded(
    db: impl PgExecutor<'_>,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<()> {
    query!(
        "insert into discarded_issues (project_id, id, title, culprit, level, kind, discarded_at, user_id)
         select project_id, id, title, culprit, level, kind, $3, $4 from issues where project_id = $1 and id = any($2)
         on conflict do nothing",
        project.0,
        &numbers(issues),
        by.at,
        by.user.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// An issue nobody wants.
#[derive(Clone, Debug)]
pub struct Discarded {
    pub id: IssueId,
    pub title: String,
    pub culprit: String,
    pub level: Level,
    pub kind: String,
    pub discarded_at: DateTime<Utc>,
}

/// The discarded issues of a project, the last ones first.
pub async fn discarded(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Discarded>> {
    query_as!(
        Discarded,
        r#"select id as "id: IssueId", title, culprit, level as "level: Level", kind, discarded_at from discarded_issues
           where project_id = $1 order by discarded_at desc limit 1000"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// Takes a discarded issue's events again, as of a new issue; false when there is no such issue.
pub async fn forget_discarded(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<bool> {
    let forgotten = query!(
        r#"with forgotten as (delete from discarded_issues where project_id = $1 and id = $2 returning id),
           hashes as (
               delete from issue_hashes h using forgotten where h.project_id = $1 and h.issue_id = forgotten.id
           )
           select id from forgotten"#,
        project.0,
        issue.0,
    );
    Ok(forgotten.fetch_optional(db).await?.is_some())
}
