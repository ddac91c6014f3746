//! Issues that go: deleted, so that the same bug would be a new issue, or discarded, so that it is never stored again.

mod store;

use anyhow::{Context, Result};

use super::{
    By, IssueId,
    moving::{self, Goal},
};
use crate::{app::App, projects::ProjectId};

pub use store::{Discarded, discarded, forget_discarded};

/// Deletes issues with everything that belongs to them. Their events follow.
pub async fn delete(app: &App, project: ProjectId, issues: &[IssueId]) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to delete issues")?;
    let gone = store::delete(&mut tx, project, issues).await.context("deleting issues")?;
    moving::note(&mut tx, project, &gone, Goal::Away).await.context("noting events to delete")?;
    store::delete_hashes(&mut *tx, project, issues).await.context("deleting fingerprints")?;
    tx.commit().await.context("deleting issues")?;
    moving::soon(app, project).await;
    Ok(())
}

/// Deletes issues but for their fingerprints: further events of theirs are dropped and counted.
pub async fn discard(app: &App, by: By, project: ProjectId, issues: &[IssueId]) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to discard issues")?;
    store::remember_discarded(&mut *tx, by, project, issues).await.context("noting discarded issues")?;
    let gone = store::delete(&mut tx, project, issues).await.context("deleting discarded issues")?;
    moving::note(&mut tx, project, &gone, Goal::Away).await.context("noting events to delete")?;
    tx.commit().await.context("discarding issues")?;
    moving::soon(app, project).await;
    Ok(())
}
