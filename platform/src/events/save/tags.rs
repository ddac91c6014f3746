//! The tags of a batch: counted by issue, and listed by project.
//!
//! The issues are locked already, so nobody else counts on them meanwhile. How many values of a key are kept is bounded: of an
//! issue the first thousand, of a project the first ten thousand; what is beyond is counted as one, and still found by `events.tags`.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, NaiveDate, Utc};

use super::{Placed, Tx};
use crate::{issues::lifecycle::KNOWN_USERS, protocol::tags::Tag};

/// Values of a key that are counted for themselves, by issue.
const MOST_OF_ISSUE: i64 = KNOWN_USERS;
/// Values of a key that are listed, by project.
const MOST_OF_PROJECT: i64 = 10_000;
/// What a process remembers to have listed: tags, and what `traits` notes; 16 bytes each.
const MOST_REMEMBERED: usize = 400_000;

/// The tags this process knows to be listed as seen today, so that it need not list them with each batch.
#[derive(Debug, Default)]
pub struct Listed(Mutex<Day>);

#[derive(Debug, Default)]
struct Day {
    day: NaiveDate,
    tags: HashSet<i64>,
}

impl Listed {
    fn day(&self) -> MutexGuard<'_, Day> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of some numbers that are not known to be listed on a day.
    pub(super) fn missing(&self, day: NaiveDate, numbers: impl Iterator<Item = i64>) -> HashSet<i64> {
        let listed = self.day();
        numbers.filter(|number| listed.day != day || !listed.tags.contains(number)).collect()
    }

    /// Remembers what was committed. A new day begins anew, and so does one with too many tags.
    pub(super) fn remember(&self, newly: NewlyListed) {
        let mut listed = self.day();
        if listed.day != newly.day || listed.tags.len() + newly.tags.len() > MOST_REMEMBERED {
            *listed = Day { day: newly.day, tags: HashSet::new() };
        }
        listed.tags.extend(newly.tags);
    }
}

/// What a transaction has listed.
#[derive(Debug, Default)]
pub(super) struct NewlyListed {
    day: NaiveDate,
    tags: Vec<i64>,
}

impl NewlyListed {
    pub(super) fn extend(&mut self, numbers: impl IntoIterator<Item = i64>) {
        self.tags.extend(numbers);
    }
}

struct Tally<'a> {
    tag: &'a Tag,
    events: i64,
    first: DateTime<Utc>,
    last: DateTime<Utc>,
}

/// By project, issue and number of the tag.
type Tallies<'a> = Vec<((i64, i64, i64), Tally<'a>)>;

/// Counts the tags of the batch's events on their issues.
pub(super) async fn count_tags(tx: &mut Tx<'_>, placed: &[Placed<'_>]) -> sqlx::Result<()> {
    let tallies = tally(placed);
    let column = |of: fn(&(i64, i64, i64)) -> i64| tallies.iter().map(|(key, _)| of(key)).collect::<Vec<_>>();
    sqlx::query!(
        r#"with seen as (
               select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[],
                                    $7::timestamptz[], $8::timestamptz[])
                   as seen (project_id, issue_id, tag, key, value, events, first_seen, last_seen)
           ),
           counted as (
               update issue_tags t set
                   events = t.events + seen.events,
                   first_seen = least(t.first_seen, seen.first_seen),
                   last_seen = greatest(t.last_seen, seen.last_seen)
               from seen
               where t.project_id = seen.project_id and t.issue_id = seen.issue_id and t.tag = seen.tag
               returning t.project_id, t.issue_id, t.tag
           ),
           missing as (
               select seen.*, row_number() over (partition by seen.project_id, seen.issue_id, seen.key order by seen.events desc) as nth
               from seen left join counted using (project_id, issue_id, tag)
               where counted.tag is null
           ),
           placed as (
               select missing.*, coalesce(k.values, 0) + nth <= $9 as fits
               from missing left join issue_tag_keys k using (project_id, issue_id, key)
           ),
           inserted as (
               insert into issue_tags (project_id, issue_id, tag, events, first_seen, last_seen, key, value)
               select project_id, issue_id, tag, events, first_seen, last_seen, key, value from placed where fits
               order by project_id, issue_id, tag
           )
           insert into issue_tag_keys as k (project_id, issue_id, key, values, others)
           select project_id, issue_id, key, count(*) filter (where fits), coalesce(sum(events) filter (where not fits), 0)
           from placed group by project_id, issue_id, key order by project_id, issue_id, key
           on conflict (project_id, issue_id, key) do update
               set values = k.values + excluded.values, others = k.others + excluded.others"#,
        &column(|key| key.0),
        &column(|key| key.1),
        &column(|key| key.2),
        &tallies.iter().map(|(_, tally)| tally.tag.key.as_ref()).collect::<Vec<_>>() as &[&str],
        &tallies.iter().map(|(_, tally)| tally.tag.value.as_str()).collect::<Vec<_>>() as &[&str],
        &tallies.iter().map(|(_, tally)| tally.events).collect::<Vec<_>>(),
        &tallies.iter().map(|(_, tally)| tally.first).collect::<Vec<_>>(),
        &tallies.iter().map(|(_, tally)| tally.last).collect::<Vec<_>>(),
        MOST_OF_ISSUE,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

