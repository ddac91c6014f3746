//! Links that set passwords, in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_scalar};

use crate::auth::{SecretHash, UserId};

/// Saves a link for who has this email and no directory decides about; their email as they wrote it.
pub(super) async fn save(
    db: impl PgExecutor<'_>,
    email: &str,
    secret: SecretHash,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Option<String>> {
    query_scalar!(
        r#"with known as (
               select id, email from users u
               where lower(email) = lower($1) and is_active and machine_of is null
                 and (password_hash is not null or not exists (select 1 from identities i where i.user_id = u.id))
           ), saved as (
               insert into password_resets (token_hash, user_id, created_at, expires_at) select $2, id, $3, $4 from known
           )
           select email from known"#,
        email,
        secret.as_bytes(),
        from,
        until,
    )
    .fetch_optional(db)
    .await
}

/// Whose link it is, while it is good.
pub(super) async fn find(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<String>> {
    query_scalar!(
        "select u.email from password_resets r join users u on u.id = r.user_id
         where r.token_hash = $1 and r.expires_at > $2 and u.is_active",
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// Deletes a link that is good; whose it was.
pub(super) async fn take(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<UserId>> {
    query_scalar!(
        "delete from password_resets where token_hash = $1 and expires_at > $2 returning user_id",
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// Sets a password; every session and every other link of its owner ends.
pub(super) async fn set_password(db: &mut PgConnection, user: UserId, hash: &str) -> sqlx::Result<()> {
    query!("update users set password_hash = $2 where id = $1", user.0, hash).execute(&mut *db).await?;
    query!("delete from password_resets where user_id = $1", user.0).execute(&mut *db).await?;
    query!("delete from sessions where user_id = $1", user.0).execute(db).await.map(|_| ())
}

/// Sets a password; every session of its owner ends but one.
pub(super) async fn change_password(
    db: impl PgExecutor<'_>,
    user: UserId,
    hash: &str,
    keep: SecretHash,
) -> sqlx::Result<()> {
    query!(
        "with ended as (delete from sessions where user_id = $1 and token_hash <> $3),
              used as (delete from password_resets where user_id = $1)
         update users set password_hash = $2 where id = $1",
        user.0,
        hash,
        keep.as_bytes(),
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Somebody's password, hashed.
pub(super) async fn password(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<String>> {
    Ok(query_scalar!("select password_hash from users where id = $1", user.0).fetch_optional(db).await?.flatten())
}
