//! Issues that are one bug, and fingerprints that are not.
//!
//! Merging moves everything that is counted at once and the events by a job, a part at a time: a reader may miss some of them
//! for a moment, and nobody waits for a million rows. Who saves events holds the issues' locks, so that none is placed on an
//! issue that is gone.

mod store;
mod unmerge;

use anyhow::{Context, Result};

use super::{By, IssueId};
use crate::{
    app::App,
    job::{Job, Outcome},
    projects::ProjectId,
    queue::Topic,
};

pub use store::{Hash, forwarded, hashes};
pub use unmerge::{Unmerged, unmerge};

/// Events moved in one transaction.
const AT_ONCE: i64 = 2000;

/// What came of merging.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    Done {
        parent: IssueId,
        children: Vec<IssueId>,
    },
    /// Fewer than two of the issues are there.
    NotEnough,
}

/// Makes one issue of several: the one that was seen most stays.
pub async fn merge(app: &App, by: By, project: ProjectId, issues: &[IssueId]) -> Result<Merged> {
    let mut tx = app.db.begin().await.context("beginning to merge")?;
    let mut found = store::lock(&mut tx, project, issues).await.context("locking issues")?;
    found.sort_by_key(|issue| (std::cmp::Reverse(issue.times_seen), issue.id));
    let mut found = found.into_iter().map(|issue| issue.id);
    let Some(parent) = found.next() else { return Ok(Merged::NotEnough) };
    let mut children: Vec<IssueId> = found.collect();
    children.sort_unstable();
    if children.is_empty() {
        return Ok(Merged::NotEnough);
    }
    store::merge(&mut tx, project, parent, &children).await.context("merging issues")?;
    store::note_merge(&mut tx, by, project, (parent, &children)).await.context("noting a merge")?;
    tx.commit().await.context("merging issues")?;
    for child in &children {
        move_later(app, project, (*child, parent), Vec::new()).await?;
    }
    Ok(Merged::Done { parent, children })
}

async fn move_later(app: &App, project: ProjectId, (from, into): (IssueId, IssueId), hashes: Vec<i32>) -> Result<()> {
    let job = Job::MoveEvents { project: project.0, from: from.0, into: into.0, hashes };
    app.queue.push(Topic::Jobs, vec![serde_json::to_vec(&job)?.into()]).await.context("queueing the move of events")
}

/// Moves events from one issue to another: all of them, or those of some fingerprints. Where the other was merged meanwhile, they
/// follow it, whichever of the two jobs runs first.
pub async fn move_events(app: &App, project: i64, (from, into): (i64, i64), hashes: &[i32]) -> Result<Outcome> {
    let mut hashes = Some(hashes).filter(|hashes| !hashes.is_empty());
    let (mut from, mut into) = (from, into);
    let mut outcome = Outcome::NothingToDo;
    loop {
        while store::move_some(&app.db, project, (from, into), hashes, AT_ONCE).await.context("moving events")? > 0 {
            outcome = Outcome::Done;
        }
        let Some(next) = forwarded(&app.db, IssueId(into)).await.context("following a merged issue")? else {
            return Ok(outcome);
        };
        (from, into, hashes) = (into, next.0, None);
    }
}
