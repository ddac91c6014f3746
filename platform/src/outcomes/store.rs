//! Outcomes in the database: one row per project, hour, category, fate and reason.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{Key, Total};
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
