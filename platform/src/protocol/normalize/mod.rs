//! Makes of what an SDK sent the one form that is stored, shown, searched and grouped.
//!
//! The steps are Sentry's, in its order: aliases, times, schema, address, release and user, message, breadcrumbs, tags, stack
//! traces and exceptions, request, contexts, defaults. What is dropped or changed is noted in `_meta` and `errors`. Normalising
//! again changes nothing.
//!
//! Not here: geography, and what needs tables of other vendors (models of phones).

mod bag;
mod breadcrumbs;
mod contexts;
mod demangle;
mod describe;
mod exceptions;
mod frames;
mod images;
mod message;
pub mod notes;
mod numbers;
mod request;
mod tags;
mod text;
pub mod time;
mod transaction;
mod user;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use self::{
    bag::{Bounds, bound, flatten},
    notes::{Notes, Path},
    text::{Field, field, fields},
};
use super::{EventId, Level, json::Object};

/// What is known of an event besides its JSON.
#[derive(Clone, Debug)]
pub struct Context {
    pub event_id: EventId,
    pub received_at: DateTime<Utc>,
    /// When the sender says it sent the envelope.
    pub sent_at: Option<DateTime<Utc>>,
    /// How old an event may be.
    pub retention: TimeDelta,
    pub client_ip: Option<IpAddr>,
    /// Whether the project keeps addresses at all.
    pub addresses: Addresses,
    /// `sentry.python/2.9.0`, of the authentication header.
    pub client: Option<String>,
}

/// Whether addresses of users are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Addresses {
    #[default]
    Keep,
    Scrub,
}

const FIELDS: &[Field] = &[
    field("type", 64, 0),
    field("transaction", 200, 0),
    field("culprit", 200, 0),
    field("server_name", 256, 20).lenient(),
    field("site", 256, 20).lenient(),
    field("release", 10_000, 0).lenient(),
    field("environment", 10_000, 0).lenient(),
    field("checksum", 128, 0),
    field("platform", 64, 0),
];

/// Every key of an event that means something; others are dropped with a note.
const KNOWN: &[&str] = &[
    "event_id",
    "level",
    "version",
    "type",
    "fingerprint",
    "culprit",
    "transaction",
    "transaction_info",
    "time_spent",
    "logentry",
    "logger",
    "modules",
    "platform",
    "timestamp",
    "start_timestamp",
    "received",
    "server_name",
    "release",
    "dist",
    "environment",
    "site",
    "user",
    "request",
    "contexts",
    "breadcrumbs",
    "exception",
    "stacktrace",
    "template",
    "threads",
    "tags",
    "extra",
    "debug_meta",
    "client_sdk",
    "ingest_path",
    "errors",
    "key_id",
    "project",
    "grouping_config",
    "checksum",
    "csp",
    "hpkp",
    "expectct",
    "expectstaple",
    "nel",
    "spans",
    "measurements",
    "breakdowns",
    "scraping_attempts",
    "sdk",
    "_meta",
    "_metrics",
    "main_exception_id",
    "main_thread_id",
];

/// Keys that SDKs of old send and nobody misses.
const DROPPED: &[&str] = &["metadata", "hashes", "applecrashreport", "device", "repos", "query"];

const PLATFORMS: &[&str] = &[
    "as3",
    "c",
    "cfml",
    "cocoa",
    "csharp",
    "elixir",
    "go",
    "groovy",
    "haskell",
    "java",
    "javascript",
    "native",
    "node",
    "objc",
    "other",
    "perl",
    "php",
    "python",
    "ruby",
    "dart",
];

/// Old names, and what they are called now.
const ALIASES: &[(&str, &str)] = &[
    ("message", "logentry"),
    ("sentry.interfaces.Message", "logentry"),
    ("sentry.interfaces.User", "user"),
    ("sentry.interfaces.Http", "request"),
    ("sentry.interfaces.Contexts", "contexts"),
    ("sentry.interfaces.Breadcrumbs", "breadcrumbs"),
    ("sentry.interfaces.Exception", "exception"),
    ("sentry.interfaces.Stacktrace", "stacktrace"),
    ("sentry.interfaces.Template", "template"),
    ("sentry.interfaces.Csp", "csp"),
    ("sentry.interfaces.Hpkp", "hpkp"),
    ("sentry.interfaces.ExpectCT", "expectct"),
    ("sentry.interfaces.ExpectStaple", "expectstaple"),
];

