//! The policies of projects, cached: at most five seconds old while the database answers.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use moka::future::Cache;
use sqlx::PgPool;

use super::Policy;
use crate::projects::{ProjectId, store};

const STALE_AFTER: Duration = Duration::from_secs(5);
const MOST_PROJECTS: u64 = 10_000;

/// The cache, cheap to clone.
#[derive(Clone)]
pub struct Policies {
    db: PgPool,
    fresh: Cache<ProjectId, Arc<Policy>>,
}

impl Policies {
    /// An empty cache over a database.
    pub fn new(db: PgPool) -> Policies {
        Policies { db, fresh: Cache::builder().max_capacity(MOST_PROJECTS).time_to_live(STALE_AFTER).build() }
    }

    /// The policy of each project. One that was deleted has none left to ask and gets the default.
    pub async fn of(&self, projects: BTreeSet<ProjectId>) -> Result<HashMap<ProjectId, Arc<Policy>>> {
        let mut policies = HashMap::with_capacity(projects.len());
        let mut missing = Vec::new();
        for project in projects {
            match self.fresh.get(&project).await {
                Some(policy) => _ = policies.insert(project, policy),
                None => missing.push(project),
            }
        }
        if missing.is_empty() {
            return Ok(policies);
        }
        for found in store::settings_of(&self.db, &missing).await.context("reading projects' settings")? {
            let policy = Arc::new(found.settings.policy(&found.demands));
            self.fresh.insert(found.id, policy.clone()).await;
            policies.insert(found.id, policy);
        }
        for project in missing {
            policies.entry(project).or_default();
        }
        Ok(policies)
    }
}
