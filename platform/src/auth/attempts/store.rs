//! Failures to sign in, in PostgreSQL: every web process counts the same ones.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_scalar};

/// Until when the longest of these is to wait.
pub(super) async fn blocked_until(db: impl PgExecutor<'_>, subjects: &[String]) -> sqlx::Result<Option<DateTime<Utc>>> {
    query_scalar!("select max(blocked_until) from sign_in_attempts where subject = any($1)", subjects)
        .fetch_one(db)
        .await
}

/// Counts a failure; those of more than an hour ago are forgotten.
pub(super) async fn count(db: impl PgExecutor<'_>, subject: &str, now: DateTime<Utc>) -> sqlx::Result<i32> {
    query_scalar!(
        "insert into sign_in_attempts as a (subject, failures, last_at, blocked_until) values ($1, 1, $2, $2)
         on conflict (subject) do update
             set failures = case when a.last_at < $2 - interval '1 hour' then 1 else a.failures + 1 end, last_at = $2
         returning failures",
        subject,
        now,
    )
    .fetch_one(db)
    .await
}

/// Has a subject wait.
pub(super) async fn block(db: impl PgExecutor<'_>, subject: &str, until: DateTime<Utc>) -> sqlx::Result<()> {
    query!("update sign_in_attempts set blocked_until = $2 where subject = $1", subject, until)
        .execute(db)
        .await
        .map(|_| ())
}

/// Forgets the failures of a subject.
pub(super) async fn forget(db: impl PgExecutor<'_>, subject: &str) -> sqlx::Result<()> {
    query!("delete from sign_in_attempts where subject = $1", subject).execute(db).await.map(|_| ())
}
