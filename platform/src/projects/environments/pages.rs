//! The page of a project's environments.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Response},
    routing::get,
};
use serde::Deserialize;

use super::{Environment, Wanted};
use crate::{
    access::{ProjectAdmin, ProjectView},
    app::App,
    projects::{
        settings::pages::frame::{Asked, Done, Frame, Section},
        words::Words,
    },
    ui::{self, Language, Page, Tab, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/{org}/{project}/settings/environments/", get(show).post(switch))
}

#[derive(Template)]
#[template(path = "projects/environments/environments.html")]
struct EnvironmentsPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    rows: Vec<Row>,
}

/// A line of the list.
struct Row {
    one: Environment,
    /// Its issues.
    url: String,
}

async fn show(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let page = view.access.page(language).at(Tab::Settings);
    let issues = format!("/{}/{}/issues/", view.access.organization.slug, view.access.project.slug);
    let row =
        |one: Environment| Row { url: format!("{issues}{}", ui::query(&[("environment", Some(&one.name))])), one };
    let rows = super::of(&app.db, view.access.project.id).await?.into_iter().map(row).collect();
    let frame = Frame::new(&view, Section::Environments, words, asked.done());
    Ok(render(&EnvironmentsPage { page, words, frame, rows })?)
}

#[derive(Deserialize)]
struct Switched {
    name: String,
    hidden: bool,
}

async fn switch(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Form(form): Form<Switched>,
) -> Result<Response, Error> {
    let (wanted, done) =
        if form.hidden { (Wanted::Hidden, Done::EnvironmentHidden) } else { (Wanted::Shown, Done::EnvironmentShown) };
    if !super::switch(&app.db, access.project.id, &form.name, wanted).await? {
        return Err(Error::NotFound);
    }
    Ok(done.redirect(&Section::Environments.of(&access)))
}
