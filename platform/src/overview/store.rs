//! Counts over several projects.

use std::collections::HashMap;

use sqlx::{PgExecutor, query};

use crate::projects::ProjectId;

/// More open issues than this are not counted one by one: nobody reads them all.
pub(super) const MOST_COUNTED: i64 = 10_000;

/// How many unresolved issues each project has, at most one more than are counted.
pub(super) async fn unresolved(
    db: impl PgExecutor<'_>,
    projects: &[ProjectId],
) -> sqlx::Result<HashMap<ProjectId, i64>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = query!(
        r#"select p.id as "id!", few.number as "number!"
           from unnest($1::bigint[]) as p (id)
           cross join lateral (
               select count(*) as number
               from (select 1 from issues i where i.project_id = p.id and i.status = 0 limit $2) one
           ) few"#,
        &projects,
        MOST_COUNTED + 1,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (ProjectId(row.id), row.number)).collect())
}
