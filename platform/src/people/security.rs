//! One's own password and sessions.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    frame::{Asked, Done, Frame, Section},
    words::Words,
};
use crate::{
    access::{Grant, Visitor},
    app::App,
    auth::{
        self, SecretHash,
        attempts::{self, Subject},
        reset,
        store::Session,
    },
    ui::{Language, Page, When, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/settings/account/security/", get(show))
        .route("/settings/account/security/password/", post(set_password))
        .route("/settings/account/security/sessions/others/", post(end_others))
        .route("/settings/account/security/sessions/{session}/", post(end))
}

#[derive(Template)]
#[template(path = "people/security.html")]
struct SecurityPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    has_password: bool,
    is_managed: bool,
    sessions: Vec<Row>,
}

struct Row {
    id: i64,
    address: String,
    agent: String,
    used: Option<When>,
    created: When,
    is_this: bool,
}

async fn show(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    shown(&app, language, &visitor, (&asked, None)).await
}

fn this(visitor: &Visitor) -> Result<SecretHash, Error> {
    match visitor.grant {
        Grant::Session(secret) => Ok(secret),
        Grant::Token(_) => Err(Error::Forbidden),
    }
}

async fn shown(
    app: &App,
    language: Language,
    visitor: &Visitor,
    (asked, problem): (&Asked, Option<&'static str>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let page = visitor.page(language);
    let now = app.now();
    let row = |session: Session| Row {
        used: session.used_at.map(|at| When::new(at, now, page.phrases)),
        created: When::new(session.created_at, now, page.phrases),
        id: session.id,
        address: session.address,
        agent: auth::browser(&session.user_agent),
        is_this: session.is_this,
    };
    let sessions = auth::store::sessions(&app.db, visitor.user.id, this(visitor)?, now).await?;
    Ok(render(&SecurityPage {
        frame: Frame::new(app, visitor, (Section::Security, None), (words, asked)).await?.with(problem),
        has_password: reset::has_password(app, visitor.user.id).await?,
        is_managed: auth::store::is_managed(&app.db, visitor.user.id).await?,
        sessions: sessions.into_iter().map(row).collect(),
        words,
        page,
    })?)
}

#[derive(Deserialize)]
struct Passwords {
    #[serde(default)]
    old: String,
    new: String,
}

/// Whoever finds a session open may not keep the account: the old password is asked for, and not as often as one likes.
async fn set_password(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Form(form): Form<Passwords>,
) -> Result<Response, Error> {
    let words = Words::of(language);
    let (user, keep) = (&visitor.user, this(&visitor)?);
    let subject = [Subject::Account(&user.email)];
    let refused = async |problem| {
        let page = shown(&app, language, &visitor, (&Asked::default(), Some(problem))).await?;
        Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
    };
    let is_managed = auth::store::is_managed(&app.db, user.id).await?;
    let has_one = reset::has_password(&app, user.id).await?;
    if is_managed && !has_one {
        return Err(Error::Forbidden);
    }
    let is_blocked = attempts::blocked(&app.db, &subject, app.now()).await?.is_some();
    if has_one && (is_blocked || !reset::is_password_of(&app, user.id, form.old.into()).await?) {
        attempts::failed(&app.db, &subject, app.now()).await?;
        return refused(words.wrong_password).await;
    }
    if reset::strong(&form.new, &user.email).is_err() {
        return refused(words.weak_password).await;
    }
    reset::change(&app, user.id, form.new.into(), keep).await?;
    Ok(Done::PasswordSet.redirect(&Section::Security.url("")))
}

#[derive(Deserialize)]
struct Named {
    session: i64,
}

async fn end(
    State(app): State<App>,
    visitor: Visitor,
    Path(Named { session }): Path<Named>,
) -> Result<Response, Error> {
    if !auth::store::end_session(&app.db, visitor.user.id, session).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::Revoked.redirect(&Section::Security.url("")))
}

async fn end_others(State(app): State<App>, visitor: Visitor) -> Result<Response, Error> {
    auth::store::end_other_sessions(&app.db, visitor.user.id, this(&visitor)?).await?;
    Ok(Done::Revoked.redirect(&Section::Security.url("")))
}
