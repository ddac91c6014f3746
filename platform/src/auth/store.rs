//! Users, sessions and tokens in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{Lifetime, Rank, SecretHash, User, UserId};

/// Whether anybody may do everything.
pub async fn superuser_exists(db: impl PgExecutor<'_>) -> anyhow::Result<bool> {
    let exists = query_scalar!(r#"select exists(select 1 from users where is_superuser and is_active) as "exists!""#);
    Ok(exists.fetch_one(db).await?)
}

/// Creates a user, or sets password and rank of the one with this email.
pub(super) async fn save_user(
    db: impl PgExecutor<'_>,
    email: &str,
    password_hash: &str,
    rank: Rank,
) -> sqlx::Result<UserId> {
    query_scalar!(
        r#"insert into users (email, password_hash, is_superuser) values ($1, $2, $3)
           on conflict (lower(email)) do update
               set password_hash = excluded.password_hash, is_superuser = excluded.is_superuser, is_active = true
           returning id"#,
        email,
        password_hash,
        rank == Rank::Superuser,
    )
    .fetch_one(db)
    .await
}

/// The active user with this email who signs in with a password, and its hash.
pub(super) async fn password_of(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<(UserId, String)>> {
    let row = query!(
        r#"select id, password_hash as "password_hash!" from users
           where lower(email) = lower($1) and is_active and password_hash is not null"#,
        email,
    );
    Ok(row.fetch_optional(db).await?.map(|row| (row.id, row.password_hash)))
}

/// Remembers a session.
pub(super) async fn save_session(
    db: impl PgExecutor<'_>,
    user: UserId,
    secret: SecretHash,
    lifetime: Lifetime,
) -> sqlx::Result<()> {
    query!(
        "insert into sessions (token_hash, user_id, created_at, expires_at) values ($1, $2, $3, $4)",
        secret.as_bytes(),
        user.0,
        lifetime.from,
        lifetime.until,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a user's sessions that are over.
pub(super) async fn forget_expired_sessions(
    db: impl PgExecutor<'_>,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!("delete from sessions where user_id = $1 and expires_at <= $2", user.0, now).execute(db).await?;
    Ok(())
}

/// Ends a session.
pub(super) async fn delete_session(db: impl PgExecutor<'_>, secret: SecretHash) -> sqlx::Result<()> {
    query!("delete from sessions where token_hash = $1", secret.as_bytes()).execute(db).await?;
    Ok(())
}

/// Whose session it is, while it is good.
pub async fn user_of_session(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        r#"select u.id, u.email, u.name, u.is_superuser
           from sessions s join users u on u.id = s.user_id
           where s.token_hash = $1 and s.expires_at > $2 and u.is_active"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// Remembers an API token.
pub(super) async fn save_token(
    db: impl PgExecutor<'_>,
    user: UserId,
    name: &str,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "insert into api_tokens (token_hash, user_id, name, created_at) values ($1, $2, $3, $4)",
        secret.as_bytes(),
        user.0,
        name,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whose token it is, while it is good.
pub async fn user_of_token(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<User>> {
    query_as!(
        User,
        r#"select u.id, u.email, u.name, u.is_superuser
           from api_tokens t join users u on u.id = t.user_id
           where t.token_hash = $1 and (t.expires_at is null or t.expires_at > $2) and u.is_active"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}
