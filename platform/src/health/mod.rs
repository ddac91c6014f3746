//! Release health: how many sessions and users of a release crashed, by the hour.
//!
//! Sessions are not kept one by one but as counts and sets, so that a busy application costs as much as a quiet one. Counting
//! is part of the transaction that keeps the item, so an item delivered twice counts once. A set takes the same session or
//! user once; a count of crashes relies on SDKs saying so once, as the protocol has it.

pub mod api;
mod distinct;
mod query;
mod store;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};

pub use distinct::Distinct;

use crate::{
    projects::ProjectId,
    protocol::session::{COUNTS, Change, Count, SETS, Set},
};

/// Releases, each in each of its environments, that a project may have on a day: beyond it, they are made up at random.
const MOST_A_DAY: i64 = 1_000;

/// Where a change belongs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    project: ProjectId,
    release: String,
    environment: String,
    hour: DateTime<Utc>,
}

impl Place {
    fn of(project: ProjectId, change: &Change) -> Place {
        let (release, environment) = (change.release.clone(), change.environment.clone());
        Place { project, release, environment, hour: change.hour }
    }

    /// The whole day, by its first hour.
    fn day(&self) -> Place {
        let day = self.hour.duration_trunc(TimeDelta::days(1)).unwrap_or(self.hour);
        Place { hour: day, ..self.clone() }
    }
}

/// Releases on days that had too many of them already.
#[derive(Debug, Default)]
pub struct Beyond(BTreeSet<Place>);

impl Beyond {
    /// Whether a change was left out.
    pub fn holds(&self, project: ProjectId, change: &Change) -> bool {
        !self.0.is_empty() && self.0.contains(&Place::of(project, change).day())
    }
}

/// What is known of some sessions: of an hour, or of many together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    counts: [i64; COUNTS],
    sets: [Distinct; SETS],
}

impl Health {
    fn apply(&mut self, change: &Change) {
        for (sum, more) in self.counts.iter_mut().zip(change.counts) {
            *sum = sum.saturating_add(more);
        }
        for (set, member) in &change.members {
            self.sets[*set as usize].insert(*member);
        }
    }

    /// Adds other sessions; users that are in both count once.
    pub fn add(&mut self, other: &Health) {
        for (sum, more) in self.counts.iter_mut().zip(other.counts) {
            *sum = sum.saturating_add(more);
        }
        for (set, more) in self.sets.iter_mut().zip(&other.sets) {
            set.unite(more);
        }
    }

    /// Sessions in all.
    pub fn sessions(&self) -> i64 {
        self.counts[Count::Total as usize]
    }

    /// Sessions that ended so.
    pub fn ended(&self, how: Count) -> i64 {
        self.counts[how as usize]
    }

    /// Sessions that had errors, however they ended.
    pub fn all_errored(&self) -> i64 {
        self.counts[Count::Errored as usize] + self.sets[Set::ErroredSessions as usize].count()
    }

    /// Users in a set.
    pub fn users(&self, set: Set) -> i64 {
        self.sets[set as usize].count()
    }

    /// The share of sessions that did not crash; none where there were no sessions.
    pub fn crash_free_sessions(&self) -> Option<f64> {
        share_without(self.ended(Count::Crashed), self.sessions())
    }

    /// The share of users who saw no crash; none where no user is known.
    pub fn crash_free_users(&self) -> Option<f64> {
        share_without(self.users(Set::CrashedUsers), self.users(Set::Users))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share needs no 53 bits")]
fn share_without(crashed: i64, all: i64) -> Option<f64> {
    // An end may be told of a session whose beginning was not.
    (all > 0).then(|| (1.0 - crashed as f64 / all as f64).max(0.0))
}

/// Counts what sessions tell, in the transaction that keeps their items, and answers what was left out.
pub async fn record(db: &mut PgConnection, changes: &[(ProjectId, &Change)]) -> sqlx::Result<Beyond> {
    let mut places: BTreeMap<Place, Health> = BTreeMap::new();
    for (project, change) in changes {
        places.entry(Place::of(*project, change)).or_default().apply(change);
    }
    if places.is_empty() {
        return Ok(Beyond::default());
    }
    let days: BTreeSet<Place> = places.keys().map(Place::day).collect();
    let beyond = store::beyond(&mut *db, &days, MOST_A_DAY).await?;
    places.retain(|place, _| !beyond.contains(&place.day()));
    // In the order of their keys, so that two workers wait for each other and never deadlock.
    let mut known = store::lock(&mut *db, places.keys()).await?;
    for (place, health) in &mut known {
        if let Some(more) = places.get(place) {
            health.add(more);
        }
    }
    store::write(db, &known).await?;
    Ok(Beyond(beyond))
}

/// The health of a release in a time, as pages and verbs of other features ask for it.
pub async fn of_release(
    db: &PgPool,
    project: ProjectId,
    release: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Health> {
    let rows = store::read(db, &[project.0], (from, to)).await?;
    let mut all = Health::default();
    rows.iter().filter(|row| row.release == release).for_each(|row| all.add(&row.health));
    Ok(all)
}

/// An hour of a release in an environment, as it is read.
#[derive(Clone, Debug)]
struct Row {
    project: ProjectId,
    release: String,
    environment: String,
    hour: DateTime<Utc>,
    health: Health,
}
