//! An event, read leniently from what an SDK sent: <https://develop.sentry.dev/sdk/data-model/event-payloads/>.
//!
//! [`Event`] is what we understand of it. The JSON itself is stored whole, so a later version can understand more.

use chrono::{DateTime, Utc};
use serde_json::Value;
use thiserror::Error;

use super::{
    Level,
    json::{self, Object, canonical, first, pairs, text, values},
    security::Report,
    stacktrace::{Detail, Frame, Stacktrace},
};

/// The typed view of an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub level: Level,
    /// `python`, `javascript` … or `other`
    pub platform: String,
    /// When it happened, by the sender's clock.
    pub timestamp: Option<DateTime<Utc>>,
    /// What the sender calls it: `error`, `transaction`, `feedback` …
    pub type_sent: Option<String>,
    /// The formatted message.
    pub message: Option<String>,
    /// The message before its parameters were filled in.
    pub message_template: Option<String>,
    /// Outermost cause first, as SDKs send them; the last is what was raised at the end.
    pub exceptions: Vec<Exception>,
    /// Which exception gives the event its name, where the SDK says so.
    pub main_exception_id: Option<i64>,
    pub threads: Vec<Thread>,
    /// The template that failed to render, as a frame.
    pub template: Option<Frame>,
    /// A browser's report of a violated policy.
    pub report: Option<Report>,
    /// Of the event itself, where no exception carries one.
    pub stacktrace: Option<Stacktrace>,
    pub logger: Option<String>,
    pub transaction: Option<String>,
    pub culprit: Option<String>,
    pub server_name: Option<String>,
    pub release: Option<String>,
    pub dist: Option<String>,
    pub environment: Option<String>,
    pub tags: Vec<(String, String)>,
    pub fingerprint: Vec<String>,
    /// What old SDKs send in its place.
    pub checksum: Option<String>,
    pub user: Vec<(String, String)>,
    pub request: Option<Request>,
    pub breadcrumbs: Vec<Breadcrumb>,
    /// `sentry.python 2.9.0`
    pub sdk: Option<String>,
    pub extra: Vec<(String, String)>,
    /// `os`, `runtime` … with what is known of each.
    pub contexts: Vec<(String, Vec<(String, String)>)>,
}

/// One exception of a chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exception {
    pub kind: Option<String>,
    pub value: Option<String>,
    pub module: Option<String>,
    pub stacktrace: Option<Stacktrace>,
    pub mechanism: Option<Mechanism>,
}

/// How an exception was caught.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mechanism {
    pub kind: String,
    pub handled: Option<bool>,
    /// The exception's type says nothing: a signal, a panic's wrapper.
    pub synthetic: bool,
    /// It holds several others: `ExceptionGroup`, `AggregateError`.
    pub is_group: bool,
    pub exception_id: Option<i64>,
    pub parent_id: Option<i64>,
    /// Domain and code of an Apple error.
    pub ns_error: Option<(String, i64)>,
}

/// One thread of the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Thread {
    pub id: Option<String>,
    pub name: Option<String>,
    pub crashed: bool,
    pub current: bool,
    pub stacktrace: Option<Stacktrace>,
}

/// The HTTP request during which it happened.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    pub method: Option<String>,
    pub url: Option<String>,
    pub query: Option<String>,
    pub headers: Vec<(String, String)>,
    /// As text; what came as JSON is written as JSON.
    pub body: Option<String>,
}

/// What happened before.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Breadcrumb {
    pub timestamp: Option<DateTime<Utc>>,
    pub category: Option<String>,
    pub message: Option<String>,
    pub level: Option<Level>,
    /// What else is known: a request's method and status, a query's duration …
    pub data: Vec<(String, String)>,
}

/// Why a payload is no event.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Invalid {
    #[error("invalid JSON data: {0}")]
    Json(String),
    #[error("invalid JSON data: an event is an object")]
    NotAnObject,
}

/// Parses a payload as far as to know that it may be an event.
pub fn object(payload: &[u8]) -> Result<Object, Invalid> {
    match json::parse(payload).map_err(|e| Invalid::Json(e.to_string()))? {
        Value::Object(object) => Ok(object),
        _ => Err(Invalid::NotAnObject),
    }
}

impl Event {
    /// Reads an event's JSON.
    pub fn parse(payload: &[u8]) -> Result<Event, Invalid> {
        object(payload).map(|object| Event::read(&object))
    }

