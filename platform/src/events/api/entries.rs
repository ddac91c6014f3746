//! The parts of an event as Sentry's API shows them, purely: exceptions, stack trace, message, breadcrumbs, request.
//!
//! What SDKs write as `snake_case` with many optional shapes has one `camelCase` shape here.

use serde_json::{Map, Value, json};

use crate::{
    events::sections,
    protocol::{
        event::{Event, Exception, Thread},
        json::{Object, first, pairs, text, values},
        stacktrace::{Frame, Stacktrace},
    },
};

/// The entries in the order Sentry gives them.
pub(super) fn entries(json: &Object, event: &Event) -> Vec<Value> {
    let entry = |kind: &str, data: Option<Value>| Some(json!({ "type": kind, "data": data? }));
    let parts = [
        entry("exception", exceptions(event)),
        entry("stacktrace", event.stacktrace.as_ref().filter(|_| event.exceptions.is_empty()).map(stacktrace)),
        entry("threads", threads(event)),
        entry("message", message(json, event)),
        entry("breadcrumbs", breadcrumbs(json)),
        entry("request", request(json)),
    ];
    parts.into_iter().flatten().collect()
}

/// `{"type", "value", "filename", "function"}` of an error, `{"title"}` of a message.
pub(super) fn metadata(event: &Event) -> Value {
    let Some(exception) = event.main_exception() else {
        return json!({ "title": crate::protocol::title::title(event) });
    };
    let frame = exception.stacktrace.as_ref().and_then(Stacktrace::crash_frame);
    json!({
        "type": exception.kind,
        "value": exception.value.clone().unwrap_or_default(),
        "filename": frame.and_then(|frame| frame.filename.clone()),
        "function": frame.and_then(|frame| frame.function.clone()),
    })
}

/// The file in which it happened.
pub(super) fn location(event: &Event) -> Option<String> {
    let stacktrace = event.main_exception().and_then(|e| e.stacktrace.as_ref()).or(event.stacktrace.as_ref());
    stacktrace?.crash_frame()?.filename.clone()
}

/// The known fields of a user, each of them there; the rest is `data`.
pub(super) fn user(json: &Object) -> Option<Value> {
    const KNOWN: [&str; 5] = ["id", "email", "username", "ip_address", "name"];
    let user = first(json, &["user", "sentry.interfaces.User"])?.as_object()?;
    let mut shown: Map<String, Value> =
        KNOWN.iter().map(|name| ((*name).to_owned(), json!(text(user.get(*name))))).collect();
    let rest: Map<String, Value> =
        user.iter().filter(|(name, _)| !KNOWN.contains(&name.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    shown.insert("data".into(), Value::Object(rest));
    Some(Value::Object(shown))
}

fn exceptions(event: &Event) -> Option<Value> {
    let values: Vec<Value> = event.exceptions.iter().map(exception).collect();
    let library = event.exceptions.iter().filter_map(|e| e.stacktrace.as_ref()).any(has_library_frames);
    (!values.is_empty()).then(|| json!({ "values": values, "excOmitted": null, "hasSystemFrames": library }))
}

fn exception(exception: &Exception) -> Value {
    let mechanism = exception.mechanism.as_ref().map(
        |mechanism| json!({ "type": mechanism.kind, "handled": mechanism.handled, "synthetic": mechanism.synthetic }),
    );
    json!({
        "type": exception.kind,
        "value": exception.value,
        "module": exception.module,
        "mechanism": mechanism,
        "threadId": null,
        "stacktrace": exception.stacktrace.as_ref().map(stacktrace),
        "rawStacktrace": null,
    })
}

fn stacktrace(stacktrace: &Stacktrace) -> Value {
    let frames: Vec<Value> = stacktrace.frames.iter().map(frame).collect();
    json!({
        "frames": frames,
        "framesOmitted": null,
        "registers": null,
        "hasSystemFrames": has_library_frames(stacktrace),
    })
}

/// Whether hiding the library's frames would leave others.
fn has_library_frames(stacktrace: &Stacktrace) -> bool {
    stacktrace.frames.iter().any(|frame| frame.in_app) && stacktrace.frames.iter().any(|frame| !frame.in_app)
}

fn frame(frame: &Frame) -> Value {
    let context: Vec<Value> = sections::lines(frame).into_iter().map(|line| json!([line.number, line.code])).collect();
    let vars: Map<String, Value> = frame.vars.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "filename": frame.filename,
        "absPath": frame.abs_path,
        "module": frame.module,
        "package": null,
        "platform": null,
        "function": frame.function,
        "context": context,
        "lineNo": frame.lineno,
        "colNo": frame.colno,
        "inApp": frame.in_app,
        "vars": vars,
        "errors": null,
        "trust": null,
        "symbol": null,
        "symbolAddr": null,
        "instructionAddr": null,
    })
}

fn threads(event: &Event) -> Option<Value> {
    let thread = |thread: &Thread| {
        json!({
            "id": thread.id,
            "name": thread.name,
            "crashed": thread.crashed,
            "current": thread.current,
            "stacktrace": thread.stacktrace.as_ref().map(stacktrace),
            "rawStacktrace": null,
        })
    };
    let values: Vec<Value> = event.threads.iter().map(thread).collect();
    (!values.is_empty()).then(|| json!({ "values": values }))
}

