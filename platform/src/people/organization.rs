//! How an organisation takes people in.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    frame::{Asked, Done, Frame, Section, may},
    words::Words,
};
use crate::{
    access::Membership,
    app::App,
    audit::{self, Entry},
    organizations::{self, Joining},
    permissions::{Role, Scope},
    ui::{Language, Page, render},
    web::Error,
};

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/settings/{org}/", get(show).post(save))
}

#[derive(Template)]
#[template(path = "people/organization.html")]
struct OrganizationPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    joining: Joining,
    roles: Vec<Role>,
    may: bool,
}

/// The roles that somebody may give.
pub fn roles(membership: &Membership) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| membership.most().is_some_and(|most| *role <= most)).collect()
}

async fn show(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let joining = organizations::store::joining(&app.db, membership.organization.id).await?.ok_or(Error::NotFound)?;
    let mut roles = roles(&membership);
    if !roles.contains(&joining.default_role) {
        roles.push(joining.default_role);
    }
    Ok(render(&OrganizationPage {
        page: membership.page(language),
        frame: Frame::of(&app, &membership, Section::General, (words, &asked)).await?,
        base: Section::General.url(&membership.organization.slug),
        may: may(&membership, Scope::OrgWrite),
        joining,
        roles,
        words,
    })?)
}

#[derive(Deserialize)]
struct Sent {
    /// There where the box is ticked.
    open_membership: Option<String>,
    #[serde(default)]
    default_role: String,
}

async fn save(State(app): State<App>, membership: Membership, Form(form): Form<Sent>) -> Result<Response, Error> {
    let organization = &membership.organization;
    let before = organizations::store::joining(&app.db, organization.id).await?.ok_or(Error::NotFound)?;
    let role = form.default_role.parse().unwrap_or(before.default_role);
    if role != before.default_role && membership.most().is_none_or(|most| role > most) {
        return Err(Error::Forbidden);
    }
    let joining = Joining { open_membership: form.open_membership.is_some(), default_role: role };
    organizations::store::set_joining(&app.db, organization.id, joining).await?;
    let data = json!({"open_membership": joining.open_membership, "default_role": role.name()});
    let entry = Entry { organization: Some(organization.id), event: "org.edit", target: &organization.slug, data };
    audit::record(&app.db, &membership.visitor.actor(), entry).await?;
    Ok(Done::Saved.redirect(&Section::General.url(&organization.slug)).into_response())
}
