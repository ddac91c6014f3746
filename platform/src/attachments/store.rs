//! Attachments in the database: rows of `items`.

use std::collections::HashSet;

use chrono::NaiveDate;
use sqlx::{PgExecutor, query, query_scalar};
use uuid::Uuid;

use super::Attachment;
use crate::{files::Key, projects::ProjectId, protocol::EventId};

/// The files of an event, in the order they came in.
pub async fn of_event(db: impl PgExecutor<'_>, project: ProjectId, event: EventId) -> sqlx::Result<Vec<Attachment>> {
    let rows = query!(
        r#"select id, received_at, headers::text as "headers!", size, sha1, in_store from items
           where project_id = $1 and event_id = $2 and kind = 'attachment' order by id"#,
        project.0,
        event.0,
    )
    .fetch_all(db)
    .await?;
    let attachments = rows.into_iter().map(|row| Attachment {
        id: row.id,
        project,
        event,
        received_at: row.received_at,
        size: row.size,
        sha1: row.sha1,
        in_store: row.in_store,
        headers: serde_json::from_str(&row.headers).unwrap_or_default(),
    });
    Ok(attachments.collect())
}

/// The content of a file that lies in its row, compressed.
pub async fn body(db: impl PgExecutor<'_>, attachment: &Attachment) -> sqlx::Result<Option<Vec<u8>>> {
    query_scalar!(
        "select body from items where project_id = $1 and id = $2 and received_on = $3",
        attachment.project.0,
        attachment.id,
        attachment.received_at.date_naive(),
    )
    .fetch_optional(db)
    .await
}

/// Removes the row.
pub async fn remove(db: impl PgExecutor<'_>, attachment: &Attachment) -> sqlx::Result<()> {
    query!(
        "delete from items where project_id = $1 and id = $2 and received_on = $3",
        attachment.project.0,
        attachment.id,
        attachment.received_at.date_naive(),
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Whether the items of a day are kept.
pub async fn has_day(db: impl PgExecutor<'_>, day: NaiveDate) -> sqlx::Result<bool> {
    query_scalar!(r#"select to_regclass('items_' || to_char($1::date, 'YYYYMMDD')) is not null as "is_there!""#, day,)
        .fetch_one(db)
        .await
}

/// Those of some files of a day that an item names.
pub async fn known(db: impl PgExecutor<'_>, day: NaiveDate, keys: &[Key]) -> sqlx::Result<HashSet<Uuid>> {
    let known = query_scalar!(
        "select i.id from unnest($1::bigint[], $2::uuid[]) as asked (project_id, id)
         join items i on i.project_id = asked.project_id and i.id = asked.id and i.received_on = $3",
        &keys.iter().map(|key| key.project.0).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.id).collect::<Vec<_>>(),
        day,
    )
    .fetch_all(db)
    .await?;
    Ok(known.into_iter().collect())
}
