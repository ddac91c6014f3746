//! What people call an issue: its title, and the culprit, where it happened. The rules are Sentry's.

use super::{event::Event, json::cut, stacktrace::Frame};

/// Longest title, in characters of the exception's value or of the message.
const MOST_TITLE: usize = 100;
const MOST_CULPRIT: usize = 200;

/// `ZeroDivisionError: division by zero`, or the first line of the message.
pub fn title(event: &Event) -> String {
    let Some(exception) = event.main_exception() else {
        let first = event.message.as_deref().and_then(first_line);
        return first.map_or_else(|| "<unlabeled event>".into(), |line| cut(line, MOST_TITLE));
    };
    let synthetic = exception.mechanism.as_ref().is_some_and(|mechanism| mechanism.synthetic);
    let kind = exception.kind.as_deref().filter(|_| !synthetic);
    let crash = exception.stacktrace.as_ref().and_then(|stacktrace| stacktrace.crash_frame());
    let function = crash.and_then(|frame| frame.function.as_deref());
    match (kind, exception.value.as_deref().and_then(first_line)) {
        (Some(kind), Some(value)) => format!("{kind}: {}", cut(value, MOST_TITLE)),
        (Some(kind), None) => kind.to_owned(),
        (None, value) => function.or(value).unwrap_or("<unknown>").to_owned(),
    }
}

/// `shop.cart in add_item`, the transaction, or the request's URL.
pub fn culprit(event: &Event) -> String {
    if let Some(known) = event.culprit.as_ref().or(event.transaction.as_ref()) {
        return cut(known, MOST_CULPRIT);
    }
    let stacktrace = event.main_exception().and_then(|e| e.stacktrace.as_ref()).or(event.stacktrace.as_ref());
    let frame = stacktrace.and_then(|stacktrace| stacktrace.crash_frame());
    let url = || event.request.as_ref().and_then(|request| request.url.clone()).unwrap_or_default();
    cut(&frame.map_or_else(url, |frame| frame_culprit(frame, &event.platform)), MOST_CULPRIT)
}

/// `error` for events with an exception, else `default`: Sentry's event types.
pub fn kind(event: &Event) -> &'static str {
    if event.exceptions.is_empty() { "default" } else { "error" }
}

fn frame_culprit(frame: &Frame, platform: &str) -> String {
    let function = frame.function.as_deref().unwrap_or("?");
    match platform {
        "objc" | "cocoa" | "native" => function.to_owned(),
        "javascript" | "node" => format!("{function}({})", frame.place()),
        _ => format!("{} in {function}", frame.place()),
    }
}

fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty())
}
