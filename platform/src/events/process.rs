//! The life of a batch of events, top to bottom: prepare each (pure, on all cores), save all in one transaction, consider alerts.
//!
//! The batch may run twice: saving skips ids it already has and says what they did the first time, so alerts are the same.

use std::borrow::Cow;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Received, cpu, save};
use crate::{
    alerts,
    app::App,
    projects::ProjectId,
    protocol::{
        Level,
        event::{Event, Invalid},
        fingerprint::Fingerprint,
        grouping::{group, rules::Rules},
        repair::repair,
        title,
    },
};

/// How far ahead of ours a sender's clock may be before we take our own time instead.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(60);
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
    /// The JSON, compressed with zstd.
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
    let saved = save::save(&app.db, prepared, rejected).await?;
    alerts::consider(app, &saved.seen).await?;
    Ok(saved.outcomes)
}

/// Parse → time → group → name → compress. No clock, no client; stops at the first reason to reject.
fn prepare(mut received: Received) -> Result<Prepared, Rejected> {
    let event = match parse(&mut received) {
        Ok(event) => event,
        Err(invalid) => return Err(Rejected { received, reason: invalid.to_string() }),
    };
    let body = match zstd::encode_all(&received.body[..], COMPRESSION_LEVEL) {
        Ok(body) => body,
        Err(error) => return Err(Rejected { received, reason: format!("compressing the event: {error}") }),
    };
    let latest = received.received_at + CLOCK_TOLERANCE;
    Ok(Prepared {
        occurred_at: event.timestamp.filter(|at| *at <= latest && at.timestamp() > 0).unwrap_or(received.received_at),
        fingerprint: group(&event, &Rules::default()).fingerprint,
        title: title::title(&event),
        culprit: title::culprit(&event),
        kind: title::kind(&event),
        level: event.level,
        platform: event.platform,
        body,
        received,
    })
}

/// Parses an event; what only some SDKs' JSON writers get wrong is repaired, and stored as repaired.
fn parse(received: &mut Received) -> Result<Event, Invalid> {
    Event::parse(&received.body).or_else(|invalid| match repair(&received.body) {
        Cow::Borrowed(_) => Err(invalid),
        Cow::Owned(repaired) => {
            received.body = repaired.into();
            Event::parse(&received.body)
        }
    })
}
