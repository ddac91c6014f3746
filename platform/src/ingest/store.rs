//! The one question ingest asks the database.

use sqlx::{PgExecutor, types::Json};

use super::{keys::Key, quotas::Quota};
use crate::projects::settings::Settings;

/// What an active key belongs to, and what applies to it.
pub async fn key(db: impl PgExecutor<'_>, public_key: &str) -> sqlx::Result<Option<Key>> {
    let row = sqlx::query!(
        r#"select k.project_id, p.allowed_origins, p.settings as "settings: Json<Settings>",
                  coalesce((
                      select json_agg(json_build_object(
                          'id', q.id, 'most', q.most, 'window', q.window_seconds, 'reason', q.reason, 'categories', q.categories,
                          'scope', case when q.public_key is not null then 'key'
                                        when q.project_id is not null then 'project' else 'organization' end) order by q.id)
                      from quotas q
                      where q.public_key = k.public_key or q.project_id = p.id or q.organization_id = p.organization_id
                          or num_nonnulls(q.public_key, q.project_id, q.organization_id) = 0
                  ), '[]') as "quotas!: Json<Vec<Quota>>"
           from project_keys k join projects p on p.id = k.project_id
           where k.public_key = $1 and k.is_active and (k.expires_at is null or k.expires_at > now())"#,
        public_key
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Key {
        project: row.project_id,
        origins: row.allowed_origins,
        filters: row.settings.0.filters.filters(),
        quotas: row.quotas.0,
    }))
}
