//! Tokens in PostgreSQL.

use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{New, Saved, Token};
use crate::{auth::UserId, organizations::OrganizationId};

fn names(new: &New) -> Vec<String> {
    new.scopes.names().into_iter().map(str::to_owned).collect()
}

/// Saves a person's token.
pub(super) async fn insert_of_user(
    db: impl PgExecutor<'_>,
    user: UserId,
    new: &New,
    saved: &Saved,
) -> sqlx::Result<i64> {
    query_scalar!(
        "insert into api_tokens (token_hash, user_id, name, created_at, expires_at, scopes, last_characters)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
        saved.hash.as_bytes(),
        user.0,
        new.name,
        saved.from,
        saved.until,
        &names(new),
        saved.last_characters,
    )
    .fetch_one(db)
    .await
}

/// Makes the account that acts for an organisation's tokens, unless it is there.
pub(super) async fn make_machine(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<()> {
    query!(
        "insert into users (email, name, machine_of)
         select 'organization-' || id || '@tokens.invalid', name, id from organizations where id = $1
         on conflict do nothing",
        organization.0,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Saves an organisation's token.
pub(super) async fn insert_of_organization(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    (new, saved): (&New, &Saved),
    by: Option<UserId>,
) -> sqlx::Result<i64> {
    query_scalar!(
        "insert into organization_tokens
             (token_hash, organization_id, name, created_at, expires_at, scopes, last_characters, created_by)
         values ($1, $2, $3, $4, $5, $6, $7, $8) returning id",
        saved.hash.as_bytes(),
        organization.0,
        new.name,
        saved.from,
        saved.until,
        &names(new),
        saved.last_characters,
        by.map(|user| user.0),
    )
    .fetch_one(db)
    .await
}

/// A person's tokens, the newest first.
pub async fn of_user(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<Token>> {
    query_as!(
        Token,
        "select id, name, scopes, last_characters, created_at, last_used_at, expires_at
         from api_tokens where user_id = $1 order by id desc",
        user.0,
    )
    .fetch_all(db)
    .await
}

/// An organisation's tokens, the newest first.
pub async fn of_organization(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Vec<Token>> {
    query_as!(
        Token,
        r#"select id, name, scopes as "scopes?", last_characters, created_at, last_used_at, expires_at
           from organization_tokens where organization_id = $1 order by id desc"#,
        organization.0,
    )
    .fetch_all(db)
    .await
}

/// Revokes a person's token; whether it was there.
pub async fn delete_of_user(db: impl PgExecutor<'_>, user: UserId, id: i64) -> sqlx::Result<bool> {
    let gone = query!("delete from api_tokens where user_id = $1 and id = $2", user.0, id).execute(db).await?;
    Ok(gone.rows_affected() > 0)
}

/// Revokes an organisation's token; its name, if it was there.
pub(super) async fn delete_of_organization(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    id: i64,
) -> sqlx::Result<Option<String>> {
    query_scalar!(
        "delete from organization_tokens where organization_id = $1 and id = $2 returning name",
        organization.0,
        id
    )
    .fetch_optional(db)
    .await
}
