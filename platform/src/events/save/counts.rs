//! What stored events add to their issues and to the issues' hours.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Placed, Tx, users::Counts};
use crate::events::process::Prepared;

struct Tally<'a> {
    events: i64,
    latest: &'a Prepared,
    first: DateTime<Utc>,
    hours: BTreeMap<DateTime<Utc>, i64>,
}

/// Counts the stored events on their issues and in the issues' hours.
pub(super) async fn count(tx: &mut Tx<'_>, placed: &[Placed<'_>], users: &Counts) -> sqlx::Result<()> {
    let mut tallies: BTreeMap<(i64, i64), Tally> = BTreeMap::new();
    for Placed { event, issue, .. } in placed {
        let hour = event.occurred_at.duration_trunc(TimeDelta::hours(1)).unwrap_or(event.occurred_at);
        let tally = tallies.entry((event.received.project.0, issue.0)).or_insert_with(|| Tally {
            events: 0,
            latest: event,
            first: event.occurred_at,
            hours: BTreeMap::new(),
        });
        tally.events += 1;
        *tally.hours.entry(hour).or_default() += 1;
        tally.first = tally.first.min(event.occurred_at);
        if event.occurred_at > tally.latest.occurred_at {
            tally.latest = event;
        }
    }
    count_issues(tx, &tallies, users).await?;
    count_hours(tx, &tallies).await
}

/// The rows are locked already. An issue takes its words from its latest event, as Sentry's does.
async fn count_issues(tx: &mut Tx<'_>, tallies: &BTreeMap<(i64, i64), Tally<'_>>, users: &Counts) -> sqlx::Result<()> {
    let (projects, issues): (Vec<i64>, Vec<i64>) = tallies.keys().copied().unzip();
    let latest: Vec<&Prepared> = tallies.values().map(|tally| tally.latest).collect();
    sqlx::query!(
        r#"update issues set
               times_seen = times_seen + seen.events,
               first_seen = least(first_seen, seen.first),
               last_seen = greatest(last_seen, seen.at),
               title = case when seen.at >= last_seen then seen.title else issues.title end,
               culprit = case when seen.at >= last_seen then seen.culprit else issues.culprit end,
               level = case when seen.at >= last_seen then seen.level else issues.level end,
               users_seen = coalesce(seen.users, users_seen)
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::smallint[],
                       $8::bigint[], $9::timestamptz[])
               as seen (project_id, id, events, at, title, culprit, level, users, first)
           where issues.project_id = seen.project_id and issues.id = seen.id"#,
        &projects,
        &issues,
        &tallies.values().map(|tally| tally.events).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.occurred_at).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.title.clone()).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.culprit.clone()).collect::<Vec<_>>(),
        &latest.iter().map(|event| event.level as i16).collect::<Vec<_>>(),
        &tallies.keys().map(|issue| users.get(issue).copied()).collect::<Vec<_>>() as &[Option<i64>],
        &tallies.values().map(|tally| tally.first).collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn count_hours(tx: &mut Tx<'_>, tallies: &BTreeMap<(i64, i64), Tally<'_>>) -> sqlx::Result<()> {
    let rows =
        || tallies.iter().flat_map(|(key, tally)| tally.hours.iter().map(move |(hour, events)| (key, *hour, *events)));
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
