//! What normalising makes of what SDKs send, as input and output, and what holds for anything they could send.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    super::{
        EventId,
        event::Event,
        json::Object,
        scrub::{Settings, scrub},
    },
    Addresses, Context, normalize,
};

fn context() -> Context {
    Context {
        event_id: "9ec79c33ec9942ab8353589fcb2e04dc".parse::<EventId>().unwrap(),
        received_at: at("2026-03-01T12:00:00Z"),
        sent_at: None,
        retention: TimeDelta::days(90),
        client_ip: "203.0.113.9".parse().ok(),
        addresses: Addresses::Keep,
        client: Some("sentry.python/2.9.0".into()),
    }
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

fn normalized(event: &Value) -> Value {
    let mut event: Object = event.as_object().unwrap().clone();
    normalize(&mut event, &context());
    event.into()
}

fn check(event: &Value, expected: &[(&str, Value)]) {
    let found = normalized(event);
    for (pointer, expected) in expected {
        assert_eq!(found.pointer(pointer).unwrap_or(&Value::Null), expected, "{pointer} of {found:#}");
    }
}

#[test]
fn an_event_gets_what_it_lacks() {
    let expected = json!({
        "logentry": {"formatted": "hi"}, "received": 1_772_366_400.0, "timestamp": 1_772_366_400.0, "level": "error", "logger": "",
        "platform": "other", "event_id": "9ec79c33ec9942ab8353589fcb2e04dc", "type": "default", "version": "7",
        "sdk": {"name": "sentry.python", "version": "2.9.0"},
    });
    assert_eq!(normalized(&json!({"message": "hi", "device": {}})), expected);
}

#[test]
fn what_cannot_be_is_taken_out_and_noted() {
    let found = normalized(
        &json!({"level": "loud", "release": "a/b", "environment": "none", "colour": 1, "user": 7, "tags": {"a(": "b"}}),
    );
    let errors: Vec<(&str, &str)> = found["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| (e["name"].as_str().unwrap(), e["type"].as_str().unwrap()))
        .collect();
    let expected = [
        ("user", "invalid_data"),
        ("release", "invalid_data"),
        ("environment", "invalid_data"),
        ("tags.0.0", "invalid_data"),
        ("level", "invalid_data"),
        ("colour", "invalid_attribute"),
    ];
    assert_eq!(errors, expected);
    assert_eq!((&found["release"], &found["_meta"]["release"][""]["val"]), (&Value::Null, &json!("a/b")));
    assert_eq!(
        found["_meta"]["level"][""],
        json!({"err": [["invalid_data", {"reason": "invalid level"}]], "val": "loud"})
    );
}

#[test]
fn a_clock_that_is_wrong_is_set_right() {
    let event = json!({"timestamp": "2027-03-01T12:00:00Z", "breadcrumbs": [{"timestamp": "2027-03-01T11:59:00Z"}]});
    let mut drifted: Object = event.as_object().unwrap().clone();
    let context = Context { sent_at: Some(at("2027-03-01T12:00:05Z")), ..context() };
    normalize(&mut drifted, &context);
    assert_eq!(drifted["timestamp"], json!(1_772_366_395.0));
    assert_eq!(drifted["breadcrumbs"]["values"][0]["timestamp"], json!(1_772_366_335.0));
    assert_eq!(drifted["errors"][0]["type"], "clock_drift");

    check(&event, &[("/timestamp", json!(1_772_366_400.0)), ("/errors/0/type", json!("future_timestamp"))]);
    check(
        &json!({"timestamp": 1}),
        &[("/timestamp", json!(1_772_366_400.0)), ("/errors/0/type", json!("past_timestamp"))],
    );
}

#[test]
fn messages_are_filled_in() {
    let cases = [
        (json!({"message": "%s of %(x)d", "params": {"x": 1}}), "%s of %(x)d"),
        (json!({"message": "%s is %5.1f%%", "params": ["a", 2]}), "a is 2%"),
        (json!({"message": "{} and {name}", "params": ["a"]}), "{} and {name}"),
        (json!({"message": "{name!r:>3}", "params": {"name": "a"}}), "a"),
        (json!({"message": "a"}), "a"),
        (json!(17), "17"),
    ];
    for (message, formatted) in cases {
        check(&json!({"logentry": message}), &[("/logentry/formatted", json!(formatted))]);
    }
}

#[test]
fn exceptions_get_their_one_form() {
    let event = json!({
        "exception": {"value": "KeyError: 'a'", "mechanism": {"posix_signal": {"signal": 11}}}, "contexts": {"os": {"name": "Linux"}},
        "stacktrace": {"frames": [{"filename": "https://a.example/x/y.js?z", "function": "?", "post_context": [null]}]},
    });
    check(
        &event,
        &[
            ("/exception/values/0/type", json!("KeyError")),
            ("/exception/values/0/value", json!("'a'")),
            (
                "/exception/values/0/mechanism",
                json!({"type": "generic", "meta": {"signal": {"number": 11, "name": "SIGSEGV"}}}),
            ),
            (
                "/exception/values/0/stacktrace/frames/0",
                json!({"post_context": [""], "abs_path": "https://a.example/x/y.js?z", "filename": "/x/y.js", "context_line": ""}),
            ),
            ("/stacktrace", Value::Null),
            ("/type", json!("error")),
        ],
    );
    check(
        &json!({"exception": [{}]}),
        &[("/exception/values/0", Value::Null), ("/errors/0/attribute", json!("type or value"))],
    );
}

#[test]
fn a_deep_stack_keeps_its_ends() {
    let frames: Vec<Value> =
        (0..300).map(|at| json!({"function": format!("f{at}"), "vars": {"a": 1}, "in_app": at % 100 == 0})).collect();
    let found = normalized(&json!({"exception": [{"type": "A", "stacktrace": {"frames": frames}}]}));
    let frames = found["exception"]["values"][0]["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(
        (frames.len(), &frames[50]["function"], &frames[249]["function"]),
        (250, &json!("f100"), &json!("f299"))
    );
    assert_eq!(
        frames.iter().filter(|frame| frame.get("vars").is_some()).count(),
        49,
        "3 of the application and 46 of libraries"
    );
    assert_eq!(found.pointer("/_meta/exception/values/0/stacktrace/frames//len"), Some(&json!(300)));
}

#[test]
fn a_request_is_taken_apart() {
    let event = json!({"request": {
        "url": "https://a.example/p?x=1%20&y#top", "method": "post", "data": "a=1&b=2", "cookies": "s=1; t=2",
        "headers": {"x-many": ["1", "2"], "accept": "*/*"}, "env": {"REMOTE_ADDR": "198.51.100.4"},
    }});
    check(
        &event,
        &[
            ("/request/url", json!("https://a.example/p")),
            ("/request/query_string", json!([["x", "1 "], ["y", ""]])),
            ("/request/fragment", json!("top")),
            ("/request/method", json!("POST")),
            ("/request/data", json!({"a": "1", "b": "2"})),
            ("/request/cookies", json!([["s", "1"], ["t", "2"]])),
            ("/request/headers", json!([["Accept", "*/*"], ["X-Many", "1,2"]])),
            ("/user", json!({"ip_address": "198.51.100.4", "sentry_user": "ip:198.51.100.4"})),
        ],
    );
}

#[test]
fn contexts_are_completed_from_descriptions_and_the_user_agent() {
    let agent = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.1 Safari/605.1.15";
    let event = json!({
        "platform": "javascript", "request": {"headers": {"User-Agent": agent}},
        "contexts": {"runtime": {"raw_description": "CPython 3.12.1"}, "shop": {"id": 1}},
    });
    check(
        &event,
        &[
            (
                "/contexts/browser",
                json!({"name": "Safari", "version": "17.1", "type": "browser", "browser": "Safari 17.1"}),
            ),
            (
                "/contexts/os",
                json!({"name": "Mac OS X", "version": ">=10.15.7", "type": "os", "os": "Mac OS X >=10.15.7"}),
            ),
            ("/contexts/runtime/runtime", json!("CPython 3.12.1")),
            ("/contexts/shop/type", json!("shop")),
            ("/user/ip_address", json!("203.0.113.9")),
        ],
    );
}

#[test]
fn users_and_tags_get_their_one_form() {
    let event = json!({
        "user": {"id": 7, "plan": "gold", "ip_address": "{{auto}}"}, "server_name": "web1",
        "tags": [["a b", true], ["a-b", "again"], ["environment", "prod"], ["release", "1"], ["e", ""]],
    });
    check(
        &event,
        &[
            ("/user", json!({"id": "7", "ip_address": "203.0.113.9", "data": {"plan": "gold"}, "sentry_user": "id:7"})),
            ("/tags", json!([["a-b", "True"], ["e", null], ["server_name", "web1"]])),
            ("/environment", json!("prod")),
        ],
    );
}

#[test]
fn long_and_deep_data_is_cut() {
    let event = json!({"transaction": "t".repeat(300), "extra": {"a": {"b": {"c": {"d": {"e": {"f": {"g": 1}}}}}}}, "contexts": {"x": {"y": "z".repeat(9_000)}}});
    check(
        &event,
        &[
            ("/transaction", json!(format!("{}...", "t".repeat(197)))),
            ("/_meta/transaction//rem", json!([["!limit", "s", 197, 200]])),
            ("/extra/a/b/c/d/e", json!({"f": "{\"g\":1}"})),
            ("/_meta/contexts/x/y//len", json!(9_000)),
        ],
    );
}

const KEYS: [&str; 44] = [
    "values",
    "frames",
    "type",
    "value",
    "message",
    "formatted",
    "params",
    "tags",
    "exception",
    "stacktrace",
    "threads",
    "breadcrumbs",
    "user",
    "request",
    "contexts",
    "level",
    "timestamp",
    "release",
    "environment",
    "dist",
    "fingerprint",
    "logger",
    "platform",
    "extra",
    "mechanism",
    "meta",
    "data",
    "headers",
    "cookies",
    "query_string",
    "url",
    "ip_address",
    "id",
    "filename",
    "abs_path",
    "function",
    "vars",
    "os",
    "name",
    "raw_description",
    "server_name",
    "sdk",
    "transaction",
    "pre_context",
];
const TEXTS: [&str; 16] = [
    "",
    " ",
    "a",
    "b: c",
    "%s",
    "{}",
    "{{auto}}",
    "1.2.3.4",
    "https://x.example/a?b#c",
    "java",
    "native",
    "warning",
    "é\u{0}\n",
    "latest",
    "2026-02-28T00:00:00",
    "a=1&b=%41",
];

/// Numbers that look random and are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % most as u64).unwrap()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 14 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.below(100)),
            3 => json!(1.5),
            4 | 5 => TEXTS[self.below(16)].into(),
            6 => TEXTS[self.below(16)].repeat(1 + self.below(400)).into(),
            7 | 8 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(7))
                .map(|_| (KEYS[self.below(44)].to_owned(), self.value(depth - 1)))
                .collect::<Object>()
                .into(),
        }
    }
}

#[test]
fn anything_is_normalised_and_scrubbed_and_again_changes_nothing() {
    let (sensitive_fields, safe_fields) = (vec!["id".into()], vec!["data".into()]);
    let settings = Settings { addresses: Addresses::Scrub, sensitive_fields, safe_fields, ..Settings::default() };
    let mut random = Seeded(17);
    for _ in 0..500 {
        let sent: Object = (0..6).filter_map(|_| random.value(6).as_object().cloned()).flatten().collect();
        let mut once = sent.clone();
        normalize(&mut once, &context());
        let mut twice = once.clone();
        normalize(&mut twice, &context());
        let (once, twice) = (Value::from(once), Value::from(twice));
        assert!(once == twice, "{}\n\n{once}\n\n{twice}", Value::from(sent));
        let mut scrubbed: Object = once.as_object().unwrap().clone();
        scrub(&mut scrubbed, &settings);
        let mut again = scrubbed.clone();
        scrub(&mut again, &settings);
        assert!(scrubbed == again, "{once}\n\n{}\n\n{}", Value::from(scrubbed), Value::from(again));
        Event::parse(once.to_string().as_bytes()).unwrap();
    }
}
