//! The audit log in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as};

use super::{Actor, Entry, Row};
use crate::organizations::OrganizationId;

/// Adds a row.
pub(super) async fn insert(
    db: impl PgExecutor<'_>,
    at: DateTime<Utc>,
    actor: &Actor,
    entry: &Entry<'_>,
) -> sqlx::Result<()> {
    query!(
        "insert into audit_log (organization_id, at, event, actor_id, actor, address, target, data)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        entry.organization.map(|organization| organization.0),
        at,
        entry.event,
        actor.id.map(|user| user.0),
        actor.name,
        actor.address,
        entry.target,
        entry.data,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which rows are wanted; what is empty is not asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    pub event: String,
    /// Part of the name of who did it.
    pub actor: String,
    pub since: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
    /// Rows older than this one.
    pub before: Option<i64>,
}

/// An organisation's rows, the newest first.
pub async fn list(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    filter: &Filter,
    most: i64,
) -> sqlx::Result<Vec<Row>> {
    query_as!(
        Row,
        r#"select id, at, event, actor_id, actor, address, target, data
           from audit_log
           where organization_id = $1 and ($2 = '' or event = $2)
             and ($3 = '' or strpos(lower(actor), lower($3)) > 0)
             and ($4::timestamptz is null or at >= $4) and ($5::timestamptz is null or at < $5)
             and ($6::bigint is null or id < $6)
           order by id desc limit $7"#,
        organization.0,
        filter.event,
        filter.actor,
        filter.since,
        filter.until,
        filter.before,
        most,
    )
    .fetch_all(db)
    .await
}
