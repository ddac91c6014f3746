//! Attachments: files that SDKs sent with an event, or for one. They are items of the kind `attachment`.
//!
//! An attachment names its event by id, so either may come first. Its content lies in the file store, or in its row where it
//! is small or there is no file store. Files are removed when the partition of their day is gone, however it went, and the ones
//! that no row names (web was killed before the queue had the item, or the row was deleted with its event) a few days later.

pub mod api;
mod store;

use std::collections::HashSet;

use anyhow::Result;
use bytes::Bytes;
use chrono::{DateTime, Days, NaiveDate, Utc};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    app::App,
    files::Key,
    projects::ProjectId,
    protocol::{EventId, json::Object},
};

/// Until then an item may still wait in a queue.
const ORPHANS_AFTER: Days = Days::new(4);
/// Files looked up at a time.
const AT_A_TIME: usize = 1_000;
const ANY_TYPE: &str = "application/octet-stream";
/// What a browser may show of what others sent, without running any of it.
const SAFE_TYPES: [&str; 6] = ["image/png", "image/jpeg", "image/gif", "image/webp", "text/plain", "application/json"];
const BY_EXTENSION: [(&str, &str); 9] = [
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("txt", "text/plain"),
    ("log", "text/plain"),
    ("json", "application/json"),
    ("dmp", "application/x-dmp"),
];

/// A file of an event.
#[derive(Clone, Debug)]
pub struct Attachment {
    pub id: Uuid,
    pub project: ProjectId,
    pub event: EventId,
    pub received_at: DateTime<Utc>,
    pub size: i64,
    pub sha1: Option<Vec<u8>>,
    in_store: bool,
    headers: Object,
}

impl Attachment {
    /// `screenshot.png`, as the SDK says.
    pub fn name(&self) -> &str {
        self.header("filename").unwrap_or("attachment")
    }

    /// `event.minidump` …
    pub fn kind(&self) -> &str {
        self.header("attachment_type").unwrap_or("event.attachment")
    }

    /// What the SDK says it is, else what its name says.
    pub fn content_type(&self) -> &str {
        let by_name = || {
            let extension = self.name().rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
            let known = BY_EXTENSION.iter().find(|(known, _)| Some(*known) == extension.as_deref());
            known.map_or(ANY_TYPE, |(_, content_type)| content_type)
        };
        self.header("content_type").unwrap_or_else(by_name)
    }

    /// What a browser is told it is.
    pub fn safe_type(&self) -> &'static str {
        let essence = self.content_type().split(';').next().unwrap_or_default().trim();
        SAFE_TYPES.iter().find(|safe| safe.eq_ignore_ascii_case(essence)).copied().unwrap_or(ANY_TYPE)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.as_str()).filter(|text| !text.trim().is_empty())
    }

    fn key(&self) -> Key {
        Key { day: self.received_at.date_naive(), project: self.project, id: self.id }
    }
}

/// The files of an event, in the order they came in.
pub async fn of_event(db: &PgPool, project: ProjectId, event: EventId) -> sqlx::Result<Vec<Attachment>> {
    store::of_event(db, project, event).await
}

/// A file's content, piece by piece; none where it is gone.
pub async fn open(app: &App, attachment: &Attachment) -> Result<Option<BoxStream<'static, std::io::Result<Bytes>>>> {
    if attachment.in_store {
        let found = app.files.get(attachment.key()).await?;
        return Ok(found.map(|content| content.map_err(std::io::Error::other).boxed()));
    }
    let Some(packed) = store::body(&app.db, attachment).await? else { return Ok(None) };
    let content = zstd::decode_all(&packed[..]).map(Bytes::from);
    Ok(Some(futures_util::stream::iter([content]).boxed()))
}

/// Removes a file and its row.
pub async fn remove(app: &App, attachment: &Attachment) -> Result<()> {
    // The row goes last: as long as it is there, somebody can try again.
    if attachment.in_store {
        app.files.remove(attachment.key()).await?;
    }
    Ok(store::remove(&app.db, attachment).await?)
}

/// Which files of a day stay.
#[derive(Clone, Copy, Debug)]
enum Stay {
    None,
    /// Those that an item names.
    Named,
}

/// Removes the files of days whose items are gone, and of older days the ones that no item names.
pub async fn sweep(app: &App) -> Result<()> {
    let today = app.now().date_naive();
    let checked = today.checked_sub_days(ORPHANS_AFTER).unwrap_or(today);
    for day in app.files.days().await? {
        if day < today && !store::has_day(&app.db, day).await? {
            remove_all_but(app, day, Stay::None).await?;
        } else if day <= checked {
            remove_all_but(app, day, Stay::Named).await?;
        }
    }
    Ok(())
}

async fn remove_all_but(app: &App, day: NaiveDate, stay: Stay) -> Result<()> {
    let mut removed = 0_usize;
    let mut files = std::pin::pin!(app.files.of_day(day).try_chunks(AT_A_TIME));
    while let Some(keys) = files.next().await {
        let keys = keys.map_err(|broken| broken.1)?;
        let kept = match stay {
            Stay::None => HashSet::new(),
            Stay::Named => store::known(&app.db, day, &keys).await?,
        };
        for key in keys.into_iter().filter(|key| !kept.contains(&key.id)) {
            app.files.remove(key).await?;
            removed += 1;
        }
    }
    if removed > 0 {
        tracing::info!("removed {removed} files of {day}");
    }
    Ok(())
}
