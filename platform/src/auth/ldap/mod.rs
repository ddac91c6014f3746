//! Signing in by LDAP, and keeping to what the directory says afterwards.
//!
//! `settings` reads, `client` talks, `lookup` finds somebody and checks their password, `mapping` decides what they are here,
//! `account` makes it so, `sync` does it again by the clock. Directories are asked in their order; the first that lets somebody
//! in has them. Somebody is told apart by the attribute `SENTRY_LDAP_SENTRY_USERNAME_FIELD`, whatever they typed. What a person
//! decided in Picket (a role, a team, a superuser) no directory takes back.

pub mod account;
pub mod client;
pub mod dn;
pub mod filter;
mod groups;
pub mod lookup;
pub mod mapping;
pub mod probe;
pub mod settings;
pub mod steps;
mod store;
mod sync;

use std::sync::Arc;

use anyhow::Result;
use secrecy::SecretString;

pub use lookup::{Asked, Verdict};
pub use settings::Settings;
pub use steps::{Mark, Step, Steps};
pub use sync::sync;

use super::UserId;
use crate::{app::App, config};

/// Every directory, and whether passwords of Picket's count beside them.
#[derive(Clone, Debug)]
pub struct Directories {
    all: Arc<[Settings]>,
    local_passwords: bool,
}

/// How asking the directories ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    SignedIn(UserId),
    /// No directory lets them in, and all could be asked.
    Refused,
    /// No directory lets them in, and some could not be asked.
    Away,
}

impl Directories {
    /// Reads the settings; nothing is connected yet.
    pub fn open(config: &config::Ldap) -> Result<Directories> {
        let local_passwords =
            !matches!(config.local_passwords.trim().to_ascii_lowercase().as_str(), "0" | "false" | "no" | "off");
        Ok(Directories { all: settings::read(config)?.into(), local_passwords })
    }

    /// In the order they are asked.
    pub fn all(&self) -> &[Settings] {
        &self.all
    }

    /// Whether somebody may sign in with a password of Picket's.
    pub fn allow_local_passwords(&self) -> bool {
        self.all.is_empty() || self.local_passwords
    }
}

/// Asks the directories for whoever signs in, and makes them what the first of them says that lets them in.
pub async fn sign_in(app: &App, typed: &str, password: &SecretString, address: &str) -> Result<Outcome> {
    let mut outcome = Outcome::Refused;
    for settings in app.directories.all() {
        let mut steps = Steps::default();
        let cache = lookup::Cache { db: &app.db, now: app.now() };
        match lookup::look_up(settings, &Asked::Login { typed, password }, Some(cache), &mut steps).await {
            Verdict::Found(person) => match account::sign_in(app, settings, &person, address).await? {
                account::Account::Open(user) => return Ok(Outcome::SignedIn(user)),
                account::Account::Closed(why) => {
                    tracing::warn!("{} is known to {} and stays out: {why}", person.username, settings.name);
                }
            },
            Verdict::Denied(denied, key) => {
                tracing::info!("{} keeps somebody out: {denied}", settings.name);
                if let Some(key) = key {
                    account::lock_out(app, settings, &key, &denied.to_string()).await?;
                }
            }
            Verdict::Away(failure) => {
                tracing::error!("{} cannot be asked at {}: {}", settings.name, failure.step.name(), failure.text);
                outcome = Outcome::Away;
            }
            Verdict::Unknown | Verdict::WrongPassword => (),
        }
    }
    Ok(outcome)
}
