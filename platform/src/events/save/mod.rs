//! Saving a batch: one transaction, set-based SQL, idempotent by event id.
//!
//! Every statement locks its rows in key order and the statements always come in the same order, so two workers that save at
//! once wait for each other but never deadlock. Whose fault a failure is decides what follows ([`Failure`]): a batch that met
//! another begins again, one that holds what the database refuses is halved until the one event at fault is alone; that one is
//! kept aside with the database's words.

mod alerts;
mod counts;
mod failure;
mod issues;
mod releases;
mod returns;
mod rows;
mod tags;
mod traits;
mod users;

use std::collections::{BTreeSet, HashSet};

use anyhow::{Context, Result};
use chrono::{NaiveDate, TimeDelta};
use serde_json::json;
use sqlx::{PgPool, Postgres, Transaction, types::Json};
use uuid::Uuid;

use super::{
    Effect, Judged, Outcome,
    prepare::{Prepared, Rejected},
};
use crate::{
    app::App,
    issues::IssueId,
    projects::ProjectId,
    protocol::{EventId, sent::Sent, tags::Tag},
};
use alerts::fire_rules;
use counts::count;
use failure::Failure;
use issues::{Issues, discarded_issues, find_or_create_issues, lock_issues};
use releases::note_releases;
use returns::decide_returns;
use rows::insert_events;
pub use tags::Listed;
use tags::{count_tags, list_tags};
use traits::{note_traits, note_users};
use users::add_users;

/// Beyond a day and its neighbours, the same event id is taken for another event: SDKs give up on sending long before.
const DUPLICATE_WINDOW: TimeDelta = TimeDelta::days(1);

/// What a batch became.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub outcomes: Vec<Judged>,
    /// Rules that were met.
    pub fired: usize,
}

type Tx<'a> = Transaction<'a, Postgres>;

/// Makes the partition of one day, if it is not there.
pub async fn make_partition(db: &PgPool, day: NaiveDate) -> Result<()> {
    sqlx::query!("select make_event_partition($1)", day).execute(db).await.context("making an event partition")?;
    Ok(())
}

/// Saves what is prepared and keeps what is rejected.
pub(super) async fn save(app: &App, prepared: Vec<Prepared>, mut rejected: Vec<Rejected>) -> Result<Saved> {
    let db = &app.db;
    let mut saved = Saved::default();
    let mut collisions = 0;
    let mut waiting = vec![prepared];
    while let Some(mut batch) = waiting.pop() {
        let error = match save_all(app, &batch).await {
            Ok(part) => {
                saved.outcomes.extend(part.outcomes);
                saved.fired += part.fired;
                continue;
            }
            Err(error) => error,
        };
        match Failure::of(&error, collisions) {
            Failure::Collision => {
                collisions += 1;
                waiting.push(batch);
            }
            Failure::Partition => {
                make_partitions(db, &batch).await?;
                waiting.push(batch);
            }
            Failure::Data | Failure::Slow if batch.len() > 1 => {
                let half = batch.split_off(batch.len() / 2);
                waiting.extend([half, batch]);
            }
            Failure::Data => {
                let reason = format!("the database refuses it: {error}");
                rejected.extend(batch.into_iter().map(|e| Rejected { received: e.received, reason: reason.clone() }));
            }
            Failure::Slow | Failure::Away => return Err(error).context("saving events"),
        }
    }
    keep_rejected(db, &rejected).await.context("keeping rejected events")?;
    saved.outcomes.extend(rejected.iter().map(|event| event.received.judged(Outcome::Invalid)));
    Ok(saved)
}

/// Cron makes them ahead, but it may have been away, or retention may have dropped one that is needed again.
async fn make_partitions(db: &PgPool, batch: &[Prepared]) -> Result<()> {
    let days: BTreeSet<NaiveDate> = batch.iter().map(|event| event.received.received_at.date_naive()).collect();
    for day in days {
        make_partition(db, day).await?;
    }
    Ok(())
}

async fn save_all(app: &App, batch: &[Prepared]) -> sqlx::Result<Saved> {
    let mut saved = Saved::default();
    if batch.is_empty() {
        return Ok(saved);
    }
    let (listed, now) = (&app.listed_tags, app.now());
    let mut tx = app.db.begin().await?;
    let live = live_projects(&mut tx, batch).await?;
    let known = known_events(&mut tx, batch).await?;

    let mut ids = HashSet::new();
    let mut fresh: Vec<&Prepared> = Vec::with_capacity(batch.len());
    for event in batch {
        let id = (event.received.project, event.received.id);
        if !live.contains(&event.received.project) {
            saved.outcomes.push(event.received.judged(Outcome::ProjectGone));
        } else if known.contains(&id) || !ids.insert(id) {
            saved.outcomes.push(event.received.judged(Outcome::Duplicate));
        } else {
            fresh.push(event);
        }
    }
    // A new issue is numbered and named by the first of its events; two that came at once have one order everywhere.
    fresh.sort_by_key(|event| (event.received.project, event.received.id));

    let issues = find_or_create_issues(&mut tx, &fresh).await?;
    let locked = lock_issues(&mut tx, &issues).await?;
    let discarded = discarded_issues(&mut tx, &issues, &locked).await?;
    if !discarded.is_empty() {
        let issue = |event: &Prepared| issues[&(event.received.project, event.fingerprint)];
        let unwanted = fresh.extract_if(.., |event| discarded.contains(&issue(event)));
        saved.outcomes.extend(unwanted.map(|event| event.received.judged(Outcome::Discarded)));
    }
    note_releases(&mut tx, &fresh).await?;
    let mut placed = place(&fresh, &issues);
    placed.sort_by_key(|placed| (placed.issue, placed.event.occurred_at));
    decide_returns(&mut tx, &locked, &mut placed).await?;
    insert_events(&mut tx, &placed).await?;
    let users = add_users(&mut tx, &placed).await?;
    count(&mut tx, &placed, &users).await?;
    count_tags(&mut tx, &placed).await?;
    let mut newly_listed = list_tags(&mut tx, listed, &placed).await?;
    newly_listed.extend(note_traits(&mut tx, listed, &placed).await?);
    newly_listed.extend(note_users(&mut tx, listed, &placed).await?);
    saved.fired = fire_rules(&mut tx, &locked, &placed, now).await?;
    tx.commit().await?;

    listed.remember(newly_listed);
    saved.outcomes.extend(placed.iter().map(|placed| placed.event.received.judged(Outcome::Stored)));
    Ok(saved)
}

