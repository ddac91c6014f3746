//! Quotas in PostgreSQL.

use sqlx::{PgConnection, PgExecutor, PgPool, query, query_as, query_scalar};

use super::{Quota, Whose};
use crate::projects::ProjectId;

/// A quota, with the names of what it is of.
pub(super) struct Line {
    pub id: i64,
    pub organization: Option<String>,
    pub project: Option<String>,
    pub public_key: Option<String>,
    pub categories: Vec<String>,
    pub most: i64,
    pub window_seconds: i32,
    pub reason: String,
}

/// Every quota, the widest first.
pub(super) async fn all(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Line>> {
    query_as!(
        Line,
        r#"select q.id, coalesce(o.slug, po.slug, ko.slug) as organization, coalesce(p.slug, kp.slug) as project,
                  q.public_key, q.categories, q.most, q.window_seconds, q.reason
           from quotas q
           left join organizations o on o.id = q.organization_id
           left join projects p on p.id = q.project_id left join organizations po on po.id = p.organization_id
           left join project_keys k on k.public_key = q.public_key left join projects kp on kp.id = k.project_id
           left join organizations ko on ko.id = kp.organization_id
           order by organization nulls first, project nulls first, public_key nulls first, q.id"#,
    )
    .fetch_all(db)
    .await
}

/// One quota.
pub(super) async fn one(db: &PgPool, id: i64) -> sqlx::Result<Option<Line>> {
    Ok(all(db).await?.into_iter().find(|line| line.id == id))
}

/// The quotas that apply to a project, the widest first.
pub(super) async fn of_project(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Line>> {
    query_as!(
        Line,
        r#"select q.id, case when num_nonnulls(q.organization_id, q.project_id, q.public_key) > 0 then o.slug end as organization,
                  case when num_nonnulls(q.project_id, q.public_key) > 0 then p.slug end as project,
                  q.public_key, q.categories, q.most, q.window_seconds, q.reason
           from projects p join organizations o on o.id = p.organization_id
           join quotas q on q.project_id = p.id or q.organization_id = o.id
               or q.public_key in (select public_key from project_keys k where k.project_id = p.id)
               or num_nonnulls(q.organization_id, q.project_id, q.public_key) = 0
           where p.id = $1
           order by organization nulls first, project nulls first, q.public_key nulls first, q.id"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// Removes a quota of a project or of one of its keys; false when it has none of that number.
pub(super) async fn remove_own(db: impl PgExecutor<'_>, project: ProjectId, id: i64) -> sqlx::Result<bool> {
    let removed = query!(
        "delete from quotas where id = $1
         and (project_id = $2 or public_key in (select public_key from project_keys where project_id = $2))",
        id,
        project.0,
    );
    Ok(removed.execute(db).await?.rows_affected() > 0)
}

/// Replaces the quota of the same owner, categories and window, or adds one, and returns its number.
pub(super) async fn set(db: &PgPool, quota: &Quota) -> sqlx::Result<i64> {
    let mut tx = db.begin().await?;
    let known = known(&mut tx, quota).await?;
    let id = match known {
        Some(id) => {
            query!("update quotas set most = $2, reason = $3 where id = $1", id, quota.most, quota.reason)
                .execute(&mut *tx)
                .await?;
            id
        }
        None => insert(&mut tx, quota).await?,
    };
    tx.commit().await?;
    Ok(id)
}

async fn known(db: &mut PgConnection, quota: &Quota) -> sqlx::Result<Option<i64>> {
    let (organization, project, key) = owner(&quota.whose);
    query_scalar!(
        "select id from quotas
         where organization_id is not distinct from $1 and project_id is not distinct from $2
           and public_key is not distinct from $3 and categories = $4 and window_seconds = $5
         order by id limit 1 for update",
        organization,
        project,
        key,
        &names(quota),
        quota.window
    )
    .fetch_optional(db)
    .await
}

async fn insert(db: &mut PgConnection, quota: &Quota) -> sqlx::Result<i64> {
    let (organization, project, key) = owner(&quota.whose);
    query_scalar!(
        "insert into quotas (organization_id, project_id, public_key, categories, most, window_seconds, reason)
         values ($1, $2, $3, $4, $5, $6, $7) returning id",
        organization,
        project,
        key,
        &names(quota),
        quota.most,
        quota.window,
        quota.reason
    )
    .fetch_one(db)
    .await
}

fn owner(whose: &Whose) -> (Option<i64>, Option<i64>, Option<&str>) {
    match whose {
        Whose::Installation => (None, None, None),
        Whose::Organization(id) => (Some(*id), None, None),
        Whose::Project(id) => (None, Some(id.0), None),
        Whose::Key(key) => (None, None, Some(key)),
    }
}

fn names(quota: &Quota) -> Vec<String> {
    quota.categories.iter().map(|category| category.name().to_owned()).collect()
}

/// Removes a quota; false when there is none of that number.
pub(super) async fn remove(db: impl PgExecutor<'_>, id: i64) -> sqlx::Result<bool> {
    Ok(query!("delete from quotas where id = $1", id).execute(db).await?.rows_affected() > 0)
}

/// Whether a key is known.
pub(super) async fn has_key(db: impl PgExecutor<'_>, key: &str) -> sqlx::Result<bool> {
    query_scalar!(r#"select exists(select 1 from project_keys where public_key = $1) as "known!""#, key)
        .fetch_one(db)
        .await
}
