//! Events follow their issues: into the one theirs was merged into or taken apart to, or away with one that was deleted.
//!
//! An issue may have a million events, so nobody waits for them. The transaction that decides notes what is left to do in
//! `event_moves`, and that row is the truth: a job does it soon, and cron does what no job did. The rows of a project are done
//! in the order they were noted, so that whatever comes in a row — merged, taken apart, merged again, deleted — ends as if
//! each had been done at once. What events leave behind in the file store is swept by `attachments`.

mod store;

use anyhow::{Context, Result};
use sqlx::{PgConnection, PgPool};

use super::IssueId;
use crate::{
    app::App,
    job::{Job, Outcome},
    projects::ProjectId,
    queue::Topic,
};

/// Events moved or deleted in one transaction.
const AT_ONCE: i64 = 2000;

/// Where events go.
#[derive(Clone, Copy, Debug)]
pub(super) enum Goal<'a> {
    /// All of them, to another issue.
    Into(IssueId),
    /// Those of some fingerprints, by their first bytes.
    Some(IssueId, &'a [i32]),
    /// They are deleted.
    Away,
}

/// Notes that the events of issues are to go somewhere. Whoever calls holds the locks of the issues.
pub(super) async fn note(
    db: &mut PgConnection,
    project: ProjectId,
    from: &[IssueId],
    goal: Goal<'_>,
) -> sqlx::Result<()> {
    let (into, hashes) = match goal {
        Goal::Into(into) => (Some(into), None),
        Goal::Some(into, hashes) => (Some(into), Some(hashes)),
        Goal::Away => (None, None),
    };
    store::note(db, project, from, (into, hashes)).await
}

/// The issues that hold events of this one: itself, and those whose events are still on their way to it.
pub(super) async fn holders(db: &mut PgConnection, project: ProjectId, issue: IssueId) -> sqlx::Result<Vec<i64>> {
    store::holders(db, project, issue).await
}

/// Has a worker do what was noted. Where the queue is away, cron does it.
pub(super) async fn soon(app: &App, project: ProjectId) {
    let push = async {
        let job = serde_json::to_vec(&Job::MoveEvents { project: project.0 })?;
        app.queue.push(Topic::Jobs, vec![job.into()]).await.context("queueing a job")
    };
    if let Err(error) = push.await {
        tracing::warn!("events follow their issues when cron sees to it: {error:#}");
    }
}

/// Does what is noted of a project.
pub async fn move_events(app: &App, project: i64) -> Result<Outcome> {
    let mut outcome = Outcome::NothingToDo;
    while step(&app.db, project).await.context("moving events")? {
        outcome = Outcome::Done;
    }
    Ok(outcome)
}

/// Does what is noted of any project: what cron looks for, in case that the job was lost.
pub async fn move_all(app: &App) -> Result<()> {
    for project in store::projects(&app.db).await.context("looking for events to move")? {
        move_events(app, project).await?;
    }
    Ok(())
}

/// One part of the first thing that is noted; false when there is none. Two workers take turns.
async fn step(db: &PgPool, project: i64) -> sqlx::Result<bool> {
    let mut tx = db.begin().await?;
    let Some(first) = store::lock_first(&mut *tx, project).await? else { return Ok(false) };
    let done = match first.into {
        Some(into) => store::move_some(&mut *tx, project, &first, into, AT_ONCE).await?,
        None => store::delete_some(&mut *tx, project, &first, AT_ONCE).await?,
    };
    if done < AT_ONCE {
        store::forget(&mut *tx, project, &first).await?;
    }
    tx.commit().await?;
    Ok(true)
}
