//! Items: what envelopes hold besides events, kept as it was sent until a feature reads it.
//!
//! Web gives each an id of its own, so that a message delivered twice is stored once. Not here: what sessions, check-ins or
//! attachments mean.

mod store;

use std::collections::HashSet;

use anyhow::{Context, Result, ensure};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::{
    app::App,
    outcomes::{self, Fate, Outcome},
    projects::ProjectId,
    protocol::{
        self, EventId,
        client_report::{self, Decision, Entry},
        item::Category,
        json::Object,
    },
};

/// zstd's default: beyond it, items shrink little and cost much.
const COMPRESSION_LEVEL: i32 = 3;
/// The first byte of a message, so that a rolling upgrade can change the rest.
const VERSION: u8 = 1;
/// Version, project, id, event id, time, and the lengths of kind and headers.
const HEAD: usize = 1 + 8 + 16 + 16 + 8 + 4 + 4;

/// An item as web put it in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Whose it is.
    pub project: ProjectId,
    /// Ours; no SDK knows it.
    pub id: Uuid,
    /// The event it belongs to, where it belongs to one.
    pub event: Option<EventId>,
    /// By our clock, to the microsecond.
    pub received_at: DateTime<Utc>,
    /// `attachment`, `session` …: one of the kinds of the protocol.
    pub kind: String,
    /// All headers of the item.
    pub headers: Object,
    /// As it was sent.
    pub body: Bytes,
}

impl Item {
    /// The message for the queue: a version, fixed fields, kind, headers and body.
    pub fn encode(&self) -> Result<Bytes> {
        let headers = serde_json::to_vec(&self.headers).context("writing an item's headers")?;
        let mut message = BytesMut::with_capacity(HEAD + self.kind.len() + headers.len() + self.body.len());
        message.put_u8(VERSION);
        message.put_i64(self.project.0);
        message.put_slice(self.id.as_bytes());
        message.put_slice(self.event.map_or(Uuid::nil(), |event| event.0).as_bytes());
        message.put_i64(self.received_at.timestamp_micros());
        message.put_u32(u32::try_from(self.kind.len())?);
        message.put_u32(u32::try_from(headers.len())?);
        message.put_slice(self.kind.as_bytes());
        message.put_slice(&headers);
        message.put_slice(&self.body);
        Ok(message.freeze())
    }

    /// Reads what [`Item::encode`] wrote.
    pub fn decode(message: &Bytes) -> Result<Item> {
        let mut message = message.clone();
        ensure!(message.len() >= HEAD, "the message is {} bytes short", HEAD - message.len());
        let version = message.get_u8();
        ensure!(version == VERSION, "the message is of version {version}, this worker reads {VERSION}");
        let project = ProjectId(message.get_i64());
        let id = Uuid::from_slice(&message.split_to(16))?;
        let event = Uuid::from_slice(&message.split_to(16))?;
        let received_at =
            DateTime::from_timestamp_micros(message.get_i64()).context("the message's time is out of range")?;
        let (kind, headers) = (usize::try_from(message.get_u32())?, usize::try_from(message.get_u32())?);
        ensure!(kind.checked_add(headers).is_some_and(|length| length <= message.len()), "the message is cut off");
        let kind = String::from_utf8(message.split_to(kind).to_vec())?;
        let headers = serde_json::from_slice(&message.split_to(headers)).context("reading an item's headers")?;
        let event = Some(EventId(event)).filter(|event| !event.0.is_nil());
        Ok(Item { project, id, event, received_at, kind, headers, body: message })
    }
}

/// Stores a batch and counts it; what is there already stays as it is, and what belongs to a project that is gone is dropped.
/// Answers how many were new.
pub async fn keep(app: &App, items: Vec<Item>) -> Result<u64> {
    if items.is_empty() {
        return Ok(0);
    }
    let (rows, items) = tokio::task::spawn_blocking(move || store::Rows::new(&items).map(|rows| (rows, items)))
        .await
        .context("compressing items")??;
    let stored: HashSet<Uuid> = insert(&app.db, &rows).await?.into_iter().collect();
    for item in items.iter().filter(|item| stored.contains(&item.id)) {
        count(app, item);
    }
    Ok(stored.len() as u64)
}

async fn insert(db: &PgPool, rows: &store::Rows) -> Result<Vec<Uuid>> {
    if let Some(stored) = store::insert(db, rows).await.context("storing items")? {
        return Ok(stored);
    }
    // Cron makes partitions ahead, but it may have been away.
    for day in rows.days() {
        make_partition(db, day).await?;
    }
    store::insert(db, rows).await?.context("the partition that was made is missing")
}

/// Counts an item that was stored, or what it tells of others that were not sent.
fn count(app: &App, item: &Item) {
    let project = item.project;
    if item.kind == "client_report" {
        for Entry { decision, category, reason, quantity } in client_report::read(&item.body) {
            let fate = match decision {
                Decision::Discarded => Fate::ClientDiscard,
                Decision::Filtered => Fate::Filtered,
                Decision::RateLimited => Fate::RateLimited,
            };
            outcomes::count(app, Outcome { project, category, fate, reason: reason.into(), quantity });
        }
        return;
    }
    let category = protocol::item::find(&item.kind).map_or(Category::Unknown, |kind| kind.category);
    let quantity = protocol::item::quantity(category, &item.headers, item.body.len());
    outcomes::count(app, Outcome { project, category, fate: Fate::Accepted, reason: "".into(), quantity });
}

/// Makes the partition of one day, if it is not there.
pub async fn make_partition(db: &PgPool, day: NaiveDate) -> Result<()> {
    store::make_partition(db, day).await.context("making a partition of items")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let mut headers = Object::new();
        headers.insert("filename".into(), json!("a\u{0}b"));
        let item = Item {
            project: ProjectId(7),
            id: Uuid::now_v7(),
            event: Some(EventId::random()),
            received_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).unwrap(),
            kind: "attachment".into(),
            headers,
            body: Bytes::from_static(b"\0\n"),
        };
        let alone = Item { event: None, body: Bytes::new(), ..item.clone() };
        for item in [item, alone] {
            let message = item.encode().unwrap();
            assert_eq!(Item::decode(&message).unwrap(), item);
            for cut in 0..HEAD + "attachment".len() {
                assert!(Item::decode(&message.slice(..cut)).is_err(), "{cut} bytes are no item");
            }
        }
    }
}
