//! Quotas as people set them: whose they are, what they count, how much, in which time. `ingest` enforces them.

mod commands;
pub mod pages;
mod store;
mod usage;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use sqlx::PgPool;

pub use commands::{Command, run};
use store::Line;

use crate::{
    audit::{self, Actor, Entry},
    organizations,
    projects::{self, ProjectId},
    protocol::item::Category,
};

/// The longest window, in seconds: a leap year.
const LONGEST_WINDOW: i32 = 366 * 86_400;

/// Whose quota it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Everybody's together.
    Installation,
    /// An organisation's, by its number.
    Organization(i64),
    Project(ProjectId),
    /// That of one of a project's keys.
    Key(String),
}

/// A quota to set.
#[derive(Clone, Debug)]
pub struct Quota {
    pub whose: Whose,
    /// Sentry's words; none for all.
    pub categories: Vec<Category>,
    /// How many, or how many bytes of attachments; 0 refuses everything.
    pub most: i64,
    /// In seconds.
    pub window: i32,
    /// What SDKs are told.
    pub reason: String,
}

/// Sets a quota and returns its number. One of the same owner, categories and window is replaced.
pub async fn set(db: &PgPool, actor: &Actor, mut quota: Quota) -> Result<i64> {
    ensure!(quota.most >= 0, "a quota cannot be negative; 0 refuses everything");
    ensure!(
        (1..=LONGEST_WINDOW).contains(&quota.window),
        "a window is between a second and {} days",
        LONGEST_WINDOW / 86_400
    );
    let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    ensure!(
        (1..=50).contains(&quota.reason.len()) && quota.reason.chars().all(is_code),
        "{:?} is no reason: up to 50 lower-case letters, digits and _, as SDKs log it",
        quota.reason
    );
    quota.categories.sort_unstable();
    quota.categories.dedup();
    let counts_bytes = quota.categories.contains(&Category::Attachment);
    ensure!(
        !counts_bytes || quota.categories.len() == 1,
        "attachments are counted in bytes and the others one by one: give them a quota of their own"
    );
    let id = store::set(db, &quota).await.context("setting the quota")?;
    let line = store::one(db, id).await.context("reading the quota")?;
    if let Some(line) = line {
        note(db, actor, "quota.set", &line).await?;
    }
    Ok(id)
}

/// Removes a quota; false when there is none of that number, or not of that project and its keys.
async fn remove(db: &PgPool, actor: &Actor, project: Option<ProjectId>, id: i64) -> Result<bool> {
    let line = store::one(db, id).await.context("reading the quota")?;
    let removed = match project {
        Some(project) => store::remove_own(db, project, id).await,
        None => store::remove(db, id).await,
    };
    let removed = removed.context("removing a quota")?;
    if let Some(line) = line.filter(|_| removed) {
        note(db, actor, "quota.remove", &line).await?;
    }
    Ok(removed)
}

/// Writes down in the audit log what became of a quota.
async fn note(db: &PgPool, actor: &Actor, event: &'static str, line: &Line) -> Result<()> {
    let organization = match &line.organization {
        Some(slug) => organizations::store::by_slug(db, slug).await.context("looking for the organisation")?,
        None => None,
    };
    let target = line.project.as_ref().or(line.organization.as_ref()).map_or("installation", String::as_str);
    let categories = if line.categories.is_empty() { "all".to_owned() } else { line.categories.join(", ") };
    let mut data = json!({"most": line.most, "seconds": line.window_seconds, "of": categories});
    if let Some(key) = &line.public_key {
        data["key"] = json!(key);
    }
    let organization = organization.map(|organization| organization.id);
    audit::record(db, actor, Entry { organization, event, target, data }).await
}

/// The quotas that apply to a project: its own, its keys', its organisation's and the installation's.
async fn of_project(db: &PgPool, project: ProjectId) -> Result<Vec<Line>> {
    store::of_project(db, project).await.context("listing a project's quotas")
}

/// Reads a category's name.
fn category(name: &str) -> Result<Category> {
    match Category::parse(name).filter(|category| *category != Category::Unknown) {
        Some(category) => Ok(category),
        None => bail!("there is no category {name:?}; there are {}", categories()),
    }
}

fn categories() -> String {
    let known = Category::all().filter(|category| *category != Category::Unknown);
    known.map(Category::name).collect::<Vec<_>>().join(", ")
}

/// Finds the organisation and the project that a command names.
async fn project(db: &PgPool, organization: &str, slug: &str) -> Result<ProjectId> {
    Ok(projects::find(db, organization, slug).await?.id)
}

async fn organization(db: &PgPool, slug: &str) -> Result<i64> {
    let found = organizations::store::by_slug(db, slug).await.context("looking for the organisation")?;
    Ok(found.with_context(|| format!("there is no organisation {slug:?}"))?.id.0)
}
