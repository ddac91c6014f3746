//! The login form, and signing out.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::{SecretHash, SignIn, sign_in, store};
use crate::{
    access::{self, Visitor},
    app::App,
    ui::{Language, Page, render},
    web::Error,
};

/// The pages of this slice.
pub fn routes() -> Router<App> {
    Router::new().route("/auth/login/", get(show).post(log_in)).route("/auth/logout/", post(log_out))
}

#[derive(Template)]
#[template(path = "auth/login.html")]
struct Login {
    page: Page,
    email: String,
    next: String,
    failed: bool,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
struct Credentials {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

async fn show(language: Language, visitor: Option<Visitor>, Query(query): Query<Next>) -> Result<Response, Error> {
    if visitor.is_some() {
        return Ok(Redirect::to(safe_next(&query.next)).into_response());
    }
    let form = Login { page: Page::plain(language), email: String::new(), next: query.next, failed: false };
    Ok(render(&form)?.into_response())
}

async fn log_in(
    State(app): State<App>,
    language: Language,
    jar: CookieJar,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    match sign_in(&app, &form.email, form.password.into()).await? {
        SignIn::SignedIn(secret) => {
            let jar = jar.add(access::session_cookie(&app, secret));
            Ok((jar, Redirect::to(safe_next(&form.next))).into_response())
        }
        SignIn::Unknown => {
            let form = Login { page: Page::plain(language), email: form.email, next: form.next, failed: true };
            Ok((StatusCode::UNAUTHORIZED, render(&form)?).into_response())
        }
    }
}

async fn log_out(State(app): State<App>, jar: CookieJar) -> Result<(CookieJar, Redirect), Error> {
    if let Some(secret) = access::session_secret(&jar) {
        store::delete_session(&app.db, SecretHash::of(secret)).await?;
    }
    Ok((jar.remove(access::ended_session_cookie()), Redirect::to("/auth/login/")))
}

/// Where to go after signing in: a path of ours, never another host. Browsers read `\` as `/` and skip control characters.
fn safe_next(next: &str) -> &str {
    let of_ours = next.starts_with('/') && !next.starts_with("//");
    if of_ours && !next.contains('\\') && !next.chars().any(char::is_control) { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_this_host() {
        assert_eq!(safe_next("/acme/shop/issues/?query=is%3Aresolved"), "/acme/shop/issues/?query=is%3Aresolved");
        for elsewhere in
            ["", "//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "javascript:alert(1)"]
        {
            assert_eq!(safe_next(elsewhere), "/", "{elsewhere:?}");
        }
    }
}