/// Normalises an event.
pub fn normalize(event: &mut Object, context: &Context) {
    let mut notes = Notes::of(event);
    let root = Path::root();
    rename(event, &notes);
    time::correct(event, context, &mut notes);
    fields(event, FIELDS, &root, &mut notes);
    user::normalize(event, context, &mut notes);
    release(event, &mut notes);
    message::normalize(event, &mut notes);
    breadcrumbs::normalize(event, &mut notes);
    fingerprint(event, &mut notes);
    tags::normalize(event, &mut notes);
    demangle::normalize(event);
    exceptions::normalize(event, &mut notes);
    images::normalize(event, &mut notes);
    request::normalize(event, &mut notes);
    contexts::normalize(event, &mut notes);
    exceptions::name_mechanisms(event);
    transaction::normalize(event, &mut notes);
    bags(event, &mut notes);
    defaults(event, context, &mut notes);
    unknown(event, &mut notes);
    notes.write(event);
}

/// Bounds extra data and the list of modules; of extra data each value has its own bound too.
fn bags(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    for (name, bytes) in [("extra", 262_144), ("modules", 8_192)] {
        object_only(event, name, notes);
        let at = root.key(name);
        let Some(value) = event.get_mut(name) else { continue };
        flatten(value, 7);
        if let ("extra", Value::Object(extra)) = (name, &mut *value) {
            for (key, value) in extra {
                bound(value, Bounds { depth: 7, bytes: 16_384 }, &at.key(key), notes);
            }
        }
        bound(value, Bounds { depth: 7, bytes }, &at, notes);
    }
}

fn rename(event: &mut Object, notes: &Notes) {
    for (old, new) in ALIASES {
        let Some(value) = event.shift_remove(*old) else { continue };
        if event.get(*new).is_none_or(Value::is_null) && !value.is_null() {
            event.insert((*new).into(), value);
        }
    }
    let root = Path::root();
    event.retain(|key, value| (!value.is_null() || notes.has(&root.key(key))) && !DROPPED.contains(&key.as_str()));
}

/// Takes out what should be an object and is not.
fn object_only(object: &mut Object, name: &str, notes: &mut Notes) {
    if let Some(value) = object.get_mut(name).filter(|value| !value.is_object() && !value.is_null()) {
        let wanted = match name {
            "request" => "expected request",
            "user" => "expected user",
            "sdk" => "expected clientsdkinfo",
            _ => "expected an object",
        };
        *value = notes.invalid(&Path::root().key(name), value.take(), wanted);
    }
}

const MOST_DIST: usize = 64;

fn release(event: &mut Object, notes: &mut Notes) {
    let check = |event: &mut Object, name: &str, is_valid: fn(&str) -> bool, notes: &mut Notes| {
        let Some(Value::String(text)) = event.get_mut(name) else { return };
        let trimmed = text.trim();
        if trimmed.is_empty() {
            event.insert(
                name.into(),
                notes.invalid(&Path::root().key(name), Value::Null, "expected a non-empty string"),
            );
        } else if is_valid(trimmed) {
            *text = trimmed.to_owned();
        } else {
            let value = Value::String(trimmed.to_owned());
            event.insert(name.into(), notes.invalid(&Path::root().key(name), value, ""));
        }
    };
    check(event, "release", is_release, notes);
    if let Some(Value::String(dist)) = event.get_mut("dist") {
        *dist = dist.trim().to_owned();
        let at = Path::root();
        let at = at.key("dist");
        if dist.is_empty() {
            event.insert("dist".into(), notes.invalid(&at, Value::Null, "expected a non-empty string"));
        } else if dist.chars().count() > MOST_DIST {
            let value = Value::String(std::mem::take(dist));
            event.insert("dist".into(), notes.error(&at, "value_too_long", &Object::new(), Some(value)));
        }
    }
    let dist =
        field("dist", MOST_DIST, 0).lenient().only(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    fields(event, &[dist], &Path::root(), notes);
    check(event, "environment", is_environment, notes);
}

/// Whether a release may be called so.
pub fn is_release(name: &str) -> bool {
    name.len() <= 200 && !matches!(name, "." | "..") && !name.eq_ignore_ascii_case("latest") && has_no_separator(name)
}

/// Whether an environment may be called so.
pub fn is_environment(name: &str) -> bool {
    name.len() <= 64 && name != "none" && has_no_separator(name)
}

fn has_no_separator(name: &str) -> bool {
    !name.contains(|c: char| matches!(c, '/' | '\\') || c.is_control())
}

fn fingerprint(event: &mut Object, notes: &mut Notes) {
    let at = Path::root();
    let at = at.key("fingerprint");
    match event.get_mut("fingerprint") {
        Some(Value::Array(parts)) => {
            let (kept, wrong): (Vec<Value>, Vec<Value>) =
                parts.drain(..).filter(|part| !part.is_null()).partition(|part| text::lenient(part).is_some());
            parts.extend(kept.iter().filter_map(text::lenient).map(Value::String));
            if !wrong.is_empty() {
                let length = kept.len() + wrong.len();
                notes.error(&at, "invalid_data", &Object::from_iter([("value".into(), wrong.into())]), None);
                notes.length(&at, length);
            }
        }
        Some(value) if !value.is_null() => *value = notes.invalid(&at, value.take(), "expected an array"),
        _ => {}
    }
    if event.get("fingerprint").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        event.shift_remove("fingerprint");
    }
}

