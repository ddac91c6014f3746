//! Items in the database: one statement for a batch.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use sha1::{Digest, Sha1};
use sqlx::{PgExecutor, error::DatabaseError};
use uuid::Uuid;

use super::{COMPRESSION_LEVEL, Item};
use crate::projects::ProjectId;

/// A batch as columns, bodies compressed.
#[derive(Default)]
pub struct Rows {
    projects: Vec<i64>,
    ids: Vec<Uuid>,
    events: Vec<Option<Uuid>>,
    received: Vec<DateTime<Utc>>,
    kinds: Vec<String>,
    headers: Vec<String>,
    bodies: Vec<Vec<u8>>,
    sizes: Vec<i64>,
    in_store: Vec<bool>,
    sha1s: Vec<Option<Vec<u8>>>,
}

impl Rows {
    /// Takes items apart and compresses their bodies.
    pub fn new(items: &[Item]) -> Result<Rows> {
        let mut rows = Rows::default();
        for item in items {
            rows.projects.push(item.project.0);
            rows.ids.push(item.id);
            rows.events.push(item.event.map(|event| event.0));
            rows.received.push(item.received_at);
            rows.kinds.push(item.kind.clone());
            rows.headers.push(serde_json::to_string(&item.headers).context("writing an item's headers")?);
            rows.bodies.push(zstd::encode_all(&item.body[..], COMPRESSION_LEVEL).context("compressing an item")?);
            rows.sizes.push(i64::try_from(item.size()).unwrap_or(i64::MAX));
            rows.in_store.push(item.filed.is_some());
            let own = || (item.kind == "attachment").then(|| Sha1::digest(&item.body).to_vec());
            rows.sha1s.push(item.filed.map(|filed| filed.sha1.to_vec()).or_else(own));
        }
        Ok(rows)
    }

    /// The days whose partitions they belong to.
    pub fn days(&self) -> BTreeSet<NaiveDate> {
        self.received.iter().map(DateTime::date_naive).collect()
    }
}

/// The projects of a batch that are there.
pub async fn live_projects(db: impl PgExecutor<'_>, rows: &Rows) -> sqlx::Result<Vec<ProjectId>> {
    sqlx::query_scalar!(
        r#"select id as "id: ProjectId" from projects where id = any($1) and deleted_at is null"#,
        &rows.projects
    )
    .fetch_all(db)
    .await
}

/// Inserts a batch and returns the ids of what was new.
pub async fn insert(db: impl PgExecutor<'_>, rows: &Rows) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "insert into items (project_id, id, received_on, received_at, kind, event_id, headers, body, size, in_store, sha1)
         select i.project, i.id, (i.received at time zone 'utc')::date, i.received, i.kind, i.event, i.headers::json,
                i.body, i.size, i.in_store, i.sha1
         from unnest($1::bigint[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::bytea[],
                     $8::bigint[], $9::boolean[], $10::bytea[])
             as i (project, id, received, kind, event, headers, body, size, in_store, sha1)
         join projects p on p.id = i.project and p.deleted_at is null
         order by i.project, i.id
         on conflict do nothing
         returning id",
        &rows.projects,
        &rows.ids,
        &rows.received,
        &rows.kinds,
        &rows.events as &[Option<Uuid>],
        &rows.headers,
        &rows.bodies,
        &rows.sizes,
        &rows.in_store,
        &rows.sha1s as &[Option<Vec<u8>>],
    )
    .fetch_all(db)
    .await
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(DatabaseError::code).map(Into::into)
}

/// Whether no partition takes a row.
pub fn is_missing_partition(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| code == "23514")
}

/// Whether the database refused values (classes 22 and 23 of SQLSTATE, or more than a row may hold) rather than being away.
pub fn is_about_the_data(error: &sqlx::Error) -> bool {
    code(error).is_some_and(|code| ["22", "23", "54"].iter().any(|class| code.starts_with(class)))
}

/// Makes the partition of one day, if it is not there.
pub async fn make_partition(db: impl PgExecutor<'_>, day: NaiveDate) -> sqlx::Result<()> {
    sqlx::query!("select make_item_partition($1)", day).execute(db).await.map(|_| ())
}
