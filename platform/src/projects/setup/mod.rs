//! How to make an application report to a project: a guide per platform, with the project's real DSN.
//!
//! The guide waits for the first event: a small script asks for the notice again until it changes, and without one there is a
//! link to look again.

pub mod guides;
mod steps;

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    response::Html,
    routing::get,
};
use serde::Deserialize;

use self::guides::{Era, Guide};
use super::{dsn, store, words::Words};
use crate::{
    access::ProjectAccess,
    app::App,
    issues,
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// The routes of the guide.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/setup/", get(setup))
        .route("/{org}/{project}/setup/{platform}/", get(setup))
        .route("/{org}/{project}/setup/first-event/", get(first_event))
}

#[derive(Template)]
#[template(path = "projects/setup/guide.html")]
struct Setup {
    page: Page,
    words: &'static Words,
    base: String,
    waiting: Waiting,
    dsn: Option<String>,
    current: Vec<Link>,
    older: Vec<Link>,
    steps: Vec<Step>,
}

#[derive(Template)]
#[template(path = "projects/setup/first_event.html")]
struct FirstEvent {
    page: Page,
    words: &'static Words,
    base: String,
    waiting: Waiting,
}

/// A platform to choose.
struct Link {
    id: &'static str,
    name: &'static str,
    is_chosen: bool,
}

/// A step of a guide.
struct Step {
    heading: &'static str,
    text: &'static str,
    blocks: Vec<Block>,
}

/// Something to copy.
struct Block {
    /// The file it goes into; empty for what a terminal takes.
    file: String,
    code: String,
}

/// Whether the project still waits for its first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    Yes,
    No,
}

impl Waiting {
    async fn of(app: &App, access: &ProjectAccess) -> Result<Waiting, Error> {
        let any = issues::any(&app.db, access.project.id).await?;
        Ok(if any { Waiting::No } else { Waiting::Yes })
    }
}

#[derive(Deserialize)]
struct Chosen {
    platform: Option<String>,
}

async fn setup(
    State(app): State<App>,
    language: Language,
    access: ProjectAccess,
    Path(chosen): Path<Chosen>,
) -> Result<Html<String>, Error> {
    let waiting = Waiting::of(&app, &access).await?;
    match chosen.platform {
        Some(id) => show(&app, language, &access, (waiting, guides::named(&id).ok_or(Error::NotFound)?)).await,
        None => guide(&app, language, &access, waiting).await,
    }
}

/// The guide for the platform that the project says it is of.
pub async fn guide(
    app: &App,
    language: Language,
    access: &ProjectAccess,
    waiting: Waiting,
) -> Result<Html<String>, Error> {
    show(app, language, access, (waiting, guides::of_platform(&access.project.platform))).await
}

async fn show(
    app: &App,
    language: Language,
    access: &ProjectAccess,
    (waiting, guide): (Waiting, &'static Guide),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let key = store::active_key(&app.db, access.project.id).await?;
    let dsn = key.as_ref().map(|key| dsn(&app.config.site.url_prefix, key, access.project.id));
    let fill = |text: &str| {
        let store_url = app.config.site.url(&format!("/api/{}/store/", access.project.id.0));
        let text = text.replace("{DSN}", dsn.as_deref().unwrap_or("DSN")).replace("{STORE}", &store_url);
        text.replace("{KEY}", key.as_deref().unwrap_or("KEY"))
    };
    let links = |era: Era| {
        let of_era = guides::all().filter(move |one| one.era == era);
        of_era.map(|one| Link { id: one.id, name: one.name, is_chosen: one.id == guide.id }).collect()
    };
    Ok(render(&Setup {
        page: access.page(language).at(Tab::Setup),
        base: base(access),
        current: links(Era::Current),
        older: links(Era::Older),
        steps: steps::of(guide, words, &fill),
        words,
        waiting,
        dsn,
    })?)
}

/// What the guide's script asks for until the project waits no more.
async fn first_event(State(app): State<App>, language: Language, access: ProjectAccess) -> Result<Html<String>, Error> {
    let waiting = Waiting::of(&app, &access).await?;
    let page = access.page(language);
    Ok(render(&FirstEvent { page, words: Words::of(language), base: base(&access), waiting })?)
}

fn base(access: &ProjectAccess) -> String {
    format!("/{}/{}", access.organization.slug, access.project.slug)
}
