//! The one question ingest asks the database.

use sqlx::PgExecutor;

use crate::projects::ProjectId;

/// The project an active key belongs to.
pub async fn project_of(db: impl PgExecutor<'_>, public_key: &str) -> sqlx::Result<Option<ProjectId>> {
    sqlx::query_scalar!("select project_id from project_keys where public_key = $1 and is_active", public_key)
        .fetch_optional(db)
        .await
}