    /// Reads an event that is parsed already.
    pub fn read(event: &Object) -> Event {
        Event::read_as(event, Detail::Whole)
    }

    /// Reads of an event what names, filters and groups it: no breadcrumbs, no extra data, and of frames neither variables nor
    /// the lines around.
    pub fn outline(event: &Object) -> Event {
        Event::read_as(event, Detail::Outline)
    }

    fn read_as(event: &Object, detail: Detail) -> Event {
        let get = |name: &str| text(event.get(name));
        let exceptions = values(first(event, &["exception", "sentry.interfaces.Exception"]));
        let shown_only = |name: &str| event.get(name).filter(|value| detail == Detail::Whole && !value.is_null());
        Event {
            level: event.get("level").and_then(Level::parse).unwrap_or(Level::Error),
            platform: get("platform").unwrap_or_else(|| "other".into()),
            timestamp: timestamp(event.get("timestamp")),
            type_sent: get("type"),
            message: message(event),
            message_template: logentry(event).and_then(|entry| text(entry.get("message"))),
            exceptions: exceptions
                .into_iter()
                .filter_map(Value::as_object)
                .map(|e| Exception::read(e, detail))
                .collect(),
            main_exception_id: event.get("main_exception_id").and_then(Value::as_i64),
            threads: objects(event.get("threads")).map(|thread| Thread::read(thread, detail)).collect(),
            template: first(event, &["template", "sentry.interfaces.Template"])
                .and_then(Value::as_object)
                .map(|frame| Frame::parse(frame, detail)),
            report: Report::read(event),
            stacktrace: Stacktrace::parse(first(event, &["stacktrace", "sentry.interfaces.Stacktrace"]), detail),
            logger: get("logger"),
            transaction: get("transaction"),
            culprit: get("culprit"),
            server_name: get("server_name"),
            release: get("release"),
            dist: get("dist"),
            environment: get("environment"),
            tags: pairs(event.get("tags")),
            fingerprint: event
                .get("fingerprint")
                .and_then(Value::as_array)
                .map_or_else(Vec::new, |parts| parts.iter().filter_map(|part| text(Some(part))).collect()),
            checksum: get("checksum"),
            user: pairs(first(event, &["user", "sentry.interfaces.User"])),
            request: first(event, &["request", "sentry.interfaces.Http"]).and_then(Value::as_object).map(Request::read),
            breadcrumbs: objects(shown_only("breadcrumbs").or_else(|| shown_only("sentry.interfaces.Breadcrumbs")))
                .map(Breadcrumb::read)
                .collect(),
            sdk: event.get("sdk").and_then(Value::as_object).and_then(sdk),
            extra: shown_only("extra").and_then(Value::as_object).map(shown).unwrap_or_default(),
            contexts: event.get("contexts").and_then(Value::as_object).map(contexts).unwrap_or_default(),
        }
    }

    /// The exception that gives the event its name: the one the SDK points at, or else the one raised last.
    pub fn main_exception(&self) -> Option<&Exception> {
        let pointed_at = self.main_exception_id.and_then(|id| {
            self.exceptions
                .iter()
                .find(|e| e.mechanism.as_ref().is_some_and(|mechanism| mechanism.exception_id == Some(id)))
        });
        pointed_at.or(self.exceptions.last())
    }

    /// The one thread that tells what happened: it crashed, or ran at the time, or is alone.
    pub fn main_thread(&self) -> Option<&Thread> {
        let only = |wanted: fn(&Thread) -> bool| {
            let mut matching = self.threads.iter().filter(|thread| wanted(thread));
            matching.next().filter(|_| matching.next().is_none())
        };
        only(|thread| thread.crashed).or_else(|| only(|thread| thread.current)).or_else(|| only(|_| true))
    }
}

impl Exception {
    fn read(exception: &Object, detail: Detail) -> Exception {
        let value = match exception.get("value") {
            Some(value @ (Value::Object(_) | Value::Array(_))) => Some(canonical(value)),
            value => text(value),
        };
        Exception {
            kind: text(exception.get("type")),
            value,
            module: text(exception.get("module")),
            stacktrace: Stacktrace::parse(first(exception, &["stacktrace", "sentry.interfaces.Stacktrace"]), detail),
            mechanism: exception.get("mechanism").and_then(Value::as_object).map(Mechanism::read),
        }
    }

    /// Whether the exception's type is the handler's word for it and not the program's.
    pub fn is_synthetic(&self) -> bool {
        self.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic)
    }
}

