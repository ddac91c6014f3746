//! The list of projects, and how to make an application report to one.

use askama::Template;
use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};

use super::{Project, dsn, store};
use crate::{
    access::{ProjectAccess, Visitor},
    app::App,
    organizations::Organization,
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// The pages of this slice.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(list))
        .route("/{org}/{project}/", get(start))
        .route("/{org}/{project}/setup/", get(setup))
}

#[derive(Template)]
#[template(path = "projects/list.html")]
struct List {
    page: Page,
    projects: Vec<(Organization, Project)>,
}

#[derive(Template)]
#[template(path = "projects/setup.html")]
struct Setup {
    page: Page,
    waiting: bool,
    dsn: String,
    /// Where a program without an SDK posts an event.
    store_url: String,
    public_key: String,
}

/// The only project's issues, or the choice.
async fn list(State(app): State<App>, language: Language, visitor: Visitor) -> Result<Response, Error> {
    let projects = store::all_visible(&app.db, &visitor.user).await?;
    if let [(organization, project)] = projects.as_slice() {
        return Ok(Redirect::to(&format!("/{}/{}/issues/", organization.slug, project.slug)).into_response());
    }
    Ok(render(&List { page: visitor.page(language), projects })?.into_response())
}

async fn start(access: ProjectAccess) -> Redirect {
    Redirect::to(&format!("/{}/{}/issues/", access.organization.slug, access.project.slug))
}

async fn setup(State(app): State<App>, language: Language, access: ProjectAccess) -> Result<Html<String>, Error> {
    guide(&app, language, &access, Waiting::No).await
}

/// Whether the project still waits for its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    Yes,
    No,
}

/// How to make an application report to the project, with its real DSN.
pub async fn guide(
    app: &App,
    language: Language,
    access: &ProjectAccess,
    waiting: Waiting,
) -> Result<Html<String>, Error> {
    let public_key = store::active_key(&app.db, access.project.id).await?.unwrap_or_default();
    let setup = Setup {
        page: access.page(language).at(Tab::Setup),
        waiting: waiting == Waiting::Yes,
        dsn: dsn(&app.config.site.url_prefix, &public_key, access.project.id),
        store_url: app.config.site.url(&format!("/api/{}/store/", access.project.id.0)),
        public_key,
    };
    Ok(render(&setup)?)
}
