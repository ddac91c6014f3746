//! Taking fingerprints out of an issue again: they become an issue of their own.

mod store;

use anyhow::{Context, Result};
use sqlx::PgPool;

use super::{
    super::{
        By, IssueId,
        moving::{self, Goal},
    },
    Hash, hashes,
    store::lock,
};
use crate::{
    app::App,
    events,
    projects::ProjectId,
    protocol::{
        EventId,
        event::{self, Event},
        fingerprint::Fingerprint,
        title,
    },
};

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
    if lock(&mut tx, project, &[issue]).await.context("locking an issue")?.is_empty() {
        return Ok(Unmerged::Nothing);
    }
    let (taken, left): (Vec<Hash>, Vec<Hash>) =
        hashes(&mut *tx, project, issue).await?.into_iter().partition(|hash| fingerprints.contains(&hash.fingerprint));
    if taken.is_empty() || left.is_empty() {
        return Ok(Unmerged::Nothing);
    }
    let short: Vec<i32> = taken.iter().map(|hash| hash.fingerprint.short()).collect();
    let new = store::split(&mut tx, project, issue, &taken).await.context("making an issue of fingerprints")?;
    let events = store::Taken { holders: moving::holders(&mut tx, project, issue).await?, hashes: short };
    store::split_counters(&mut tx, project, (issue, new), &events).await.context("dividing an issue's counters")?;
    if let Some(event) = store::latest(&mut *tx, project, &events).await? {
        let (title, culprit) = words(&app.db, project, event).await?;
        store::rename(&mut *tx, (project, new), &title, &culprit).await.context("naming an issue")?;
    }
    store::note_unmerge(&mut tx, by, project, (issue, new)).await.context("noting an unmerge")?;
    let goal = Goal::Some(new, &events.hashes);
    moving::note(&mut tx, project, &[issue], goal).await.context("noting events to move")?;
    tx.commit().await.context("unmerging an issue")?;
    moving::soon(app, project).await;
    Ok(Unmerged::Into(new))
}

/// What an issue with this event is called.
async fn words(db: &PgPool, project: ProjectId, event: EventId) -> Result<(String, String)> {
    let stored = events::store::find(db, project, event).await?.context("the event was there a moment ago")?;
    let json = event::object(&stored.json()?).context("reading a stored event")?;
    let event = Event::read(&json);
    Ok((title::title(&event), title::culprit(&event)))
}