fn message(json: &Object, event: &Event) -> Option<Value> {
    let formatted = event.message.as_ref()?;
    let entry = first(json, &["logentry", "sentry.interfaces.Message"]).and_then(Value::as_object);
    Some(json!({
        "formatted": formatted,
        "message": entry.and_then(|entry| text(entry.get("message"))),
        "params": entry.and_then(|entry| entry.get("params")),
    }))
}

fn breadcrumbs(json: &Object) -> Option<Value> {
    let crumb = |crumb: &Object| {
        json!({
            "type": text(crumb.get("type")).unwrap_or_else(|| "default".into()),
            "category": text(crumb.get("category")),
            "level": text(crumb.get("level")).unwrap_or_else(|| "info".into()),
            "message": text(crumb.get("message")),
            "data": crumb.get("data"),
            "timestamp": crumb.get("timestamp"),
            "event_id": text(crumb.get("event_id")),
        })
    };
    let crumbs = values(first(json, &["breadcrumbs", "sentry.interfaces.Breadcrumbs"]));
    let crumbs: Vec<Value> = crumbs.into_iter().filter_map(Value::as_object).map(crumb).collect();
    (!crumbs.is_empty()).then(|| json!({ "values": crumbs }))
}

fn request(json: &Object) -> Option<Value> {
    let request = first(json, &["request", "sentry.interfaces.Http"])?.as_object()?;
    let headers = pairs(request.get("headers"));
    let kind = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    let inferred = kind.and_then(|(_, value)| value.split(';').next()).map(|kind| kind.trim().to_owned());
    Some(json!({
        "url": text(request.get("url")),
        "method": text(request.get("method")),
        "query": query(request.get("query_string")),
        "fragment": text(request.get("fragment")),
        "headers": headers,
        "cookies": pairs(request.get("cookies")),
        "data": request.get("data"),
        "env": request.get("env"),
        "inferredContentType": inferred,
    }))
}

/// Pairs, from pairs or from a query string.
fn query(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::String(text)) => {
            form_urlencoded::parse(text.trim_start_matches('?').as_bytes()).into_owned().collect()
        }
        value => pairs(value),
    }
}

/// What went wrong with an event while it was read, in Sentry's words.
pub fn errors(json: &Object) -> Vec<Value> {
    let said = |kind: &str| match kind {
        "invalid_data" => "Discarded invalid value",
        "invalid_attribute" => "Discarded unknown attribute",
        "missing_attribute" => "Missing value for required attribute",
        "value_too_long" => "Discarded value due to exceeding maximum length",
        "clock_drift" => "Clock drift detected in SDK",
        "past_timestamp" => "Invalid timestamp (too old)",
        "future_timestamp" => "Invalid timestamp (in future)",
        _ => "Unknown error",
    };
    let error = |error: &Object| {
        let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
        let data: Object =
            error.iter().filter(|(key, _)| *key != "type").map(|(k, v)| (k.clone(), v.clone())).collect();
        json!({"type": kind, "message": said(kind), "data": data})
    };
    let errors = json.get("errors").and_then(Value::as_array);
    errors.into_iter().flatten().filter_map(Value::as_object).map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(payload: &str) -> Vec<Value> {
        let json: Object = serde_json::from_str(payload).unwrap();
        entries(&json, &Event::parse(payload.as_bytes()).unwrap())
    }

    #[test]
    fn an_exception_has_sentrys_shape() {
        let entries = of(r#"{"exception": {"values": [{"type": "KeyError", "value": "x", "stacktrace": {"frames": [
            {"filename": "a.py", "function": "f", "lineno": 3, "pre_context": ["one", "two"], "context_line": "three", "in_app": true}
        ]}}]}}"#);
        assert_eq!(entries[0]["type"], "exception");
        let frame = &entries[0]["data"]["values"][0]["stacktrace"]["frames"][0];
        assert_eq!((&frame["lineNo"], &frame["inApp"]), (&json!(3), &json!(true)));
        assert_eq!(frame["context"], json!([[1, "one"], [2, "two"], [3, "three"]]));
    }

    #[test]
    fn a_thread_carries_the_stack_that_its_exception_lacks() {
        let entries = of(r#"{"exception": {"values": [{"type": "Gone", "value": "x"}]}, "threads": {"values": [
            {"id": 1, "current": true, "stacktrace": {"frames": [{"function": "f", "lineno": 3}]}}
        ]}}"#);
        assert_eq!((&entries[0]["type"], &entries[1]["type"]), (&json!("exception"), &json!("threads")));
        let thread = &entries[1]["data"]["values"][0];
        assert_eq!((&thread["id"], &thread["current"]), (&json!("1"), &json!(true)));
        assert_eq!(thread["stacktrace"]["frames"][0]["function"], "f");
    }

    #[test]
    fn a_query_string_becomes_pairs() {
        let entries = of(r#"{"request": {"url": "http://h/", "query_string": "a=1&b=%20"}}"#);
        assert_eq!(entries[0]["data"]["query"], json!([["a", "1"], ["b", " "]]));
    }

    #[test]
    fn a_user_has_every_known_field() {
        let json: Object = serde_json::from_str(r#"{"user": {"id": 7, "plan": "gold"}}"#).unwrap();
        let user = user(&json).unwrap();
        assert_eq!((&user["id"], &user["email"], &user["data"]["plan"]), (&json!("7"), &Value::Null, &json!("gold")));
    }
}
