//! Taking back what was done to several issues at once: each such action remembers what it changed, and may be undone once.
//!
//! What somebody has changed again meanwhile stays as it is. A merge is taken apart by its fingerprints. What is deleted is gone.

mod store;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    By, IssueId,
    lifecycle::Decision,
    merging,
    people::{self, Assignee, Mark},
};
use crate::{app::App, organizations::OrganizationId, projects::ProjectId, protocol::fingerprint::Fingerprint};

/// As long an action can be taken back.
const KEPT: TimeDelta = TimeDelta::days(1);

/// What was changed of an issue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Decided {
        issue: i64,
        before: Decision,
        after: Decision,
    },
    Assigned {
        issue: i64,
        before: Option<Assignee>,
        after: Option<Assignee>,
    },
    Marked {
        issue: i64,
        mark: Mark,
        before: bool,
        after: bool,
    },
    /// The fingerprints of an issue that is another's now.
    Merged {
        into: i64,
        hashes: Vec<Uuid>,
    },
}

/// What came of taking an action back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undone {
    /// So many issues are as they were.
    Done(usize),
    /// It was taken back already, is too long ago, or was somebody else's.
    Gone,
}

/// The issues before something is done to them.
#[derive(Clone, Debug)]
pub struct Before {
    states: Vec<store::State>,
    hashes: BTreeMap<i64, Vec<Uuid>>,
}

/// Remembers how issues are.
pub async fn before(db: &PgPool, by: By, project: ProjectId, issues: &[IssueId]) -> Result<Before> {
    let states = store::states(db, by.user, project, issues).await.context("remembering issues")?;
    let mut hashes: BTreeMap<i64, Vec<Uuid>> = BTreeMap::new();
    for (issue, hash) in store::hashes(db, project, issues).await.context("remembering fingerprints")? {
        hashes.entry(issue).or_default().push(hash);
    }
    Ok(Before { states, hashes })
}

/// Notes what was changed since; the answer names the action, if there is anything to take back.
pub async fn remember(db: &PgPool, by: By, project: ProjectId, before: Before) -> Result<Option<Uuid>> {
    let issues: Vec<IssueId> = before.states.iter().map(|state| state.issue).collect();
    let after = store::states(db, by.user, project, &issues).await.context("looking at issues again")?;
    let mut changes: Vec<Change> = Vec::new();
    for old in &before.states {
        match after.iter().find(|new| new.issue == old.issue) {
            Some(new) => changes.extend(old.changes(new)),
            None => changes.extend(merged(db, &before, old.issue).await?),
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let id = Uuid::now_v7();
    store::save(db, id, by, project, &changes).await.context("noting what was changed")?;
    Ok(Some(id))
}

/// An issue that is not there any more was merged, or deleted.
async fn merged(db: &PgPool, before: &Before, issue: IssueId) -> Result<Option<Change>> {
    let into = merging::forwarded(db, issue).await.context("following a merged issue")?;
    let hashes = before.hashes.get(&issue.0).cloned().unwrap_or_default();
    Ok(into.map(|into| Change::Merged { into: into.0, hashes }))
}

/// Takes an action back.
pub async fn undo(app: &App, by: By, organization: OrganizationId, action: Uuid) -> Result<Undone> {
    let taken = store::take(&app.db, by, organization, (action, by.at - KEPT)).await.context("finding an action")?;
    let Some((project, changes)) = taken else { return Ok(Undone::Gone) };
    let issues: BTreeSet<i64> = changes.iter().map(Change::issue).collect();
    let issues: Vec<IssueId> = issues.into_iter().map(IssueId).collect();
    let now = store::states(&app.db, by.user, project, &issues).await.context("looking at issues")?;
    let (mut done, mut taken_apart) = (BTreeSet::new(), 0);
    let mut groups: Vec<(Change, Vec<IssueId>)> = Vec::new();
    for change in changes {
        let is_as_left =
            now.iter().find(|state| state.issue.0 == change.issue()).is_some_and(|state| change.is_in(state));
        if !is_as_left {
            continue;
        }
        if matches!(change, Change::Merged { .. }) {
            taken_apart += 1;
        } else {
            done.insert(change.issue());
        }
        let issue = IssueId(change.issue());
        match groups.iter_mut().find(|(other, _)| other.goes_back_like(&change)) {
            Some((_, issues)) => issues.push(issue),
            None => groups.push((change, vec![issue])),
        }
    }
    for (change, issues) in groups {
        restore(app, by, (project, organization), &change, &issues).await?;
    }
    Ok(Undone::Done(done.len() + taken_apart))
}

async fn restore(
    app: &App,
    by: By,
    (project, organization): (ProjectId, OrganizationId),
    change: &Change,
    issues: &[IssueId],
) -> Result<()> {
    match change {
        Change::Decided { before, .. } => super::decide(&app.db, by, project, issues, before).await,
        Change::Assigned { before, .. } => {
            let name = before.map(|assignee| match assignee {
                Assignee::Person(user) => format!("user:{user}"),
                Assignee::Team(team) => format!("team:{team}"),
            });
            let assigned = match name {
                Some(name) => people::find_assignee(&app.db, organization, &name).await?,
                None => None,
            };
            people::assign(&app.db, by, project, issues, assigned.as_ref()).await
        }
        Change::Marked { mark, before, .. } => {
            people::mark(&app.db, by, project, issues, (*mark, (*before).into())).await
        }
        Change::Merged { into, hashes } => {
            let fingerprints: Vec<Fingerprint> = hashes.iter().map(|hash| Fingerprint(*hash.as_bytes())).collect();
            merging::unmerge(app, by, (project, IssueId(*into)), &fingerprints).await.map(drop)
        }
    }
}

impl Change {
    fn issue(&self) -> i64 {
        match self {
            Change::Decided { issue, .. } | Change::Assigned { issue, .. } | Change::Marked { issue, .. } => *issue,
            Change::Merged { into, .. } => *into,
        }
    }

    /// Whether the issue still is as this left it.
    fn is_in(&self, state: &store::State) -> bool {
        match self {
            Change::Decided { after, .. } => state.decision == *after,
            Change::Assigned { after, .. } => state.assignee == *after,
            Change::Marked { mark, after, .. } => state.mark(*mark) == *after,
            Change::Merged { .. } => true,
        }
    }

    /// Whether the same undoes both.
    fn goes_back_like(&self, other: &Change) -> bool {
        match (self, other) {
            (Change::Decided { before: a, .. }, Change::Decided { before: b, .. }) => a == b,
            (Change::Assigned { before: a, .. }, Change::Assigned { before: b, .. }) => a == b,
            (Change::Marked { mark, before, .. }, Change::Marked { mark: other, before: also, .. }) => {
                mark == other && before == also
            }
            _ => false,
        }
    }
}

/// Forgets actions that are too long ago to be taken back.
pub async fn forget_old(app: &App) -> Result<()> {
    store::forget(&app.db, app.now() - KEPT).await.context("forgetting old actions")
}
