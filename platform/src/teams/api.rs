//! Sentry's Web API v0 of teams, their projects, and who wants to be in them.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post, put},
};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Named, Team, store};
use crate::{
    access::{Membership, ProjectAccess, TeamAccess},
    app::App,
    audit::{self, Entry},
    permissions::Role,
    projects,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/organizations/{org}/teams/", get(list).post(create));
    let router = api_route(router, "/api/0/teams/{org}/{team}/", get(one).put(rename).delete(remove));
    let router = api_route(router, "/api/0/teams/{org}/{team}/projects/", get(projects_of).post(create_project));
    let router = api_route(router, "/api/0/teams/{org}/{team}/members/", get(members));
    let router = api_route(router, "/api/0/projects/{org}/{project}/teams/", get(of_project));
    let router =
        api_route(router, "/api/0/projects/{org}/{project}/teams/{team}/", post(add_project).delete(remove_project));
    let router = api_route(router, "/api/0/organizations/{org}/access-requests/", get(requests));
    api_route(router, "/api/0/organizations/{org}/access-requests/{request}/", put(answer))
}

/// A team, as clients read it.
pub fn json(team: &Team) -> Value {
    json!({
        "id": team.id.0.to_string(), "slug": team.slug, "name": team.name,
        "dateCreated": team.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "isMember": team.is_member, "isPending": team.is_pending, "hasAccess": true, "memberCount": team.members,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
    })
}

fn project(project: &projects::Project) -> Value {
    json!({
        "id": project.id.0.to_string(), "slug": project.slug, "name": project.name, "platform": project.platform,
    })
}

async fn list(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    let organization = membership.organization.id;
    let teams = store::list(&app.db, organization, membership.visitor.user.id).await?;
    let links = store::of_projects(&app.db, organization).await?;
    let with_projects = |team: &Team| {
        let mut shown = json(team);
        let of_team =
            membership.projects.iter().filter(|one| links.iter().any(|(p, t, ..)| *p == one.id && *t == team.id));
        shown["projects"] = of_team.map(project).collect();
        shown
    };
    Ok(Json(teams.iter().map(with_projects).collect()))
}

/// What a team is called. Sentry takes either, and makes one of the other.
#[derive(Deserialize)]
pub struct Names {
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub slug: Option<String>,
}

impl Names {
    /// Slug and name; a field that cannot be taken is named in the error.
    pub fn read(self, before: Option<&Team>) -> Result<(String, String), Error> {
        let given = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let (name, slug) = (given(self.name), given(self.slug));
        let name = name.or_else(|| before.map(|team| team.name.clone())).or_else(|| slug.clone());
        let name = name.ok_or_else(|| Error::field("name", "A team needs a name or a slug."))?;
        let slug = slug.or_else(|| before.map(|team| team.slug.clone())).or_else(|| projects::slugify(&name));
        let slug = slug.filter(|slug| projects::slugify(slug).as_ref() == Some(slug));
        let why = "A slug is of lower-case letters, digits, - and _, at most 50. Nothing of the name can stand in one: give a slug.";
        Ok((slug.ok_or_else(|| Error::field("slug", why))?, name))
    }
}

fn taken(named: Named) -> Result<Team, Error> {
    match named {
        Named::Done(team) => Ok(team),
        Named::Taken => Err(Error::field("slug", "Another team of the organisation has this slug.")),
    }
}

async fn create(
    State(app): State<App>,
    membership: Membership,
    Json(names): Json<Names>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let (slug, name) = names.read(None)?;
    let actor = membership.visitor.actor();
    let team = taken(super::create(&app.db, &actor, membership.organization.id, (&slug, &name)).await?)?;
    Ok((StatusCode::CREATED, Json(json(&team))))
}

async fn one(TeamAccess { membership, team }: TeamAccess) -> Json<Value> {
    let mut shown = json(&team);
    shown["organization"] = json!({
        "id": membership.organization.id.0.to_string(), "slug": membership.organization.slug,
        "name": membership.organization.name,
    });
    Json(shown)
}

async fn rename(
    State(app): State<App>,
    TeamAccess { membership, team }: TeamAccess,
    Json(names): Json<Names>,
) -> Result<Json<Value>, Error> {
    let (slug, name) = names.read(Some(&team))?;
    let team = taken(super::rename(&app.db, &membership.visitor.actor(), &team, (&slug, &name)).await?)?;
    Ok(Json(json(&team)))
}

