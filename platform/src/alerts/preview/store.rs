//! What came lately.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query};

use crate::{events::Effect, issues::IssueId, projects::ProjectId, protocol::EventId};

/// An event, as far as a preview needs it.
pub(super) struct Stored {
    pub project: ProjectId,
    pub event: EventId,
    pub issue: IssueId,
    pub effect: Effect,
    pub occurred_at: DateTime<Utc>,
    pub received_at: DateTime<Utc>,
    pub tags: Vec<i64>,
    /// Empty where nobody reads it.
    pub body: Vec<u8>,
}

/// The latest events of a project since a time.
pub(super) async fn recent(
    db: impl PgExecutor<'_>,
    (project, since): (ProjectId, DateTime<Utc>),
    with_bodies: bool,
    most: i64,
) -> sqlx::Result<Vec<Stored>> {
    let rows = query!(
        r#"select id, issue_id, effect as "effect: Effect", occurred_at, received_at, tags,
                  case when $4 then body else ''::bytea end as "body!"
           from events where project_id = $1 and received_on >= $2 and received_at > $3
           order by received_at desc limit $5"#,
        project.0,
        since.date_naive(),
        since,
        with_bodies,
        most,
    )
    .fetch_all(db)
    .await?;
    let stored = rows.into_iter().map(|row| Stored {
        project,
        event: EventId(row.id),
        issue: row.issue_id,
        effect: row.effect,
        occurred_at: row.occurred_at,
        received_at: row.received_at,
        tags: row.tags,
        body: row.body,
    });
    Ok(stored.collect())
}

/// Numbers and titles of issues.
pub(super) async fn names(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issues: &[i64],
) -> sqlx::Result<HashMap<i64, (i64, String)>> {
    let rows = query!(
        r#"select id as "id: i64", short_id, title from issues where project_id = $1 and id = any($2)"#,
        project.0,
        issues
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, (row.short_id, row.title))).collect())
}
