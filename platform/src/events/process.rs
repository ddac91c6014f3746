//! The life of a batch of events, top to bottom: prepare each (pure, on all cores), save all in one transaction, consider alerts.
//!
//! The batch may run twice: saving skips ids it already has and says what they did the first time, so alerts are the same.

use std::borrow::Cow;

use anyhow::{Context as _, Result};
use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Received, cpu, save};
use crate::{
    alerts,
    app::App,
    projects::ProjectId,
    protocol::{
        Level,
        event::{self, Event, Invalid},
        fingerprint::Fingerprint,
        grouping::{group, rules::Rules},
        json::Object,
        normalize::{Addresses, Context, normalize},
        repair::repair,
        scrub::{Settings, scrub},
        tags::{Tag, tags},
        title,
    },
};

/// An event that is older is taken for one of a wrong clock.
const RETENTION: TimeDelta = TimeDelta::days(90);
/// zstd's default: beyond it, events shrink little and cost much.
const COMPRESSION_LEVEL: i32 = 3;

/// An event with everything decided that can be decided without the database.
pub(super) struct Prepared {
    pub received: Received,
    pub occurred_at: DateTime<Utc>,
    pub fingerprint: Fingerprint,
    pub title: String,
    pub culprit: String,
    pub kind: &'static str,
    pub level: Level,
    pub platform: String,
    pub tags: Vec<Tag>,
    /// The normalised and scrubbed JSON, compressed with zstd.
    pub body: Vec<u8>,
}

/// An event that cannot be stored, and why.
pub(super) struct Rejected {
    pub received: Received,
    pub reason: String,
}

/// Stores a batch and hands what is new to the alerts. Outcomes are in no particular order.
pub async fn process(app: &App, batch: Vec<Received>) -> Result<Vec<(ProjectId, Outcome)>> {
    let mut rejected = Vec::new();
    let mut prepared = Vec::with_capacity(batch.len());
    for result in cpu::map(batch, prepare).await? {
        match result {
            Ok(event) => prepared.push(event),
            Err(event) => rejected.push(event),
        }
    }
    let saved = save::save(&app.db, &app.listed_tags, prepared, rejected).await?;
    alerts::consider(app, &saved.seen).await?;
    Ok(saved.outcomes)
}

/// Parse → normalise → scrub → group → name → compress. No clock, no client; stops at the first reason to reject.
fn prepare(received: Received) -> Result<Prepared, Rejected> {
    let mut json = match parse(&received.body) {
        Ok(json) => json,
        Err(invalid) => return Err(Rejected { received, reason: invalid.to_string() }),
    };
    normalize(&mut json, &context(&received));
    scrub(&mut json, &Settings::default());
    let body = match compress(&json) {
        Ok(body) => body,
        Err(error) => return Err(Rejected { received, reason: format!("{error:#}") }),
    };
    let event = Event::read(&json);
    let grouping = group(&event, &Rules::default());
    Ok(Prepared {
        occurred_at: event.timestamp.unwrap_or(received.received_at),
        fingerprint: grouping.fingerprint,
        title: grouping.title.unwrap_or_else(|| title::title(&event)),
        culprit: title::culprit(&event),
        kind: title::kind(&event),
        level: event.level,
        platform: event.platform,
        tags: tags(&json),
        body,
        received,
    })
}

/// Parses an event; what only some SDKs' JSON writers get wrong is repaired.
fn parse(body: &[u8]) -> Result<Object, Invalid> {
    event::object(body).or_else(|invalid| match repair(body) {
        Cow::Borrowed(_) => Err(invalid),
        Cow::Owned(repaired) => event::object(&repaired),
    })
}

fn context(received: &Received) -> Context {
    Context {
        event_id: received.id,
        received_at: received.received_at,
        // The queue's messages carry neither the sender's address, nor its client, nor when it sent.
        sent_at: None,
        client_ip: None,
        client: None,
        retention: RETENTION,
        addresses: Addresses::Keep,
    }
}

fn compress(json: &Object) -> Result<Vec<u8>> {
    let json = serde_json::to_vec(json).context("writing the event")?;
    zstd::encode_all(&json[..], COMPRESSION_LEVEL).context("compressing the event")
}
