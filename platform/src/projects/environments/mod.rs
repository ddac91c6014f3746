//! The environments of projects: what their events name, less what people hid. Hiding takes one out of menus, and nothing of it away.

pub(super) mod api;
pub(super) mod pages;
mod store;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use sqlx::PgPool;

use super::ProjectId;

/// More than anybody looks through.
const MOST: i64 = 1_000;

/// An environment of a project.
#[derive(Clone, Debug)]
pub struct Environment {
    /// As a number: that of its tag.
    pub id: i64,
    pub name: String,
    /// The last day an event named it; a day behind at the most.
    pub seen_on: NaiveDate,
    pub is_hidden: bool,
}

/// Whether menus offer it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Shown,
    Hidden,
}

/// The environments of a project, by name.
pub async fn of(db: &PgPool, project: ProjectId) -> Result<Vec<Environment>> {
    store::of(db, &[project], MOST).await.context("listing environments")
}

/// Those of several projects, by name; one that is shown in any of them is shown.
pub async fn of_all(db: &PgPool, projects: &[ProjectId]) -> Result<Vec<Environment>> {
    let mut all = store::of(db, projects, MOST).await.context("listing environments")?;
    all.sort_by(|a, b| (&a.name, a.is_hidden).cmp(&(&b.name, b.is_hidden)));
    all.dedup_by(|next, before| next.name == before.name);
    Ok(all)
}

/// Shows or hides one; false when the project has no such environment.
pub async fn switch(db: &PgPool, project: ProjectId, name: &str, wanted: Wanted) -> Result<bool> {
    let known = store::exists(db, project, name).await.context("looking for an environment")?;
    match wanted {
        _ if !known => return Ok(false),
        Wanted::Hidden => store::hide(db, project, name).await.context("hiding an environment")?,
        Wanted::Shown => store::show(db, project, name).await.context("showing an environment")?,
    }
    Ok(true)
}
