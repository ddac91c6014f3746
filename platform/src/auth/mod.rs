//! Signing in: passwords, sessions, API tokens.
//!
//! A session is a random cookie, a token is a random string for scripts; of both only the SHA-256 is stored, so a stolen
//! database signs nobody in. Deliberately not here: LDAP and what a person may see (`access`).

pub mod api;
pub mod pages;
mod password;
pub mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::app::{App, now};

/// How long a session lasts.
pub const SESSION_LASTS: TimeDelta = TimeDelta::days(14);

/// A person's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct UserId(pub i64);

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    /// What the organisations they are a member of allow.
    Person,
    /// Everything, everywhere.
    Superuser,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub name: String,
    pub is_superuser: bool,
}

/// The SHA-256 under which a session or a token is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of the secret as its owner sends it.
    pub fn of(secret: &str) -> SecretHash {
        SecretHash(Sha256::digest(secret.as_bytes()).into())
    }

    fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Creates a person, or sets the password and rank of one who is there.
pub async fn create_user(db: &PgPool, email: &str, password: &SecretString, rank: Rank) -> Result<UserId> {
    anyhow::ensure!(!password.expose_secret().is_empty(), "the password is empty");
    let hash = password::hash(password.clone()).await?;
    store::save_user(db, email.trim(), &hash, rank).await.with_context(|| format!("saving the user {email}"))
}

/// Makes an API token and returns it: it can never be read again.
pub async fn create_token(db: &PgPool, user: UserId, name: &str) -> Result<String> {
    let token = format!("sntryu_{}", random_hex());
    store::save_token(db, user, name, SecretHash::of(&token), now()).await.context("saving an API token")?;
    Ok(token)
}

/// A new `SENTRY_SECRET_KEY`: letters and digits, so that it needs no quotes in a shell or in YAML.
pub fn new_secret_key() -> String {
    const LENGTH: usize = 50;
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(LENGTH).map(char::from).collect()
}

/// How signing in ended.
pub enum SignIn {
    /// The session's secret, for the cookie.
    SignedIn(String),
    /// Nobody is known by this email and password. Which of the two is wrong stays our secret.
    Unknown,
}

/// Checks a password and opens a session. Takes the same time whether or not the email is known.
pub async fn sign_in(app: &App, email: &str, password: SecretString) -> Result<SignIn> {
    let known = store::password_of(&app.db, email.trim()).await.context("looking up a user")?;
    let (user, hash) = known.unzip();
    let fits = password::verify(password, hash).await?;
    match user {
        Some(user) if fits => Ok(SignIn::SignedIn(open_session(app, user).await?)),
        _ => Ok(SignIn::Unknown),
    }
}

/// Opens a session and returns its secret.
async fn open_session(app: &App, user: UserId) -> Result<String> {
    let secret = random_hex();
    let now = app.now();
    store::forget_expired_sessions(&app.db, user, now).await.context("forgetting expired sessions")?;
    store::save_session(&app.db, user, SecretHash::of(&secret), Lifetime { from: now, until: now + SESSION_LASTS })
        .await
        .context("opening a session")?;
    Ok(secret)
}

/// From when to when a session is good.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// 256 random bits.
fn random_hex() -> String {
    rand::random::<[u8; 32]>().iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write;
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_key_is_fifty_characters_and_never_the_same() {
        assert_eq!(new_secret_key().len(), 50);
        assert_ne!(new_secret_key(), new_secret_key());
    }

    #[test]
    fn random_hex_has_256_bits() {
        assert_eq!(random_hex().len(), 64);
    }
}
