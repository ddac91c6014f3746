//! Tokens: one's own, and those of an organisation. A new one is shown once, on the page that answers the form.

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use axum_extra::extract::Form;
use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    frame::{Asked, Done, Frame, Section},
    words::Words,
};
use crate::{
    access::{Membership, Visitor},
    app::App,
    auth::tokens::{self, New, Token, store},
    permissions::{Scope, Scopes},
    ui::{Language, Page, When, render},
    web::Error,
};

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/settings/account/tokens/", get(show_own).post(create_own))
        .route("/settings/account/tokens/{token}/removal/", post(revoke_own))
        .route("/settings/{org}/tokens/", get(show).post(create))
        .route("/settings/{org}/tokens/{token}/removal/", post(revoke))
}

#[derive(Template)]
#[template(path = "people/tokens.html")]
struct TokensPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    tokens: Vec<Row>,
    scopes: Vec<&'static str>,
    form: Sent,
    secret: Option<String>,
}

struct Row {
    id: i64,
    name: String,
    ending: String,
    scopes: String,
    created: When,
    used: Option<When>,
    expires: Option<String>,
}

/// The form, as it is sent.
#[derive(Default, Deserialize)]
struct Sent {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scope: Vec<String>,
    /// Empty: for ever.
    #[serde(default)]
    days: String,
}

impl Sent {
    fn has(&self, scope: &str) -> bool {
        self.scope.iter().any(|one| one == scope)
    }

    fn read(&self, most: Scopes) -> Option<New> {
        let name: String = self.name.trim().chars().take(200).collect();
        let scopes = Scopes::read(self.scope.iter().map(String::as_str)).ok()?;
        let lasts = self.days.parse().ok().map(TimeDelta::days);
        let is_good = !name.is_empty() && !self.scope.is_empty() && scopes.and(most) == scopes;
        is_good.then_some(New { name, scopes, lasts })
    }
}

/// Whose tokens, and what is to be told of them.
struct Shown {
    frame: Frame,
    base: String,
    tokens: Vec<Token>,
    most: Scopes,
}

fn page(app: &App, page: Page, shown: Shown, (form, secret): (Sent, Option<String>)) -> Result<Html<String>, Error> {
    let words = Words::of(page.language);
    let now = app.now();
    let row = |token: Token| Row {
        id: token.id,
        name: token.name,
        ending: token.last_characters,
        scopes: token.scopes.map_or_else(|| words.all.to_owned(), |scopes| scopes.join(" ")),
        created: When::new(token.created_at, now, page.phrases),
        used: token.last_used_at.map(|at| When::new(at, now, page.phrases)),
        expires: token.expires_at.map(|at| at.format("%Y-%m-%d").to_string()),
    };
    Ok(render(&TokensPage {
        words,
        frame: shown.frame,
        base: shown.base,
        tokens: shown.tokens.into_iter().map(row).collect(),
        scopes: Scope::ALL.into_iter().filter(|scope| shown.most.has(*scope)).map(Scope::name).collect(),
        form,
        secret,
        page,
    })?)
}

async fn own(app: &App, language: Language, visitor: &Visitor, asked: &Asked) -> Result<Shown, Error> {
    let words = Words::of(language);
    Ok(Shown {
        frame: Frame::new(app, visitor, (Section::Tokens, None), (words, asked)).await?,
        base: Section::Tokens.url(""),
        tokens: store::of_user(&app.db, visitor.user.id).await?,
        most: Scopes::ALL,
    })
}

async fn show_own(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let shown = own(&app, language, &visitor, &asked).await?;
    page(&app, visitor.page(language), shown, (Sent::default(), None))
}

async fn create_own(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Form(form): Form<Sent>,
) -> Result<Response, Error> {
    let Some(new) = form.read(Scopes::ALL) else {
        let shown = own(&app, language, &visitor, &Asked::default()).await?;
        return refused(&app, visitor.page(language), shown, form);
    };
    let (_, secret) = tokens::create_of_user(&app, visitor.user.id, &new).await?;
    let shown = own(&app, language, &visitor, &Asked::default()).await?;
    Ok(page(&app, visitor.page(language), shown, (Sent::default(), Some(secret)))?.into_response())
}

fn refused(app: &App, frame: Page, shown: Shown, form: Sent) -> Result<Response, Error> {
    let words = Words::of(frame.language);
    let shown = Shown { frame: shown.frame.with(Some(words.scopes_needed)), ..shown };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page(app, frame, shown, (form, None))?).into_response())
}

#[derive(Deserialize)]
struct Named {
    token: i64,
}

async fn revoke_own(
    State(app): State<App>,
    visitor: Visitor,
    Path(Named { token }): Path<Named>,
) -> Result<Response, Error> {
    if !store::delete_of_user(&app.db, visitor.user.id, token).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::Revoked.redirect(&Section::Tokens.url("")))
}

async fn of(app: &App, language: Language, membership: &Membership, asked: &Asked) -> Result<Shown, Error> {
    let words = Words::of(language);
    Ok(Shown {
        frame: Frame::of(app, membership, Section::OrganizationTokens, (words, asked)).await?,
        base: Section::OrganizationTokens.url(&membership.organization.slug),
        tokens: store::of_organization(&app.db, membership.organization.id).await?,
        most: membership.scopes.with(Scope::OrgCi),
    })
}

async fn show(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let shown = of(&app, language, &membership, &asked).await?;
    let form = Sent { scope: vec![Scope::OrgCi.name().to_owned()], ..Sent::default() };
    page(&app, membership.page(language), shown, (form, None))
}

async fn create(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Form(form): Form<Sent>,
) -> Result<Response, Error> {
    let Some(new) = form.read(membership.scopes.with(Scope::OrgCi)) else {
        let shown = of(&app, language, &membership, &Asked::default()).await?;
        return refused(&app, membership.page(language), shown, form);
    };
    let actor = membership.visitor.actor();
    let (_, secret) = tokens::create_of_organization(&app, &actor, &membership.organization, &new).await?;
    let shown = of(&app, language, &membership, &Asked::default()).await?;
    Ok(page(&app, membership.page(language), shown, (Sent::default(), Some(secret)))?.into_response())
}

async fn revoke(
    State(app): State<App>,
    membership: Membership,
    Path(Named { token }): Path<Named>,
) -> Result<Response, Error> {
    let actor = membership.visitor.actor();
    if !tokens::revoke_of_organization(&app, &actor, &membership.organization, token).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::Revoked.redirect(&Section::OrganizationTokens.url(&membership.organization.slug)))
}
