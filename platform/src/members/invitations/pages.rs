//! Answering an invitation: by signing in, or by making an account. Its secret leaves the address at once, for a cookie.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use axum_extra::extract::CookieJar;
use serde::Deserialize;

use super::{Accepted, Invitation};
use crate::{
    access::{self, Caller, Visitor},
    app::App,
    auth::{self, SignIn, Wanted, reset},
    people::words::Words,
    ui::{Language, Page, render},
    web::Error,
};

/// The cookie that holds the secret of an invitation that was followed.
const COOKIE: &str = "picket_invitation";

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/auth/invitation/", get(show).post(accept))
        .route("/auth/invitation/account/", post(create_account))
        .route("/auth/invitation/{secret}/", get(follow))
}

#[derive(Template)]
#[template(path = "members/invitations/invitation.html")]
struct InvitationPage {
    page: Page,
    words: &'static Words,
    invitation: Option<Invitation>,
    visitor: Option<String>,
    name: String,
    problem: Option<&'static str>,
    local_passwords: bool,
}

#[derive(Deserialize)]
struct Link {
    secret: String,
}

async fn follow(State(app): State<App>, jar: CookieJar, Path(Link { secret }): Path<Link>) -> (CookieJar, Redirect) {
    (jar.add(access::passing_cookie(&app, COOKIE, secret)), Redirect::to("/auth/invitation/"))
}

fn secret(jar: &CookieJar) -> String {
    jar.get(COOKIE).map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

async fn show(
    State(app): State<App>,
    language: Language,
    visitor: Option<Visitor>,
    jar: CookieJar,
) -> Result<Html<String>, Error> {
    page(&app, language, (visitor, &secret(&jar)), (String::new(), None)).await
}

async fn page(
    app: &App,
    language: Language,
    (visitor, secret): (Option<Visitor>, &str),
    (name, problem): (String, Option<&'static str>),
) -> Result<Html<String>, Error> {
    Ok(render(&InvitationPage {
        page: visitor.as_ref().map_or_else(|| Page::plain(language), |visitor| visitor.page(language)),
        words: Words::of(language),
        invitation: super::find(app, secret).await?,
        visitor: visitor.map(|visitor| visitor.user.email),
        local_passwords: app.directories.allow_local_passwords(),
        name,
        problem,
    })?)
}

async fn accept(State(app): State<App>, visitor: Option<Visitor>, jar: CookieJar) -> Result<Response, Error> {
    let visitor = visitor.ok_or(Error::Unauthorized)?;
    join(&app, &visitor.user, jar, &visitor.caller.address).await
}

async fn join(app: &App, user: &auth::User, jar: CookieJar, address: &str) -> Result<Response, Error> {
    let secret = secret(&jar);
    let invitation = super::find(app, &secret).await?;
    let accepted = super::accept(app, user, &secret, address).await?;
    match invitation.filter(|_| accepted == Accepted::Joined) {
        Some(Invitation { slug, .. }) => {
            let jar = jar.remove(access::ended_passing_cookie(COOKIE));
            Ok((jar, Redirect::to(&format!("/{slug}/"))).into_response())
        }
        None => Ok(Redirect::to("/auth/invitation/").into_response()),
    }
}

#[derive(Deserialize)]
struct New {
    #[serde(default)]
    name: String,
    #[serde(default)]
    password: String,
}

/// The account has the email that was invited: whoever has the link has read its mail.
async fn create_account(
    State(app): State<App>,
    language: Language,
    jar: CookieJar,
    caller: Caller,
    Form(New { name, password }): Form<New>,
) -> Result<Response, Error> {
    let words = Words::of(language);
    let secret = secret(&jar);
    let Some(invitation) = super::find(&app, &secret).await?.filter(|_| app.directories.allow_local_passwords()) else {
        return Ok(Redirect::to("/auth/invitation/").into_response());
    };
    let is_weak = reset::strong(&password, &invitation.email).is_err();
    let made = if is_weak {
        Err(words.weak_password)
    } else {
        let made = auth::create_account(&app, &invitation.email, &name, password.clone().into()).await?;
        made.ok_or(words.email_taken)
    };
    let user = match made {
        Ok(user) => user,
        Err(problem) => {
            let page = page(&app, language, (None, &secret), (name, Some(problem))).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
        }
    };
    let user = auth::store::user(&app.db, user).await?.ok_or(Error::NotFound)?;
    let wanted = Wanted {
        login: &user.email,
        password: password.into(),
        address: &caller.address,
        agent: &caller.agent,
        before: access::session_secret(&jar).map(auth::SecretHash::of),
    };
    let jar = match auth::sign_in(&app, wanted).await? {
        SignIn::SignedIn { secret, .. } => jar.add(access::session_cookie(&app, secret)),
        _ => jar,
    };
    join(&app, &user, jar, &caller.address).await
}