async fn remove(State(app): State<App>, TeamAccess { membership, team }: TeamAccess) -> Result<StatusCode, Error> {
    super::delete(&app.db, &membership.visitor.actor(), &team).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn projects_of(
    State(app): State<App>,
    TeamAccess { membership, team }: TeamAccess,
) -> Result<Json<Value>, Error> {
    let links = store::of_projects(&app.db, membership.organization.id).await?;
    let of_team = membership.projects.iter().filter(|one| links.iter().any(|(p, t, ..)| *p == one.id && *t == team.id));
    Ok(Json(of_team.map(project).collect()))
}

#[derive(Deserialize)]
struct NewProject {
    name: String,
    slug: Option<String>,
    #[serde(default)]
    platform: Option<String>,
}

async fn create_project(
    State(app): State<App>,
    TeamAccess { membership, team }: TeamAccess,
    Json(wanted): Json<NewProject>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let slug = wanted.slug.or_else(|| projects::slugify(&wanted.name));
    let slug = slug.filter(|slug| projects::slugify(slug).as_ref() == Some(slug));
    let slug =
        slug.ok_or_else(|| Error::field("slug", "A slug is of lower-case letters, digits, - and _, at most 50."))?;
    let organization = membership.organization.id;
    if projects::exists(&app.db, organization, &slug).await? {
        return Err(Error::field("slug", "Another project of the organisation has this slug."));
    }
    let platform = wanted.platform.as_deref().unwrap_or("other");
    let made = projects::create(&app.db, organization, &wanted.name, &slug, platform).await?.project;
    let actor = membership.visitor.actor();
    let entry = Entry { organization: Some(organization), event: "project.create", target: &slug, data: json!({}) };
    audit::record(&app.db, &actor, entry).await?;
    super::add_project(&app.db, &actor, &team, (made.id, &made.slug)).await?;
    let mut shown = project(&made);
    shown["teams"] = json!([json(&team)]);
    shown["team"] = json(&team);
    Ok((StatusCode::CREATED, Json(shown)))
}

async fn members(State(app): State<App>, TeamAccess { team, .. }: TeamAccess) -> Result<Json<Value>, Error> {
    let members = store::members(&app.db, team.id).await?;
    let member = |member: &store::TeamMember| {
        json!({
            "id": member.id.to_string(), "email": member.email, "role": member.role.name(), "pending": false,
            "name": if member.name.is_empty() { &member.email } else { &member.name },
        })
    };
    Ok(Json(members.iter().map(member).collect()))
}

async fn of_project(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    let links = store::of_projects(&app.db, access.organization.id).await?;
    let team = |(_, id, slug, name): &(_, super::TeamId, String, String)| json!({"id": id.0.to_string(), "slug": slug, "name": name});
    Ok(Json(links.iter().filter(|(project, ..)| *project == access.project.id).map(team).collect()))
}

#[derive(Deserialize)]
struct NamedTeam {
    team: String,
}

async fn team_of(app: &App, access: &ProjectAccess, slug: &str) -> Result<Team, Error> {
    store::find(&app.db, access.organization.id, access.user.id, slug).await?.ok_or(Error::NotFound)
}

async fn add_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(NamedTeam { team }): Path<NamedTeam>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let team = team_of(&app, &access, &team).await?;
    super::add_project(&app.db, &access.actor, &team, (access.project.id, &access.project.slug)).await?;
    Ok((StatusCode::CREATED, Json(project(&access.project))))
}

async fn remove_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(NamedTeam { team }): Path<NamedTeam>,
) -> Result<Json<Value>, Error> {
    let team = team_of(&app, &access, &team).await?;
    super::remove_project(&app.db, &access.actor, &team, (access.project.id, &access.project.slug)).await?;
    Ok(Json(project(&access.project)))
}

async fn requests(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    let requests = store::requests(&app.db, membership.organization.id).await?;
    let request = |one: &store::Request| {
        json!({
            "id": one.id.to_string(), "team": {"slug": one.team},
            "member": {"email": one.email, "name": one.name, "user": {"id": one.user.0.to_string()}},
        })
    };
    Ok(Json(requests.iter().map(request).collect()))
}

#[derive(Deserialize)]
struct Asked {
    request: i64,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "isApproved")]
    is_approved: bool,
}

async fn answer(
    State(app): State<App>,
    membership: Membership,
    Path(Asked { request }): Path<Asked>,
    Json(Answer { is_approved }): Json<Answer>,
) -> Result<StatusCode, Error> {
    decide(&app, &membership, request, if is_approved { Decision::Yes } else { Decision::No }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether somebody is let into a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Yes,
    No,
}

/// Answers who asked to be in a team: whoever may decide about that team.
pub async fn decide(app: &App, membership: &Membership, request: i64, decision: Decision) -> Result<(), Error> {
    let organization = membership.organization.id;
    let requests = store::requests(&app.db, organization).await?;
    let asked = requests.into_iter().find(|one| one.id == request).ok_or(Error::NotFound)?;
    let user = &membership.visitor.user;
    let team = store::find(&app.db, organization, user.id, &asked.team).await?.ok_or(Error::NotFound)?;
    let beyond = user.is_superuser || membership.role.is_none_or(Role::is_global);
    if !beyond && !team.is_member {
        return Err(Error::Forbidden);
    }
    let actor = membership.visitor.actor();
    match decision {
        Decision::Yes => super::join(&app.db, &actor, &team, (asked.user, &asked.email)).await?,
        Decision::No => super::refuse(&app.db, &team, asked.user).await?,
    }
    Ok(())
}
