//! The keys of a project's DSNs: more than one may work, so that a new one can take over from an old one.

pub(super) mod api;
mod commands;
pub(super) mod pages;
mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::PgPool;

pub use commands::{KeysCommand, Origins, run_keys, run_origins};

use super::{ProjectId, new_public_key};

/// The label of a key that nobody named.
const DEFAULT_LABEL: &str = "Default";
const LONGEST_LABEL: usize = 64;

/// A key of a project, working or not.
#[derive(Clone, Debug)]
pub struct Key {
    /// The public half of a DSN.
    pub public_key: String,
    pub label: String,
    pub is_active: bool,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    /// How many errors a client of the Web API lets it send; see [`Key::limit`].
    limit_count: Option<i64>,
    limit_window: Option<i32>,
}

/// So many errors in so many seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    pub count: i64,
    pub window: i32,
}

/// Whether a key may be called this.
fn is_label(label: &str) -> bool {
    (1..=LONGEST_LABEL).contains(&label.chars().count()) && !label.chars().any(char::is_control)
}

/// Whether what is sent with a key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Works,
    /// It was replaced.
    WorksUntil(DateTime<Utc>),
    Ended(DateTime<Utc>),
    /// Somebody switched it off.
    Disabled,
}

impl Key {
    /// Whether what is sent with it is taken.
    pub fn works(&self, now: DateTime<Utc>) -> bool {
        matches!(self.standing(now), Standing::Works | Standing::WorksUntil(_))
    }

    /// The limit that a client of the Web API set: a quota of its own, beside those of the page.
    pub fn limit(&self) -> Option<Limit> {
        Some(Limit { count: self.limit_count?, window: self.limit_window? })
    }

    /// Whether it works now.
    pub fn standing(&self, now: DateTime<Utc>) -> Standing {
        match self.expires_at {
            _ if !self.is_active => Standing::Disabled,
            Some(end) if end <= now => Standing::Ended(end),
            Some(end) => Standing::WorksUntil(end),
            None => Standing::Works,
        }
    }
}

/// What somebody wants of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Enabled,
    Disabled,
}

/// Every key of a project, the oldest first.
pub async fn of(db: &PgPool, project: ProjectId) -> Result<Vec<Key>> {
    Ok(of_all(db, &[project]).await?.into_iter().map(|(_, key)| key).collect())
}

/// Every key of some projects, the oldest of each first.
pub async fn of_all(db: &PgPool, projects: &[ProjectId]) -> Result<Vec<(ProjectId, Key)>> {
    store::keys(db, projects).await.context("listing keys")
}

/// Sets how many errors may be sent with a key, or takes the limit away.
pub async fn limit(db: &PgPool, key: &str, limit: Option<Limit>) -> Result<()> {
    store::set_limit(db, key, limit).await.context("limiting a key")
}

/// Removes a key; false when the project has no such key.
pub async fn remove(db: &PgPool, project: ProjectId, key: &str) -> Result<bool> {
    store::remove_key(db, project, key).await.context("removing a key")
}

/// Adds a key and returns its public half.
pub async fn add(db: &PgPool, project: ProjectId, label: &str) -> Result<String> {
    super::store::insert_key(db, project, &new_public_key(), label).await.context("creating a key")
}

/// Adds a key that takes over: those there are now work until then.
pub async fn rotate(db: &PgPool, project: ProjectId, end: DateTime<Utc>) -> Result<String> {
    let mut tx = db.begin().await.context("rotating keys")?;
    store::end_keys(&mut *tx, project, end).await.context("ending the keys there are")?;
    let key = super::store::insert_key(&mut *tx, project, &new_public_key(), DEFAULT_LABEL)
        .await
        .context("creating a key")?;
    tx.commit().await.context("rotating keys")?;
    Ok(key)
}

/// Lets a key work, or not; false when there is no such key, or not of that project.
pub async fn switch(db: &PgPool, project: Option<ProjectId>, key: &str, wanted: Wanted) -> Result<bool> {
    store::switch_key(db, project, key, wanted == Wanted::Enabled).await.context("changing a key")
}

/// Calls a key something else; false when the project has no such key.
pub async fn rename(db: &PgPool, project: ProjectId, key: &str, label: &str) -> Result<bool> {
    store::rename_key(db, project, key, label).await.context("renaming a key")
}