async fn live_projects(tx: &mut Tx<'_>, batch: &[Prepared]) -> sqlx::Result<HashSet<ProjectId>> {
    let projects: HashSet<i64> = batch.iter().map(|event| event.received.project.0).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let live = sqlx::query_scalar!("select id from projects where id = any($1) and deleted_at is null", &projects)
        .fetch_all(&mut **tx)
        .await?;
    Ok(live.into_iter().collect())
}

/// Events of the batch that are stored already.
async fn known_events(tx: &mut Tx<'_>, batch: &[Prepared]) -> sqlx::Result<HashSet<(ProjectId, EventId)>> {
    let projects: Vec<i64> = batch.iter().map(|event| event.received.project.0).collect();
    let ids: Vec<Uuid> = batch.iter().map(|event| event.received.id.0).collect();
    let days = || batch.iter().map(|event| event.received.received_at);
    let first = days().min().unwrap_or_default() - DUPLICATE_WINDOW;
    let last = days().max().unwrap_or_default() + DUPLICATE_WINDOW;
    let rows = sqlx::query!(
        r#"select e.project_id, e.id
           from unnest($1::bigint[], $2::uuid[]) as asked (project_id, id)
           join events e on e.project_id = asked.project_id and e.id = asked.id
           where e.received_on between $3 and $4"#,
        &projects,
        &ids,
        first.date_naive(),
        last.date_naive(),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.project_id, EventId(row.id))).collect())
}

/// An event that has its issue.
struct Placed<'a> {
    event: &'a Prepared,
    issue: IssueId,
    effect: Effect,
    /// The numbers of the event's tags, in their order.
    numbers: Vec<i64>,
}

impl<'a> Placed<'a> {
    fn numbered(&self) -> impl Iterator<Item = (&'a Tag, i64)> {
        self.event.tags.iter().zip(self.numbers.iter().copied())
    }

    /// The number of the tag of this key, 0 without one.
    fn number(&self, key: &str) -> i64 {
        self.numbered().find(|(tag, _)| tag.key == key).map_or(0, |(_, number)| number)
    }

    fn user(&self) -> i64 {
        self.number("user")
    }

    /// The numbers as `events.tags` has them.
    fn stored_numbers(&self) -> Vec<i64> {
        const FIRST: [&str; 3] = ["environment", "release", "user"];
        let others = self.numbered().filter(|(tag, _)| !FIRST.contains(&tag.key.as_ref())).map(|(_, number)| number);
        FIRST.iter().map(|key| self.number(key)).chain(others).collect()
    }
}

/// Gives each event its issue. What it does there is decided later.
fn place<'a>(fresh: &[&'a Prepared], issues: &Issues) -> Vec<Placed<'a>> {
    let place = |event: &&'a Prepared| {
        let project = event.received.project;
        let issue = issues[&(project, event.fingerprint)];
        let numbers = event.tags.iter().map(|tag| tag.number(project.0)).collect();
        Placed { event, issue, effect: Effect::Counted, numbers }
    };
    fresh.iter().map(place).collect()
}

async fn keep_rejected(db: &PgPool, rejected: &[Rejected]) -> sqlx::Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&[u8]> = rejected.iter().map(|event| &event.received.body[..]).collect();
    let sent: Vec<Json<&Sent>> = rejected.iter().map(|event| Json(&*event.received.sent)).collect();
    sqlx::query!(
        r#"insert into rejected_events (project_id, id, received_at, reason, body, sent, sent_as)
           select project, id, received, reason, body, sent, sent_as::json
           from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bytea[], $6::json[], $7::text[])
               as r (project, id, received, reason, body, sent, sent_as)
           on conflict do nothing"#,
        &rejected.iter().map(|event| event.received.project.0).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.received.id.0).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.received.received_at).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.reason.clone()).collect::<Vec<_>>(),
        &bodies as &[&[u8]],
        &sent as &[Json<&Sent>],
        &rejected.iter().map(|event| json!(event.received.sent_as).to_string()).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}
