//! What is made of one event before the database is asked: pure, step by step.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};

use super::{Judged, Outcome, Received, body, sent_as};
use crate::{
    alerts::rules::Rule,
    projects::settings::Policy,
    protocol::{
        Level,
        event::{self, Event, Invalid},
        fingerprint::Fingerprint,
        grouping::group,
        json::Object,
        normalize::{Context, normalize},
        repair::repair,
        scrub::scrub,
        tags::{Tag, tags},
        title,
        traits::{KnownUser, traits},
    },
};

/// An event with everything decided that can be decided without the database.
pub(super) struct Prepared {
    pub received: Received,
    pub occurred_at: DateTime<Utc>,
    pub fingerprint: Fingerprint,
    /// Its group by the project's former version, while issues are being taken over from that one.
    pub former: Option<Fingerprint>,
    pub title: String,
    pub culprit: String,
    pub kind: &'static str,
    pub level: Level,
    pub platform: String,
    pub tags: Vec<Tag>,
    /// What its issue is found by besides.
    pub traits: Vec<Tag>,
    /// What is known of its user.
    pub user: KnownUser,
    /// The project's alert rules, and what the event alone says of each; nothing where none asks that.
    pub rules: Arc<Vec<Rule>>,
    pub bits: Vec<u64>,
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
    Invalid(Box<Rejected>),
    /// It is dropped, and counted.
    Dropped(Judged),
}

/// The steps of preparing an event, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Parse,
    Normalise,
    Filter,
    Scrub,
    Write,
    Compress,
    Group,
    Name,
}

impl Step {
    pub const ALL: [Step; 8] =
        [Step::Parse, Step::Normalise, Step::Filter, Step::Scrub, Step::Write, Step::Compress, Step::Group, Step::Name];

    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Step::Parse => "parse",
            Step::Normalise => "normalise",
            Step::Filter => "filter",
            Step::Scrub => "scrub",
            Step::Write => "write",
            Step::Compress => "compress",
            Step::Group => "group",
            Step::Name => "name",
        }
    }
}

/// Parse → normalise → filter → scrub → write → compress → group → name. No clock, no client; stops at the first reason to refuse.
/// An event older than `retention` is taken for one of a wrong clock.
pub(super) fn prepare(
    (policy, rules): (&Policy, &Arc<Vec<Rule>>),
    retention: TimeDelta,
    received: Received,
) -> Result<Prepared, Refused> {
    or_set_aside(received, |received| prepare_watched((policy, rules), retention, received, |_| ()))
}

/// A bug of ours that one event brings to light must not hold up the others: the event is set aside like one that is no event.
fn or_set_aside(
    received: Received,
    prepare: impl FnOnce(Received) -> Result<Prepared, Refused>,
) -> Result<Prepared, Refused> {
    let kept = received.clone();
    catch_unwind(AssertUnwindSafe(|| prepare(received))).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|said| (*said).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        let reason = format!("Picket failed on it, which is a bug: {said}");
        Err(Refused::Invalid(Box::new(Rejected { received: kept, reason })))
    })
}

/// Like [`prepare`], and tells when a step is done.
pub(super) fn prepare_watched(
    (policy, rules): (&Policy, &Arc<Vec<Rule>>),
    retention: TimeDelta,
    received: Received,
    mut done: impl FnMut(Step),
) -> Result<Prepared, Refused> {
    let mut received = received;
    let mut json = match received.event(parse) {
        Ok(json) => json,
        Err(sent_as::Refused::Invalid(reason)) => {
            return Err(Refused::Invalid(Box::new(Rejected { received, reason })));
        }
        Err(sent_as::Refused::Dropped(judged)) => return Err(Refused::Dropped(judged)),
    };
    received.forget_files();
    done(Step::Parse);
    let context = context(policy, retention, &received);
    normalize(&mut json, &context);
    done(Step::Normalise);
    if let Some(reason) = policy.filters.reason(&Event::outline(&json), context.client_ip) {
        return Err(Refused::Dropped(received.judged(Outcome::Filtered(reason))));
    }
    done(Step::Filter);
    scrub(&mut json, &policy.scrubbing);
    done(Step::Scrub);
    let body = match body::pack(&json, || done(Step::Write)) {
        Ok(body) => body,
        Err(error) => return Err(Refused::Invalid(Box::new(Rejected { received, reason: format!("{error:#}") }))),
    };
    done(Step::Compress);
    let event = Event::outline(&json);
    let grouping = group(&event, &policy.rules, policy.grouping.version);
    let former = policy.grouping.former_at(received.received_at);
    let former = former.map(|version| group(&event, &policy.rules, version).fingerprint);
    done(Step::Group);
    let tags = tags(&json);
    let prepared = Prepared {
        bits: read_by_rules(rules, &json, &tags),
        rules: rules.clone(),
        occurred_at: event.timestamp.unwrap_or(received.received_at),
        fingerprint: grouping.fingerprint,
        former: former.filter(|former| *former != grouping.fingerprint),
        title: grouping.title.unwrap_or_else(|| title::title(&event)),
        culprit: title::culprit(&event),
        kind: title::kind(&event),
        level: event.level,
        platform: event.platform,
        traits: traits(&json),
        user: KnownUser::of(&json),
        tags,
        body,
        received,
    };
    done(Step::Name);
    Ok(prepared)
}

/// What an event says of the terms of each rule; almost no rule asks that.
fn read_by_rules(rules: &[Rule], json: &Object, tags: &[Tag]) -> Vec<u64> {
    if !rules.iter().any(Rule::reads_events) {
        return Vec::new();
    }
    rules.iter().map(|rule| rule.read_event(json, tags)).collect()
}

/// Parses an event; what only some SDKs' JSON writers get wrong is repaired.
fn parse(body: &[u8]) -> Result<Object, Invalid> {
    event::object(body).or_else(|invalid| match repair(body) {
        Cow::Borrowed(_) => Err(invalid),
        Cow::Owned(repaired) => event::object(&repaired),
    })
}

fn context(policy: &Policy, retention: TimeDelta, received: &Received) -> Context {
    Context {
        event_id: received.id,
        received_at: received.received_at,
        sent_at: received.sent.at,
        client_ip: received.sent.from,
        client: received.sent.by.clone(),
        retention,
        addresses: policy.addresses,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{events::SentAs, projects::ProjectId, protocol::EventId};

    #[test]
    fn an_event_on_which_we_fail_is_set_aside_with_what_we_said() {
        let received = Received {
            project: ProjectId(7),
            id: EventId::random(),
            received_at: DateTime::UNIX_EPOCH,
            sent: Box::default(),
            sent_as: SentAs::Event,
            body: Bytes::from_static(b"{}"),
        };
        let refused = or_set_aside(received.clone(), |event| panic!("no {}", event.project.0));
        let Err(Refused::Invalid(rejected)) = refused else { panic!("it is refused") };
        assert_eq!(rejected.reason, "Picket failed on it, which is a bug: no 7");
        assert_eq!(rejected.received, received);
    }
}
