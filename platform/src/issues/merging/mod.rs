//! Issues that are one bug, and fingerprints that are not.
//!
//! Merging moves everything that is counted at once; the events follow ([`moving`](super::moving)), and a reader may miss some
//! of them for a moment. Who saves events holds the issues' locks, so that none is placed on an issue that is gone.

mod store;
mod unmerge;

use anyhow::{Context, Result};

use super::{
    By, IssueId,
    moving::{self, Goal},
    people,
};
use crate::{app::App, projects::ProjectId};

pub use store::{Hash, Latest, forwarded, hashes, latest};
pub use unmerge::{Unmerged, unmerge};

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
    people::absorb(&mut tx, project, parent, &children).await.context("merging what people have to do with issues")?;
    store::merge(&mut tx, project, parent, &children).await.context("merging issues")?;
    store::note_merge(&mut tx, by, project, (parent, &children)).await.context("noting a merge")?;
    moving::note(&mut tx, project, &children, Goal::Into(parent)).await.context("noting events to move")?;
    tx.commit().await.context("merging issues")?;
    moving::soon(app, project).await;
    Ok(Merged::Done { parent, children })
}
