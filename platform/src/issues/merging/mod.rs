//! Issues that are one bug, and fingerprints that are not.
//!
//! Merging moves everything that is counted at once and the events by a job, a part at a time: a reader may miss some of them
//! for a moment, and nobody waits for a million rows. Who saves events holds the issues' locks, so that none is placed on an
//! issue that is gone.

mod store;

use anyhow::{Context, Result};
use sqlx::PgPool;

use super::{By, IssueId};
use crate::{
    app::App,
    events,
    job::{Job, Outcome},
    projects::ProjectId,
    protocol::{
        EventId,
        event::{self, Event},
        fingerprint::Fingerprint,
        title,
    },
    queue::Topic,
};

pub use store::{Hash, forwarded, hashes};

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

/// What came of taking fingerprints out of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unmerged {
    Into(IssueId),
    /// None of them is the issue's, or all are.
    Nothing,
}

/// Makes an issue of its own of some of an issue's fingerprints, with their events.
pub async fn unmerge(
    app: &App,
    by: By,
    (project, issue): (ProjectId, IssueId),
    fingerprints: &[Fingerprint],
) -> Result<Unmerged> {
    let mut tx = app.db.begin().await.context("beginning to unmerge")?;
    if store::lock(&mut tx, project, &[issue]).await.context("locking an issue")?.is_empty() {
        return Ok(Unmerged::Nothing);
    }
    let (taken, left): (Vec<Hash>, Vec<Hash>) =
        hashes(&mut *tx, project, issue).await?.into_iter().partition(|hash| fingerprints.contains(&hash.fingerprint));
    if taken.is_empty() || left.is_empty() {
        return Ok(Unmerged::Nothing);
    }
    let short: Vec<i32> = taken.iter().map(|hash| hash.fingerprint.short()).collect();
    let new = store::split(&mut tx, project, issue, &taken).await.context("making an issue of fingerprints")?;
    store::split_counters(&mut tx, project, (issue, new), &short).await.context("dividing an issue's counters")?;
    if let Some(event) = store::latest(&mut *tx, project, issue, &short).await? {
        let (title, culprit) = words(&app.db, project, event).await?;
        store::rename(&mut *tx, (project, new), &title, &culprit).await.context("naming an issue")?;
    }
    store::note_unmerge(&mut tx, by, project, (issue, new)).await.context("noting an unmerge")?;
    tx.commit().await.context("unmerging an issue")?;
    move_later(app, project, (issue, new), short).await?;
    Ok(Unmerged::Into(new))
}

/// What an issue with this event is called.
async fn words(db: &PgPool, project: ProjectId, event: EventId) -> Result<(String, String)> {
    let stored = events::store::find(db, project, event).await?.context("the event was there a moment ago")?;
    let json = event::object(&stored.json()?).context("reading a stored event")?;
    let event = Event::read(&json);
    Ok((title::title(&event), title::culprit(&event)))
}

async fn move_later(app: &App, project: ProjectId, (from, into): (IssueId, IssueId), hashes: Vec<i32>) -> Result<()> {
    let job = Job::MoveEvents { project: project.0, from: from.0, into: into.0, hashes };
    app.queue.push(Topic::Jobs, vec![serde_json::to_vec(&job)?.into()]).await.context("queueing the move of events")
}

/// Moves events from one issue to another: all of them, or those of some fingerprints.
pub async fn move_events(app: &App, project: i64, (from, into): (i64, i64), hashes: &[i32]) -> Result<Outcome> {
    let hashes = Some(hashes).filter(|hashes| !hashes.is_empty());
    let mut outcome = Outcome::NothingToDo;
    while store::move_some(&app.db, project, (from, into), hashes, AT_ONCE).await.context("moving events")? > 0 {
        outcome = Outcome::Done;
    }
    Ok(outcome)
}
