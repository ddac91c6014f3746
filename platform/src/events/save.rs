//! Saving a batch: one transaction, set-based SQL, idempotent by event id.
//!
//! Every statement locks its rows in key order and the statements always come in the same order, so two workers that save at
//! once wait for each other but never deadlock. When the database refuses a batch for what is in it, the batch is halved until
//! the one event at fault is alone; that one is kept aside with the database's words.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::{Context, Result};
use chrono::{DateTime, DurationRound, NaiveDate, TimeDelta, Utc};
use sqlx::{PgPool, Postgres, Transaction, error::DatabaseError};
use uuid::Uuid;

use super::{
    Effect, Outcome, Seen,
    process::{Prepared, Rejected},
};
use crate::{
    issues::{IssueId, Status},
    projects::ProjectId,
    protocol::{EventId, fingerprint::Fingerprint},
};

/// Beyond a day and its neighbours, the same event id is taken for another event: SDKs give up on sending long before.
const DUPLICATE_WINDOW: TimeDelta = TimeDelta::days(1);

/// What a batch became.
#[derive(Debug, Default)]
pub(super) struct Saved {
    pub outcomes: Vec<Outcome>,
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
                let days: BTreeSet<NaiveDate> = batch.iter().map(|event| event.received.received_at.date_naive()).collect();
                for day in days {
                    make_partition(db, day).await?;
                }
                waiting.push(batch);
            }
            Err(error) => return Err(error).context("saving events"),
        }
    }
    keep_rejected(db, &rejected).await.context("keeping rejected events")?;
    saved.outcomes.extend(rejected.iter().map(|_| Outcome::Invalid));
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
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("54") || (code.starts_with("23") && code != "23514"))
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
            saved.outcomes.push(Outcome::ProjectGone);
        } else if known.contains_key(&id) || !ids.insert(id) {
            saved.outcomes.push(Outcome::Duplicate);
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
    saved.outcomes.extend(stored.iter().map(|_| Outcome::Stored));
    saved.outcomes.extend(beaten.iter().map(|_| Outcome::Duplicate));
    Ok(saved)
}

async fn live_projects(tx: &mut Tx<'_>, batch: &[Prepared]) -> sqlx::Result<HashSet<ProjectId>> {
    let projects: HashSet<i64> = batch.iter().map(|event| event.received.project.0).collect();
    let projects: Vec<i64> = projects.into_iter().collect();
    let live = sqlx::query_scalar!("select id from projects where id = any($1)", &projects).fetch_all(&mut **tx).await?;
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

type Issues = BTreeMap<(ProjectId, Fingerprint), IssueId>;

async fn find_or_create_issues(tx: &mut Tx<'_>, fresh: &[&Prepared]) -> sqlx::Result<Issues> {
    let wanted: BTreeMap<(ProjectId, Fingerprint), &Prepared> =
        fresh.iter().rev().map(|event| ((event.received.project, event.fingerprint), *event)).collect();
    let keys: Vec<_> = wanted.keys().copied().collect();
    let mut issues = find_issues(tx, &keys).await?;
    let missing: Vec<_> = keys.into_iter().filter(|key| !issues.contains_key(key)).collect();
    if missing.is_empty() {
        return Ok(issues);
    }
    let claimed = claim_fingerprints(tx, &missing).await?;
    create_issues(tx, &claimed, &wanted).await?;
    // What another worker claimed first is committed by now: claiming waited for it.
    let beaten: Vec<_> = missing.into_iter().filter(|key| !claimed.contains_key(key)).collect();
    issues.extend(find_issues(tx, &beaten).await?);
    issues.extend(claimed);
    Ok(issues)
}

async fn find_issues(tx: &mut Tx<'_>, keys: &[(ProjectId, Fingerprint)]) -> sqlx::Result<Issues> {
    let (projects, fingerprints) = columns(keys);
    let rows = sqlx::query!(
        r#"select h.project_id, h.fingerprint, h.issue_id
           from unnest($1::bigint[], $2::bytea[]) as asked (project_id, fingerprint)
           join issue_hashes h on h.project_id = asked.project_id and h.fingerprint = asked.fingerprint"#,
        &projects,
        &fingerprints,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, stored_fingerprint(&row.fingerprint)), row.issue_id)).collect())
}

