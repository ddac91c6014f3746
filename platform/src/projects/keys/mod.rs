//! The keys of a project's DSNs: more than one may work, so that a new one can take over from an old one.

pub(super) mod api;
mod commands;
pub(super) mod pages;
mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgPool;

pub use commands::{KeysCommand, Origins, run_keys, run_origins};

use super::{Project, ProjectId, new_public_key, note};
use crate::audit::Actor;

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
pub async fn limit(db: &PgPool, actor: &Actor, project: &Project, (key, limit): (&str, Option<Limit>)) -> Result<()> {
    store::set_limit(db, key, limit).await.context("limiting a key")?;
    let limit = limit.map(|limit| json!({"count": limit.count, "window": limit.window}));
    note(db, actor, project, ("projectkey.change", &project.slug, json!({"key": key, "limit": limit}))).await
}

/// Removes a key; false when the project has no such key.
pub async fn remove(db: &PgPool, actor: &Actor, project: &Project, key: &str) -> Result<bool> {
    let known = store::remove_key(db, project.id, key).await.context("removing a key")?;
    if known {
        note(db, actor, project, ("projectkey.remove", &project.slug, json!({"key": key}))).await?;
    }
    Ok(known)
}

/// Adds a key and returns its public half.
pub async fn add(db: &PgPool, actor: &Actor, project: &Project, label: &str) -> Result<String> {
    let key = super::store::insert_key(db, project.id, &new_public_key(), label).await.context("creating a key")?;
    note(db, actor, project, ("projectkey.create", &project.slug, json!({"key": key, "label": label}))).await?;
    Ok(key)
}

/// Adds a key that takes over: those there are now work until then.
pub async fn rotate(db: &PgPool, actor: &Actor, project: &Project, end: DateTime<Utc>) -> Result<String> {
    let mut tx = db.begin().await.context("rotating keys")?;
    store::end_keys(&mut *tx, project.id, end).await.context("ending the keys there are")?;
    let key = super::store::insert_key(&mut *tx, project.id, &new_public_key(), DEFAULT_LABEL)
        .await
        .context("creating a key")?;
    tx.commit().await.context("rotating keys")?;
    note(db, actor, project, ("projectkey.create", &project.slug, json!({"key": key, "others_end": end}))).await?;
    Ok(key)
}

/// Lets a key work, or not; false when there is no such key, or not of that project.
pub async fn switch(
    db: &PgPool,
    actor: &Actor,
    project: Option<ProjectId>,
    (key, wanted): (&str, Wanted),
) -> Result<bool> {
    let is_active = wanted == Wanted::Enabled;
    let changed = store::switch_key(db, project, key, is_active).await.context("changing a key")?;
    let Some(project) = changed else { return Ok(false) };
    note(db, actor, &project, ("projectkey.change", &project.slug, json!({"key": key, "active": is_active}))).await?;
    Ok(true)
}

/// Calls a key something else; false when the project has no such key.
pub async fn rename(db: &PgPool, actor: &Actor, project: &Project, (key, label): (&str, &str)) -> Result<bool> {
    let known = store::rename_key(db, project.id, key, label).await.context("renaming a key")?;
    if known {
        note(db, actor, project, ("projectkey.change", &project.slug, json!({"key": key, "label": label}))).await?;
    }
    Ok(known)
}
