//! What Sentry calls the attributes of an event: read from its normalised JSON. Pure.

use serde_json::Value;

use crate::protocol::{
    json::{Object, values as list},
    tags::Tag,
};

/// Their names; `user.` and `extra.` go on with a name of the sender's.
pub const NAMES: &[&str] = &[
    "message",
    "platform",
    "environment",
    "type",
    "error.handled",
    "exception.type",
    "exception.value",
    "user.id",
    "user.email",
    "user.username",
    "user.ip_address",
    "http.method",
    "http.url",
    "http.status_code",
    "stacktrace.code",
    "stacktrace.module",
    "stacktrace.filename",
    "stacktrace.abs_path",
    "stacktrace.package",
    "extra.…",
    "user.…",
];

/// Whether there is an attribute of this name.
pub fn is_known(name: &str) -> bool {
    let has_own = |prefix: &str| name.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    (NAMES.contains(&name) && !name.ends_with('…')) || has_own("extra.") || has_own("user.")
}

/// The values an event has for an attribute.
pub fn values(event: &Object, tags: &[Tag], name: &str) -> Vec<String> {
    let at = |path: &[&str]| -> Vec<String> { find(event, path).and_then(text).into_iter().collect() };
    match name.split_once('.') {
        None if name == "message" => {
            let formatted = at(&["logentry", "formatted"]);
            if formatted.is_empty() { at(&["logentry", "message"]) } else { formatted }
        }
        None if name == "environment" => tag(tags, "environment"),
        None => at(&[name]),
        Some(("error", "handled")) => tag(tags, "handled"),
        Some(("exception", field)) => exceptions(event).filter_map(|exception| text(&exception[field])).collect(),
        Some(("user", field)) => {
            let own = at(&["user", field]);
            if own.is_empty() { at(&["user", "data", field]) } else { own }
        }
        Some(("http", "status_code")) => at(&["contexts", "response", "status_code"]),
        Some(("http", field)) => at(&["request", field]),
        Some(("stacktrace", field)) => frames(event).filter_map(|frame| text(&frame[frame_field(field)])).collect(),
        Some(("extra", path)) => {
            // A name may hold dots itself.
            let whole = at(&["extra", path]);
            let parts: Vec<&str> = std::iter::once("extra").chain(path.split('.')).collect();
            if whole.is_empty() { at(&parts) } else { whole }
        }
        Some(_) => Vec::new(),
    }
}

/// A scalar as text.
pub fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(is) => Some(is.to_string()),
        _ => None,
    }
}

fn tag(tags: &[Tag], key: &str) -> Vec<String> {
    tags.iter().filter(|tag| tag.key == key).map(|tag| tag.value.clone()).collect()
}

fn find<'a>(event: &'a Object, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(event.get(*first)?, |value, key| value.get(key))
}

fn exceptions(event: &Object) -> impl Iterator<Item = &Value> {
    list(event.get("exception")).into_iter()
}

fn frames(event: &Object) -> impl Iterator<Item = &Value> {
    let stacks = exceptions(event).filter_map(|exception| exception.get("stacktrace"));
    let stacks = stacks.chain(event.get("stacktrace"));
    stacks.filter_map(|stack| stack.get("frames")?.as_array()).flatten()
}

fn frame_field(field: &str) -> &str {
    if field == "code" { "context_line" } else { field }
}
