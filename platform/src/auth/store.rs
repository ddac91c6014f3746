//! Users, sessions and tokens in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{Lifetime, Rank, SecretHash, User, UserId, tokens::Kind};
use crate::organizations::OrganizationId;

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

/// The active user with this email or username who signs in with a password, and its hash.
pub(super) async fn password_of(db: impl PgExecutor<'_>, email: &str) -> sqlx::Result<Option<(UserId, String)>> {
    let row = query!(
        r#"select id, password_hash as "password_hash!" from users
           where (lower(email) = lower($1) or lower(username) = lower($1)) and is_active and password_hash is not null
           order by lower(email) = lower($1) desc limit 1"#,
        email,
    );
    Ok(row.fetch_optional(db).await?.map(|row| (row.id, row.password_hash)))
}

/// Makes an account with a password; none where somebody has the email.
pub(super) async fn insert_user(
    db: impl PgExecutor<'_>,
    email: &str,
    name: &str,
    password_hash: &str,
) -> sqlx::Result<Option<UserId>> {
    query_scalar!(
        "insert into users (email, name, password_hash) values ($1, $2, $3)
         on conflict (lower(email)) do nothing returning id",
        email,
        name,
        password_hash,
    )
    .fetch_optional(db)
    .await
}

/// Remembers a session, with the address and the browser it was opened from.
pub(super) async fn save_session(
    db: impl PgExecutor<'_>,
    user: UserId,
    (secret, (address, agent)): (SecretHash, (&str, &str)),
    lifetime: Lifetime,
) -> sqlx::Result<()> {
    query!(
        "insert into sessions (token_hash, user_id, created_at, expires_at, used_at, address, user_agent)
         values ($1, $2, $3, $4, $3, $5, $6)",
        secret.as_bytes(),
        user.0,
        lifetime.from,
        lifetime.until,
        address,
        agent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Where somebody is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: i64,
    pub created_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    pub address: String,
    pub user_agent: String,
    pub is_this: bool,
}

/// Where somebody is signed in, the latest use first.
pub async fn sessions(
    db: impl PgExecutor<'_>,
    user: UserId,
    this: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Vec<Session>> {
    query_as!(
        Session,
        r#"select id, created_at, used_at, address, user_agent, token_hash = $2 as "is_this!"
           from sessions where user_id = $1 and expires_at > $3 order by used_at desc nulls last, id desc"#,
        user.0,
        this.as_bytes(),
        now,
    )
    .fetch_all(db)
    .await
}

/// Ends one of somebody's sessions; whether it was there.
pub async fn end_session(db: impl PgExecutor<'_>, user: UserId, session: i64) -> sqlx::Result<bool> {
    let ended = query!("delete from sessions where user_id = $1 and id = $2", user.0, session).execute(db).await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends all of somebody's sessions but one.
pub async fn end_other_sessions(db: impl PgExecutor<'_>, user: UserId, keep: SecretHash) -> sqlx::Result<()> {
    query!("delete from sessions where user_id = $1 and token_hash <> $2", user.0, keep.as_bytes())
        .execute(db)
        .await
        .map(|_| ())
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

/// A user, and how they were known.
struct Row {
    id: UserId,
    email: String,
    name: String,
    username: Option<String>,
    is_superuser: bool,
    machine_of: Option<OrganizationId>,
    language: Option<String>,
    timezone: Option<String>,
    theme: Option<String>,
    used: Option<DateTime<Utc>>,
    scopes: Option<Vec<String>>,
}

/// Who has a token.
pub(super) struct Known {
    pub user: User,
    pub used: Option<DateTime<Utc>>,
    /// None: all that the user may do.
    pub scopes: Option<Vec<String>>,
}

impl From<Row> for Known {
    fn from(row: Row) -> Known {
        let user = User {
            id: row.id,
            email: row.email,
            name: row.name,
            username: row.username,
            is_superuser: row.is_superuser,
            machine_of: row.machine_of,
            language: row.language,
            timezone: row.timezone,
            theme: row.theme,
        };
        Known { user, used: row.used, scopes: row.scopes }
    }
}

/// Whose session it is, while it is good, and when it was used last.
pub(super) async fn user_of_session(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<(User, Option<DateTime<Utc>>)>> {
    let row = query_as!(
        Row,
        r#"select u.id, u.email, u.name, u.username, u.is_superuser, u.machine_of, u.language, u.timezone, u.theme,
                  s.used_at as used, null::text[] as scopes
           from sessions s join users u on u.id = s.user_id
           where s.token_hash = $1 and s.expires_at > $2 and u.is_active"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Known::from).map(|known| (known.user, known.used)))
}

/// Notes that a session was used.
pub(super) async fn use_session(db: impl PgExecutor<'_>, secret: SecretHash, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!("update sessions set used_at = $2 where token_hash = $1", secret.as_bytes(), now)
        .execute(db)
        .await
        .map(|_| ())
}

/// The person with this number, while they are active.
pub async fn user(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<User>> {
    let row = query_as!(
        Row,
        r#"select u.id, u.email, u.name, u.username, u.is_superuser, u.machine_of, u.language, u.timezone, u.theme,
                  null::timestamptz as used, null::text[] as scopes
           from users u where u.id = $1 and u.is_active"#,
        user.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Known::from).map(|known| known.user))
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
pub(super) async fn user_of_token(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Known>> {
    let row = query_as!(
        Row,
        r#"select u.id, u.email, u.name, u.username, u.is_superuser, u.machine_of, u.language, u.timezone, u.theme,
                  t.last_used_at as used, t.scopes
           from api_tokens t join users u on u.id = t.user_id
           where t.token_hash = $1 and (t.expires_at is null or t.expires_at > $2) and u.is_active"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Known::from))
}

/// The machine that acts for a token of an organisation, while it is good.
pub(super) async fn machine_of_token(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Known>> {
    let row = query_as!(
        Row,
        r#"select u.id, u.email, u.name, u.username, u.is_superuser, u.machine_of, u.language, u.timezone, u.theme,
                  t.last_used_at as used, t.scopes as "scopes?"
           from organization_tokens t join users u on u.machine_of = t.organization_id
           where t.token_hash = $1 and (t.expires_at is null or t.expires_at > $2)"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(Known::from))
}

/// Notes that a token was used.
pub(super) async fn use_token(
    db: impl PgExecutor<'_>,
    kind: Kind,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    match kind {
        Kind::User => {
            query!("update api_tokens set last_used_at = $2 where token_hash = $1", secret.as_bytes(), now)
                .execute(db)
                .await?;
        }
        Kind::Organization => {
            query!("update organization_tokens set last_used_at = $2 where token_hash = $1", secret.as_bytes(), now)
                .execute(db)
                .await?;
        }
    }
    Ok(())
}

/// What people say of themselves.
#[derive(Clone, Debug)]
pub struct Profile {
    pub name: String,
    pub language: Option<String>,
    pub timezone: Option<String>,
    pub theme: Option<String>,
}

/// Saves what somebody says of themselves; the name only where no directory decides about it.
pub async fn set_profile(db: impl PgExecutor<'_>, user: UserId, profile: &Profile) -> sqlx::Result<()> {
    query!(
        "update users set language = $3, timezone = $4, theme = $5,
             name = case when exists (select 1 from identities where user_id = $1) then name else $2 end
         where id = $1",
        user.0,
        profile.name,
        profile.language,
        profile.timezone,
        profile.theme,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Whether a directory has somebody.
pub async fn is_managed(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<bool> {
    query_scalar!(r#"select exists(select 1 from identities where user_id = $1) as "is!""#, user.0).fetch_one(db).await
}
