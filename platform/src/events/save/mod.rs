//! Saving a batch: one transaction, set-based SQL, idempotent by event id.
//!
//! Every statement locks its rows in key order and the statements always come in the same order, so two workers that save at
//! once wait for each other but never deadlock. When the database refuses a batch for what is in it, the batch is halved until
//! the one event at fault is alone; that one is kept aside with the database's words.

mod counts;
mod issues;

use std::collections::{BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::{PgPool, Postgres, Transaction, error::DatabaseError};
use uuid::Uuid;

use super::{
    Effect, Outcome, Seen,
    process::{Prepared, Rejected},
};
use crate::{issues::IssueId, projects::ProjectId, protocol::EventId};
use counts::count;
use issues::{Issues, find_or_create_issues, lock_issues};

/// Beyond a day and its neighbours, the same event id is taken for another event: SDKs give up on sending long before.
const DUPLICATE_WINDOW: TimeDelta = TimeDelta::days(1);

/// What a batch became.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub outcomes: Vec<(ProjectId, Outcome)>,
    /// Stored now or by an earlier run.
    pub seen: Vec<Seen>,
}

type Tx<'a> = Transaction<'a, Postgres>;

/// Makes the partition of one day, if it is not there.
pub async fn make_partition(db: &PgPool, day: NaiveDate) -> Result<()> {
    sqlx::query!("select make_event_partition($1)", day).execute(db).await.context("making an event partition")?;
    Ok(())
}

/// Saves what is prepared and keeps what is rejected.
pub(super) async fn save(db: &PgPool, prepared: Vec<Prepared>, rejected: Vec<Rejected>) -> Result<Saved> {
    let mut saved = Saved::default();
    let mut rejected = rejected;
    let mut waiting = vec![prepared];
    while let Some(mut batch) = waiting.pop() {
        match save_all(db, &batch).await {
            Ok(part) => {
                saved.outcomes.extend(part.outcomes);
                saved.seen.extend(part.seen);
            }
            Err(error) if is_about_the_data(&error) && batch.len() > 1 => {
                let half = batch.split_off(batch.len() / 2);
                waiting.extend([half, batch]);
            }
            Err(error) if is_about_the_data(&error) => {
                let reason = format!("the database refuses it: {error}");
                rejected.extend(batch.into_iter().map(|e| Rejected { received: e.received, reason: reason.clone() }));
            }
            Err(error) if is_missing_partition(&error) => {
                let days: BTreeSet<NaiveDate> =
                    batch.iter().map(|event| event.received.received_at.date_naive()).collect();
                for day in days {
                    make_partition(db, day).await?;
                }
                waiting.push(batch);
            }
            Err(error) => return Err(error).context("saving events"),
        }
    }
    keep_rejected(db, &rejected).await.context("keeping rejected events")?;
    saved.outcomes.extend(rejected.iter().map(|event| (event.received.project, Outcome::Invalid)));
    Ok(saved)
}

/// Whether a day has no partition: cron makes them ahead, but it may have been away, or retention may have dropped it.
fn is_missing_partition(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| code == "23514")
}

/// Whether the database refused values (classes 22 and 23 of SQLSTATE, or more than a field or index row may hold) rather than
/// being away.
fn is_about_the_data(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| {
        code.starts_with("22") || code.starts_with("54") || (code.starts_with("23") && code != "23514")
    })
}

async fn save_all(db: &PgPool, batch: &[Prepared]) -> sqlx::Result<Saved> {
    let mut saved = Saved::default();
    if batch.is_empty() {
        return Ok(saved);
    }
    let mut tx = db.begin().await?;
    let live = live_projects(&mut tx, batch).await?;
    let known = known_events(&mut tx, batch).await?;
    saved.seen.extend(known.values().copied());

    let mut ids = HashSet::new();
    let mut fresh: Vec<&Prepared> = Vec::with_capacity(batch.len());
    for event in batch {
        let id = (event.received.project, event.received.id);
        if !live.contains(&event.received.project) {
            saved.outcomes.push((event.received.project, Outcome::ProjectGone));
        } else if known.contains_key(&id) || !ids.insert(id) {
            saved.outcomes.push((event.received.project, Outcome::Duplicate));
        } else {
            fresh.push(event);
        }
    }
    fresh.sort_by_key(|event| (event.received.project, event.received.id));

    let issues = find_or_create_issues(&mut tx, &fresh).await?;
    let effects = lock_issues(&mut tx, &fresh, &issues).await?;
    let placed: Vec<Seen> = place(&fresh, &issues, effects);
    let inserted = insert_events(&mut tx, &fresh, &placed).await?;
    let (stored, beaten): (Vec<_>, Vec<_>) =
        fresh.iter().zip(&placed).partition(|(_, seen)| inserted.contains(&(seen.project.0, seen.event.0)));
    count(&mut tx, &stored).await?;
    tx.commit().await?;

    saved.seen.extend(stored.iter().map(|(_, seen)| **seen));
    saved.outcomes.extend(stored.iter().map(|(_, seen)| (seen.project, Outcome::Stored)));
    saved.outcomes.extend(beaten.iter().map(|(_, seen)| (seen.project, Outcome::Duplicate)));
    Ok(saved)
}

