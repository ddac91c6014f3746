//! A link in a mail that sets a new password: good for an hour and once. Whether an email is known, nobody learns from it.

pub mod pages;
mod store;

use anyhow::{Context, Result};
use askama::Template;
use chrono::TimeDelta;
use secrecy::{ExposeSecret, SecretString};

use super::{SecretHash, UserId, password};
use crate::{app::App, mail::Mail};

const LASTS: TimeDelta = TimeDelta::hours(1);
/// NIST's least length; longer is better than stranger.
const SHORTEST: usize = 8;
/// So that nobody has us hash a book.
const LONGEST: usize = 256;

#[derive(Template)]
#[template(path = "auth/reset/mail.html")]
struct ResetMail<'a> {
    url: &'a str,
}

#[derive(Template)]
#[template(path = "auth/reset/mail.txt", escape = "none")]
struct ResetText<'a> {
    url: &'a str,
}

/// Sends a link to whoever has this email and a password, or may have one. What is done for others takes as long.
pub async fn send(app: &App, email: &str) -> Result<()> {
    let secret = super::random_hex();
    let now = app.now();
    let found = store::save(&app.db, email.trim(), SecretHash::of(&secret), (now, now + LASTS)).await;
    let Some(to) = found.context("saving a link that sets a password")? else { return Ok(()) };
    let url = app.config.site.url(&format!("/auth/recover/{secret}/"));
    let text = ResetText { url: &url }.render().context("writing a mail")?;
    let html = ResetMail { url: &url }.render().context("writing a mail")?;
    let mail = Mail::to_one(&to, "Set a new password".to_owned(), (text, html), "password".to_owned());
    // The answer does not wait for the mail server, or it would tell who is known.
    let app = app.clone();
    tokio::spawn(async move {
        if let Err(error) = app.mailer.send(&mail).await {
            tracing::error!("the link that sets a password was not sent: {error:#}");
        }
    });
    Ok(())
}

/// Why a password is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weak {
    Short,
    Long,
    /// It is the email, or part of it.
    Known,
}

/// Whether a password may be one.
pub fn strong(password: &str, email: &str) -> Result<(), Weak> {
    let lower = password.to_lowercase();
    let name = email.split('@').next().unwrap_or_default().to_lowercase();
    match password.chars().count() {
        ..SHORTEST => Err(Weak::Short),
        LONGEST.. => Err(Weak::Long),
        _ if lower == email.to_lowercase() || lower.trim_matches(|c: char| !c.is_alphabetic()) == name => {
            Err(Weak::Known)
        }
        _ => Ok(()),
    }
}

/// Whose link it is, while it is good: their email.
pub async fn find(app: &App, secret: &str) -> Result<Option<String>> {
    store::find(&app.db, SecretHash::of(secret), app.now()).await.context("looking for a link that sets a password")
}

/// Sets the password of whoever has the link, and ends every session of theirs.
pub async fn set(app: &App, secret: &str, wanted: SecretString) -> Result<Option<UserId>> {
    let hash = password::hash(wanted).await?;
    let mut tx = app.db.begin().await.context("setting a password")?;
    let Some(user) = store::take(&mut *tx, SecretHash::of(secret), app.now()).await? else { return Ok(None) };
    store::set_password(&mut tx, user, &hash).await.context("setting a password")?;
    tx.commit().await.context("setting a password")?;
    Ok(Some(user))
}

/// Sets somebody's own password, and ends every session but this one.
pub async fn change(app: &App, user: UserId, wanted: SecretString, keep: SecretHash) -> Result<()> {
    let hash = password::hash(wanted).await?;
    store::change_password(&app.db, user, &hash, keep).await.context("changing a password")
}

/// Whether this is somebody's password. Nobody's, where they have none.
pub async fn is_password_of(app: &App, user: UserId, typed: SecretString) -> Result<bool> {
    let known = store::password(&app.db, user).await.context("looking for a password")?;
    password::verify(SecretString::from(typed.expose_secret()), known).await
}

/// Whether somebody has a password of ours.
pub async fn has_password(app: &App, user: UserId) -> Result<bool> {
    Ok(store::password(&app.db, user).await.context("looking for a password")?.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_long_and_not_the_email() {
        assert_eq!(strong("correct horse", "ada@example.com"), Ok(()));
        assert_eq!(strong("horse", "ada@example.com"), Err(Weak::Short));
        assert_eq!(strong("密码密码密码密码", "ada@example.com"), Ok(()), "characters are counted and not bytes");
        assert_eq!(strong("Ada@Example.com", "ada@example.com"), Err(Weak::Known));
        assert_eq!(strong("lovelace1843", "lovelace@example.com"), Err(Weak::Known));
        assert_eq!(strong(&"x".repeat(300), "ada@example.com"), Err(Weak::Long));
    }
}
