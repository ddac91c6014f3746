//! Signing in: passwords, sessions, API tokens.
//!
//! A session is a random cookie, a token is a random string for scripts; of both only the SHA-256 is stored, so a stolen
//! database signs nobody in. Deliberately not here: LDAP and what a person may see (`access`).

pub mod api;
pub mod attempts;
pub mod ldap;
pub mod pages;
mod password;
pub mod reset;
pub mod store;
pub mod tokens;

use anyhow::{Context, Result};
use attempts::Subject;
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tokens::Kind;

use crate::{
    app::{App, now},
    organizations::OrganizationId,
    permissions::{Scope, Scopes},
};

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
    /// What a directory calls them.
    pub username: Option<String>,
    pub is_superuser: bool,
    /// The organisation whose tokens it acts for; none for people.
    pub machine_of: Option<OrganizationId>,
    /// None: as the browser prefers.
    pub language: Option<String>,
    /// None: where the browser is.
    pub timezone: Option<String>,
    pub theme: Option<String>,
}

impl User {
    /// What they are called, or else their email.
    pub fn shown(&self) -> &str {
        if self.name.is_empty() { &self.email } else { &self.name }
    }
}

/// The SHA-256 under which a session or a token is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Of the secret as its owner sends it.
    pub fn of(secret: &str) -> SecretHash {
        SecretHash(Sha256::digest(secret.as_bytes()).into())
    }

    /// As it is stored.
    pub fn as_bytes(&self) -> &[u8] {
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
    let token = format!("{}{}", tokens::USER, random_hex());
    store::save_token(db, user, name, SecretHash::of(&token), now()).await.context("saving an API token")?;
    Ok(token)
}

/// A new `SENTRY_SECRET_KEY`: letters and digits, so that it needs no quotes in a shell or in YAML.
pub fn new_secret_key() -> String {
    const LENGTH: usize = 50;
    rand::rng().sample_iter(rand::distr::Alphanumeric).take(LENGTH).map(char::from).collect()
}

/// How signing in ended.
#[derive(Debug)]
pub enum SignIn {
    /// The session's secret, for the cookie, and whose it is.
    SignedIn { secret: String, user: UserId },
    /// Nobody is known by this name and password. Which of the two is wrong stays our secret.
    Unknown,
    /// A directory could not be asked, and nobody else knows them.
    Away,
    /// There were too many failures: so long is to wait.
    TooOften(TimeDelta),
}

/// Who wants to sign in.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// An email or a username.
    pub login: &'a str,
    pub password: SecretString,
    pub address: &'a str,
    pub agent: &'a str,
    /// The session they came with, which ends: whoever put its cookie there must not share the new one.
    pub before: Option<SecretHash>,
}

/// Checks a password, with the directories or ours, and opens a session. What is done does not depend on whether somebody is
/// known by the name: one password is hashed, and every directory asked, either way.
pub async fn sign_in(app: &App, wanted: Wanted<'_>) -> Result<SignIn> {
    let subjects = [Subject::Account(wanted.login), Subject::Address(wanted.address)];
    if let Some(wait) = attempts::blocked(&app.db, &subjects, app.now()).await? {
        return Ok(SignIn::TooOften(wait));
    }
    // PostgreSQL knows no NUL, and nobody is called by one.
    let is_empty =
        wanted.login.trim().is_empty() || wanted.login.contains('\0') || wanted.password.expose_secret().is_empty();
    let by_directory = if is_empty {
        ldap::Outcome::Refused
    } else {
        ldap::sign_in(app, wanted.login.trim(), &wanted.password, wanted.address).await?
    };
    let (user, is_known) = match by_directory {
        ldap::Outcome::SignedIn(user) => (Some(user), true),
        _ => with_password(app, &wanted).await?,
    };
    let Some(user) = user else {
        let is_away = by_directory == ldap::Outcome::Away;
        // A directory that is away is not the fault of who is only there; passwords of ours are guarded all the same.
        let counted = if is_away && !is_known { &subjects[1..] } else { &subjects[..] };
        attempts::failed(&app.db, counted, app.now()).await?;
        return Ok(if is_away { SignIn::Away } else { SignIn::Unknown });
    };
    attempts::succeeded(&app.db, subjects[0]).await?;
    let secret = open_session(app, user, &wanted).await?;
    Ok(SignIn::SignedIn { secret, user })
}

