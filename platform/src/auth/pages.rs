//! The login form, and signing out.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::{SecretHash, SignIn, Wanted, sign_in, store};
use crate::{
    access::{self, Caller, Visitor},
    app::App,
    people::words::Words,
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
    problem: Option<Problem>,
    words: &'static Words,
    /// A password was set just before.
    is_set: bool,
}

/// Why nobody was signed in.
#[derive(Clone, Copy)]
enum Problem {
    Unknown,
    Away,
    /// For so many seconds.
    TooOften(i64),
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: String,
    #[serde(default)]
    done: String,
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
    let form = Login {
        page: Page::plain(language),
        email: String::new(),
        next: query.next,
        problem: None,
        words: Words::of(language),
        is_set: query.done == "password",
    };
    Ok(render(&form)?.into_response())
}

async fn log_in(
    State(app): State<App>,
    language: Language,
    jar: CookieJar,
    caller: Caller,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    let wanted = Wanted {
        login: &form.email,
        password: form.password.into(),
        address: &caller.address,
        agent: &caller.agent,
        before: access::session_secret(&jar).map(SecretHash::of),
    };
    let outcome = sign_in(&app, wanted).await?;
    let (status, problem) = match outcome {
        SignIn::SignedIn { secret, user } => {
            let jar = jar.add(access::session_cookie(&app, secret));
            let user = store::user(&app.db, user).await?;
            let chosen = user.and_then(|user| user.language).and_then(|tag| Language::named(&tag));
            // What was chosen on one machine holds on the next.
            let jar = if chosen.is_some() { Language::remember(jar, chosen) } else { jar };
            return Ok((jar, Redirect::to(safe_next(&form.next))).into_response());
        }
        SignIn::Unknown => (StatusCode::UNAUTHORIZED, Problem::Unknown),
        SignIn::Away => (StatusCode::SERVICE_UNAVAILABLE, Problem::Away),
        SignIn::TooOften(wait) => (StatusCode::TOO_MANY_REQUESTS, Problem::TooOften(wait.num_seconds() + 1)),
    };
    let page = Login {
        page: Page::plain(language),
        email: form.email,
        next: form.next,
        problem: Some(problem),
        words: Words::of(language),
        is_set: false,
    };
    let mut answer = (status, render(&page)?).into_response();
    if let Problem::TooOften(seconds) = problem {
        answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    Ok(answer)
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
