//! Saved searches in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::{Place, Saved, Wanted};
use crate::{auth::UserId, projects::ProjectId};

/// Everybody's searches of a place and somebody's own, by name. A project has those of its organisation too.
pub async fn list(db: impl PgExecutor<'_>, place: Place, user: UserId) -> sqlx::Result<Vec<Saved>> {
    query_as!(
        Saved,
        r#"select s.id, s.project_id as "project: ProjectId", s.user_id as "owner: UserId", s.name, s.query, s.sort, s.created_at,
                  exists(select from default_searches d where d.search_id = s.id and d.user_id is null
                         and d.project_id is not distinct from $2) as "is_default!",
                  exists(select from default_searches d where d.search_id = s.id and d.user_id = $3
                         and d.project_id is not distinct from $2) as "is_user_default!"
           from saved_searches s
           where s.organization_id = $1 and (s.project_id is null or s.project_id = $2)
             and (s.user_id is null or s.user_id = $3)
           order by lower(s.name), s.id limit 1000"#,
        place.organization.0,
        place.project.map(|project| project.0),
        user.0,
    )
    .fetch_all(db)
    .await
}

/// One of them.
pub async fn find(db: impl PgExecutor<'_>, place: Place, user: UserId, id: i64) -> sqlx::Result<Option<Saved>> {
    Ok(list(db, place, user).await?.into_iter().find(|saved| saved.id == id))
}

/// Saves a search, unless the place has one of the name.
pub async fn insert(
    db: impl PgExecutor<'_>,
    place: Place,
    owner: Option<UserId>,
    wanted: &Wanted<'_>,
    at: DateTime<Utc>,
) -> sqlx::Result<Option<i64>> {
    query_scalar!(
        "insert into saved_searches (organization_id, project_id, user_id, name, query, sort, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning id",
        place.organization.0,
        place.project.map(|project| project.0),
        owner.map(|owner| owner.0),
        wanted.name,
        wanted.query,
        wanted.sort,
        at,
    )
    .fetch_optional(db)
    .await
}

/// Changes a search.
pub async fn update(db: impl PgExecutor<'_>, id: i64, wanted: &Wanted<'_>) -> sqlx::Result<()> {
    query!(
        "update saved_searches set name = $2, query = $3, sort = $4 where id = $1",
        id,
        wanted.name,
        wanted.query,
        wanted.sort,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes a search.
pub async fn delete(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<()> {
    query!("delete from saved_searches where id = $1", id).execute(db).await?;
    Ok(())
}

/// Makes a search what somebody, or everybody, finds first.
pub async fn set_default(db: impl PgExecutor<'_>, place: Place, user: Option<UserId>, id: i64) -> sqlx::Result<()> {
    query!(
        "insert into default_searches (organization_id, project_id, user_id, search_id) values ($1, $2, $3, $4)
         on conflict (organization_id, coalesce(project_id, 0), coalesce(user_id, 0)) do update
             set search_id = excluded.search_id",
        place.organization.0,
        place.project.map(|project| project.0),
        user.map(|user| user.0),
        id,
    )
    .execute(db)
    .await?;
    Ok(())
}
