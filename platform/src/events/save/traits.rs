//! What issues and users are found by besides tags: noted once, and not counted.
//!
//! What a process has noted today it does not note again, so that events that tell nothing new cost a look into a set.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Placed, Tx, tags::Listed};
use crate::protocol::{tags, traits::KnownUser};

/// Values of a key that are noted of an issue.
const MOST_OF_ISSUE: i64 = 100;

fn day(placed: &[Placed<'_>]) -> Option<NaiveDate> {
    placed.iter().map(|placed| placed.event.received.received_at.date_naive()).max()
}

/// Notes the traits of the batch's issues, and answers with what to remember. The issues are locked.
pub(super) async fn note_traits(tx: &mut Tx<'_>, listed: &Listed, placed: &[Placed<'_>]) -> sqlx::Result<Vec<i64>> {
    let Some(day) = day(placed) else { return Ok(Vec::new()) };
    // The number of an issue is another than that of any project with a tag of the same name: the key is marked.
    let number = |issue: i64, key: &str, value: &str| tags::number(issue, &format!("trait\0{key}"), value);
    let mut fresh = BTreeMap::new();
    for placed in placed {
        for of in &placed.event.traits {
            let number = number(placed.issue.0, &of.key, &of.value);
            let project = placed.event.received.project.0;
            fresh.insert((project, placed.issue.0, of.key.as_ref(), of.value.as_str()), number);
        }
    }
    let missing = listed.missing(day, fresh.values().copied());
    fresh.retain(|_, number| missing.contains(number));
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query!(
        r#"insert into issue_traits (project_id, issue_id, key, trait, value)
           select project_id, issue_id, key, trait, value from (
               select new.*, row_number() over (partition by project_id, issue_id, key order by value) as nth
               from unnest($1::bigint[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
                   as new (project_id, issue_id, key, trait, value)
           ) as new
           where nth + (select count(*) from issue_traits t
                        where t.project_id = new.project_id and t.issue_id = new.issue_id and t.key = new.key) <= $6
           on conflict do nothing"#,
        &fresh.keys().map(|(project, ..)| *project).collect::<Vec<_>>(),
        &fresh.keys().map(|(_, issue, ..)| *issue).collect::<Vec<_>>(),
        &fresh.keys().map(|(_, _, key, _)| *key).collect::<Vec<_>>() as &[&str],
        &fresh.keys().map(|(project, _, key, value)| tags::number(*project, key, value)).collect::<Vec<_>>(),
        &fresh.keys().map(|(_, _, _, value)| *value).collect::<Vec<_>>() as &[&str],
        MOST_OF_ISSUE,
    )
    .execute(&mut **tx)
    .await?;
    Ok(fresh.into_values().collect())
}

/// Notes what is known of the batch's users, and answers with what to remember.
pub(super) async fn note_users(tx: &mut Tx<'_>, listed: &Listed, placed: &[Placed<'_>]) -> sqlx::Result<Vec<i64>> {
    let Some(day) = day(placed) else { return Ok(Vec::new()) };
    let number = |tag: i64, user: &KnownUser| {
        tags::number(tag, "known user", &[&*user.id, &user.email, &user.username, &user.ip].join("\0"))
    };
    let mut numbers = Vec::new();
    // Of several events the last one says what is known.
    let mut fresh = BTreeMap::new();
    for placed in placed.iter().filter(|placed| placed.user() != 0) {
        numbers.push((number(placed.user(), &placed.event.user), placed));
    }
    let missing = listed.missing(day, numbers.iter().map(|(number, _)| *number));
    for (number, placed) in numbers.iter().filter(|(number, _)| missing.contains(number)) {
        fresh.insert((placed.event.received.project.0, placed.user()), (*number, &placed.event.user));
    }
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let text = |of: fn(&KnownUser) -> &str| fresh.values().map(|(_, user)| of(user)).collect::<Vec<_>>();
    sqlx::query!(
        r#"insert into event_users as u (project_id, tag, id, email, username, ip, seen_on)
           select *, $7 from unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
           on conflict (project_id, tag) do update set
               id = coalesce(nullif(excluded.id, ''), u.id), email = coalesce(nullif(excluded.email, ''), u.email),
               username = coalesce(nullif(excluded.username, ''), u.username), ip = coalesce(nullif(excluded.ip, ''), u.ip),
               seen_on = greatest(u.seen_on, excluded.seen_on)"#,
        &fresh.keys().map(|(project, _)| *project).collect::<Vec<_>>(),
        &fresh.keys().map(|(_, tag)| *tag).collect::<Vec<_>>(),
        &text(|user| &user.id) as &[&str],
        &text(|user| &user.email) as &[&str],
        &text(|user| &user.username) as &[&str],
        &text(|user| &user.ip) as &[&str],
        day,
    )
    .execute(&mut **tx)
    .await?;
    Ok(fresh.into_values().map(|(number, _)| number).collect())
}