impl Mechanism {
    fn read(mechanism: &Object) -> Mechanism {
        let is = |name: &str| mechanism.get(name).and_then(Value::as_bool).unwrap_or(false);
        let ns_error = mechanism.get("meta").and_then(|meta| meta.get("ns_error"));
        Mechanism {
            kind: text(mechanism.get("type")).unwrap_or_else(|| "generic".into()),
            handled: mechanism.get("handled").and_then(Value::as_bool),
            synthetic: is("synthetic"),
            is_group: is("is_exception_group"),
            exception_id: mechanism.get("exception_id").and_then(Value::as_i64),
            parent_id: mechanism.get("parent_id").and_then(Value::as_i64),
            ns_error: ns_error.and_then(|error| Some((text(error.get("domain"))?, error.get("code")?.as_i64()?))),
        }
    }
}

impl Thread {
    fn read(thread: &Object, detail: Detail) -> Thread {
        let is = |name: &str| thread.get(name).and_then(Value::as_bool).unwrap_or(false);
        Thread {
            id: text(thread.get("id")),
            name: text(thread.get("name")),
            crashed: is("crashed"),
            current: is("current"),
            stacktrace: Stacktrace::parse(thread.get("stacktrace"), detail),
        }
    }
}

impl Request {
    fn read(request: &Object) -> Request {
        Request {
            method: text(request.get("method")),
            url: text(request.get("url")),
            query: query(request.get("query_string")),
            headers: pairs(request.get("headers")),
            body: request.get("data").filter(|data| !data.is_null()).map(show).filter(|body| !body.is_empty()),
        }
    }
}

/// A query as it stands in a URL, from text or from pairs.
fn query(value: Option<&Value>) -> Option<String> {
    let written = |(name, value): (String, String)| if value.is_empty() { name } else { format!("{name}={value}") };
    let of_pairs = || pairs(value).into_iter().map(written).collect::<Vec<_>>().join("&");
    text(value).or_else(|| Some(of_pairs()).filter(|query| !query.is_empty()))
}

impl Breadcrumb {
    fn read(crumb: &Object) -> Breadcrumb {
        Breadcrumb {
            timestamp: timestamp(crumb.get("timestamp")),
            category: text(first(crumb, &["category", "type"])),
            message: text(crumb.get("message")),
            level: crumb.get("level").and_then(Level::parse),
            data: crumb.get("data").and_then(Value::as_object).map(shown).unwrap_or_default(),
        }
    }
}

/// The names a message goes by.
const MESSAGES: &[&str] = &["logentry", "message", "sentry.interfaces.Message"];

fn logentry(event: &Object) -> Option<&Object> {
    first(event, MESSAGES)?.as_object()
}

fn objects(list: Option<&Value>) -> impl Iterator<Item = &Object> {
    values(list).into_iter().filter_map(Value::as_object)
}

/// The message, from either of its two old homes and any of its shapes.
fn message(event: &Object) -> Option<String> {
    match first(event, MESSAGES)? {
        Value::Object(entry) => text(first(entry, &["formatted", "message"])),
        other => text(Some(other)),
    }
}

/// Seconds since 1970, or ISO 8601 where a missing zone means UTC.
fn timestamp(value: Option<&Value>) -> Option<DateTime<Utc>> {
    match value? {
        Value::Number(seconds) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float to integer cast saturates, and chrono checks the range"
            )]
            let micros = (seconds.as_f64()? * 1e6) as i64;
            DateTime::from_timestamp_micros(micros)
        }
        Value::String(text) => DateTime::parse_from_rfc3339(text)
            .map(|time| time.to_utc())
            .or_else(|_| text.parse::<chrono::NaiveDateTime>().map(|time| time.and_utc()))
            .ok(),
        _ => None,
    }
}

fn sdk(sdk: &Object) -> Option<String> {
    let name = text(sdk.get("name"))?;
    Some(text(sdk.get("version")).map_or_else(|| name.clone(), |version| format!("{name} {version}")))
}

fn contexts(contexts: &Object) -> Vec<(String, Vec<(String, String)>)> {
    contexts.iter().filter_map(|(name, context)| Some((name.clone(), shown(context.as_object()?)))).collect()
}

fn show(value: &Value) -> String {
    text(Some(value)).unwrap_or_else(|| value.to_string())
}

fn shown(object: &Object) -> Vec<(String, String)> {
    object.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.clone(), show(value))).collect()
}
