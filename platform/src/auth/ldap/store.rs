//! Who is who in directories, and what directories decided, in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar, types::Json};

use super::mapping::Group;
use crate::{auth::UserId, organizations::OrganizationId, permissions::Role};

/// Holds back whoever signs in as the same person at the same time, until the transaction ends.
pub(super) async fn lock(db: &mut PgConnection, what: &str) -> sqlx::Result<()> {
    query!("select pg_advisory_xact_lock(hashtextextended($1, 0)) as locked", what).fetch_one(db).await.map(|_| ())
}

/// Somebody whom a directory knows.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub user: UserId,
    pub key: String,
    pub gone_since: Option<DateTime<Utc>>,
    pub is_active: bool,
}

/// Who has this key.
pub(super) async fn identity(db: impl PgExecutor<'_>, directory: &str, key: &str) -> sqlx::Result<Option<Identity>> {
    query_as!(
        Identity,
        r#"select i.user_id as "user: UserId", i.key, i.gone_since, u.is_active
           from identities i join users u on u.id = i.user_id where i.directory = $1 and i.key = $2"#,
        directory,
        key,
    )
    .fetch_optional(db)
    .await
}

/// Everybody of a directory.
pub(super) async fn identities(db: impl PgExecutor<'_>, directory: &str) -> sqlx::Result<Vec<Identity>> {
    query_as!(
        Identity,
        r#"select i.user_id as "user: UserId", i.key, i.gone_since, u.is_active
           from identities i join users u on u.id = i.user_id where i.directory = $1 order by i.id"#,
        directory,
    )
    .fetch_all(db)
    .await
}

/// An account with an email.
pub(super) struct Owner {
    pub id: UserId,
    pub is_active: bool,
    /// A superuser with a password of Picket's: the way in when everything else fails.
    pub is_guarded: bool,
    /// Their key in this directory, if they have one.
    pub key: Option<String>,
}

/// Whose email it is.
pub(super) async fn owner_of_email(
    db: impl PgExecutor<'_>,
    directory: &str,
    email: &str,
) -> sqlx::Result<Option<Owner>> {
    query_as!(
        Owner,
        r#"select u.id, u.is_active, (u.is_superuser and u.password_hash is not null) as "is_guarded!",
                  (select i.key from identities i where i.user_id = u.id and i.directory = $2 limit 1) as key
           from users u where lower(u.email) = lower($1) and u.machine_of is null"#,
        email,
        directory,
    )
    .fetch_optional(db)
    .await
}

/// Makes an account.
pub(super) async fn insert_user(db: impl PgExecutor<'_>, email: &str, name: &str) -> sqlx::Result<UserId> {
    query_scalar!("insert into users (email, name) values ($1, $2) returning id", email, name).fetch_one(db).await
}

