//! Invitations in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};

use super::{Invitation, Invite};
use crate::{
    auth::{SecretHash, UserId},
    members::Change,
    organizations::OrganizationId,
    permissions::Role,
};

/// What an invitation is besides whom it is for.
pub(super) struct New {
    pub by: Option<UserId>,
    pub secret: SecretHash,
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// Whether somebody with this email is a member.
pub(super) async fn is_member(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    email: &str,
) -> sqlx::Result<bool> {
    query_scalar!(
        r#"select exists(select 1 from members m join users u on u.id = m.user_id
                         where m.organization_id = $1 and lower(u.email) = lower($2)) as "is!""#,
        organization.0,
        email,
    )
    .fetch_one(db)
    .await
}

/// Saves an invitation in the place of an older one of the same person.
pub(super) async fn save(
    db: &mut PgConnection,
    organization: OrganizationId,
    invite: &Invite,
    new: &New,
) -> sqlx::Result<i64> {
    let id = query_scalar!(
        "insert into invitations (organization_id, email, role, token_hash, invited_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (organization_id, lower(email)) do update
             set role = excluded.role, token_hash = excluded.token_hash, invited_by = excluded.invited_by,
                 created_at = excluded.created_at, expires_at = excluded.expires_at
         returning id",
        organization.0,
        invite.email,
        invite.role.name(),
        new.secret.as_bytes(),
        new.by.map(|user| user.0),
        new.from,
        new.until,
    )
    .fetch_one(&mut *db)
    .await?;
    let teams: Vec<i64> = invite.teams.iter().map(|team| team.0).collect();
    set_teams(db, id, &teams).await?;
    Ok(id)
}

async fn set_teams(db: impl PgExecutor<'_>, invitation: i64, teams: &[i64]) -> sqlx::Result<()> {
    query!(
        "with gone as (delete from invitation_teams where invitation_id = $1 and team_id <> all($2))
         insert into invitation_teams (invitation_id, team_id)
         select $1, id from teams where id = any($2) on conflict do nothing",
        invitation,
        teams,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Changes an invitation that was not answered yet.
pub async fn change(db: &mut PgConnection, invitation: i64, change: &Change) -> sqlx::Result<()> {
    query!("update invitations set role = $2 where id = $1", invitation, change.role.name()).execute(&mut *db).await?;
    match &change.teams {
        Some(teams) => set_teams(db, invitation, &teams.iter().map(|team| team.0).collect::<Vec<_>>()).await,
        None => Ok(()),
    }
}

/// Takes an invitation back.
pub async fn delete(db: impl PgExecutor<'_>, invitation: i64) -> sqlx::Result<()> {
    query!("delete from invitations where id = $1", invitation).execute(db).await.map(|_| ())
}

/// The invitation with this secret, while it is good.
pub(super) async fn find(
    db: impl PgExecutor<'_>,
    secret: SecretHash,
    now: DateTime<Utc>,
) -> sqlx::Result<Option<Invitation>> {
    query_as!(
        Invitation,
        r#"select i.id, i.organization_id as "organization_id: OrganizationId", o.name as organization, o.slug, i.email,
                  i.role, i.expires_at
           from invitations i join organizations o on o.id = i.organization_id
           where i.token_hash = $1 and i.expires_at > $2"#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// An invitation that is being answered.
pub(super) struct Taken {
    pub organization_id: OrganizationId,
    pub role: Role,
    teams: Vec<i64>,
}

/// Deletes the invitation with this secret and hands over what it was.
pub(super) async fn take(db: &mut PgConnection, secret: SecretHash, now: DateTime<Utc>) -> sqlx::Result<Option<Taken>> {
    query_as!(
        Taken,
        r#"with teams as (
               select it.team_id from invitation_teams it join invitations i on i.id = it.invitation_id
               where i.token_hash = $1
           )
           delete from invitations where token_hash = $1 and expires_at > $2
           returning organization_id as "organization_id: OrganizationId", role as "role: Role",
                     array(select team_id from teams) as "teams!""#,
        secret.as_bytes(),
        now,
    )
    .fetch_optional(db)
    .await
}

/// Makes somebody what they were invited to be. A role they have is kept where it is higher.
pub(super) async fn join(db: &mut PgConnection, taken: &Taken, user: UserId) -> sqlx::Result<()> {
    query!(
        "insert into members (organization_id, user_id, role) values ($1, $2, $3)
         on conflict (organization_id, user_id) do nothing",
        taken.organization_id.0,
        user.0,
        taken.role.name(),
    )
    .execute(&mut *db)
    .await?;
    query!(
        "insert into team_members (team_id, user_id)
         select id, $2 from teams where organization_id = $3 and id = any($1)
         on conflict (team_id, user_id) do update set managed_by = null",
        &taken.teams,
        user.0,
        taken.organization_id.0,
    )
    .execute(db)
    .await
    .map(|_| ())
}
