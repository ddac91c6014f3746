//! Deleted projects in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgExecutor, query, query_scalar};

use super::super::ProjectId;

/// Takes a project away from everybody: another one may have its slug, and its keys are no keys any more.
pub(super) async fn mark(db: &mut PgConnection, project: ProjectId, now: DateTime<Utc>) -> sqlx::Result<()> {
    query!(
        "update projects set deleted_at = $2, slug = concat('deleted-', id, '-', left(md5(random()::text), 8))
         where id = $1 and deleted_at is null",
        project.0,
        now,
    )
    .execute(&mut *db)
    .await?;
    query!("delete from project_keys where project_id = $1", project.0).execute(db).await?;
    Ok(())
}

pub(super) async fn is_deleted(db: impl PgExecutor<'_>, project: i64) -> sqlx::Result<bool> {
    let found = query_scalar!("select 1 as one from projects where id = $1 and deleted_at is not null", project);
    Ok(found.fetch_optional(db).await?.is_some())
}

/// Projects of which something is left.
pub(super) async fn deleted(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<i64>> {
    query_scalar!(r#"select id as "id: i64" from projects where deleted_at is not null order by deleted_at"#)
        .fetch_all(db)
        .await
}

/// Every table that has rows of projects, each day of events for itself. What others refer to comes later.
pub(super) async fn tables(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<String>> {
    query_scalar!(
        r#"select format('%I', c.relname) as "table!"
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'project_id' and not a.attisdropped
           where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace
           order by array_position(array['check_ins', 'monitor_environments', 'monitors'], c.relname::text) nulls last,
                    c.relname = 'issues', c.relname"#,
    )
    .fetch_all(db)
    .await
}

/// Deletes rows of a project from one of these tables, and says how many.
pub(super) async fn delete_some(db: impl PgExecutor<'_>, table: &str, project: i64, most: i64) -> sqlx::Result<u64> {
    // The name was found in the catalogue, and is quoted. A project that is there loses nothing, whoever asks.
    let delete = format!(
        "delete from {table} where ctid = any(array(
             select ctid from {table} where project_id = $1
                 and exists(select 1 from projects where id = $1 and deleted_at is not null) limit $2))"
    );
    let deleted = sqlx::query(AssertSqlSafe(delete)).bind(project).bind(most);
    Ok(deleted.execute(db).await?.rows_affected())
}

/// Deletes the project itself.
pub(super) async fn forget(db: impl PgExecutor<'_>, project: i64) -> sqlx::Result<()> {
    query!("delete from projects where id = $1 and deleted_at is not null", project).execute(db).await?;
    Ok(())
}
