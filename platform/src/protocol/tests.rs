//! What the protocol makes of what SDKs send, as input and output.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    EventId, Level,
    envelope::{Envelope, EnvelopeError},
    event::{Event, Invalid},
    function_name,
    grouping::{Version, group, rules::Rules},
    title::{culprit, kind, location, metadata, title},
};

fn event(json: &Value) -> Event {
    Event::parse(json.to_string().as_bytes()).expect("a JSON object is an event")
}

fn error(kind: &str, value: &str, functions: &[&str]) -> Value {
    let frames: Vec<Value> = functions
        .iter()
        .enumerate()
        .map(|(at, function)| json!({"filename": "shop/cart.py", "module": "shop.cart", "function": function, "lineno": at, "in_app": true}))
        .collect();
    json!({"platform": "python", "exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": frames}}]}})
}

#[test]
fn an_envelope_is_split_by_length_or_by_newline() {
    let body = "{\"event_id\":\"9ec79c33-ec99-42ab-8353-589fcb2e04dc\"}\n\
                {\"type\":\"attachment\",\"length\":6,\"filename\":\"a\"}\nab\ncde\n\
                {\"type\":\"event\"}\n{\"message\":\"hi\"}\n\n\
                {\"type\":\"session\",\"length\":0}\n";
    let envelope = Envelope::parse(&Bytes::from(body)).unwrap();
    let items: Vec<(&str, &[u8])> = envelope.items.iter().map(|item| (item.kind.as_str(), &item.payload[..])).collect();
    let expected: [(&str, &[u8]); 3] =
        [("attachment", b"ab\ncde"), ("event", b"{\"message\":\"hi\"}"), ("session", b"")];
    assert_eq!(items, expected);
    assert_eq!(envelope.event_id.unwrap().to_string(), "9ec79c33ec9942ab8353589fcb2e04dc");
}

#[test]
fn an_envelope_that_cannot_be_split_says_why() {
    let cases = [
        ("", EnvelopeError::MissingHeader),
        ("no json\n", EnvelopeError::InvalidHeader),
        ("{\"event_id\":\"not an id\"}\n", EnvelopeError::InvalidHeader),
        ("{} {}\n", EnvelopeError::MissingNewline),
        ("{}\n{\"length\":1}\na", EnvelopeError::InvalidItemHeader),
        ("{}\n{\"type\":\"event\",\"length\":10}\n{}", EnvelopeError::UnexpectedEnd),
        ("{}\n{\"type\":\"event\",\"length\":1}\n{}", EnvelopeError::MissingNewline),
    ];
    for (body, expected) in cases {
        assert_eq!(Envelope::parse(&Bytes::from(body)).err(), Some(expected), "{body:?}");
    }
}

#[test]
fn an_event_survives_fields_of_the_wrong_shape() {
    let event = event(&json!({
        "level": ["fatal"], "platform": 7, "timestamp": "yesterday", "exception": "boom", "tags": "none", "request": [],
        "breadcrumbs": {"values": "many"}, "message": {"formatted": "still here\u{0}"}, "release": true, "user": null,
    }));
    assert_eq!(event.message.as_deref(), Some("still here"));
    assert_eq!((event.level, event.exceptions.len(), event.release.as_deref()), (Level::Error, 0, Some("True")));
    assert!(matches!(Event::parse(b"{"), Err(Invalid::Json(_))));
    assert_eq!(Event::parse(b"[]"), Err(Invalid::NotAnObject));
}

#[test]
fn titles_and_culprits_are_sentrys() {
    let boom = event(&error("ValueError", "  no such item\nsecond line", &["main", "add"]));
    assert_eq!(
        (title(&boom).as_str(), culprit(&boom).as_str(), kind(&boom)),
        ("ValueError: no such item", "shop.cart in add", "error")
    );
    let message = event(&json!({"message": "Hello\nworld", "transaction": "/checkout"}));
    assert_eq!(
        (title(&message).as_str(), culprit(&message).as_str(), kind(&message)),
        ("Hello", "/checkout", "default")
    );
    let long = event(&json!({"message": "x".repeat(101)}));
    assert_eq!(title(&long), format!("{}...", "x".repeat(97)));
    assert_eq!(title(&event(&json!({}))), "<unlabeled event>");
}

