//! Teams: who sees which projects, and whom issues are assigned to together.
//!
//! Members join a team themselves where membership is open, and ask to where it is not. Who is in a team because a directory
//! says so leaves it when the directory does; see `auth::ldap`.

pub mod api;
pub mod store;

use anyhow::{Context, Result};
use serde_json::json;
use sqlx::PgPool;

use crate::{
    app::now,
    audit::{self, Actor, Entry},
    auth::UserId,
    organizations::OrganizationId,
    projects::ProjectId,
};

/// A team's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct TeamId(pub i64);

/// A team, as somebody sees it.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: TeamId,
    pub organization_id: OrganizationId,
    pub slug: String,
    pub name: String,
    pub created_at: chrono::DateTime<chrono::Utc>,
    pub members: i64,
    pub is_member: bool,
    /// They have asked to be in it.
    pub is_pending: bool,
}

/// What came of naming a team.
#[derive(Debug)]
pub enum Named {
    Done(Team),
    /// Another team of the organisation has this slug.
    Taken,
}

/// Makes a team; who makes it is in it.
pub async fn create(
    db: &PgPool,
    actor: &Actor,
    organization: OrganizationId,
    (slug, name): (&str, &str),
) -> Result<Named> {
    let mut tx = db.begin().await.context("creating a team")?;
    let Some(id) = store::insert(&mut *tx, organization, slug, name).await.context("creating a team")? else {
        return Ok(Named::Taken);
    };
    let member = store::is_of_organization(&mut *tx, organization, actor.id).await?;
    if let Some(user) = actor.id.filter(|_| member) {
        store::join(&mut *tx, id, user).await?;
    }
    let entry =
        Entry { organization: Some(organization), event: "team.create", target: slug, data: json!({"name": name}) };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("creating a team")?;
    let viewer = actor.id.unwrap_or(UserId(0));
    store::find(db, organization, viewer, slug).await?.map(Named::Done).context("the team was deleted meanwhile")
}

/// Changes what a team is called.
pub async fn rename(db: &PgPool, actor: &Actor, team: &Team, (slug, name): (&str, &str)) -> Result<Named> {
    match store::rename(db, team.id, slug, name).await {
        Ok(()) => (),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(Named::Taken),
        Err(error) => return Err(error).context("renaming a team"),
    }
    let data = json!({"old_slug": team.slug, "name": name});
    log(db, actor, team, ("team.edit", slug, data)).await?;
    let viewer = actor.id.unwrap_or(UserId(0));
    let team = store::find(db, team.organization_id, viewer, slug).await?.context("the team was deleted meanwhile")?;
    Ok(Named::Done(team))
}

/// Deletes a team. Its projects and members stay.
pub async fn delete(db: &PgPool, actor: &Actor, team: &Team) -> Result<()> {
    store::delete(db, team.id).await.context("deleting a team")?;
    log(db, actor, team, ("team.remove", &team.slug, json!({}))).await
}

/// Puts a member into a team; what they had asked for is answered by it.
pub async fn join(db: &PgPool, actor: &Actor, team: &Team, (user, email): (UserId, &str)) -> Result<()> {
    store::join(db, team.id, user).await.context("joining a team")?;
    store::forget_request(db, team.id, user).await.context("joining a team")?;
    log(db, actor, team, ("member.join-team", email, json!({"team_slug": team.slug}))).await
}

/// Asks for somebody to be let into a team.
pub async fn ask(db: &PgPool, team: &Team, user: UserId) -> Result<()> {
    store::request(db, team.id, user, now()).await.context("asking to join a team")
}

/// Takes a member out of a team.
pub async fn leave(db: &PgPool, actor: &Actor, team: &Team, (user, email): (UserId, &str)) -> Result<()> {
    store::leave(db, team.id, user).await.context("leaving a team")?;
    store::forget_request(db, team.id, user).await.context("leaving a team")?;
    log(db, actor, team, ("member.leave-team", email, json!({"team_slug": team.slug}))).await
}

/// Gives a team a project to see.
pub async fn add_project(db: &PgPool, actor: &Actor, team: &Team, (project, slug): (ProjectId, &str)) -> Result<()> {
    store::add_project(db, team.id, project).await.context("giving a project to a team")?;
    log(db, actor, team, ("project.accessed-by-team", slug, json!({"team_slug": team.slug}))).await
}

/// Takes a project from a team.
pub async fn remove_project(db: &PgPool, actor: &Actor, team: &Team, (project, slug): (ProjectId, &str)) -> Result<()> {
    store::remove_project(db, team.id, project).await.context("taking a project from a team")?;
    log(db, actor, team, ("project.removed-from-team", slug, json!({"team_slug": team.slug}))).await
}

async fn log(
    db: &PgPool,
    actor: &Actor,
    team: &Team,
    (event, target, data): (&'static str, &str, serde_json::Value),
) -> Result<()> {
    audit::record(db, actor, Entry { organization: Some(team.organization_id), event, target, data }).await
}

/// Forgets that somebody wanted to be in a team.
pub async fn refuse(db: &PgPool, team: &Team, user: UserId) -> Result<()> {
    store::forget_request(db, team.id, user).await.context("refusing who wants to join a team")
}