/// Takes the fingerprints nobody has yet, each with a new issue's number.
async fn claim_fingerprints(tx: &mut Tx<'_>, keys: &[(ProjectId, Fingerprint)]) -> sqlx::Result<Issues> {
    let (projects, fingerprints) = columns(keys);
    let rows = sqlx::query!(
        r#"insert into issue_hashes (project_id, fingerprint, issue_id)
           select project_id, fingerprint, nextval('issue_ids')
           from unnest($1::bigint[], $2::bytea[]) as asked (project_id, fingerprint)
           order by project_id, fingerprint
           on conflict do nothing
           returning project_id, fingerprint, issue_id"#,
        &projects,
        &fingerprints,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.project_id, stored_fingerprint(&row.fingerprint)), row.issue_id)).collect())
}

fn columns(keys: &[(ProjectId, Fingerprint)]) -> (Vec<i64>, Vec<Vec<u8>>) {
    keys.iter().map(|(project, fingerprint)| (project.0, fingerprint.0.to_vec())).unzip()
}

fn stored_fingerprint(bytes: &[u8]) -> Fingerprint {
    Fingerprint(bytes.try_into().expect("a check constraint holds fingerprints at 16 bytes"))
}

async fn create_issues(
    tx: &mut Tx<'_>,
    claimed: &Issues,
    wanted: &BTreeMap<(ProjectId, Fingerprint), &Prepared>,
) -> sqlx::Result<()> {
    let mut next = next_short_ids(tx, claimed).await?;
    let first: Vec<&Prepared> = claimed.keys().map(|key| wanted[key]).collect();
    let short_ids: Vec<i64> = first
        .iter()
        .map(|event| {
            let next = next.entry(event.received.project).or_default();
            *next += 1;
            *next - 1
        })
        .collect();
    sqlx::query!(
        r#"insert into issues (project_id, id, short_id, title, culprit, kind, level, platform, first_seen, last_seen)
           select *, occurred_at from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[],
                                $7::smallint[], $8::text[], $9::timestamptz[])
               as new (project_id, id, short_id, title, culprit, kind, level, platform, occurred_at)"#,
        &first.iter().map(|event| event.received.project.0).collect::<Vec<_>>(),
        &claimed.values().map(|id| id.0).collect::<Vec<_>>(),
        &short_ids,
        &first.iter().map(|event| event.title.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.culprit.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.kind.to_owned()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.level as i16).collect::<Vec<_>>(),
        &first.iter().map(|event| event.platform.clone()).collect::<Vec<_>>(),
        &first.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Reserves a run of short ids per project and returns the first of each.
async fn next_short_ids(tx: &mut Tx<'_>, claimed: &Issues) -> sqlx::Result<HashMap<ProjectId, i64>> {
    let mut needed: BTreeMap<i64, i64> = BTreeMap::new();
    for (project, _) in claimed.keys() {
        *needed.entry(project.0).or_default() += 1;
    }
    let (projects, counts): (Vec<i64>, Vec<i64>) = needed.into_iter().unzip();
    let rows = sqlx::query!(
        r#"with locked as (
               select p.id, n.needed from projects p
               join unnest($1::bigint[], $2::bigint[]) as n (id, needed) on n.id = p.id
               order by p.id for update of p
           )
           update projects set next_short_id = next_short_id + locked.needed
           from locked where projects.id = locked.id
           returning projects.id, projects.next_short_id - locked.needed as "first!""#,
        &projects,
        &counts,
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.first)).collect())
}