async fn live_projects(tx: &mut Tx<'_>, batch: &[Prepared]) -> sqlx::Result<HashSet<ProjectId>> {
    let projects: HashSet<i64> = batch.iter().map(|event| event.received.project.0).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let live =
        sqlx::query_scalar!("select id from projects where id = any($1)", &projects).fetch_all(&mut **tx).await?;
    Ok(live.into_iter().collect())
}

/// Events of the batch that are stored already, with what they did then.
async fn known_events(tx: &mut Tx<'_>, batch: &[Prepared]) -> sqlx::Result<HashMap<(ProjectId, EventId), Seen>> {
    let projects: Vec<i64> = batch.iter().map(|event| event.received.project.0).collect();
    let ids: Vec<Uuid> = batch.iter().map(|event| event.received.id.0).collect();
    let days = || batch.iter().map(|event| event.received.received_at);
    let first = days().min().unwrap_or_default() - DUPLICATE_WINDOW;
    let last = days().max().unwrap_or_default() + DUPLICATE_WINDOW;
    let rows = sqlx::query!(
        r#"select e.project_id, e.id, e.issue_id, e.effect as "effect: Effect"
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
    let seen = rows.into_iter().map(|row| Seen {
        project: row.project_id,
        event: EventId(row.id),
        issue: row.issue_id,
        effect: row.effect,
    });
    Ok(seen.map(|seen| ((seen.project, seen.event), seen)).collect())
}

/// Gives each event its issue, and to the first one of each issue the effect.
fn place(fresh: &[&Prepared], issues: &Issues, mut effects: HashMap<IssueId, Effect>) -> Vec<Seen> {
    let place = |event: &&Prepared| {
        let issue = issues[&(event.received.project, event.fingerprint)];
        let effect = effects.insert(issue, Effect::Counted).unwrap_or(Effect::Counted);
        Seen { project: event.received.project, event: event.received.id, issue, effect }
    };
    fresh.iter().map(place).collect()
}

/// Inserts the rows and returns the ids of those that were not there.
async fn insert_events(tx: &mut Tx<'_>, fresh: &[&Prepared], placed: &[Seen]) -> sqlx::Result<HashSet<(i64, Uuid)>> {
    let received: Vec<DateTime<Utc>> = fresh.iter().map(|event| event.received.received_at).collect();
    let days: Vec<NaiveDate> = received.iter().map(DateTime::date_naive).collect();
    let bodies: Vec<&[u8]> = fresh.iter().map(|event| &event.body[..]).collect();
    let rows = sqlx::query!(
        r#"insert into events (project_id, id, received_on, received_at, occurred_at, issue_id, level, platform, effect, body)
           select * from unnest($1::bigint[], $2::uuid[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::bigint[],
                                $7::smallint[], $8::text[], $9::smallint[], $10::bytea[])
           on conflict do nothing
           returning project_id as "project_id: i64", id"#,
        &placed.iter().map(|seen| seen.project.0).collect::<Vec<_>>(),
        &placed.iter().map(|seen| seen.event.0).collect::<Vec<_>>(),
        &days,
        &received,
        &fresh.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        &placed.iter().map(|seen| seen.issue.0).collect::<Vec<_>>(),
        &fresh.iter().map(|event| event.level as i16).collect::<Vec<_>>(),
        &fresh.iter().map(|event| event.platform.clone()).collect::<Vec<_>>(),
        &placed.iter().map(|seen| seen.effect as i16).collect::<Vec<_>>(),
        &bodies as &[&[u8]],
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.project_id, row.id)).collect())
}

async fn keep_rejected(db: &PgPool, rejected: &[Rejected]) -> sqlx::Result<()> {
    if rejected.is_empty() {
        return Ok(());
    }
    let bodies: Vec<&[u8]> = rejected.iter().map(|event| &event.received.body[..]).collect();
    sqlx::query!(
        r#"insert into rejected_events (project_id, id, received_at, reason, body)
           select * from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[], $5::bytea[])
           on conflict do nothing"#,
        &rejected.iter().map(|event| event.received.project.0).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.received.id.0).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.received.received_at).collect::<Vec<_>>(),
        &rejected.iter().map(|event| event.reason.clone()).collect::<Vec<_>>(),
        &bodies as &[&[u8]],
    )
    .execute(db)
    .await?;
    Ok(())
}
