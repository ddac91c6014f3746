//! What became of everything that was sent: per project, category and reason, by the hour.
//!
//! Counting must not slow anything down, so it happens in memory; every few seconds, and before a process ends, the counts are
//! added to the database. A process that is killed loses a few seconds of counts, never an event.

mod keys;
mod store;

use std::{
    borrow::Cow,
    collections::HashMap,
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

pub use keys::{KeyHour, Taken, count_key, of_key, of_keys};

use crate::{app::App, metrics::Item, projects::ProjectId, protocol::item::Category};

const FLUSH_EVERY: Duration = Duration::from_secs(5);
/// Different counts kept between two flushes. Beyond it reasons are dropped: clients choose some of them.
const MOST_COUNTS: usize = 10_000;

/// What became of an item. The numbers are Sentry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(i16)]
pub enum Fate {
    /// It is stored.
    Accepted = 0,
    /// The project does not want it.
    Filtered = 1,
    /// There were too many.
    RateLimited = 2,
    /// It cannot be used.
    Invalid = 3,
    /// It threatened the installation.
    Abuse = 4,
    /// Its SDK did not send it.
    ClientDiscard = 5,
}

impl Fate {
    /// As metrics name it.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Accepted => "accepted",
            Fate::Filtered => "filtered",
            Fate::RateLimited => "rate_limited",
            Fate::Invalid => "invalid",
            Fate::Abuse => "abuse",
            Fate::ClientDiscard => "client_discard",
        }
    }
}

/// One thing that happened, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whose items they were.
    pub project: ProjectId,
    /// What they were.
    pub category: Category,
    /// What became of them.
    pub fate: Fate,
    /// Why; empty where it was accepted.
    pub reason: Cow<'static, str>,
    /// How many, or how many bytes of files.
    pub quantity: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    project: ProjectId,
    hour: DateTime<Utc>,
    category: Category,
    fate: Fate,
    reason: Cow<'static, str>,
}

type Counts = HashMap<Key, u64>;

/// What this process has counted since the last flush.
#[derive(Debug, Default)]
pub struct Outcomes {
    counts: Mutex<Counts>,
    keys: keys::Usage,
}

impl Outcomes {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn add(&self, mut key: Key, quantity: u64) {
        let mut counts = self.counts();
        if counts.len() >= MOST_COUNTS && !counts.contains_key(&key) {
            key.reason = Cow::Borrowed("other");
        }
        *counts.entry(key).or_default() += quantity;
    }
}

/// Counts it now.
pub fn count(app: &App, outcome: Outcome) {
    let Outcome { project, category, fate, reason, quantity } = outcome;
    let label = match &reason {
        Cow::Borrowed(reason) => reason,
        // A metric has no room for what people make up.
        Cow::Owned(_) => "other",
    };
    let labels = Item { category: category.name(), outcome: fate.name(), reason: label };
    app.metrics.items.get_or_create(&labels).inc_by(quantity);
    let now = app.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    app.outcomes.add(Key { project, hour, category, fate, reason }, quantity);
}

/// Adds the counts to the database every few seconds until told to stop. Whoever stops last flushes once more.
pub async fn keep(app: &App, stop: &CancellationToken) {
    let mut tick = tokio::time::interval(FLUSH_EVERY);
    while !stop.is_cancelled() {
        tokio::select! { _ = tick.tick() => (), () = stop.cancelled() => return }
        flush_or_warn(app).await;
    }
}

/// Like [`flush`]; what could not be added waits for the next time.
pub async fn flush_or_warn(app: &App) {
    if let Err(error) = flush(app).await {
        tracing::warn!("{error:#}; they are kept for the next time");
    }
}

/// A count of one category, fate and reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// Sentry's word.
    pub category: String,
    /// Sentry's number; see [`Fate`].
    pub fate: i16,
    pub reason: String,
    pub quantity: i64,
}

/// Events that were stored since then, per project, each with the hour.
pub async fn accepted_events(
    db: &PgPool,
    projects: &[ProjectId],
    since: DateTime<Utc>,
) -> Result<HashMap<ProjectId, Vec<(DateTime<Utc>, i64)>>> {
    store::accepted_events(db, projects, since).await.context("counting the events of projects")
}

/// What became of what was sent to a project since then.
pub async fn totals(db: &PgPool, project: ProjectId, since: DateTime<Utc>) -> Result<Vec<Total>> {
    store::totals(db, project, since).await.context("counting what became of what was sent")
}

/// How many errors of a project met one of these fates since then, by the hour.
pub async fn errors(
    db: &PgPool,
    project: ProjectId,
    (fates, since): (&[Fate], DateTime<Utc>),
) -> Result<Vec<(DateTime<Utc>, i64)>> {
    let fates: Vec<i16> = fates.iter().map(|fate| *fate as i16).collect();
    store::errors(db, project, (&fates, since)).await.context("counting the errors of a project")
}

/// Adds the counts to the database.
pub async fn flush(app: &App) -> Result<()> {
    keys::flush(app).await?;
    let counts = std::mem::take(&mut *app.outcomes.counts());
    if counts.is_empty() {
        return Ok(());
    }
    // In the order of their key, so that two processes that flush at once wait for each other but never deadlock.
    let mut counts: Vec<(Key, u64)> = counts.into_iter().collect();
    counts.sort();
    let added = store::add(&app.db, &counts).await;
    if added.is_err() {
        for (key, quantity) in counts {
            app.outcomes.add(key, quantity);
        }
    }
    added.context("adding the counted outcomes to the database")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_that_clients_make_up_do_not_fill_the_memory() {
        let outcomes = Outcomes::default();
        for number in 0..3 * MOST_COUNTS {
            let reason = Cow::Owned(number.to_string());
            let (category, fate) = (Category::Error, Fate::ClientDiscard);
            outcomes.add(Key { project: ProjectId(1), hour: DateTime::UNIX_EPOCH, category, fate, reason }, 1);
        }
        let counts = outcomes.counts();
        assert_eq!((counts.len(), counts.values().sum::<u64>()), (MOST_COUNTS + 1, 3 * MOST_COUNTS as u64));
    }
}
