//! What people have to do with issues: who sees to one, who has marked it, is told of it or has looked at it, and who may read it.
//! It is noted in the issue's history where others should know.

mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{By, Issue, IssueId};
use crate::{auth::UserId, organizations::OrganizationId, projects::ProjectId};

pub(super) use store::absorb;
pub use store::{Person, Shared, Team, marks, member, members, of_teams, participants, shared, team, teams, viewers};

/// Who sees to an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Assignee {
    Person(i64),
    Team(i64),
}

/// The same, as people know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assigned {
    Person(Person),
    Team(Team),
}

impl Assigned {
    /// Its number.
    pub fn number(&self) -> Assignee {
        match self {
            Assigned::Person(person) => Assignee::Person(person.id.0),
            Assigned::Team(team) => Assignee::Team(team.id),
        }
    }
}

/// What somebody has to do with an issue, and how many comments it has.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub assigned: Option<Assigned>,
    pub is_bookmarked: bool,
    pub subscription: Option<Subscription>,
    pub seen_at: Option<DateTime<Utc>>,
    pub share: Option<Uuid>,
    pub comments: i64,
    /// Whether an error escaped in one of its events.
    pub is_unhandled: bool,
}

/// Whether somebody is told of what happens, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub is_active: bool,
    pub reason: String,
}

/// A mark of somebody's on an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    Bookmark,
    Subscription,
    Seen,
}

/// Whether it is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    On,
    Off,
}

impl From<bool> for Set {
    fn from(on: bool) -> Set {
        if on { Set::On } else { Set::Off }
    }
}

impl Marks {
    /// Whether whoever it is has seen the issue since it is there.
    pub fn has_seen(&self, issue: &Issue) -> bool {
        self.seen_at.is_some_and(|at| at >= issue.first_seen)
    }
}

/// Gives issues to somebody, or to nobody, and notes it. Who is given one is told of what happens to it.
pub async fn assign(
    db: &PgPool,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
    assigned: Option<&Assigned>,
) -> Result<()> {
    let mut tx = db.begin().await.context("beginning to assign issues")?;
    let changed = store::assign(&mut tx, project, issues, assigned.map(Assigned::number), by.at).await;
    let changed = changed.context("assigning issues")?;
    let (kind, data) = match assigned {
        None => ("unassigned", json!({})),
        Some(Assigned::Team(team)) => {
            ("assigned", json!({ "assignee": team.id.to_string(), "assigneeName": team.slug, "assigneeType": "team" }))
        }
        Some(Assigned::Person(person)) => (
            "assigned",
            json!({ "assignee": person.id.0.to_string(), "assigneeEmail": person.email, "assigneeType": "user" }),
        ),
    };
    super::store::note(&mut tx, by, project, &changed, (kind, data)).await.context("noting an assignment")?;
    if let Some(Assigned::Person(person)) = assigned {
        store::subscribe(&mut tx, person.id, project, &changed, "assigned").await.context("subscribing an assignee")?;
    }
    tx.commit().await.context("assigning issues")
}

/// Sets or removes somebody's mark on issues. Who bookmarks an issue is told of what happens to it.
pub async fn mark(db: &PgPool, by: By, project: ProjectId, issues: &[IssueId], (mark, set): (Mark, Set)) -> Result<()> {
    let mut tx = db.begin().await.context("beginning to mark issues")?;
    store::mark(&mut tx, by, project, issues, (mark, set)).await.context("marking issues")?;
    if (mark, set) == (Mark::Bookmark, Set::On) {
        store::subscribe(&mut tx, by.user, project, issues, "bookmark").await.context("subscribing")?;
    }
    tx.commit().await.context("marking issues")
}

/// Tells somebody of what happens to issues from now on, unless they said that they do not want it.
pub async fn subscribe(db: &PgPool, by: By, project: ProjectId, issues: &[IssueId], reason: &str) -> Result<()> {
    let mut connection = db.acquire().await.context("subscribing")?;
    store::subscribe(&mut connection, by.user, project, issues, reason).await.context("subscribing to issues")
}

/// Lets anybody read issues who knows their new ids, or nobody.
pub async fn share(db: &PgPool, by: By, project: ProjectId, issues: &[IssueId], set: Set) -> Result<()> {
    let mut tx = db.begin().await.context("beginning to share issues")?;
    let changed = match set {
        Set::On => store::share(&mut *tx, by, project, issues).await,
        Set::Off => store::unshare(&mut *tx, project, issues).await,
    };
    let changed = changed.context("sharing issues")?;
    let kind = if set == Set::On { "set_public" } else { "set_private" };
    super::store::note(&mut tx, by, project, &changed, (kind, json!({}))).await.context("noting a share")?;
    tx.commit().await.context("sharing issues")
}

/// Who an issue may be given to, as clients name them: `user:7`, `team:3`, a number, an address, or `#team`.
pub async fn find_assignee(db: &PgPool, organization: OrganizationId, name: &str) -> Result<Option<Assigned>> {
    let mut connection: sqlx::pool::PoolConnection<sqlx::Postgres> =
        db.acquire().await.context("looking for somebody")?;
    let found = found_assignee(&mut connection, organization, name).await;
    found.context("looking for whom an issue is given to")
}

async fn found_assignee(
    db: &mut PgConnection,
    organization: OrganizationId,
    name: &str,
) -> sqlx::Result<Option<Assigned>> {
    if let Some(named) = name.strip_prefix("team:").or_else(|| name.strip_prefix('#')) {
        return Ok(team(db, organization, named).await?.map(Assigned::Team));
    }
    let named = name.strip_prefix("user:").unwrap_or(name);
    Ok(member(db, organization, named).await?.map(Assigned::Person))
}

/// Somebody, by number.
pub async fn person(db: &PgPool, organization: OrganizationId, user: UserId) -> Result<Option<Person>> {
    member(db, organization, &user.0.to_string()).await.context("looking for a member")
}
