//! Keys in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as};

use super::{
    super::{Project, ProjectId},
    Key,
};

/// Every key of a project, the oldest first.
pub(super) async fn keys(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Key>> {
    query_as!(
        Key,
        "select public_key, label, is_active, created_at, expires_at from project_keys where project_id = $1
         order by created_at, public_key",
        project.0,
    )
    .fetch_all(db)
    .await
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