/// Reads a level; what is none is noted, and the usual one taken.
fn level(object: &mut Object, usual: &'static str, at: &Path<'_>, notes: &mut Notes) {
    let at = at.key("level");
    let level = object.get("level").and_then(Level::parse);
    if let (None, Some(value)) = (level, object.get_mut("level").filter(|value| !value.is_null())) {
        let reason = if value.is_string() { "invalid level" } else { "expected a level" };
        notes.invalid(&at, value.take(), reason);
    }
    object.insert("level".into(), level.map_or(usual, Level::name).into());
}

fn defaults(event: &mut Object, context: &Context, notes: &mut Notes) {
    let root = Path::root();
    let kind = kind(event);
    level(event, if kind == "transaction" { "info" } else { "error" }, &root, notes);
    object_only(event, "sdk", notes);
    let platform = event
        .get("platform")
        .and_then(Value::as_str)
        .filter(|name| PLATFORMS.contains(name))
        .unwrap_or("other")
        .to_owned();
    logger(event, &platform, notes);
    event.insert("platform".into(), platform.into());
    event.insert("event_id".into(), context.event_id.to_string().into());
    event.insert("type".into(), kind.into());
    if kind == "csp" && event.get("logger").is_none_or(|logger| logger == "") {
        event.insert("logger".into(), "csp".into());
    }
    event.entry("version").or_insert("7".into());
    if event.get("sdk").is_none_or(Value::is_null) {
        let client = context.client.as_deref().and_then(|client| client.split_once('/'));
        event.extend(client.map(|(name, version)| ("sdk".to_owned(), json!({"name": name, "version": version}))));
    }
    if let Some(sdk) = event.get_mut("sdk").and_then(Value::as_object_mut) {
        fields(sdk, &[field("name", 256, 20), field("version", 256, 20)], &root.key("sdk"), notes);
    }
}

fn kind(event: &Object) -> &'static str {
    const REPORTS: [&str; 5] = ["csp", "hpkp", "expectct", "expectstaple", "nel"];
    match event.get("type").and_then(Value::as_str) {
        Some("transaction") => return "transaction",
        Some("feedback") => return "feedback",
        _ => {}
    }
    let has = |name: &&&str| event.get(**name).is_some_and(|value| !value.is_null());
    if has(&&"exception") { "error" } else { REPORTS.iter().find(has).copied().unwrap_or("default") }
}

/// Java's loggers are classes, of which the end says more than the start.
fn logger(event: &mut Object, platform: &str, notes: &mut Notes) {
    const MOST: usize = 64;
    if let Some(Value::String(name)) = event.get_mut("logger") {
        *name = name.trim().to_owned();
        let length = name.chars().count();
        if platform == "java" && length > MOST && name.is_ascii() {
            let start = length - (MOST - 1);
            let dot = name[start..].find('.').map_or(start, |at| start + at);
            *name = format!("*{}", &name[dot..]);
            notes.remark(&Path::root().key("logger"), &json!(["@logger:replace", "s", 0, 1]), Some(length));
        }
    }
    fields(event, &[field("logger", MOST, 0).only(|c| !matches!(c, '\r' | '\n'))], &Path::root(), notes);
    event.entry("logger").or_insert("".into());
}

fn unknown(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    for key in event.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect::<Vec<_>>() {
        let at = root.key(&key);
        if !notes.has(&at) {
            event.insert(key.clone(), notes.unknown(&at));
        }
    }
}
