//! The one question feedback asks the database.

use sqlx::{PgExecutor, query_scalar};

use crate::projects::ProjectId;

/// The project of these slugs, whoever asks: who holds its DSN may report to it.
pub async fn project(
    db: impl PgExecutor<'_>,
    organization_slug: &str,
    project_slug: &str,
) -> sqlx::Result<Option<ProjectId>> {
    query_scalar!(
        r#"select p.id as "id: ProjectId"
           from projects p join organizations o on o.id = p.organization_id
           where o.slug = $1 and p.slug = $2 and p.deleted_at is null"#,
        organization_slug,
        project_slug,
    )
    .fetch_optional(db)
    .await
}
