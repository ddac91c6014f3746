//! Alerts: rules decide what people are told of an event, once.
//!
//! [`rules`] says what a rule is, [`firing`] decides which are met and writes down with the event who is to be told, and
//! [`delivery`] tells it. What people do (a comment, an assignment) is found in the history of issues by `following`, which writes
//! rows for `delivery` as `firing` does. Who wants what by mail is in [`preferences`].

pub mod api;
pub mod delivery;
pub mod firing;
mod following;
mod form;
mod mails;
pub mod pages;
pub mod preferences;
mod preview;
pub mod rules;
mod store;
mod tries;
mod words;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use moka::future::Cache;
use serde_json::{Map, Value};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    app::App,
    auth::UserId,
    channels::{self, store::Owner},
    job::Outcome,
    projects::{Project, ProjectId},
};
use rules::{Action, Rule, Wrong};
pub use store::Kept;

/// How long a change to a rule takes to reach every worker.
const STALE_AFTER: Duration = Duration::from_secs(5);
const MOST_PROJECTS: u64 = 10_000;
/// Rules that a project may have.
const MOST_RULES: usize = 100;

/// A rule's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct RuleId(pub i64);

/// The rules of projects, cached: at most five seconds old while the database answers.
#[derive(Clone)]
pub struct Rules {
    db: PgPool,
    fresh: Cache<ProjectId, Arc<Vec<Rule>>>,
}

impl Rules {
    /// An empty cache over a database.
    pub fn new(db: PgPool) -> Rules {
        Rules { db, fresh: Cache::builder().max_capacity(MOST_PROJECTS).time_to_live(STALE_AFTER).build() }
    }

    /// The rules of each project; none of one that was deleted.
    pub async fn of(&self, projects: BTreeSet<ProjectId>) -> Result<HashMap<ProjectId, Arc<Vec<Rule>>>> {
        let mut rules = HashMap::with_capacity(projects.len());
        let mut missing: HashMap<ProjectId, Vec<Rule>> = HashMap::new();
        for project in projects {
            match self.fresh.get(&project).await {
                Some(of) => _ = rules.insert(project, of),
                None => _ = missing.insert(project, Vec::new()),
            }
        }
        if missing.is_empty() {
            return Ok(rules);
        }
        let asked: Vec<ProjectId> = missing.keys().copied().collect();
        for kept in store::rules(&self.db, &asked).await.context("reading alert rules")? {
            match kept.rule() {
                Ok(rule) => missing.entry(kept.project).or_default().push(rule),
                Err(wrong) => tracing::warn!("rule {} is not understood and never fires: {wrong:?}", kept.id.0),
            }
        }
        for (project, of) in missing {
            let of = Arc::new(of);
            self.fresh.insert(project, of.clone()).await;
            rules.insert(project, of);
        }
        Ok(rules)
    }
}

/// Takes over a notification that a worker of the version before has queued.
pub async fn adopt(app: &App, project: i64, rule: i64, event: Uuid) -> Result<Outcome> {
    let adopted = store::adopt(&app.db, (ProjectId(project), RuleId(rule)), event, app.now()).await;
    app.deliveries.notify_one();
    Ok(if adopted.context("taking over a notification")? == 0 { Outcome::NothingToDo } else { Outcome::Done })
}

/// Who changes rules, and when.
#[derive(Clone, Copy, Debug)]
pub struct By {
    pub user: UserId,
    pub at: DateTime<Utc>,
}

/// Adds a rule, or says what is wrong with it.
pub async fn create(
    app: &App,
    project: &Project,
    by: By,
    json: &Map<String, Value>,
) -> Result<Result<RuleId, Vec<Wrong>>> {
    let rule = match check(app, project, RuleId(0), json).await? {
        Ok(rule) => rule,
        Err(wrong) => return Ok(Err(wrong)),
    };
    if store::rules(&app.db, &[project.id]).await.context("counting rules")?.len() >= MOST_RULES {
        return Ok(Err(vec![("name".to_owned(), format!("A project has at most {MOST_RULES} rules."))]));
    }
    Ok(Ok(store::insert(&app.db, project.id, &rule.name, (json, by)).await.context("adding a rule")?))
}

/// Changes a rule, or says what is wrong; false where it is gone.
pub async fn change(
    app: &App,
    project: &Project,
    id: RuleId,
    json: &Map<String, Value>,
) -> Result<Result<bool, Vec<Wrong>>> {
    match check(app, project, id, json).await? {
        Ok(rule) => {
            Ok(Ok(store::update(&app.db, project.id, id, (&rule.name, json)).await.context("changing a rule")?))
        }
        Err(wrong) => Ok(Err(wrong)),
    }
}

/// A rule may name only channels that its project may use.
async fn check(
    app: &App,
    project: &Project,
    id: RuleId,
    json: &Map<String, Value>,
) -> Result<Result<Rule, Vec<Wrong>>> {
    let rule = match Rule::read(id, project.id, json) {
        Ok(rule) => rule,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let usable = usable(app, project).await?;
    let missing = rule.actions.iter().find_map(|action| match action {
        Action::Channel(channel) if usable.iter().all(|one| one.id != *channel) => Some(channel.0),
        _ => None,
    });
    Ok(match missing {
        Some(channel) => Err(vec![("actions".to_owned(), format!("This project has no channel {channel}."))]),
        None => Ok(rule),
    })
}

/// The channels a project may use.
async fn usable(app: &App, project: &Project) -> Result<Vec<channels::Channel>> {
    let owner = Owner { organization: project.organization_id, project: Some(project.id) };
    channels::store::usable(&app.db, owner).await.context("reading channels")
}
