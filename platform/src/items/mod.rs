//! Items: what envelopes hold besides events. Every one is kept as it was sent; some also count, or change something.
//!
//! Web gives each an id of its own, so that a message delivered twice is stored once, and takes effect once: both happen in one
//! transaction. Large files go to the file store, before the message, which then carries only what is known of them. While the
//! store is away they travel in the message; the worker tries once more, and keeps in the row what the store does not take. Not
//! here: what sessions, check-ins or attachments mean.

mod effects;
mod store;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
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

/// The kinds that tell of sessions.
const SESSIONS: [&str; 2] = ["session", "sessions"];

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
    /// Moves a large body to the file store, where there is one that takes it; when this returns it is durable there.
    pub async fn file(&mut self, files: &Files) {
        if let Err(error) = self.try_to_file(files).await {
            tracing::warn!("a file stays with its item: {error:#}");
        }
    }

    async fn try_to_file(&mut self, files: &Files) -> Result<()> {
        if self.body.len() < LEAST_FILED || !FILED.contains(&self.kind.as_str()) || !files.is_there() {
            return Ok(());
        }
        let key = Key { day: self.received_at.date_naive(), project: self.project, id: self.id };
        let body = self.body.clone();
        let sha1 = tokio::task::spawn_blocking(move || Sha1::digest(&body)).await.context("hashing a file")?;
        let known = Filed { size: self.body.len() as u64, sha1: sha1.into() };
        files.put(key, self.body.clone()).await?;
        (self.body, self.filed) = (Bytes::new(), Some(known));
        Ok(())
    }

    /// The bytes of the body, wherever it lies.
    pub fn size(&self) -> u64 {
        self.filed.map_or(self.body.len() as u64, |filed| filed.size)
    }
}

/// Stores a batch and counts it; what is there already stays as it is, and what belongs to a project that is gone, or that it
/// does not want, is dropped and counted. Answers how many were new.
pub async fn keep(app: &App, items: Vec<Item>) -> Result<u64> {
    let mut kept = 0;
    let mut items = wanted(app, items).await?;
    for item in &mut items {
        item.file(&app.files).await;
    }
    let mut waiting = vec![items];
    while let Some(items) = waiting.pop().filter(|items| !items.is_empty()) {
        let batch = tokio::task::spawn_blocking(move || Batch::new(items)).await.context("reading items")??;
        match keep_all(&app.db, &batch).await {
            Ok(stored) => kept += count_all(app, &stored),
            // One that the database refuses must not hold up the others; alone, it is kept without its effect.
            Err(error) if store::is_about_the_data(&error) => match batch.without_effect(&error) {
                Ok(alone) => {
                    kept += count_all(app, &keep_all(&app.db, &alone).await.context("storing an item")?);
                }
                Err(halves) => waiting.extend(halves),
            },
            Err(error) => return Err(error).context("storing items"),
        }
    }
    Ok(kept)
}

/// The items of a batch that their projects want; the others are counted.
async fn wanted(app: &App, mut items: Vec<Item>) -> Result<Vec<Item>> {
    let is_session = |item: &Item| SESSIONS.contains(&item.kind.as_str());
    let projects: BTreeSet<ProjectId> = items.iter().filter(|item| is_session(item)).map(|item| item.project).collect();
    if projects.is_empty() {
        return Ok(items);
    }
    let policies = app.policies.of(projects).await?;
    items.retain(|item| {
        let policy = policies.get(&item.project).filter(|_| is_session(item));
        let reason = policy.and_then(|policy| policy.filters.reason_of_session(&item.body, item.sent.from));
        if let Some(reason) = reason {
            count_as(app, item, (Fate::Filtered, reason.name()), quantity(item));
        }
        reason.is_none()
    });
    Ok(items)
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

/// Why an item did nothing, in whole or in as much of it as is said, where it should have done something.
type Refused = (Option<u64>, &'static str);

/// What became of a batch.
struct Stored<'a> {
    /// The items that were new.
    new: Vec<(&'a Item, Option<Refused>)>,
    /// Those whose project is gone.
    gone: Vec<&'a Item>,
}

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
    let live: HashSet<ProjectId> = store::live_projects(&mut *tx, &batch.rows).await?.into_iter().collect();
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
    let new = fresh.into_iter().map(told).collect();
    Ok(Stored { new, gone: batch.items.iter().filter(|item| !live.contains(&item.project)).collect() })
}

/// Counts a batch, and says how many were new.
fn count_all(app: &App, stored: &Stored<'_>) -> u64 {
    for (item, refused) in &stored.new {
        count(app, item, *refused);
    }
    for item in &stored.gone {
        count_as(app, item, (Fate::Invalid, "project_id"), quantity(item));
    }
    stored.new.len() as u64
}

/// Counts an item that was stored, or what it tells of others that were not sent.
fn count(app: &App, item: &Item, refused: Option<Refused>) {
    if item.kind == "client_report" {
        for Entry { decision, category, reason, quantity } in client_report::read(&item.body) {
            let fate = match decision {
                Decision::Discarded => Fate::ClientDiscard,
                Decision::Filtered => Fate::Filtered,
                Decision::RateLimited => Fate::RateLimited,
            };
            let project = item.project;
            outcomes::count(app, Outcome { project, category, fate, reason: reason.into(), quantity });
        }
        return;
    }
    let quantity = quantity(item);
    let (wrong, reason) = refused.map_or((0, ""), |(wrong, reason)| (wrong.unwrap_or(quantity).min(quantity), reason));
    count_as(app, item, (Fate::Accepted, ""), quantity - wrong);
    count_as(app, item, (Fate::Invalid, reason), wrong);
}

fn count_as(app: &App, item: &Item, (fate, reason): (Fate, &'static str), quantity: u64) {
    if quantity > 0 {
        let category = category(item);
        outcomes::count(app, Outcome { project: item.project, category, fate, reason: reason.into(), quantity });
    }
}

fn category(item: &Item) -> Category {
    protocol::item::find(&item.kind).map_or(Category::Unknown, |kind| kind.category)
}

/// How much it counts for: bytes of a file, sessions, spans, else one.
fn quantity(item: &Item) -> u64 {
    let size = usize::try_from(item.size()).unwrap_or(usize::MAX);
    protocol::item::quantity(category(item), &item.headers, size)
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
