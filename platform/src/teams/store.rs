//! Teams in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{Team, TeamId};
use crate::{auth::UserId, organizations::OrganizationId, permissions::Role, projects::ProjectId};

/// The team with this slug, as somebody sees it.
pub async fn find(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    viewer: UserId,
    slug: &str,
) -> sqlx::Result<Option<Team>> {
    query_as!(
        Team,
        r#"select t.id, t.organization_id, t.slug, t.name, t.created_at,
                  (select count(*) from team_members tm where tm.team_id = t.id) as "members!",
                  exists(select 1 from team_members tm where tm.team_id = t.id and tm.user_id = $2) as "is_member!",
                  exists(select 1 from team_requests r where r.team_id = t.id and r.user_id = $2) as "is_pending!"
           from teams t where t.organization_id = $1 and t.slug = $3"#,
        organization.0,
        viewer.0,
        slug,
    )
    .fetch_optional(db)
    .await
}

/// The teams of an organisation, as somebody sees them.
pub async fn list(db: impl PgExecutor<'_>, organization: OrganizationId, viewer: UserId) -> sqlx::Result<Vec<Team>> {
    query_as!(
        Team,
        r#"select t.id, t.organization_id, t.slug, t.name, t.created_at,
                  (select count(*) from team_members tm where tm.team_id = t.id) as "members!",
                  exists(select 1 from team_members tm where tm.team_id = t.id and tm.user_id = $2) as "is_member!",
                  exists(select 1 from team_requests r where r.team_id = t.id and r.user_id = $2) as "is_pending!"
           from teams t where t.organization_id = $1 order by t.slug"#,
        organization.0,
        viewer.0,
    )
    .fetch_all(db)
    .await
}

/// Which teams may see which projects of an organisation, by slug and name.
pub async fn of_projects(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> sqlx::Result<Vec<(ProjectId, TeamId, String, String)>> {
    let rows = query!(
        r#"select pt.project_id as "project: ProjectId", t.id, t.slug, t.name
           from project_teams pt join teams t on t.id = pt.team_id where t.organization_id = $1 order by t.slug"#,
        organization.0,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.project, row.id, row.slug, row.name)).collect())
}

/// Whether somebody is a member of the organisation.
pub(super) async fn is_of_organization(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    user: Option<UserId>,
) -> sqlx::Result<bool> {
    query_scalar!(
        r#"select exists(select 1 from members where organization_id = $1 and user_id = $2) as "is!""#,
        organization.0,
        user.map(|user| user.0),
    )
    .fetch_one(db)
    .await
}

/// Adds a team; none when its slug is taken.
pub(super) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    slug: &str,
    name: &str,
) -> sqlx::Result<Option<TeamId>> {
    query_scalar!(
        "insert into teams (organization_id, slug, name) values ($1, $2, $3)
         on conflict (organization_id, slug) do nothing returning id",
        organization.0,
        slug,
        name,
    )
    .fetch_optional(db)
    .await
}

/// Renames a team.
pub(super) async fn rename(db: impl PgExecutor<'_>, team: TeamId, slug: &str, name: &str) -> sqlx::Result<()> {
    query!("update teams set slug = $2, name = $3 where id = $1", team.0, slug, name).execute(db).await.map(|_| ())
}

/// Deletes a team.
pub(super) async fn delete(db: impl PgExecutor<'_>, team: TeamId) -> sqlx::Result<()> {
    query!("delete from teams where id = $1", team.0).execute(db).await.map(|_| ())
}

/// Puts somebody into a team, because a person says so.
pub async fn join(db: impl PgExecutor<'_>, team: TeamId, user: UserId) -> sqlx::Result<()> {
    query!(
        "insert into team_members (team_id, user_id) values ($1, $2)
         on conflict (team_id, user_id) do update set managed_by = null",
        team.0,
        user.0,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Takes somebody out of a team.
pub(super) async fn leave(db: impl PgExecutor<'_>, team: TeamId, user: UserId) -> sqlx::Result<()> {
    query!("delete from team_members where team_id = $1 and user_id = $2", team.0, user.0).execute(db).await.map(|_| ())
}

/// Remembers that somebody wants to be in a team.
pub(super) async fn request(
    db: impl PgExecutor<'_>,
    team: TeamId,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    query!(
        "insert into team_requests (team_id, user_id, requested_at) values ($1, $2, $3) on conflict do nothing",
        team.0,
        user.0,
        now,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Forgets that somebody wants to be in a team.
pub(super) async fn forget_request(db: impl PgExecutor<'_>, team: TeamId, user: UserId) -> sqlx::Result<()> {
    query!("delete from team_requests where team_id = $1 and user_id = $2", team.0, user.0)
        .execute(db)
        .await
        .map(|_| ())
}

/// Somebody who wants to be in a team.
#[derive(Clone, Debug)]
pub struct Request {
    pub id: i64,
    pub team: String,
    pub user: UserId,
    pub email: String,
    pub name: String,
}

/// Who wants to be in which team of an organisation, the oldest first.
pub async fn requests(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Vec<Request>> {
    query_as!(
        Request,
        r#"select r.id, t.slug as team, u.id as "user", u.email, u.name
           from team_requests r join teams t on t.id = r.team_id join users u on u.id = r.user_id
           where t.organization_id = $1 order by r.id"#,
        organization.0,
    )
    .fetch_all(db)
    .await
}

/// Gives a team a project to see.
pub(super) async fn add_project(db: impl PgExecutor<'_>, team: TeamId, project: ProjectId) -> sqlx::Result<()> {
    query!("insert into project_teams (project_id, team_id) values ($1, $2) on conflict do nothing", project.0, team.0,)
        .execute(db)
        .await
        .map(|_| ())
}

/// Takes a project from a team.
pub(super) async fn remove_project(db: impl PgExecutor<'_>, team: TeamId, project: ProjectId) -> sqlx::Result<()> {
    query!("delete from project_teams where project_id = $1 and team_id = $2", project.0, team.0)
        .execute(db)
        .await
        .map(|_| ())
}

/// Of these slugs, the teams of an organisation.
pub async fn by_slugs(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    slugs: &[String],
) -> sqlx::Result<Vec<(TeamId, String)>> {
    let rows =
        query!("select id, slug from teams where organization_id = $1 and slug = any($2)", organization.0, slugs,);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.slug)).collect())
}

/// Somebody in a team.
#[derive(Clone, Debug)]
pub struct TeamMember {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub role: Role,
}

/// Who is in a team.
pub async fn members(db: impl PgExecutor<'_>, team: TeamId) -> sqlx::Result<Vec<TeamMember>> {
    query_as!(
        TeamMember,
        r#"select m.id, u.email, u.name, m.role
           from team_members tm join teams t on t.id = tm.team_id join users u on u.id = tm.user_id
           join members m on m.user_id = u.id and m.organization_id = t.organization_id
           where tm.team_id = $1 order by lower(u.email)"#,
        team.0,
    )
    .fetch_all(db)
    .await
}
