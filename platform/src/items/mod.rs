//! Items: what envelopes hold besides events, kept as it was sent until a feature reads it.
//!
//! Web gives each an id of its own, so that a message delivered twice is stored once. Not here: what sessions, check-ins or
//! attachments mean.

mod store;

use std::{borrow::Cow, collections::HashSet};

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
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
        sent::Sent,
    },
    queue::message,
};

/// zstd's default: beyond it, items shrink little and cost much.
const COMPRESSION_LEVEL: i32 = 3;
const VERSION: u8 = 2;

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
    /// What the request said of its sending.
    pub sent: Sent,
    /// `attachment`, `session` …: one of the kinds of the protocol.
    pub kind: String,
    /// All headers of the item.
    pub headers: Object,
    /// As it was sent.
    pub body: Bytes,
}

/// The head of a message: everything but the body.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    project: i64,
    id: Uuid,
    event: Option<Uuid>,
    #[serde(with = "chrono::serde::ts_microseconds")]
    received_at: DateTime<Utc>,
    sent: Cow<'a, Sent>,
    kind: Cow<'a, str>,
    /// As JSON, whose values name their own types.
    headers: Vec<u8>,
}

impl Item {
    /// The message for the queue.
    pub fn encode(&self) -> Result<Bytes> {
        let head = Head {
            project: self.project.0,
            id: self.id,
            event: self.event.map(|event| event.0),
            received_at: self.received_at,
            sent: Cow::Borrowed(&self.sent),
            kind: Cow::Borrowed(&self.kind),
            headers: serde_json::to_vec(&self.headers).context("writing an item's headers")?,
        };
        Ok(message::write(VERSION, &head, &self.body))
    }

    /// Reads what [`Item::encode`] wrote.
    pub fn decode(message: &Bytes) -> Result<Item> {
        let (head, body) = message::read::<Head<'_>>(VERSION, message)?;
        Ok(Item {
            project: ProjectId(head.project),
            id: head.id,
            event: head.event.map(EventId),
            received_at: head.received_at,
            sent: head.sent.into_owned(),
            kind: head.kind.into_owned(),
            headers: serde_json::from_slice(&head.headers).context("reading an item's headers")?,
            body,
        })
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
            sent: Sent { by: Some("sentry.go/0.30".into()), ..Sent::default() },
            kind: "attachment".into(),
            headers,
            body: Bytes::from_static(b"\0\n"),
        };
        let alone = Item { event: None, body: Bytes::new(), ..item.clone() };
        for item in [item, alone] {
            let message = item.encode().unwrap();
            assert_eq!(Item::decode(&message).unwrap(), item);
            for cut in 0..message.len() - item.body.len() {
                assert!(Item::decode(&message.slice(..cut)).is_err(), "{cut} bytes are no item");
            }
        }
    }
}
