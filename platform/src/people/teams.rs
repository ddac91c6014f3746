//! Teams: who is in them, and which projects they see.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    frame::{Asked, Done, Frame, Section, may},
    words::Words,
};
use crate::{
    access::{Membership, TeamAccess},
    app::App,
    members::{self, Member},
    permissions::{Role, Scope},
    projects::Project,
    teams::{
        self, Named, Team,
        api::Names,
        store::{self, TeamMember},
    },
    ui::{Language, Page, render},
    web::Error,
};

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/settings/{org}/teams/", get(list).post(create))
        .route("/settings/{org}/teams/{team}/", get(show).post(change))
        .route("/settings/{org}/teams/{team}/membership/", post(own_membership))
}

#[derive(Template)]
#[template(path = "people/teams.html")]
struct TeamsPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    teams: Vec<Team>,
    form: Created,
    may_create: bool,
    joins_at_once: bool,
    is_member: bool,
}

#[derive(Default, Deserialize)]
struct Created {
    #[serde(default)]
    name: String,
    #[serde(default)]
    slug: String,
}

async fn list(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    listed(&app, language, &membership, (&asked, Created::default(), None)).await
}

async fn listed(
    app: &App,
    language: Language,
    membership: &Membership,
    (asked, form, problem): (&Asked, Created, Option<&'static str>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let organization = membership.organization.id;
    let joining = crate::organizations::store::joining(&app.db, organization).await?.ok_or(Error::NotFound)?;
    Ok(render(&TeamsPage {
        page: membership.page(language),
        frame: Frame::of(app, membership, Section::Teams, (words, asked)).await?.with(problem),
        base: Section::Teams.url(&membership.organization.slug),
        teams: store::list(&app.db, organization, membership.visitor.user.id).await?,
        may_create: may(membership, Scope::TeamWrite),
        joins_at_once: joining.open_membership || membership.role.is_some_and(Role::is_global),
        is_member: membership.role.is_some(),
        words,
        form,
    })?)
}

async fn create(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Form(form): Form<Created>,
) -> Result<Response, Error> {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.trim().is_empty());
    let names = Names { name: given(&form.name), slug: given(&form.slug) }.read(None);
    let made = match names {
        Ok((slug, name)) => {
            let actor = membership.visitor.actor();
            teams::create(&app.db, &actor, membership.organization.id, (&slug, &name)).await?
        }
        Err(_) => Named::Taken,
    };
    match made {
        Named::Done(team) => {
            let url = Section::Teams.url(&membership.organization.slug);
            Ok(Done::Saved.redirect(&format!("{url}{}/", team.slug)))
        }
        Named::Taken => {
            let problem = Some(Words::of(language).taken);
            let page = listed(&app, language, &membership, (&Asked::default(), form, problem)).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

#[derive(Template)]
#[template(path = "people/team.html")]
struct TeamPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    url: String,
    team: Team,
    members: Vec<TeamMember>,
    others: Vec<Member>,
    projects: Vec<Project>,
    other_projects: Vec<Project>,
    may: bool,
    may_delete: bool,
}

async fn show(
    State(app): State<App>,
    language: Language,
    access: TeamAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let TeamAccess { membership, team } = &access;
    let words = Words::of(language);
    let organization = membership.organization.id;
    let links = store::of_projects(&app.db, organization).await?;
    let of_team = |project: &Project| links.iter().any(|(p, t, ..)| *p == project.id && *t == team.id);
    let (projects, other_projects) = membership.projects.iter().cloned().partition(of_team);
    let members = store::members(&app.db, team.id).await?;
    let others = members::store::list(&app.db, organization).await?.into_iter();
    let others = others.filter(|one| !one.is_pending() && !members.iter().any(|member| member.id == one.id)).collect();
    let within = team.is_member || membership.visitor.user.is_superuser || membership.role.is_none_or(Role::is_global);
    let frame = Frame::of(&app, membership, Section::Teams, (words, &asked)).await?;
    Ok(render(&TeamPage {
        page: membership.page(language),
        frame: Frame { text: words.team_text, ..frame },
        url: format!("{}{}/", Section::Teams.url(&membership.organization.slug), team.slug),
        may: within && may(membership, Scope::TeamWrite),
        may_delete: within && may(membership, Scope::TeamAdmin),
        team: team.clone(),
        members,
        others,
        projects,
        other_projects,
        words,
    })?)
}

/// What is done on the page of a team, one thing at a time.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
enum Act {
    Rename { name: String, slug: String },
    AddMember { member: String },
    RemoveMember { member: String },
    AddProject { project: String },
    RemoveProject { project: String },
    Delete,
}

async fn change(
    State(app): State<App>,
    TeamAccess { membership, team }: TeamAccess,
    Form(act): Form<Act>,
) -> Result<Response, Error> {
    let actor = membership.visitor.actor();
    let all = Section::Teams.url(&membership.organization.slug);
    let own = format!("{all}{}/", team.slug);
    match act {
        Act::Rename { name, slug } => {
            let (slug, name) = Names { name: Some(name), slug: Some(slug) }.read(Some(&team))?;
            return match teams::rename(&app.db, &actor, &team, (&slug, &name)).await? {
                Named::Done(team) => Ok(Done::Saved.redirect(&format!("{all}{}/", team.slug))),
                Named::Taken => Err(Error::Invalid("Another team has this slug.".to_owned())),
            };
        }
        Act::AddMember { member } => {
            let (user, email) = member_of(&app, &membership, &member).await?;
            teams::join(&app.db, &actor, &team, (user, &email)).await?;
        }
        Act::RemoveMember { member } => {
            let (user, email) = member_of(&app, &membership, &member).await?;
            teams::leave(&app.db, &actor, &team, (user, &email)).await?;
        }
        Act::AddProject { project } => {
            let project = project_of(&membership, &project)?;
            teams::add_project(&app.db, &actor, &team, (project.id, &project.slug)).await?;
        }
        Act::RemoveProject { project } => {
            let project = project_of(&membership, &project)?;
            teams::remove_project(&app.db, &actor, &team, (project.id, &project.slug)).await?;
        }
        Act::Delete if may(&membership, Scope::TeamAdmin) => {
            teams::delete(&app.db, &actor, &team).await?;
            return Ok(Done::Saved.redirect(&all));
        }
        Act::Delete => return Err(Error::Forbidden),
    }
    Ok(Done::Saved.redirect(&own))
}

async fn member_of(app: &App, membership: &Membership, id: &str) -> Result<(crate::auth::UserId, String), Error> {
    let members = members::store::list(&app.db, membership.organization.id).await?;
    let found = members.into_iter().find(|member| member.id.to_string() == id).ok_or(Error::NotFound)?;
    Ok((found.user_id.ok_or(Error::NotFound)?, found.email))
}

fn project_of<'a>(membership: &'a Membership, slug: &str) -> Result<&'a Project, Error> {
    membership.projects.iter().find(|project| project.slug == slug).ok_or(Error::NotFound)
}

#[derive(Deserialize)]
struct OfTeam {
    team: String,
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    act: String,
}

async fn own_membership(
    State(app): State<App>,
    membership: Membership,
    Path(OfTeam { team }): Path<OfTeam>,
    Form(Wanted { act }): Form<Wanted>,
) -> Result<Response, Error> {
    let organization = membership.organization.id;
    let user = &membership.visitor.user;
    let found = store::find(&app.db, organization, user.id, &team).await?.ok_or(Error::NotFound)?;
    if act == "leave" {
        teams::leave(&app.db, &membership.visitor.actor(), &found, (user.id, &user.email)).await?;
    } else {
        members::api::join(&app, &membership, &team).await?;
    }
    Ok(Done::Saved.redirect(&Section::Teams.url(&membership.organization.slug)))
}
