//! Sentry's Web API v0 of tokens. One's own are made by whoever is signed in: no token makes another.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{delete, get},
};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{New, Token, store};
use crate::{
    access::{Membership, Visitor},
    app::App,
    permissions::{Scope, Scopes},
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/api-tokens/", get(list).post(create).delete(revoke));
    let router = api_route(
        router,
        "/api/0/organizations/{org}/org-auth-tokens/",
        get(list_of_organization).post(create_of_organization),
    );
    api_route(router, "/api/0/organizations/{org}/org-auth-tokens/{token}/", delete(revoke_of_organization))
}

fn json(token: &Token, secret: Option<&str>) -> Value {
    let at = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut shown = json!({
        "id": token.id.to_string(), "name": token.name, "scopes": token.scopes.clone().unwrap_or_else(all),
        "tokenLastCharacters": token.last_characters, "dateCreated": at(token.created_at),
        "dateLastUsed": token.last_used_at.map(at), "expiresAt": token.expires_at.map(at), "state": null, "application": null,
    });
    if let Some(secret) = secret {
        shown["token"] = json!(secret);
    }
    shown
}

fn all() -> Vec<String> {
    Scope::ALL.into_iter().map(|scope| scope.name().to_owned()).collect()
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Wanted {
    fn read(&self, most: Scopes) -> Result<New, Error> {
        let names = self.scopes.iter().map(String::as_str);
        let scopes =
            Scopes::read(names).map_err(|name| Error::field("scopes", format!("There is no scope {name:?}.")))?;
        if self.scopes.is_empty() {
            return Err(Error::field("scopes", "Choose at least one scope."));
        }
        if scopes.and(most) != scopes {
            return Err(Error::field("scopes", "You cannot give a scope that you do not have."));
        }
        Ok(New { name: self.name.trim().chars().take(200).collect(), scopes, lasts: None })
    }
}

async fn list(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Error> {
    let tokens = store::of_user(&app.db, visitor.user.id).await?;
    Ok(Json(tokens.iter().map(|token| json(token, None)).collect()))
}

/// What a token of one's own gives is bounded by what one may do wherever it is used.
async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let new = wanted.read(Scopes::ALL)?;
    let (id, secret) = super::create_of_user(&app, visitor.user.id, &new).await?;
    let made = store::of_user(&app.db, visitor.user.id).await?.into_iter().find(|token| token.id == id);
    Ok((StatusCode::CREATED, Json(json(&made.ok_or(Error::NotFound)?, Some(&secret)))))
}

#[derive(Deserialize)]
struct Revoked {
    #[serde(rename = "tokenId", alias = "id")]
    id: Value,
}

async fn revoke(
    State(app): State<App>,
    visitor: Visitor,
    Json(Revoked { id }): Json<Revoked>,
) -> Result<StatusCode, Error> {
    let number =
        id.as_i64().or_else(|| id.as_str()?.parse().ok()).ok_or_else(|| Error::field("tokenId", "Enter a number."))?;
    let gone = store::delete_of_user(&app.db, visitor.user.id, number).await?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}

async fn list_of_organization(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    let tokens = store::of_organization(&app.db, membership.organization.id).await?;
    Ok(Json(tokens.iter().map(|token| json(token, None)).collect()))
}

async fn create_of_organization(
    State(app): State<App>,
    membership: Membership,
    Json(mut wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Error> {
    if wanted.scopes.is_empty() {
        wanted.scopes = vec![Scope::OrgCi.name().to_owned()];
    }
    let new = wanted.read(membership.scopes.with(Scope::OrgCi))?;
    let organization = &membership.organization;
    let (id, secret) = super::create_of_organization(&app, &membership.visitor.actor(), organization, &new).await?;
    let made = store::of_organization(&app.db, organization.id).await?.into_iter().find(|token| token.id == id);
    Ok((StatusCode::CREATED, Json(json(&made.ok_or(Error::NotFound)?, Some(&secret)))))
}

#[derive(Deserialize)]
struct Named {
    token: i64,
}

async fn revoke_of_organization(
    State(app): State<App>,
    membership: Membership,
    Path(Named { token }): Path<Named>,
) -> Result<StatusCode, Error> {
    let actor = membership.visitor.actor();
    let gone = super::revoke_of_organization(&app, &actor, &membership.organization, token).await?;
    if gone { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}
