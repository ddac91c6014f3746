//! The page that deletes a project, for whoever types its slug.

use askama::Template;
use axum::{
    Form, Router,
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use serde::Deserialize;

use crate::{
    access::{ProjectAdmin, ProjectView},
    app::App,
    projects::{
        settings::pages::frame::{Frame, Section},
        words::Words,
    },
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/{org}/{project}/settings/removal/", get(show).post(remove))
}

#[derive(Template)]
#[template(path = "projects/removal/removal.html")]
struct RemovalPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    slug: String,
    /// What was typed and is not the slug.
    wrong: Option<String>,
}

async fn show(language: Language, view: ProjectView) -> Result<Html<String>, Error> {
    let frame = Frame::new(&view, Section::Removal, Words::of(language), None);
    page(language, &view, (frame, None))
}

fn page(
    language: Language,
    view: &ProjectView,
    (frame, wrong): (Frame, Option<String>),
) -> Result<Html<String>, Error> {
    let page = view.access.page(language).at(Tab::Settings);
    let slug = view.access.project.slug.clone();
    Ok(render(&RemovalPage { page, words: Words::of(language), frame, slug, wrong })?)
}

#[derive(Deserialize)]
struct Confirmed {
    #[serde(default)]
    slug: String,
}

async fn remove(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Form(form): Form<Confirmed>,
) -> Result<Response, Error> {
    let view = admin.view();
    let access = &view.access;
    if form.slug.trim() != access.project.slug {
        let frame = Frame::failed(&view, Section::Removal, Words::of(language));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page(language, &view, (frame, Some(form.slug)))?).into_response());
    }
    super::delete(&app, &access.actor, &access.project).await?;
    Ok(Redirect::to(&format!("/{}/?done=deleted", access.organization.slug)).into_response())
}