/// Takes over name and email; the email only where nobody else has it.
pub(super) async fn update_user(
    db: impl PgExecutor<'_>,
    user: UserId,
    name: &str,
    email: Option<&str>,
) -> sqlx::Result<()> {
    query!(
        "update users set name = $2,
             email = case when $3::text is null or exists (select 1 from users o where lower(o.email) = lower($3) and o.id <> $1)
                          then email else $3 end
         where id = $1",
        user.0,
        name,
        email,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Takes over the username, unless it is another account's.
pub(super) async fn set_username(db: impl PgExecutor<'_>, user: UserId, username: &str) -> sqlx::Result<()> {
    query!(
        "update users set username = $2
         where id = $1 and not exists (select 1 from users o where lower(o.username) = lower($2) and o.id <> $1)",
        user.0,
        username,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Notes that a directory has somebody, who may be in again.
pub(super) async fn see(
    db: impl PgExecutor<'_>,
    (directory, key, dn): (&str, &str, &str),
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "with back as (
             update users set is_active = true
             where id = $4 and exists (select 1 from identities where directory = $1 and key = $2 and gone_since is not null)
         )
         insert into identities (directory, key, dn, user_id, seen_at) values ($1, $2, $3, $4, $5)
         on conflict (directory, key) do update set dn = excluded.dn, seen_at = excluded.seen_at, gone_since = null",
        directory,
        key,
        dn,
        user.0,
        now,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Locks out somebody whom a directory does not let in any more, unless another one does. Whether anything changed.
pub(super) async fn lose(
    db: &mut PgConnection,
    (directory, key): (&str, &str),
    now: DateTime<Utc>,
) -> sqlx::Result<Option<UserId>> {
    let lost = query_scalar!(
        r#"update identities set gone_since = $3 where directory = $1 and key = $2 and gone_since is null
           returning user_id"#,
        directory,
        key,
        now,
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(user) = lost else { return Ok(None) };
    let locked = query_scalar!(
        "update users set is_active = false
         where id = $1 and is_active and not exists (select 1 from identities where user_id = $1 and gone_since is null)
         returning id",
        user.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    query!(
        "delete from sessions where user_id = $1 and exists (select 1 from users where id = $1 and not is_active)",
        user.0
    )
    .execute(db)
    .await?;
    Ok(locked)
}

/// The organisation of this slug or name; the only one, where none is named.
pub(super) async fn organization(db: impl PgExecutor<'_>, named: Option<&str>) -> sqlx::Result<Option<OrganizationId>> {
    query_scalar!(
        r#"select id from organizations
           where ($1::text is not null and (slug = lower($1) or lower(name) = lower($1)))
              or ($1::text is null and (select count(*) from organizations) = 1)
           order by (slug = lower($1)) desc limit 1"#,
        named,
    )
    .fetch_optional(db)
    .await
}

/// What somebody is in an organisation, and who decided it.
pub(super) async fn membership(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
) -> sqlx::Result<Option<(Role, Option<String>)>> {
    let row = query!(
        "select role, managed_by from members where organization_id = $1 and user_id = $2 for update",
        organization.0,
        user.0,
    );
    Ok(row.fetch_optional(db).await?.map(|row| (row.role, row.managed_by)))
}

/// Makes somebody a member, or changes what a directory made them.
pub(super) async fn set_membership(
    db: impl PgExecutor<'_>,
    (organization, user): (OrganizationId, UserId),
    (directory, role, global): (&str, Role, bool),
) -> sqlx::Result<()> {
    query!(
        "insert into members (organization_id, user_id, role, has_global_access, managed_by) values ($1, $2, $3, $4, $5)
         on conflict (organization_id, user_id) do update
             set role = excluded.role, has_global_access = excluded.has_global_access
             where members.managed_by = excluded.managed_by",
        organization.0,
        user.0,
        role.name(),
        global,
        directory,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Puts somebody into these teams, and takes them out of others that the directory put them into. Answers the slugs of those
/// that are there.
pub(super) async fn set_teams(
    db: impl PgExecutor<'_>,
    (organization, user): (OrganizationId, UserId),
    directory: &str,
    slugs: &[String],
) -> sqlx::Result<Vec<String>> {
    query_scalar!(
        r#"with wanted as (
               select id, slug from teams where organization_id = $1 and slug = any($4)
           ), gone as (
               delete from team_members tm using teams t
               where t.id = tm.team_id and t.organization_id = $1 and tm.user_id = $2 and tm.managed_by = $3
                 and tm.team_id not in (select id from wanted)
           ), added as (
               insert into team_members (team_id, user_id, managed_by) select id, $2, $3 from wanted
               on conflict (team_id, user_id) do nothing
           )
           select slug from wanted"#,
        organization.0,
        user.0,
        directory,
        slugs,
    )
    .fetch_all(db)
    .await
}

/// Makes somebody a superuser, or takes back what the directory gave. Whether anything changed.
pub(super) async fn set_superuser(
    db: impl PgExecutor<'_>,
    user: UserId,
    directory: &str,
    is_superuser: bool,
) -> sqlx::Result<bool> {
    let changed = query!(
        "update users set is_superuser = $3, superuser_by = case when $3 then $2 end
         where id = $1 and is_superuser <> $3 and ($3 or superuser_by = $2)",
        user.0,
        directory,
        is_superuser,
    );
    Ok(changed.execute(db).await?.rows_affected() > 0)
}

/// The groups somebody was in, if they were asked for since.
pub(super) async fn cached_groups(
    db: impl PgExecutor<'_>,
    directory: &str,
    dn: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Option<Vec<Group>>> {
    let row = query!(
        r#"select groups as "groups: Json<Vec<Group>>" from directory_groups where directory = $1 and dn = $2 and asked_at > $3"#,
        directory,
        dn,
        since,
    );
    Ok(row.fetch_optional(db).await?.map(|row| row.groups.0))
}

/// Remembers the groups somebody is in.
pub(super) async fn remember_groups(
    db: impl PgExecutor<'_>,
    directory: &str,
    dn: &str,
    (groups, now): (&[Group], DateTime<Utc>),
) -> sqlx::Result<()> {
    query!(
        "insert into directory_groups (directory, dn, groups, asked_at) values ($1, $2, $3, $4)
         on conflict (directory, dn) do update set groups = excluded.groups, asked_at = excluded.asked_at",
        directory,
        dn,
        Json(groups) as Json<&[Group]>,
        now,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Has somebody get no mails of alerts until they ask for them. Who has said something about it keeps what they said.
pub(super) async fn unsubscribe(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<()> {
    query!(
        "insert into mail_preferences (user_id, project_id, alerts)
         select $1, 0, false where not exists (select 1 from mail_preferences where user_id = $1)
         on conflict do nothing",
        user.0,
    )
    .execute(db)
    .await?;
    Ok(())
}
