//! Outcomes in the database: one row per project, hour, category, fate and reason.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{
    Key, Total,
    keys::{Counted, KeyHour},
};
use crate::projects::ProjectId;

/// Adds counts to what is there; those of a project that is gone too: what was sent to it is nobody's, and not lost unseen.
pub async fn add(db: impl PgExecutor<'_>, counts: &[(Key, u64)]) -> sqlx::Result<()> {
    let projects: Vec<i64> = counts.iter().map(|(key, _)| key.project.0).collect();
    let hours: Vec<_> = counts.iter().map(|(key, _)| key.hour).collect();
    let categories: Vec<String> = counts.iter().map(|(key, _)| key.category.name().to_owned()).collect();
    let fates: Vec<i16> = counts.iter().map(|(key, _)| key.fate as i16).collect();
    let reasons: Vec<String> = counts.iter().map(|(key, _)| key.reason.to_string()).collect();
    let quantities: Vec<i64> =
        counts.iter().map(|(_, quantity)| i64::try_from(*quantity).unwrap_or(i64::MAX)).collect();
    sqlx::query!(
        "insert into outcomes (project_id, hour, category, outcome, reason, quantity)
         select c.project, c.hour, c.category, c.fate, c.reason, c.quantity
         from unnest($1::bigint[], $2::timestamptz[], $3::text[], $4::smallint[], $5::text[], $6::bigint[])
             with ordinality as c (project, hour, category, fate, reason, quantity, place)
         order by c.place
         on conflict (project_id, hour, category, outcome, reason) do update
             set quantity = outcomes.quantity + excluded.quantity",
        &projects,
        &hours,
        &categories,
        &fates,
        &reasons,
        &quantities
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Events that were stored since then, per project and hour.
pub(super) async fn accepted_events(
    db: impl PgExecutor<'_>,
    projects: &[ProjectId],
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<ProjectId, Vec<(DateTime<Utc>, i64)>>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = sqlx::query!(
        r#"select project_id, hour, sum(quantity)::bigint as "events!" from outcomes
           where project_id = any($1) and hour >= $2 and category in ('error', 'default', 'security') and outcome = 0
           group by project_id, hour order by project_id, hour"#,
        &projects,
        since,
    )
    .fetch_all(db)
    .await?;
    let mut hours: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        hours.entry(ProjectId(row.project_id)).or_default().push((row.hour, row.events));
    }
    Ok(hours)
}

/// What became of what was sent to a project since then, the most of each category first.
pub(super) async fn totals(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<Total>> {
    sqlx::query_as!(
        Total,
        r#"select category, outcome as fate, reason, sum(quantity)::bigint as "quantity!" from outcomes
           where project_id = $1 and hour >= $2
           group by category, outcome, reason order by category, sum(quantity) desc, outcome, reason"#,
        project.0,
        since,
    )
    .fetch_all(db)
    .await
}

/// Adds what was sent with keys to what is there; of a key that is gone nothing is kept.
pub(super) async fn add_keys(db: impl PgExecutor<'_>, counted: &[Counted]) -> sqlx::Result<()> {
    let keys: Vec<String> = counted.iter().map(|(key, ..)| key.clone()).collect();
    let hours: Vec<_> = counted.iter().map(|(_, hour, _)| *hour).collect();
    let of = |nth: usize| counted.iter().map(|(.., counts)| counts[nth]).collect::<Vec<i64>>();
    sqlx::query!(
        "insert into key_hours (public_key, hour, accepted, filtered, dropped)
         select c.key, c.hour, c.accepted, c.filtered, c.dropped
         from unnest($1::text[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::bigint[])
             with ordinality as c (key, hour, accepted, filtered, dropped, place)
         join project_keys k on k.public_key = c.key order by c.place
         on conflict (public_key, hour) do update
             set accepted = key_hours.accepted + excluded.accepted, filtered = key_hours.filtered + excluded.filtered,
                 dropped = key_hours.dropped + excluded.dropped",
        &keys,
        &hours,
        &of(0),
        &of(1),
        &of(2),
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What was sent with a key since then, by the hour.
pub(super) async fn of_key(
    db: impl PgExecutor<'_>,
    public_key: &str,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<KeyHour>> {
    sqlx::query_as!(
        KeyHour,
        "select hour, accepted, filtered, dropped from key_hours where public_key = $1 and hour >= $2 order by hour",
        public_key,
        since,
    )
    .fetch_all(db)
    .await
}

/// What was sent with each key of a project since then, by the hour.
pub(super) async fn of_keys(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    since: DateTime<Utc>,
) -> sqlx::Result<HashMap<String, Vec<KeyHour>>> {
    let rows = sqlx::query!(
        "select h.public_key, h.hour, h.accepted, h.filtered, h.dropped
         from project_keys k join key_hours h on h.public_key = k.public_key and h.hour >= $2
         where k.project_id = $1 order by h.public_key, h.hour",
        project.0,
        since,
    )
    .fetch_all(db)
    .await?;
    let mut keys: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let hour = KeyHour { hour: row.hour, accepted: row.accepted, filtered: row.filtered, dropped: row.dropped };
        keys.entry(row.public_key).or_default().push(hour);
    }
    Ok(keys)
}

/// How many errors of a project met a fate since then, by the hour.
pub(super) async fn errors(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    (fates, since): (&[i16], DateTime<Utc>),
) -> sqlx::Result<Vec<(DateTime<Utc>, i64)>> {
    let rows = sqlx::query!(
        r#"select hour, sum(quantity)::bigint as "events!" from outcomes
           where project_id = $1 and hour >= $3 and category in ('error', 'default', 'security') and outcome = any($2)
           group by hour order by hour"#,
        project.0,
        fates,
        since,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.hour, row.events)).collect())
}
