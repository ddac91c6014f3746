//! What was sent with each key, by the hour: who looks for the application that floods a project, or that still has an old key,
//! reads it here. Only errors are counted, by what web did with them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, Result};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::PgPool;

use super::store;
use crate::{app::App, projects::ProjectId};

/// What web did with errors that were sent with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Accepted,
    /// A filter did not want them.
    Filtered,
    /// A quota was used up.
    Dropped,
}

/// An hour of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHour {
    pub hour: DateTime<Utc>,
    pub accepted: i64,
    pub filtered: i64,
    pub dropped: i64,
}

/// A key, an hour, and how many met which fate, in the order of [`Taken`].
pub(super) type Counted = (String, DateTime<Utc>, [i64; 3]);

type Counts = HashMap<(String, DateTime<Utc>), [i64; 3]>;

/// What this process has counted since the last flush. There are no more keys than were found in the database.
#[derive(Debug, Default)]
pub(super) struct Usage(Mutex<Counts>);

impl Usage {
    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, key: (String, DateTime<Utc>), counts: [i64; 3]) {
        let mut usage = self.lock();
        let sums = usage.entry(key).or_default();
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
}

/// Counts errors that were sent with a key now.
pub fn count_key(app: &App, public_key: &str, taken: Taken, quantity: i64) {
    let now = app.now();
    let hour = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now);
    let mut counts = [0; 3];
    counts[taken as usize] = quantity;
    app.outcomes.keys.add((public_key.to_owned(), hour), counts);
}

/// Adds the counts to the database; what could not be added waits for the next time.
pub(super) async fn flush(app: &App) -> Result<()> {
    let counted = std::mem::take(&mut *app.outcomes.keys.lock());
    if counted.is_empty() {
        return Ok(());
    }
    // In the order of their key, so that two processes that flush at once never deadlock.
    let mut counted: Vec<Counted> = counted.into_iter().map(|((key, hour), counts)| (key, hour, counts)).collect();
    counted.sort_unstable();
    let added = store::add_keys(&app.db, &counted).await;
    if added.is_err() {
        for (key, hour, counts) in counted {
            app.outcomes.keys.add((key, hour), counts);
        }
    }
    added.context("adding what was sent with keys to the database")
}

/// What was sent with a key since then, by the hour.
pub async fn of_key(db: &PgPool, public_key: &str, since: DateTime<Utc>) -> Result<Vec<KeyHour>> {
    store::of_key(db, public_key, since).await.context("counting what was sent with a key")
}

/// The same for every key of a project that was used.
pub async fn of_keys(db: &PgPool, project: ProjectId, since: DateTime<Utc>) -> Result<HashMap<String, Vec<KeyHour>>> {
    store::of_keys(db, project, since).await.context("counting what was sent with keys")
}
