//! Keys in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool, query, query_as};

use super::{
    super::{Project, ProjectId},
    Key, Limit,
};

/// The reason of the quota that a client of the Web API sets as the limit of a key: it is known by it, and SDKs are told it.
const LIMITED: &str = "key_rate_limit";

/// Every key of some projects, the oldest of each first.
pub(super) async fn keys(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<(ProjectId, Key)>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = query!(
        r#"select k.project_id as "project: ProjectId", k.public_key, k.label, k.is_active, k.created_at, k.expires_at,
                  q.most as "most?", q.window_seconds as "window?"
           from project_keys k left join quotas q on q.public_key = k.public_key and q.reason = $2
           where k.project_id = any($1) order by k.project_id, k.created_at, k.public_key"#,
        &projects,
        LIMITED,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let key = Key {
            public_key: row.public_key,
            label: row.label,
            is_active: row.is_active,
            created_at: row.created_at,
            expires_at: row.expires_at,
            limit_count: row.most,
            limit_window: row.window,
        };
        (row.project, key)
    });
    Ok(rows.collect())
}

/// Sets how many errors may be sent with a key, or takes the limit away.
pub(super) async fn set_limit(db: &PgPool, public_key: &str, limit: Option<Limit>) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    query!("delete from quotas where public_key = $1 and reason = $2", public_key, LIMITED).execute(&mut *tx).await?;
    if let Some(Limit { count, window }) = limit {
        query!(
            "insert into quotas (public_key, categories, most, window_seconds, reason) values ($1, '{error}', $2, $3, $4)",
            public_key,
            count,
            window,
            LIMITED,
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await
}

/// Removes a key with its quotas; false when the project has no such key.
pub(super) async fn remove_key(db: impl PgExecutor<'_>, project: ProjectId, public_key: &str) -> sqlx::Result<bool> {
    let removed = query!("delete from project_keys where public_key = $1 and project_id = $2", public_key, project.0);
    Ok(removed.execute(db).await?.rows_affected() > 0)
}

/// Lets the keys of a project that still work do so until then; one that ends sooner keeps its end.
pub(super) async fn end_keys(db: impl PgExecutor<'_>, project: ProjectId, end: DateTime<Utc>) -> sqlx::Result<()> {
    query!("update project_keys set expires_at = least(expires_at, $2) where project_id = $1", project.0, end)
        .execute(db)
        .await
        .map(|_| ())
}

/// Lets a key work, or not, and names its project; none when there is no such key, or not of that project. One that had ended
/// works again.
pub(super) async fn switch_key(
    db: impl PgExecutor<'_>,
    project: Option<ProjectId>,
    public_key: &str,
    is_active: bool,
) -> sqlx::Result<Option<Project>> {
    query_as!(
        Project,
        "update project_keys k
         set is_active = $2, expires_at = case when $2 and k.expires_at <= now() then null else k.expires_at end
         from projects p
         where k.public_key = $1 and ($3::bigint is null or k.project_id = $3) and p.id = k.project_id
         returning p.id, p.organization_id, p.slug, p.name, p.platform",
        public_key,
        is_active,
        project.map(|project| project.0),
    )
    .fetch_optional(db)
    .await
}

/// Calls a key something else; false when the project has no such key.
pub(super) async fn rename_key(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    public_key: &str,
    label: &str,
) -> sqlx::Result<bool> {
    let renamed = query!(
        "update project_keys set label = $3 where public_key = $1 and project_id = $2",
        public_key,
        project.0,
        label
    );
    Ok(renamed.execute(db).await?.rows_affected() > 0)
}
