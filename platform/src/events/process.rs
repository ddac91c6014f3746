//! The life of a batch of events, top to bottom: prepare each (pure, on all cores), save all in one transaction, consider alerts.
//!
//! The batch may run twice: saving skips ids it already has and says what they did the first time, so alerts are the same.

use std::borrow::Cow;

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Outcome, Received, body, cpu, save};
use crate::{
    alerts,
    app::App,
    projects::{ProjectId, settings::Policy},
    protocol::{
        Level,
        event::{self, Event, Invalid},
        filter::Reason,
        fingerprint::Fingerprint,
        grouping::group,
        json::Object,
        normalize::{Context, normalize},
        repair::repair,
        scrub::scrub,
        tags::{Tag, tags},
        title,
    },
};

/// An event that is older is taken for one of a wrong clock.
const RETENTION: TimeDelta = TimeDelta::days(90);

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

impl Prepared {
    /// The version of the application that sent it.
    pub(super) fn release(&self) -> Option<&str> {
        self.tags.iter().find(|tag| tag.key == "release").map(|tag| tag.value.as_str())
    }
}

/// An event that cannot be stored, and why.
pub(super) struct Rejected {
    pub received: Received,
    pub reason: String,
}

/// Why an event goes no further.
pub(super) enum Refused {
    /// It cannot be stored.
    Invalid(Rejected),
    /// Its project does not want it.
    Unwanted(ProjectId, Reason),
}

/// Stores a batch and hands what is new to the alerts. Outcomes are in no particular order.
pub async fn process(app: &App, batch: Vec<Received>) -> Result<Vec<(ProjectId, Outcome)>> {
    let policies = app.policies.of(batch.iter().map(|received| received.project).collect()).await?;
    let mut rejected = Vec::new();
    let mut unwanted = Vec::new();
    let mut prepared = Vec::with_capacity(batch.len());
    for result in cpu::map(batch, move |received: Received| prepare(&policies[&received.project], received)).await? {
        match result {
            Ok(event) => prepared.push(event),
            Err(Refused::Invalid(event)) => rejected.push(event),
            Err(Refused::Unwanted(project, reason)) => unwanted.push((project, Outcome::Filtered(reason))),
        }
    }
    let mut saved = save::save(&app.db, &app.listed_tags, prepared, rejected).await?;
    alerts::consider(app, &saved.seen).await?;
    saved.outcomes.append(&mut unwanted);
    Ok(saved.outcomes)
}

/// Parse → normalise → filter → scrub → group → name → compress. No clock, no client; stops at the first reason to refuse.
fn prepare(policy: &Policy, received: Received) -> Result<Prepared, Refused> {
    let mut json = match parse(&received.body) {
        Ok(json) => json,
        Err(invalid) => return Err(Refused::Invalid(Rejected { received, reason: invalid.to_string() })),
    };
    let context = context(policy, &received);
    normalize(&mut json, &context);
    if let Some(reason) = policy.filters.reason(&Event::outline(&json), context.client_ip) {
        return Err(Refused::Unwanted(received.project, reason));
    }
    scrub(&mut json, &policy.scrubbing);
    let body = match body::pack(&json) {
        Ok(body) => body,
        Err(error) => return Err(Refused::Invalid(Rejected { received, reason: format!("{error:#}") })),
    };
    let event = Event::outline(&json);
    let grouping = group(&event, &policy.rules);
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

fn context(policy: &Policy, received: &Received) -> Context {
    Context {
        event_id: received.id,
        received_at: received.received_at,
        sent_at: received.sent.at,
        client_ip: received.sent.from,
        client: received.sent.by.clone(),
        retention: RETENTION,
        addresses: policy.addresses,
    }
}
