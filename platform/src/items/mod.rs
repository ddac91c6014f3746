//! Items: what envelopes hold besides events. Every one is kept as it was sent; some also count, or change something.
//!
//! Web gives each an id of its own, so that a message delivered twice is stored once, and takes effect once: both happen in one
//! transaction. Large files go to the file store, before the message, which then carries only what is known of them. Not
//! here: what sessions, check-ins or attachments mean.

mod effects;
mod store;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use sqlx::PgPool;
use uuid::Uuid;

use self::effects::Effect;
use crate::{
    app::App,
    files::{Files, Key},
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
const VERSION: u8 = 3;
/// What is smaller costs less in a row than in a file of its own.
const LEAST_FILED: usize = 4 << 10;
/// The kinds that may be large.
const FILED: [&str; 2] = ["attachment", "unreal_report"];

/// A body that lies in the file store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filed {
    /// In bytes.
    pub size: u64,
    pub sha1: [u8; 20],
}

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
    /// Where its body is not here.
    pub filed: Option<Filed>,
    /// As it was sent; empty where it is filed.
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
    filed: Option<Filed>,
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
            filed: self.filed,
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
            filed: head.filed,
            body,
        })
    }
}

impl Item {
    /// Moves a large body to the file store, where there is one. Returns when it is durable there.
    pub async fn file(&mut self, files: &Files) -> Result<()> {
        if self.body.len() < LEAST_FILED || !FILED.contains(&self.kind.as_str()) || !files.is_there() {
            return Ok(());
        }
        let key = Key { day: self.received_at.date_naive(), project: self.project, id: self.id };
        let body = self.body.clone();
        let sha1 = tokio::task::spawn_blocking(move || Sha1::digest(&body)).await.context("hashing a file")?;
        let known = Filed { size: self.body.len() as u64, sha1: sha1.into() };
        files.put(key, std::mem::take(&mut self.body)).await?;
        self.filed = Some(known);
        Ok(())
    }

    /// The bytes of the body, wherever it lies.
    pub fn size(&self) -> u64 {
        self.filed.map_or(self.body.len() as u64, |filed| filed.size)
    }
}

/// Stores a batch and counts it; what is there already stays as it is, and what belongs to a project that is gone is dropped.
/// Answers how many were new.
pub async fn keep(app: &App, items: Vec<Item>) -> Result<u64> {
    let mut kept = 0;
    let mut waiting = vec![items];
    while let Some(items) = waiting.pop().filter(|items| !items.is_empty()) {
        let batch = tokio::task::spawn_blocking(move || Batch::new(items)).await.context("reading items")??;
        match keep_all(&app.db, &batch).await {
            Ok(stored) => {
                kept += stored.len() as u64;
                count_all(app, &stored);
            }
            // One that the database refuses must not hold up the others; alone, it is kept without its effect.
            Err(error) if store::is_about_the_data(&error) => match batch.without_effect(&error) {
                Ok(alone) => {
                    let stored = keep_all(&app.db, &alone).await.context("storing an item")?;
                    kept += stored.len() as u64;
                    count_all(app, &stored);
                }
                Err(halves) => waiting.extend(halves),
            },
            Err(error) => return Err(error).context("storing items"),
        }
    }
    Ok(kept)
}

/// Items, with what they change and as rows.
struct Batch {
    items: Vec<Item>,
    effects: Vec<Effect>,
    rows: store::Rows,
}

impl Batch {
    fn new(items: Vec<Item>) -> Result<Batch> {
        Ok(Batch { effects: items.iter().map(Effect::of).collect(), rows: store::Rows::new(&items)?, items })
    }

    /// A single item as one that changes nothing; several in two halves.
    fn without_effect(mut self, error: &sqlx::Error) -> std::result::Result<Batch, [Vec<Item>; 2]> {
        if self.items.len() > 1 {
            let half = self.items.split_off(self.items.len() / 2);
            return Err([half, self.items]);
        }
        tracing::warn!("the database refuses what an item says: {error}; it is kept all the same");
        self.effects = vec![Effect::Invalid("payload")];
        Ok(self)
    }
}

/// The items that were new, each with how much of it did nothing, and why, where it did nothing it should have done.
type Stored<'a> = Vec<(&'a Item, Option<(Option<u64>, &'static str)>)>;

async fn keep_all<'a>(db: &PgPool, batch: &'a Batch) -> sqlx::Result<Stored<'a>> {
    match try_keep_all(db, batch).await {
        // Cron makes partitions ahead, but it may have been away.
        Err(error) if store::is_missing_partition(&error) => {
            for day in batch.rows.days() {
                store::make_partition(db, day).await?;
            }
            try_keep_all(db, batch).await
        }
        kept => kept,
    }
}

async fn try_keep_all<'a>(db: &PgPool, batch: &'a Batch) -> sqlx::Result<Stored<'a>> {
    let mut tx = db.begin().await?;
    let new: HashSet<Uuid> = store::insert(&mut *tx, &batch.rows).await?.into_iter().collect();
    let fresh: Vec<(&Item, &Effect)> =
        batch.items.iter().zip(&batch.effects).filter(|(item, _)| new.contains(&item.id)).collect();
    let refused = effects::apply(&mut tx, &fresh).await?;
    tx.commit().await?;
    let refused: HashMap<Uuid, &'static str> = refused.into_iter().map(|(item, reason)| (item.id, reason)).collect();
    let told = |(item, effect): (&'a Item, &Effect)| match effect {
        Effect::Partly(wrong, reason) => (item, Some((Some(*wrong), *reason))),
        _ => (item, refused.get(&item.id).map(|reason| (None, *reason))),
    };
    Ok(fresh.into_iter().map(told).collect())
}

fn count_all(app: &App, stored: &Stored<'_>) {
    for (item, refused) in stored {
        count(app, item, *refused);
    }
}

/// Counts an item that was stored, or what it tells of others that were not sent.
fn count(app: &App, item: &Item, refused: Option<(Option<u64>, &'static str)>) {
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
    let size = usize::try_from(item.size()).unwrap_or(usize::MAX);
    let quantity = protocol::item::quantity(category, &item.headers, size);
    let (wrong, reason) = refused.map_or((0, ""), |(wrong, reason)| (wrong.unwrap_or(quantity).min(quantity), reason));
    for (fate, reason, quantity) in [(Fate::Accepted, "", quantity - wrong), (Fate::Invalid, reason, wrong)] {
        if quantity > 0 {
            outcomes::count(app, Outcome { project, category, fate, reason: reason.into(), quantity });
        }
    }
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
            filed: None,
            body: Bytes::from_static(b"\0\n"),
        };
        let alone = Item { event: None, body: Bytes::new(), ..item.clone() };
        let filed = Item { filed: Some(Filed { size: 1 << 40, sha1: [7; 20] }), ..alone.clone() };
        for item in [item, alone, filed] {
            let message = item.encode().unwrap();
            assert_eq!(Item::decode(&message).unwrap(), item);
            for cut in 0..message.len() - item.body.len() {
                assert!(Item::decode(&message.slice(..cut)).is_err(), "{cut} bytes are no item");
            }
        }
    }
}
