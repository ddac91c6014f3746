//! Sentry's Web API v0 of environments.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Environment, Wanted};
use crate::{
    access::{Membership, ProjectAccess, ProjectAdmin},
    app::App,
    projects::ProjectId,
    web::{Error, api_route},
};

/// The routes of environments.
pub fn routes() -> Router<App> {
    let of_project = "/api/0/projects/{org}/{project}/environments/";
    let router = api_route(Router::new(), of_project, get(list));
    let router = api_route(router, &format!("{of_project}{{environment}}/"), get(one).put(switch));
    api_route(router, "/api/0/organizations/{org}/environments/", get(list_all))
}

#[derive(Default, Deserialize)]
struct Asked {
    /// `visible` when missing, `hidden` or `all`.
    #[serde(default)]
    visibility: String,
}

impl Asked {
    fn filter(&self) -> Result<fn(&Environment) -> bool, Error> {
        match self.visibility.as_str() {
            "" | "visible" => Ok(|one| !one.is_hidden),
            "hidden" => Ok(|one| one.is_hidden),
            "all" => Ok(|_| true),
            _ => Err(Error::Invalid(
                "Invalid value for 'visibility', valid values are: 'all', 'hidden', 'visible'".into(),
            )),
        }
    }
}

fn written(one: &Environment) -> Value {
    json!({"id": one.id.to_string(), "name": one.name, "isHidden": one.is_hidden})
}

async fn list(State(app): State<App>, access: ProjectAccess, Query(asked): Query<Asked>) -> Result<Json<Value>, Error> {
    let wanted = asked.filter()?;
    let all = super::of(&app.db, access.project.id).await?;
    Ok(Json(all.iter().filter(|one| wanted(one)).map(written).collect()))
}

async fn list_all(
    State(app): State<App>,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let wanted = asked.filter()?;
    let projects: Vec<ProjectId> = membership.projects.iter().map(|project| project.id).collect();
    let all = super::of_all(&app.db, &projects).await?;
    let brief = |one: &Environment| json!({"id": one.id.to_string(), "name": one.name});
    Ok(Json(all.iter().filter(|one| wanted(one)).map(brief).collect()))
}

#[derive(Deserialize)]
struct OfEnvironment {
    environment: String,
}

async fn find(app: &App, access: &ProjectAccess, name: &str) -> Result<Environment, Error> {
    let all = super::of(&app.db, access.project.id).await?;
    all.into_iter().find(|one| one.name == name).ok_or(Error::NotFound)
}

async fn one(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<OfEnvironment>,
) -> Result<Json<Value>, Error> {
    Ok(Json(written(&find(&app, &access, &path.environment).await?)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Switched {
    is_hidden: Option<bool>,
}

async fn switch(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(path): Path<OfEnvironment>,
    Json(wanted): Json<Switched>,
) -> Result<Json<Value>, Error> {
    find(&app, &access, &path.environment).await?;
    let hidden = wanted.is_hidden.ok_or_else(|| Error::field("isHidden", "This field is required."))?;
    let wanted = if hidden { Wanted::Hidden } else { Wanted::Shown };
    super::switch(&app.db, access.project.id, &path.environment, wanted).await?;
    Ok(Json(written(&find(&app, &access, &path.environment).await?)))
}
