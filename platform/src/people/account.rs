//! One's own name, language, time zone and theme.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::{
    frame::{Asked, Done, Frame, Section},
    words::Words,
};
use crate::{
    access::Visitor,
    app::App,
    auth::{self, store::Profile},
    ui::{Initials, Language, Page, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/settings/account/", get(show).post(save))
}

#[derive(Template)]
#[template(path = "people/account.html")]
struct AccountPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    initials: Initials,
    email: String,
    username: Option<String>,
    form: Sent,
    zones: Vec<&'static str>,
    is_managed: bool,
}

/// The form, as it is sent.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    language: String,
    #[serde(default)]
    timezone: String,
    #[serde(default)]
    theme: String,
}

async fn show(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let user = visitor.user.clone();
    let form = Sent {
        name: user.name,
        language: user.language.unwrap_or_default(),
        timezone: user.timezone.unwrap_or_default(),
        theme: user.theme.unwrap_or_default(),
    };
    shown(&app, language, &visitor, (form, &asked, None)).await
}

async fn shown(
    app: &App,
    language: Language,
    visitor: &Visitor,
    (form, asked, problem): (Sent, &Asked, Option<&'static str>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    Ok(render(&AccountPage {
        page: visitor.page(language),
        frame: Frame::new(app, visitor, (Section::Profile, None), (words, asked)).await?.with(problem),
        initials: Initials::of(visitor.user.shown()),
        email: visitor.user.email.clone(),
        username: visitor.user.username.clone(),
        zones: chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect(),
        is_managed: auth::store::is_managed(&app.db, visitor.user.id).await?,
        words,
        form,
    })?)
}

async fn save(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    jar: CookieJar,
    Form(form): Form<Sent>,
) -> Result<Response, Error> {
    let known = |zone: &&str| zone.parse::<chrono_tz::Tz>().is_ok();
    let zone = Some(form.timezone.trim()).filter(|zone| !zone.is_empty());
    if zone.is_some_and(|zone| !known(&zone)) {
        let problem = Some(Words::of(language).wrong_timezone);
        let page = shown(&app, language, &visitor, (form, &Asked::default(), problem)).await?;
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    let chosen = Language::named(&form.language);
    let profile = Profile {
        name: form.name.trim().chars().take(200).collect(),
        language: chosen.map(Language::tag).map(str::to_owned),
        timezone: zone.map(str::to_owned),
        theme: Some(form.theme.clone()).filter(|theme| ["light", "dark"].contains(&theme.as_str())),
    };
    auth::store::set_profile(&app.db, visitor.user.id, &profile).await?;
    let jar = Language::remember(jar, chosen);
    Ok((jar, Done::Saved.redirect(&Section::Profile.url(""))).into_response())
}
