//! Tries a login in every directory and tells every step. For superusers; nobody is signed in, and nothing is changed.

use askama::Template;
use axum::{Form, Router, extract::State, response::Html, routing::get};
use serde::Deserialize;

use super::{
    frame::{Asked, Frame, Section},
    words::Words,
};
use crate::{
    access::Visitor,
    app::App,
    auth::ldap::{self, Asked as Whom, Mark, Steps},
    ui::{Language, Page, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/manage/ldap/", get(show).post(attempt))
}

#[derive(Template)]
#[template(path = "people/directory.html")]
struct DirectoryPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    login: String,
    /// What each directory said: its name and address, and the steps.
    tried: Vec<(String, Vec<ldap::steps::Seen>)>,
    has_any: bool,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    login: String,
    #[serde(default)]
    password: String,
}

async fn show(State(app): State<App>, language: Language, visitor: Visitor) -> Result<Html<String>, Error> {
    let mut tried = Vec::new();
    for settings in app.directories.all() {
        let mut steps = Steps::default();
        // What is wrong is told by its step.
        let _ = ldap::probe::probe(settings, &mut steps).await;
        tried.push((format!("{} · {}", settings.name, settings.uri), steps.0));
    }
    page(&app, language, &visitor, (String::new(), tried)).await
}

async fn attempt(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Form(form): Form<Sent>,
) -> Result<Html<String>, Error> {
    let password = form.password.into();
    let login = form.login.trim().to_owned();
    let whom = match secrecy::ExposeSecret::expose_secret(&password) as &str {
        "" => Whom::Trial(&login),
        _ => Whom::Login { typed: &login, password: &password },
    };
    let mut tried = Vec::new();
    for settings in app.directories.all() {
        let mut steps = Steps::default();
        ldap::lookup::look_up(settings, &whom, None, &mut steps).await;
        tried.push((format!("{} · {}", settings.name, settings.uri), steps.0));
    }
    page(&app, language, &visitor, (login.clone(), tried)).await
}

async fn page(
    app: &App,
    language: Language,
    visitor: &Visitor,
    (login, tried): (String, Vec<(String, Vec<ldap::steps::Seen>)>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    Ok(render(&DirectoryPage {
        page: visitor.page(language),
        frame: Frame::new(app, visitor, (Section::Ldap, None), (words, &Asked::default())).await?,
        has_any: !app.directories.all().is_empty(),
        words,
        login,
        tried,
    })?)
}
