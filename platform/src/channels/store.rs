//! Channels in PostgreSQL.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar, types::Json};

use super::{Channel, ChannelId, Failure};
use crate::{auth::UserId, organizations::OrganizationId, projects::ProjectId};

/// Whose channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    pub organization: OrganizationId,
    /// None for those of all its projects.
    pub project: Option<ProjectId>,
}

/// A channel to be.
pub struct New<'a> {
    pub owner: Owner,
    pub kind: &'a str,
    pub name: &'a str,
    pub config: BTreeMap<String, String>,
    pub secrets: Vec<u8>,
    /// None where it comes from the installation's configuration.
    pub user: Option<UserId>,
    pub now: DateTime<Utc>,
}

/// Adds a channel.
pub async fn insert(db: impl PgExecutor<'_>, new: &New<'_>) -> sqlx::Result<ChannelId> {
    query_scalar!(
        r#"insert into channels (organization_id, project_id, kind, name, config, secrets, owner, created_at, is_configured)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $7::bigint is null) returning id as "id: ChannelId""#,
        new.owner.organization.0,
        new.owner.project.map(|project| project.0),
        new.kind,
        new.name,
        Json(&new.config) as Json<&BTreeMap<String, String>>,
        new.secrets,
        new.user.map(|user| user.0),
        new.now,
    )
    .fetch_one(db)
    .await
}

/// Changes a channel; it goes on, where it was paused.
pub async fn update(
    db: impl PgExecutor<'_>,
    channel: ChannelId,
    name: &str,
    (config, secrets): (BTreeMap<String, String>, Vec<u8>),
) -> sqlx::Result<()> {
    query!(
        "update channels set name = $2, config = $3, secrets = $4, paused_at = null, paused_code = '', paused_said = ''
         where id = $1",
        channel.0,
        name,
        Json(config) as Json<BTreeMap<String, String>>,
        secrets,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a channel of this owner; false where it has none of this number.
pub async fn delete(db: impl PgExecutor<'_>, owner: Owner, channel: ChannelId) -> sqlx::Result<bool> {
    let deleted = query!(
        "delete from channels where id = $1 and organization_id = $2 and project_id is not distinct from $3",
        channel.0,
        owner.organization.0,
        owner.project.map(|project| project.0),
    );
    Ok(deleted.execute(db).await?.rows_affected() == 1)
}

/// The channels a project may use: its own and its organisation's. Without a project only those.
pub async fn usable(db: impl PgExecutor<'_>, owner: Owner) -> sqlx::Result<Vec<Channel>> {
    query_as!(
        Channel,
        r#"select id as "id: ChannelId", organization_id as "organization_id: OrganizationId", project_id as "project_id: ProjectId", kind, name,
                  config as "config: Json<BTreeMap<String, String>>", secrets, owner as "owner: UserId", created_at,
                  paused_at, paused_code, paused_said, is_configured
           from channels where organization_id = $1 and (project_id is null or project_id = $2) order by id"#,
        owner.organization.0,
        owner.project.map(|project| project.0),
    )
    .fetch_all(db)
    .await
}

/// A channel by its number alone.
pub async fn find(db: impl PgExecutor<'_>, channel: ChannelId) -> sqlx::Result<Option<Channel>> {
    query_as!(
        Channel,
        r#"select id as "id: ChannelId", organization_id as "organization_id: OrganizationId", project_id as "project_id: ProjectId", kind, name,
                  config as "config: Json<BTreeMap<String, String>>", secrets, owner as "owner: UserId", created_at,
                  paused_at, paused_code, paused_said, is_configured
           from channels where id = $1"#,
        channel.0,
    )
    .fetch_optional(db)
    .await
}

/// Pauses a channel; false where it was paused already.
pub async fn pause(
    db: impl PgExecutor<'_>,
    channel: ChannelId,
    failure: &Failure,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let paused = query!(
        "update channels set paused_at = $2, paused_code = $3, paused_said = $4 where id = $1 and paused_at is null",
        channel.0,
        now,
        failure.code,
        failure.said,
    );
    Ok(paused.execute(db).await?.rows_affected() == 1)
}

/// Lets a paused channel go on.
pub async fn resume(db: impl PgExecutor<'_>, channel: ChannelId) -> sqlx::Result<()> {
    query!("update channels set paused_at = null, paused_code = '', paused_said = '' where id = $1", channel.0)
        .execute(db)
        .await?;
    Ok(())
}

/// Every organisation, and the channels it has from the installation's configuration.
pub async fn configured(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<(OrganizationId, Option<ChannelId>)>> {
    let found = query!(
        r#"select o.id as "organization: OrganizationId", c.id as "channel?: ChannelId"
           from organizations o left join channels c on c.organization_id = o.id and c.is_configured
           order by o.id, c.id"#
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (row.organization, row.channel)).collect())
}
