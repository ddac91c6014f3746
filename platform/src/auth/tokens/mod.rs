//! API tokens: of a person, and of an organisation. They have scopes, and Sentry's shapes, by which people and secret scanners
//! tell them; only the SHA-256 is kept. An organisation's token carries where it belongs, which `sentry-cli` reads out of it, and
//! acts as a machine of the organisation's, so that it stays when people leave.

pub mod api;
pub mod store;

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{SecretHash, UserId, random_hex};
use crate::{
    app::App,
    audit::{self, Actor, Entry},
    organizations::Organization,
    permissions::Scopes,
};

/// How a person's token begins.
pub const USER: &str = "sntryu_";
/// How an organisation's token begins.
pub const ORGANIZATION: &str = "sntrys_";

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Organization,
}

/// What a token is to be.
#[derive(Clone, Debug)]
pub struct New {
    pub name: String,
    pub scopes: Scopes,
    pub lasts: Option<TimeDelta>,
}

/// A token, as its owner sees it: never the token itself.
#[derive(Clone, Debug)]
pub struct Token {
    pub id: i64,
    pub name: String,
    /// None: all that its user may do.
    pub scopes: Option<Vec<String>>,
    pub last_characters: String,
    pub created_at: DateTime<Utc>,
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// Makes a person's token and returns it: it can never be read again.
pub async fn create_of_user(app: &App, user: UserId, new: &New) -> Result<(i64, String)> {
    let token = format!("{USER}{}", random_hex());
    let saved = Saved::of(&token, new, app.now());
    let id = store::insert_of_user(&app.db, user, new, &saved).await.context("saving an API token")?;
    Ok((id, token))
}

/// Makes an organisation's token and returns it: it can never be read again.
pub async fn create_of_organization(
    app: &App,
    actor: &Actor,
    organization: &Organization,
    new: &New,
) -> Result<(i64, String)> {
    let now = app.now();
    let token = shaped(app.config.site.url_prefix.trim_end_matches('/'), &organization.slug, now);
    let saved = Saved::of(&token, new, now);
    let mut tx = app.db.begin().await.context("saving a token")?;
    store::make_machine(&mut *tx, organization.id).await.context("making the machine of an organization")?;
    let id = store::insert_of_organization(&mut *tx, organization.id, (new, &saved), actor.id).await?;
    let data = json!({"scopes": new.scopes.names()});
    let entry = Entry { organization: Some(organization.id), event: "org-token.create", target: &new.name, data };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("saving a token")?;
    Ok((id, token))
}

/// Revokes an organisation's token; whether it was there.
pub async fn revoke_of_organization(app: &App, actor: &Actor, organization: &Organization, id: i64) -> Result<bool> {
    let mut tx = app.db.begin().await.context("revoking a token")?;
    let Some(name) = store::delete_of_organization(&mut *tx, organization.id, id).await? else { return Ok(false) };
    let entry =
        Entry { organization: Some(organization.id), event: "org-token.remove", target: &name, data: json!({}) };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("revoking a token")?;
    Ok(true)
}

/// `sntrys_`, where it belongs as `sentry-cli` reads it, and the secret.
fn shaped(url: &str, organization: &str, now: DateTime<Utc>) -> String {
    let seconds = now.timestamp();
    let place = json!({"iat": seconds, "url": url, "region_url": url, "org": organization});
    let secret = STANDARD.encode(rand::random::<[u8; 32]>());
    format!("{ORGANIZATION}{}_{}", STANDARD.encode(place.to_string()), secret.trim_end_matches('='))
}

/// What is kept of a token.
struct Saved {
    hash: SecretHash,
    last_characters: String,
    from: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
}

impl Saved {
    fn of(token: &str, new: &New, now: DateTime<Utc>) -> Saved {
        let last_characters = token.chars().skip(token.chars().count().saturating_sub(4)).collect();
        Saved { hash: SecretHash::of(token), last_characters, from: now, until: new.lasts.map(|lasts| now + lasts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisations_token_says_where_it_belongs() {
        let token = shaped("https://errors.example.com", "acme", DateTime::UNIX_EPOCH);
        let parts: Vec<&str> = token.split('_').collect();
        assert_eq!((parts.len(), parts[0], parts[2].len()), (3, "sntrys", 43));
        let place: serde_json::Value = serde_json::from_slice(&STANDARD.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(place["org"], "acme");
        assert_eq!(
            (&place["url"], &place["region_url"]),
            (&json!("https://errors.example.com"), &json!("https://errors.example.com"))
        );
        assert_ne!(token, shaped("https://errors.example.com", "acme", DateTime::UNIX_EPOCH));
    }
}
