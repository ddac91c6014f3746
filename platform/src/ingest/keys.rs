//! Project keys, cached: at most five seconds stale while the database answers, and as they were last known while it does not,
//! so that an outage of PostgreSQL does not stop ingest.

use std::{sync::Arc, time::Duration};

use moka::future::Cache;
use sqlx::PgPool;

use super::{quotas::Quota, store};
use crate::{projects::ProjectId, protocol::filter::Filters};

const STALE_AFTER: Duration = Duration::from_secs(5);
/// Longer than a healthy look-up ever takes; an SDK waits for its answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Keys remembered, unknown ones included: a flood of made-up keys must not fill the memory.
const MOST_KEYS: u64 = 20_000;

/// What an active key belongs to, and what applies to it.
#[derive(Debug)]
pub struct Key {
    /// The project it reports to.
    pub project: ProjectId,
    /// Sites that may send; see `protocol::origin`.
    pub origins: Vec<String>,
    /// What the project does not want.
    pub filters: Filters,
    /// Its own, its project's, its organisation's and the installation's.
    pub quotas: Vec<Quota>,
}

/// The cache, cheap to clone.
#[derive(Clone)]
pub struct Keys {
    db: PgPool,
    fresh: Cache<String, Option<Arc<Key>>>,
    known: Cache<String, Arc<Key>>,
}

impl Keys {
    /// An empty cache over a database.
    pub fn new(db: PgPool) -> Keys {
        let fresh = Cache::builder().max_capacity(MOST_KEYS).time_to_live(STALE_AFTER).build();
        Keys { db, fresh, known: Cache::new(MOST_KEYS) }
    }

    /// What a key belongs to; none when there is no such key or it is disabled. Requests that ask at once share one
    /// look-up.
    ///
    /// # Errors
    /// When the database does not answer and the key was never seen.
    pub async fn find(&self, public_key: &str) -> Result<Option<Arc<Key>>, Arc<anyhow::Error>> {
        let looked_up = self.fresh.try_get_with_by_ref(public_key, self.look_up(public_key)).await;
        match looked_up {
            Ok(found) => Ok(found),
            Err(error) => match self.known.get(public_key).await {
                Some(key) => {
                    self.fresh.insert(public_key.to_owned(), Some(key.clone())).await;
                    Ok(Some(key))
                }
                None => Err(error),
            },
        }
    }

    async fn look_up(&self, public_key: &str) -> anyhow::Result<Option<Arc<Key>>> {
        let found = tokio::time::timeout(PATIENCE, store::key(&self.db, public_key)).await??.map(Arc::new);
        match &found {
            Some(key) => self.known.insert(public_key.to_owned(), key.clone()).await,
            None => self.known.invalidate(public_key).await,
        }
        Ok(found)
    }
}