#[test]
fn a_synthetic_exception_is_named_by_the_function_it_happened_in() {
    let mut crash =
        error("SIGSEGV", "Segfault", &["main", "(anonymous namespace)::Cart<int>::add(Item const&)", "<redacted>"]);
    crash["platform"] = json!("native");
    crash["exception"]["values"][0]["mechanism"] = json!({"type": "signalhandler", "synthetic": true});
    let crash = event(&crash);
    let function = "`anonymous namespace'::Cart<T>::add";
    assert_eq!(
        (title(&crash).as_str(), culprit(&crash).as_str(), location(&crash).as_deref()),
        (function, "", Some("shop/cart.py"))
    );
    assert_eq!(json!(metadata(&crash)), json!({"value": "Segfault", "filename": "shop/cart.py", "function": function}));
}

#[test]
fn a_report_is_named_by_its_message_and_who_was_blocked() {
    let report = event(&json!({
        "message": "Blocked 'script' from 'cdn.example'", "culprit": "script-src",
        "csp": {"blocked_uri": "https://cdn.example/x.js?1", "violated_directive": "script-src self", "document_uri": "https://shop.example/"},
    }));
    assert_eq!((kind(&report), location(&report).as_deref()), ("csp", Some("cdn.example")));
    assert_eq!(title(&report), "Blocked 'script' from 'cdn.example'");
    assert_eq!(metadata(&report)["directive"], "script-src");
}

#[test]
fn native_functions_are_cut_to_what_people_call_them() {
    let cases = [
        ("void ns::Cart<std::map<int, A>>::add(Item const&) const", "ns::Cart<T>::add"),
        ("?A0xc3a0617d::crash", "`anonymous namespace'::crash"),
        ("<shop::Cart<T> as core::fmt::Display>::fmt", "shop::Cart<T>::fmt"),
        ("-[Cart add:with:]", "-[Cart add:with:]"),
        ("bool operator<(A const&, B const&)", "operator<"),
        ("shop::Cart::operator()(int)", "shop::Cart::operator()"),
        ("main", "main"),
    ];
    for (name, short) in cases {
        assert_eq!(function_name::native(name), short, "{name}");
    }
}

#[test]
fn the_same_bug_is_one_group_and_another_bug_is_another() {
    let group = |json: &Value| group(&event(json), &Rules::default(), Version::NEWEST).fingerprint;
    let first = error("ValueError", "item 17 is gone", &["main", "add"]);
    let mut elsewhere = first.clone();
    elsewhere["exception"]["values"][0]["stacktrace"]["frames"][0]["lineno"] = json!(99);
    assert_eq!(group(&first), group(&elsewhere), "line numbers do not count");
    assert_ne!(group(&first), group(&error("ValueError", "item 17 is gone", &["main", "remove"])));
    assert_ne!(group(&first), group(&error("KeyError", "item 17 is gone", &["main", "add"])));

    let message = |text: &str| group(&json!({"message": text}));
    assert_eq!(message("order 4711 failed at 0xdeadbeef"), message("order 4712 failed at 0xcafe"));
    assert_ne!(message("order 4711 failed"), message("order 4711 succeeded"));

    let named = |parts: Value| group(&json!({"message": "a", "fingerprint": parts}));
    assert_eq!(named(json!(["{{ default }}"])), message("a"));
    assert_ne!(named(json!(["{{ default }}", "eu"])), message("a"));
    assert_ne!(named(json!(["a", "bc"])), named(json!(["ab", "c"])));
}

#[test]
fn event_ids_are_read_in_every_form_and_written_in_one() {
    let id: EventId = "9EC79C33-EC99-42AB-8353-589FCB2E04DC".parse().unwrap();
    assert_eq!(id.to_string(), "9ec79c33ec9942ab8353589fcb2e04dc");
    assert!("9ec79c33".parse::<EventId>().is_err());
}
