//! The leases of cron's tasks. The database's clock decides, so those of the replicas need not agree.

use std::time::Duration;

use sqlx::PgExecutor;

/// Takes a task for a time, unless somebody has it.
pub(super) async fn take_lease(db: impl PgExecutor<'_>, task: &str, time: Duration) -> sqlx::Result<bool> {
    let taken = sqlx::query!(
        "insert into leases as l (task, until) values ($1, now() + make_interval(secs => $2))
         on conflict (task) do update set until = excluded.until where l.until <= now()",
        task,
        time.as_secs_f64(),
    )
    .execute(db)
    .await?;
    Ok(taken.rows_affected() == 1)
}

/// Gives a task back before its time.
pub(super) async fn give_lease_back(db: impl PgExecutor<'_>, task: &str) -> sqlx::Result<()> {
    sqlx::query!("update leases set until = now() where task = $1", task).execute(db).await.map(|_| ())
}
