//! Issues that go: deleted, so that the same bug would be a new issue, or discarded, so that it is never stored again.

mod store;

use anyhow::{Context, Result};

use super::{By, IssueId};
use crate::{
    app::App,
    job::{Job, Outcome},
    projects::ProjectId,
    queue::Topic,
};

pub use store::{Discarded, discarded, forget_discarded};

/// Events deleted in one transaction.
const AT_ONCE: i64 = 2000;

/// Deletes issues with everything that belongs to them. Their events go by a job.
pub async fn delete(app: &App, project: ProjectId, issues: &[IssueId]) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to delete issues")?;
    store::delete(&mut tx, project, issues).await.context("deleting issues")?;
    store::delete_hashes(&mut *tx, project, issues).await.context("deleting fingerprints")?;
    tx.commit().await.context("deleting issues")?;
    delete_later(app, project, issues).await
}

/// Deletes issues but for their fingerprints: further events of theirs are dropped and counted.
pub async fn discard(app: &App, by: By, project: ProjectId, issues: &[IssueId]) -> Result<()> {
    let mut tx = app.db.begin().await.context("beginning to discard issues")?;
    store::remember_discarded(&mut *tx, by, project, issues).await.context("noting discarded issues")?;
    store::delete(&mut tx, project, issues).await.context("deleting discarded issues")?;
    tx.commit().await.context("discarding issues")?;
    delete_later(app, project, issues).await
}

async fn delete_later(app: &App, project: ProjectId, issues: &[IssueId]) -> Result<()> {
    let job =
        |issue: &IssueId| Ok(serde_json::to_vec(&Job::DeleteEvents { project: project.0, issue: issue.0 })?.into());
    let jobs = issues.iter().map(job).collect::<Result<Vec<_>>>()?;
    app.queue.push(Topic::Jobs, jobs).await.context("queueing the deletion of events")
}

/// Deletes the events of an issue that is gone.
pub async fn delete_events(app: &App, project: i64, issue: i64) -> Result<Outcome> {
    let mut outcome = Outcome::NothingToDo;
    while store::delete_some(&app.db, project, issue, AT_ONCE).await.context("deleting events")? > 0 {
        outcome = Outcome::Done;
    }
    Ok(outcome)
}
