//! What people call an issue: its title, its culprit (where it happened), its location and metadata. The rules are Sentry's.
//!
//! They read what the SDK said is in the application and infer nothing: a guess of ours belongs to grouping, where it is shown.

use serde_json::Value;

use super::{
    event::{Event, Exception},
    function_name,
    json::{Object, cut},
    security::Report,
    stacktrace::{Frame, Stacktrace},
};

/// Longest title, in characters of the exception's value or of the message.
const MOST_TITLE: usize = 100;
const MOST_CULPRIT: usize = 200;
const MOST_VALUE: usize = 1024;
const MOST_TYPE: usize = 128;
/// What an event without any name is called.
const UNLABELED: &str = "<unlabeled event>";

/// `ZeroDivisionError: division by zero`, or the first line of the message.
pub fn title(event: &Event) -> String {
    match kind(event) {
        "transaction" => event.transaction.clone().unwrap_or_else(|| UNLABELED.into()),
        "error" => {
            event.main_exception().map_or_else(|| UNLABELED.into(), |exception| exception_title(event, exception))
        }
        _ => {
            let first = event.message.as_deref().and_then(first_line);
            first.map_or_else(|| UNLABELED.into(), |line| cut(line, MOST_TITLE))
        }
    }
}

/// `shop.cart in add_item`, the transaction, or the request's URL.
pub fn culprit(event: &Event) -> String {
    if let Some(known) = event.culprit.as_ref().or(event.transaction.as_ref()) {
        return cut(known, MOST_CULPRIT);
    }
    if event.exceptions.last().is_some_and(Exception::is_synthetic) {
        return String::new();
    }
    let traced = event.exceptions.iter().rev().find_map(|exception| exception.stacktrace.as_ref());
    let stacktrace = if event.exceptions.is_empty() { event.stacktrace.as_ref() } else { traced };
    let found = stacktrace.and_then(|stacktrace| stacktrace_culprit(stacktrace, &event.platform));
    let url = || event.request.as_ref().and_then(|request| request.url.clone());
    cut(&found.or_else(url).unwrap_or_default(), MOST_CULPRIT)
}

/// Sentry's type of the event: `error`, `csp`, `transaction`, `default` …
pub fn kind(event: &Event) -> &'static str {
    match event.type_sent.as_deref() {
        Some("transaction") => return "transaction",
        Some("feedback") => return "feedback",
        Some("nel") => return "nel",
        _ => {}
    }
    match &event.report {
        _ if !event.exceptions.is_empty() => "error",
        Some(report) => report.kind(),
        None => "default",
    }
}

/// The file it happened in, or who was blocked.
pub fn location(event: &Event) -> Option<String> {
    match (kind(event), &event.report) {
        ("error", _) => crash_frame(event).and_then(|frame| frame.filename.clone()),
        ("transaction", _) => event.transaction.clone(),
        (_, Some(Report::Csp { blocked, .. })) => Some(blocked.clone()),
        _ => None,
    }
}

/// What an issue remembers of its last event, by Sentry's names.
pub fn metadata(event: &Event) -> Object {
    let mut metadata = Object::new();
    let mut set = |name: &str, value: String| {
        metadata.insert(name.into(), Value::String(value));
    };
    match (kind(event), &event.report, event.main_exception()) {
        ("error", _, Some(exception)) => {
            set("value", cut(exception.value.as_deref().unwrap_or_default(), MOST_VALUE));
            if !exception.is_synthetic() {
                set("type", cut(exception.kind.as_deref().unwrap_or("Error"), MOST_TYPE));
            }
            if let Some(frame) = crash_frame(event) {
                let found =
                    [("filename", frame.filename.clone()), ("function", shown_function(frame, &event.platform))];
                for (name, value) in found.into_iter().filter_map(|(name, value)| Some((name, value?))) {
                    set(name, value);
                }
            }
        }
        ("transaction", _, _) => {
            set("title", title(event));
            set("location", title(event));
        }
        (_, Some(Report::Csp { directive, blocked, .. }), _) => {
            set("message", event.message.clone().unwrap_or_default());
            set("uri", blocked.clone());
            set("directive", directive.clone());
        }
        (_, Some(Report::Host { hostname, .. }), _) => {
            set("message", event.message.clone().unwrap_or_default());
            set("origin", hostname.clone());
        }
        _ => set("title", title(event)),
    }
    metadata
}

fn exception_title(event: &Event, exception: &Exception) -> String {
    if exception.is_synthetic() {
        let function = crash_frame(event).and_then(|frame| shown_function(frame, &event.platform));
        return function.unwrap_or_else(|| "<unknown>".into());
    }
    let kind = cut(exception.kind.as_deref().unwrap_or("Error"), MOST_TYPE);
    match exception.value.as_deref().and_then(first_line) {
        Some(value) => format!("{kind}: {}", cut(value, MOST_TITLE)),
        None => kind,
    }
}

/// The innermost frame with a name, preferably of the application.
fn crash_frame(event: &Event) -> Option<&Frame> {
    let of_exception = event.main_exception().and_then(|exception| exception.stacktrace.as_ref());
    let of_thread = || event.main_thread().and_then(|thread| thread.stacktrace.as_ref());
    let stacktrace = of_exception.or(event.stacktrace.as_ref()).or_else(of_thread)?;
    let named = || stacktrace.frames.iter().rev().filter(|frame| has_name(frame));
    named().find(|frame| frame.in_app).or_else(|| named().next())
}

fn has_name(frame: &Frame) -> bool {
    frame.function.as_deref().is_some_and(|function| !matches!(function, "<redacted>" | "<unknown>"))
}

fn shown_function(frame: &Frame, platform: &str) -> Option<String> {
    let function = frame.function.as_deref()?;
    let platform = frame.platform.as_deref().unwrap_or(platform);
    let is_native = matches!(platform, "native" | "objc" | "cocoa") && frame.raw_function.is_none();
    Some(if is_native { function_name::native(function) } else { function.to_owned() })
}

fn stacktrace_culprit(stacktrace: &Stacktrace, platform: &str) -> Option<String> {
    let inwards = || stacktrace.frames.iter().rev();
    let in_app = inwards().filter(|frame| frame.in_app).find_map(|frame| frame_culprit(frame, platform));
    in_app.or_else(|| inwards().find(|frame| !frame.in_app).and_then(|frame| frame_culprit(frame, platform)))
}

fn frame_culprit(frame: &Frame, platform: &str) -> Option<String> {
    let platform = frame.platform.as_deref().unwrap_or(platform);
    if matches!(platform, "objc" | "cocoa" | "native") {
        return Some(shown_function(frame, platform).unwrap_or_else(|| "?".into()));
    }
    let place = frame.module.as_deref().or(frame.filename.as_deref())?;
    let function = frame.function.as_deref().unwrap_or("?");
    Some(match platform {
        "javascript" | "node" => format!("{function}({place})"),
        _ => format!("{place} in {function}"),
    })
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
