//! Members in PostgreSQL.

use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};

use super::Member;
use crate::{auth::UserId, organizations::OrganizationId, permissions::Role, teams::TeamId};

/// Members and invitations of an organisation, by name.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Vec<Member>> {
    query_as!(
        Member,
        r#"select m.id as "id!", u.id as "user_id: UserId", u.email as "email!", u.name as "name!",
                  m.role as "role!: Role", m.joined_at as "joined_at!",
                  array(select t.slug from team_members tm join teams t on t.id = tm.team_id
                        where tm.user_id = u.id and t.organization_id = $1 order by t.slug) as "teams!",
                  m.managed_by, null::timestamptz as expires_at, m.has_global_access as "has_global_access!",
                  u.is_active as "is_active!"
           from members m join users u on u.id = m.user_id where m.organization_id = $1
           union all
           select i.id, null, i.email, '', i.role, i.created_at,
                  array(select t.slug from invitation_teams it join teams t on t.id = it.team_id
                        where it.invitation_id = i.id order by t.slug),
                  null, i.expires_at, false, true
           from invitations i where i.organization_id = $1
           order by 3"#,
        organization.0,
    )
    .fetch_all(db)
    .await
}

/// Whether somebody besides this member owns the organisation. Owners are locked, so that two of them cannot leave at once.
pub(super) async fn has_other_owner(
    db: &mut PgConnection,
    organization: OrganizationId,
    member: &Member,
) -> sqlx::Result<bool> {
    if member.role != Role::Owner || member.is_pending() {
        return Ok(true);
    }
    let owners = query_scalar!(
        r#"select user_id as "user: UserId" from members where organization_id = $1 and role = 'owner' for update"#,
        organization.0,
    )
    .fetch_all(db)
    .await?;
    Ok(owners.iter().any(|owner| Some(*owner) != member.user_id))
}

/// Sets a member's role, because a person says so.
pub(super) async fn set_role(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    role: Role,
) -> sqlx::Result<()> {
    query!(
        "update members set role = $3, managed_by = null where organization_id = $1 and user_id = $2",
        organization.0,
        user.0,
        role.name(),
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Puts a member into these teams and no others of the organisation. Teams that stay are whose they were.
pub(super) async fn set_teams(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: UserId,
    teams: &[TeamId],
) -> sqlx::Result<()> {
    let teams: Vec<i64> = teams.iter().map(|team| team.0).collect();
    query!(
        "with gone as (
             delete from team_members tm using teams t
             where t.id = tm.team_id and t.organization_id = $1 and tm.user_id = $2 and tm.team_id <> all($3)
         )
         insert into team_members (team_id, user_id)
         select id, $2 from teams where organization_id = $1 and id = any($3) on conflict do nothing",
        organization.0,
        user.0,
        &teams,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Takes somebody out of an organisation, its teams, and what they asked for.
pub async fn remove(db: &mut PgConnection, organization: OrganizationId, user: UserId) -> sqlx::Result<()> {
    query!(
        "delete from team_members tm using teams t
         where t.id = tm.team_id and t.organization_id = $1 and tm.user_id = $2",
        organization.0,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    query!(
        "delete from team_requests r using teams t
         where t.id = r.team_id and t.organization_id = $1 and r.user_id = $2",
        organization.0,
        user.0,
    )
    .execute(&mut *db)
    .await?;
    query!("delete from members where organization_id = $1 and user_id = $2", organization.0, user.0)
        .execute(db)
        .await
        .map(|_| ())
}
