//! Outcomes in the database: one row per project, hour, category, fate and reason.

use sqlx::PgExecutor;

use super::Key;

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
