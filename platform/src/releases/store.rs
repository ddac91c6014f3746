//! Releases in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{Release, order::Version};
use crate::projects::ProjectId;

/// As many of a project's releases are compared to find the newest.
const COMPARED: i64 = 1000;

/// A release, as a batch of events saw it.
pub struct Seen<'a> {
    pub project: ProjectId,
    pub version: &'a str,
    pub received_at: DateTime<Utc>,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
}

/// Makes releases that are new, and moves on when the others were seen. Rows that are up to date, which most are, are neither
/// written nor locked: two workers rarely wait for each other here. They are given in the order of their keys.
pub async fn note(db: impl PgExecutor<'_>, seen: &[Seen<'_>]) -> sqlx::Result<()> {
    let versions: Vec<Option<Version>> = seen.iter().map(|seen| Version::parse(seen.version)).collect();
    let text = |of: fn(&Version<'_>) -> String| {
        versions.iter().map(|version| version.as_ref().map_or_else(String::new, of)).collect::<Vec<_>>()
    };
    let numbers: Vec<Option<String>> = versions
        .iter()
        .map(|v| v.as_ref().map(|v| format!("{{{}}}", v.numbers.map(|n| n.to_string()).join(","))))
        .collect();
    sqlx::query!(
        r#"insert into releases as r (project_id, version, package, numbers, pre, created_at, first_seen, last_seen)
           select project_id, version, package, numbers::bigint[], pre, received_at, first_seen, last_seen
           from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[],
                       $8::timestamptz[])
               as seen (project_id, version, package, numbers, pre, received_at, first_seen, last_seen)
           where not exists (
               select from releases r where r.project_id = seen.project_id and r.version = seen.version
                   and r.first_seen <= seen.first_seen and r.last_seen >= seen.last_seen - interval '5 minutes'
           )
           on conflict (project_id, version) do update set
               first_seen = least(r.first_seen, excluded.first_seen), last_seen = greatest(r.last_seen, excluded.last_seen)"#,
        &seen.iter().map(|seen| seen.project.0).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.version).collect::<Vec<_>>() as &[&str],
        &text(|version| version.package.to_owned()),
        &numbers as &[Option<String>],
        &text(|version| version.pre.to_owned()),
        &seen.iter().map(|seen| seen.received_at).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.first).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.last).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Releases by their names, as far as a project has them.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, versions: &[&str]) -> sqlx::Result<Vec<Release>> {
    sqlx::query_as!(
        Release,
        "select version, created_at from releases where project_id = $1 and version = any($2)",
        project.0,
        versions as &[&str],
    )
    .fetch_all(db)
    .await
}

/// The releases of a project that were created last.
pub async fn latest(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Release>> {
    sqlx::query_as!(
        Release,
        "select version, created_at from releases where project_id = $1 order by created_at desc limit $2",
        project.0,
        COMPARED,
    )
    .fetch_all(db)
    .await
}

/// The names of some projects' releases, the latest first.
pub async fn versions(db: impl PgExecutor<'_>, projects: &[i64], most: i64) -> sqlx::Result<Vec<(ProjectId, Release)>> {
    let rows = sqlx::query!(
        "select project_id, version, created_at from releases where project_id = any($1) order by created_at desc limit $2",
        projects,
        most,
    );
    let release = |project, version, created_at| (project, Release { version, created_at });
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| release(row.project_id, row.version, row.created_at)).collect())
}
