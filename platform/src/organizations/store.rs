//! Organisations and their members in PostgreSQL.

use sqlx::{PgExecutor, query, query_as};

use super::{Joining, Organization, OrganizationId, Standing};
use crate::{
    auth::{User, UserId},
    permissions::Role,
};

/// The organisation with this slug. When there is none it is created, and the superusers own it, so that somebody is told of
/// what happens in it.
pub async fn find_or_create(db: impl PgExecutor<'_>, slug: &str, name: &str) -> sqlx::Result<Organization> {
    // The update changes nothing; it makes `returning` answer for a row that is there.
    query_as!(
        Organization,
        r#"with found as (
               insert into organizations (slug, name) values ($1, $2)
               on conflict (slug) do update set slug = excluded.slug
               returning id, slug, name, xmax = 0 as is_new
           ), owned as (
               insert into members (organization_id, user_id, role)
               select found.id, users.id, 'owner' from found, users where found.is_new and users.is_superuser
           )
           select id as "id!: OrganizationId", slug as "slug!", name as "name!" from found"#,
        slug,
        name,
    )
    .fetch_one(db)
    .await
}

/// The organisation with this slug.
pub async fn by_slug(db: impl PgExecutor<'_>, slug: &str) -> sqlx::Result<Option<Organization>> {
    query_as!(Organization, r#"select id, slug, name from organizations where slug = $1"#, slug,)
        .fetch_optional(db)
        .await
}

/// The organisation with this slug, if somebody may see it, and what they are in it.
pub async fn standing(
    db: impl PgExecutor<'_>,
    user: &User,
    slug: &str,
) -> sqlx::Result<Option<(Organization, Standing)>> {
    let row = query!(
        r#"select o.id, o.slug, o.name, m.role as "role?: Role"
           from organizations o left join members m on m.organization_id = o.id and m.user_id = $3
           where o.slug = $1 and ($2 or m.user_id is not null or o.id = $4)"#,
        slug,
        user.is_superuser,
        user.id.0,
        user.machine_of.map(|organization| organization.0),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (Organization { id: row.id, slug: row.slug, name: row.name }, Standing { role: row.role })))
}

/// How an organisation takes people in; none when it is gone.
pub async fn joining(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Option<Joining>> {
    query_as!(Joining, "select open_membership, default_role from organizations where id = $1", organization.0)
        .fetch_optional(db)
        .await
}

/// Sets how an organisation takes people in.
pub async fn set_joining(db: impl PgExecutor<'_>, organization: OrganizationId, joining: Joining) -> sqlx::Result<()> {
    query!(
        "update organizations set open_membership = $2, default_role = $3 where id = $1",
        organization.0,
        joining.open_membership,
        joining.default_role.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Every organisation somebody may see.
pub async fn all_visible(db: impl PgExecutor<'_>, user: &User) -> sqlx::Result<Vec<Organization>> {
    query_as!(
        Organization,
        r#"select o.id, o.slug, o.name from organizations o
           where $1 or o.id = $3 or exists(select 1 from members m where m.organization_id = o.id and m.user_id = $2)
           order by o.slug"#,
        user.is_superuser,
        user.id.0,
        user.machine_of.map(|organization| organization.0),
    )
    .fetch_all(db)
    .await
}

/// The organisations somebody is a member of.
pub async fn of_user(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<Organization>> {
    query_as!(
        Organization,
        r#"select o.id, o.slug, o.name
           from organizations o join members m on m.organization_id = o.id
           where m.user_id = $1 order by o.slug"#,
        user.0,
    )
    .fetch_all(db)
    .await
}

/// The organisation that was there first.
pub(super) async fn oldest(db: impl PgExecutor<'_>) -> sqlx::Result<Option<Organization>> {
    query_as!(Organization, r#"select id, slug, name from organizations order by id limit 1"#,).fetch_optional(db).await
}

/// Makes somebody a member. Who is one already may become an owner, and is never made less.
pub(super) async fn join(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> sqlx::Result<()> {
    query!(
        "insert into members (organization_id, user_id, role) values ($1, $2, $3)
         on conflict (organization_id, user_id) do update set role = excluded.role where excluded.role = 'owner'",
        organization.0,
        user.0,
        role.name(),
    )
    .execute(db)
    .await?;
    Ok(())
}