fn tally<'a>(placed: &[Placed<'a>]) -> Tallies<'a> {
    let mut tallies: HashMap<(i64, i64, i64), Tally<'a>> = HashMap::with_capacity(placed.len() * 4);
    for placed in placed {
        let (project, at) = (placed.event.received.project.0, placed.event.occurred_at);
        for (tag, number) in placed.numbered() {
            let tally = tallies.entry((project, placed.issue.0, number)).or_insert(Tally {
                tag,
                events: 0,
                first: at,
                last: at,
            });
            tally.events += 1;
            tally.first = tally.first.min(at);
            tally.last = tally.last.max(at);
        }
    }
    let mut tallies: Tallies = tallies.into_iter().collect();
    tallies.sort_unstable_by_key(|(key, _)| *key);
    tallies
}

/// Lists the tags of the batch for their projects, and answers with those it listed, to be remembered after the commit.
pub(super) async fn list_tags(tx: &mut Tx<'_>, listed: &Listed, placed: &[Placed<'_>]) -> sqlx::Result<NewlyListed> {
    let Some(day) = placed.iter().map(|placed| placed.event.received.received_at.date_naive()).max() else {
        return Ok(NewlyListed::default());
    };
    let fresh = not_listed(listed, day, placed);
    let tags: Vec<i64> = fresh.iter().map(|((_, number), _)| *number).collect();
    if tags.is_empty() {
        return Ok(NewlyListed { day, tags });
    }
    sqlx::query!(
        r#"with listed as (
               insert into tag_values as v (project_id, tag, key, value, seen_on)
               select *, $5 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) as seen (project_id, tag, key, value)
               where not exists (
                   select from tag_keys k where k.project_id = seen.project_id and k.key = seen.key and k.values >= $6
               ) or exists (
                   select from tag_values v where v.project_id = seen.project_id and v.tag = seen.tag
               )
               on conflict (project_id, tag) do update set seen_on = greatest(v.seen_on, excluded.seen_on)
               returning project_id, key, xmax = 0 as is_new
           )
           insert into tag_keys as k (project_id, key, values)
           select project_id, key, count(*) from listed where is_new group by project_id, key order by project_id, key
           on conflict (project_id, key) do update set values = k.values + excluded.values"#,
        &fresh.iter().map(|((project, _), _)| *project).collect::<Vec<_>>(),
        &tags,
        &fresh.iter().map(|(_, tag)| tag.key.as_ref()).collect::<Vec<_>>() as &[&str],
        &fresh.iter().map(|(_, tag)| tag.value.as_str()).collect::<Vec<_>>() as &[&str],
        day,
        MOST_OF_PROJECT,
    )
    .execute(&mut **tx)
    .await?;
    Ok(NewlyListed { day, tags })
}

/// By project and number, in order.
fn not_listed<'a>(listed: &Listed, day: NaiveDate, placed: &[Placed<'a>]) -> Vec<((i64, i64), &'a Tag)> {
    let mut fresh: HashMap<(i64, i64), &'a Tag> = HashMap::new();
    let listed = listed.day();
    for placed in placed {
        for (tag, number) in placed.numbered() {
            if listed.day != day || !listed.tags.contains(&number) {
                fresh.insert((placed.event.received.project.0, number), tag);
            }
        }
    }
    let mut fresh: Vec<_> = fresh.into_iter().collect();
    fresh.sort_unstable_by_key(|(key, _)| *key);
    fresh
}
