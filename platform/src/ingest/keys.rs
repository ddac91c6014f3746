//! Project keys, cached: at most five seconds stale while the database answers, and as they were last known while it does not,
//! so that an outage of PostgreSQL does not stop ingest.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use sqlx::PgPool;

use super::store;
use crate::projects::ProjectId;

const STALE_AFTER: Duration = Duration::from_secs(5);
/// Longer than a healthy look-up ever takes; an SDK waits for its answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Keys remembered, unknown ones included: a flood of made-up keys must not fill the memory.
const MOST_KEYS: u64 = 20_000;

/// The cache, cheap to clone.
#[derive(Clone)]
pub struct Keys {
    db: PgPool,
    fresh: Cache<String, Option<ProjectId>>,
    known: Cache<String, ProjectId>,
}

impl Keys {
    /// An empty cache over a database.
    pub fn new(db: PgPool) -> Keys {
        let fresh = Cache::builder().max_capacity(MOST_KEYS).time_to_live(STALE_AFTER).build();
        Keys { db, fresh, known: Cache::new(MOST_KEYS) }
    }

    /// The project a key reports to; none when there is no such key or it is disabled. Requests that ask at once share one
    /// look-up.
    ///
    /// # Errors
    /// When the database does not answer and the key was never seen.
    pub async fn project(&self, public_key: &str) -> Result<Option<ProjectId>, Arc<anyhow::Error>> {
        let looked_up = self.fresh.try_get_with_by_ref(public_key, self.look_up(public_key)).await;
        match looked_up {
            Ok(found) => Ok(found),
            Err(error) => match self.known.get(public_key).await {
                Some(project) => {
                    self.fresh.insert(public_key.to_owned(), Some(project)).await;
                    Ok(Some(project))
                }
                None => Err(error),
            },
        }
    }

    async fn look_up(&self, public_key: &str) -> anyhow::Result<Option<ProjectId>> {
        let found = tokio::time::timeout(PATIENCE, store::project_of(&self.db, public_key)).await??;
        match found {
            Some(project) => self.known.insert(public_key.to_owned(), project).await,
            None => self.known.invalidate(public_key).await,
        }
        Ok(found)
    }
}
