//! Events of all platforms as SDKs send them, and what Picket makes of each: one file in `events/`, one in `snapshots/`.
//!
//! `README.md` says how to add one. The properties that hold for every event are tried on mutations of these.

mod mutations;
mod properties;

use std::fmt::Write;

use chrono::{DateTime, TimeDelta};
use rust_embed::Embed;

use super::{
    EventId,
    event::{self, Event},
    grouping::{Grouping, Source, Version, group, rules::Rules},
    json::Object,
    normalize::{Addresses, Context, normalize},
    scrub::{Settings, scrub},
    title,
};

#[derive(Embed)]
#[folder = "src/protocol/suite/events"]
struct Events;

/// Every event of the suite with its name.
fn events() -> Vec<(String, Object)> {
    let names: Vec<_> = Events::iter().filter(|name| name.ends_with(".json")).collect();
    assert!(names.len() >= 150, "{} events", names.len());
    let read = |name: &str| event::object(&Events::get(name).expect(name).data).expect(name);
    names.iter().map(|name| (name.trim_end_matches(".json").to_owned(), read(name))).collect()
}

/// Received on the 29th of February 2024 at noon, from 198.51.100.99.
fn context() -> Context {
    Context {
        event_id: EventId("9ba5f1d7-3b6c-4f0e-8a55-2f1d7c3b6c4f".parse().unwrap()),
        received_at: DateTime::from_timestamp_secs(1_709_208_000).unwrap(),
        sent_at: None,
        retention: TimeDelta::days(90),
        client_ip: Some("198.51.100.99".parse().unwrap()),
        addresses: Addresses::Keep,
        client: Some("sentry.test/1.0".into()),
    }
}

fn normalized(sent: &Object) -> Object {
    let mut event = sent.clone();
    normalize(&mut event, &context());
    event
}

fn prepared(sent: &Object) -> Object {
    let mut event = normalized(sent);
    scrub(&mut event, &Settings::default());
    event
}

#[test]
fn every_event_becomes_what_its_snapshot_says() {
    for (name, sent) in events() {
        let stored = prepared(&sent);
        let event = Event::read(&stored);
        let mut text = names(&event);
        text.push_str(&explained(&group(&event, &Rules::default(), Version::NEWEST)));
        text.push_str(&serde_json::to_string_pretty(&stored).unwrap());
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, text);
        });
    }
}

fn names(event: &Event) -> String {
    let location = title::location(event).unwrap_or_default();
    let metadata = serde_json::to_string(&title::metadata(event)).unwrap();
    format!(
        "title: {}\nculprit: {}\nlocation: {location}\nkind: {}\nmetadata: {metadata}\n",
        title::title(event),
        title::culprit(event),
        title::kind(event)
    )
}

fn explained(grouping: &Grouping) -> String {
    let by = match &grouping.info.source {
        Source::Default => String::new(),
        Source::Sdk => format!(", the SDK's fingerprint {:?}", grouping.info.custom),
        Source::Rule(rule) => format!(", the rule {rule}"),
    };
    let mut text = format!("group: {}{by}\n", grouping.info.variant.name());
    for part in &grouping.info.parts {
        let indent = "  ".repeat(usize::from(part.depth) + 1);
        let why = if part.counts { String::new() } else { format!(" ({})", part.why.words()) };
        let sign = if part.counts { '+' } else { '-' };
        writeln!(text, "{indent}{sign} {}: {}{why}", part.what, part.text).unwrap();
    }
    text
}