/// Locks the batch's issues, in order, and says what the batch's first event does to each.
async fn lock_issues(tx: &mut Tx<'_>, fresh: &[&Prepared], issues: &Issues) -> sqlx::Result<HashMap<IssueId, Effect>> {
    let mut keys: Vec<(i64, i64)> = issues.iter().map(|((project, _), issue)| (project.0, issue.0)).collect();
    keys.dedup();
    let (projects, ids): (Vec<i64>, Vec<i64>) = keys.into_iter().unzip();
    let rows = sqlx::query!(
        r#"select i.id, i.status, i.times_seen from issues i
           join unnest($1::bigint[], $2::bigint[]) as asked (project_id, id) on i.project_id = asked.project_id and i.id = asked.id
           order by i.project_id, i.id for update of i"#,
        &projects,
        &ids,
    )
    .fetch_all(&mut **tx)
    .await?;
    debug_assert!(rows.len() <= fresh.len(), "an issue is locked for an event");
    Ok(rows
        .into_iter()
        .map(|row| {
            let effect = match (row.times_seen, row.status) {
                (0, _) => Effect::CreatedIssue,
                (_, Status::Resolved) => Effect::ReopenedIssue,
                _ => Effect::Counted,
            };
            (row.id, effect)
        })
        .collect())
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

struct Tally<'a> {
    events: i64,
    latest: &'a Prepared,
    hours: BTreeMap<DateTime<Utc>, i64>,
}

/// Counts the stored events on their issues, which they reopen when resolved, and in the issues' hours.
async fn count(tx: &mut Tx<'_>, stored: &[(&&Prepared, &Seen)]) -> sqlx::Result<()> {
    let mut tallies: BTreeMap<(i64, i64), Tally> = BTreeMap::new();
    for (event, seen) in stored {
        let hour = event.occurred_at.duration_trunc(TimeDelta::hours(1)).unwrap_or(event.occurred_at);
        let tally = tallies
            .entry((seen.project.0, seen.issue.0))
            .or_insert_with(|| Tally { events: 0, latest: event, hours: BTreeMap::new() });
        tally.events += 1;
        *tally.hours.entry(hour).or_default() += 1;
        if event.occurred_at > tally.latest.occurred_at {
            tally.latest = event;
        }
    }
    count_issues(tx, &tallies).await?;
    count_hours(tx, &tallies).await
}

/// The rows are locked already. An issue takes its words from its latest event, as Sentry's does.
async fn count_issues(tx: &mut Tx<'_>, tallies: &BTreeMap<(i64, i64), Tally<'_>>) -> sqlx::Result<()> {
    let (projects, issues): (Vec<i64>, Vec<i64>) = tallies.keys().copied().unzip();
    let latest: Vec<&Prepared> = tallies.values().map(|tally| tally.latest).collect();
    sqlx::query!(
        r#"update issues set
               times_seen = times_seen + seen.events,
               first_seen = least(first_seen, seen.at),
               last_seen = greatest(last_seen, seen.at),
               title = seen.title, culprit = seen.culprit, level = seen.level,
               status = case status when 1 then 0 else status end
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::smallint[])
               as seen (project_id, id, events, at, title, culprit, level)
           where issues.project_id = seen.project_id and issues.id = seen.id"#,
        &projects,
        &issues,
        &tallies.values().map(|tally| tally.events).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.title.clone()).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.culprit.clone()).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.level as i16).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn count_hours(tx: &mut Tx<'_>, tallies: &BTreeMap<(i64, i64), Tally<'_>>) -> sqlx::Result<()> {
    let rows = || tallies.iter().flat_map(|(key, tally)| tally.hours.iter().map(move |(hour, events)| (key, *hour, *events)));
    sqlx::query!(
        r#"insert into issue_hours (project_id, issue_id, hour, events)
           select * from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::bigint[])
           on conflict (project_id, issue_id, hour) do update set events = issue_hours.events + excluded.events"#,
        &rows().map(|(key, _, _)| key.0).collect::<Vec<_>>(),
        &rows().map(|(key, _, _)| key.1).collect::<Vec<_>>(),
        &rows().map(|(_, hour, _)| hour).collect::<Vec<_>>(),
        &rows().map(|(_, _, events)| events).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
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