/// Whose password it is, where passwords of ours count, and whether anybody has one by this name.
async fn with_password(app: &App, wanted: &Wanted<'_>) -> Result<(Option<UserId>, bool)> {
    let login = wanted.login.trim().replace('\0', "");
    let known = store::password_of(&app.db, &login).await.context("looking up a user")?;
    let (user, hash) = known.filter(|_| app.directories.allow_local_passwords()).unzip();
    let is_known = hash.is_some();
    let fits = password::verify(wanted.password.clone(), hash).await?;
    app.metrics.password_checks.inc();
    Ok((user.filter(|_| fits), is_known))
}

/// Opens a session in the place of the one before, and returns its secret.
async fn open_session(app: &App, user: UserId, wanted: &Wanted<'_>) -> Result<String> {
    let secret = random_hex();
    let now = app.now();
    store::forget_expired_sessions(&app.db, user, now).await.context("forgetting expired sessions")?;
    if let Some(before) = wanted.before {
        store::delete_session(&app.db, before).await.context("ending the session before")?;
    }
    let lifetime = Lifetime { from: now, until: now + SESSION_LASTS };
    let from = (wanted.address, wanted.agent);
    store::save_session(&app.db, user, (SecretHash::of(&secret), from), lifetime).await.context("opening a session")?;
    Ok(secret)
}

/// Makes an account for whoever was invited, with a password; none where somebody has the email.
pub async fn create_account(app: &App, email: &str, name: &str, wanted: SecretString) -> Result<Option<UserId>> {
    let hash = password::hash(wanted).await?;
    store::insert_user(&app.db, email.trim(), name.trim(), &hash).await.context("making an account")
}

/// How old the time of last use may be before it is written again: not every request writes.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Whose session it is, while it is good.
pub async fn of_session(app: &App, secret: SecretHash) -> Result<Option<User>> {
    let now = app.now();
    let found = store::user_of_session(&app.db, secret, now).await.context("looking up a session")?;
    let Some((user, last)) = found else { return Ok(None) };
    if last.is_none_or(|last| now - last > USED_EVERY) {
        store::use_session(&app.db, secret, now).await.context("noting that a session was used")?;
    }
    Ok(Some(user))
}

/// Whose token it is, while it is good, and what it may do.
pub async fn of_token(app: &App, token: &str) -> Result<Option<(User, Scopes)>> {
    let (now, secret) = (app.now(), SecretHash::of(token));
    let kind = if token.starts_with(tokens::ORGANIZATION) { Kind::Organization } else { Kind::User };
    let found = match kind {
        Kind::User => store::user_of_token(&app.db, secret, now).await,
        Kind::Organization => store::machine_of_token(&app.db, secret, now).await,
    };
    let Some(known) = found.context("looking up a token")? else { return Ok(None) };
    if known.used.is_none_or(|used| now - used > USED_EVERY) {
        store::use_token(&app.db, kind, secret, now).await.context("noting that a token was used")?;
    }
    let scopes = known.scopes.as_ref().map_or(Scopes::ALL, |names| {
        // A scope of a later version gives nothing.
        names.iter().filter_map(|name| Scope::of(name)).fold(Scopes::NONE, Scopes::with)
    });
    Ok(Some((known.user, scopes)))
}

/// What a browser calls itself, as a person would: `Firefox on Linux`.
pub fn browser(agent: &str) -> String {
    let first = |names: &[(&'static str, &'static str)]| {
        names.iter().find(|(sign, _)| agent.contains(sign)).map(|(_, name)| *name)
    };
    // The order matters: most browsers claim to be the ones before them too.
    let name = first(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = first(&[
        ("Windows", "Windows"),
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iPadOS"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (name, system) {
        (Some(name), Some(system)) => format!("{name}, {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(40).collect(),
    }
}

/// From when to when a session is good.
#[derive(Clone, Copy, Debug)]
pub struct Lifetime {
    pub from: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// 256 random bits.
pub fn random_hex() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Bytes as two lower-case digits each.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
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
