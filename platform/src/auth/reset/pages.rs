//! Asking for the link, and setting the password. The link's secret leaves the address at once, for a cookie: addresses are kept
//! by browsers and proxies, and sent to others.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::get,
};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use crate::{
    access::{self, Caller},
    app::App,
    auth::{
        attempts::{self, Subject},
        reset,
    },
    people::words::Words,
    ui::{Language, Page, render},
    web::Error,
};

/// The cookie that holds the secret of a link that was followed.
const COOKIE: &str = "picket_recovery";

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/auth/recover/", get(show).post(send))
        .route("/auth/recover/new/", get(choose).post(set))
        .route("/auth/recover/{secret}/", get(follow))
}

#[derive(Template)]
#[template(path = "auth/reset/recover.html")]
struct RecoverPage {
    page: Page,
    words: &'static Words,
    is_sent: bool,
    has_mail: bool,
}

#[derive(Template)]
#[template(path = "auth/reset/choose.html")]
struct ChoosePage {
    page: Page,
    words: &'static Words,
    email: Option<String>,
    is_weak: bool,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    sent: String,
}

async fn show(State(app): State<App>, language: Language, Query(asked): Query<Sent>) -> Result<Html<String>, Error> {
    let page = Page::plain(language);
    let (is_sent, has_mail) = (!asked.sent.is_empty(), app.mailer.is_configured());
    Ok(render(&RecoverPage { page, words: Words::of(language), is_sent, has_mail })?)
}

#[derive(Deserialize)]
struct Whose {
    #[serde(default)]
    email: String,
}

/// Says the same whether or not somebody has this email, and whether or not there were too many.
async fn send(State(app): State<App>, caller: Caller, Form(Whose { email }): Form<Whose>) -> Result<Redirect, Error> {
    let subjects = [Subject::Recovery(&email), Subject::Address(&caller.address)];
    let now = app.now();
    if !email.contains('\0') && attempts::blocked(&app.db, &subjects, now).await?.is_none() {
        attempts::failed(&app.db, &subjects, now).await?;
        reset::send(&app, &email).await?;
    }
    Ok(Redirect::to("/auth/recover/?sent=1"))
}

#[derive(Deserialize)]
struct Link {
    secret: String,
}

async fn follow(State(app): State<App>, jar: CookieJar, Path(Link { secret }): Path<Link>) -> (CookieJar, Redirect) {
    (jar.add(access::passing_cookie(&app, COOKIE, secret)), Redirect::to("/auth/recover/new/"))
}

fn secret(jar: &CookieJar) -> String {
    jar.get(COOKIE).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

async fn choose(State(app): State<App>, language: Language, jar: CookieJar) -> Result<Html<String>, Error> {
    let email = reset::find(&app, &secret(&jar)).await?;
    Ok(render(&ChoosePage { page: Page::plain(language), words: Words::of(language), email, is_weak: false })?)
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    password: String,
}

async fn set(
    State(app): State<App>,
    language: Language,
    jar: CookieJar,
    Form(New { password }): Form<New>,
) -> Result<Response, Error> {
    let secret = secret(&jar);
    let email = reset::find(&app, &secret).await?;
    let is_weak = email.as_ref().is_some_and(|email| reset::strong(&password, email).is_err());
    if email.is_none() || is_weak {
        let page = ChoosePage { page: Page::plain(language), words: Words::of(language), email, is_weak };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&page)?).into_response());
    }
    let jar = jar.remove(access::ended_passing_cookie(COOKIE));
    let done = reset::set(&app, &secret, password.into()).await?;
    let next = if done.is_some() { "/auth/login/?done=password" } else { "/auth/recover/" };
    Ok((jar, Redirect::to(next)).into_response())
}
