//! Environments in PostgreSQL.

use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{super::ProjectId, Environment};

/// The environments of projects, by name.
pub(super) async fn of(db: impl PgExecutor<'_>, projects: &[ProjectId], most: i64) -> sqlx::Result<Vec<Environment>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    query_as!(
        Environment,
        r#"select v.tag as id, v.value as name, v.seen_on, h.name is not null as "is_hidden!"
           from tag_values v left join hidden_environments h on h.project_id = v.project_id and h.name = v.value
           where v.project_id = any($1) and v.key = 'environment' and v.value <> ''
           order by v.value limit $2"#,
        &projects,
        most,
    )
    .fetch_all(db)
    .await
}

/// Whether an event of a project named it.
pub(super) async fn exists(db: impl PgExecutor<'_>, project: ProjectId, name: &str) -> sqlx::Result<bool> {
    let found = query_scalar!(
        "select 1 as one from tag_values where project_id = $1 and key = 'environment' and value = $2 limit 1",
        project.0,
        name,
    );
    Ok(found.fetch_optional(db).await?.is_some())
}

pub(super) async fn hide(db: impl PgExecutor<'_>, project: ProjectId, name: &str) -> sqlx::Result<()> {
    query!(
        "insert into hidden_environments (project_id, name) values ($1, $2) on conflict do nothing",
        project.0,
        name
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn show(db: impl PgExecutor<'_>, project: ProjectId, name: &str) -> sqlx::Result<()> {
    query!("delete from hidden_environments where project_id = $1 and name = $2", project.0, name).execute(db).await?;
    Ok(())
}
