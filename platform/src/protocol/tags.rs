//! The tags of an event: what people filter, count and search by. Read from a normalised event.
//!
//! They are the SDK's own, and what Sentry derives: level, logger, environment, transaction, release, dist and user; the address
//! of the request; browser, system, device and runtime; and how the exception was caught.

use std::borrow::Cow;

use serde_json::Value;
use xxhash_rust::xxh3::Xxh3;

use super::json::Object;

/// Tags of one event; the rest is still in its body.
const MOST: usize = 100;
/// Characters of a value, as of those that SDKs send.
const LONGEST: usize = 200;
/// What the event itself says, whatever the SDK has set as tag.
const OWN: &[&str] = &["level", "logger", "environment", "transaction", "release", "dist"];
/// What is a tag of each kind of context: what is appended to the context's name, and the field.
const OF_CONTEXTS: &[(&str, &[(&str, &str)])] = &[
    ("browser", &[("", "browser"), (".name", "name")]),
    ("os", &[("", "os"), (".name", "name"), (".rooted", "rooted")]),
    ("device", &[("", "model"), (".family", "family")]),
    ("runtime", &[("", "runtime"), (".name", "name")]),
    ("gpu", &[(".name", "name"), (".vendor", "vendor_name")]),
];

/// A name and a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub key: Cow<'static, str>,
    pub value: String,
}

impl Tag {
    fn new(key: impl Into<Cow<'static, str>>, value: &str) -> Tag {
        Tag { key: key.into(), value: value.to_owned() }
    }

    /// The number by which indexes know it in this project. It is stored: what it is made of must never change.
    pub fn number(&self, project: i64) -> i64 {
        number(project, &self.key, &self.value)
    }
}

/// The number of a tag of a project; see [`Tag::number`].
pub fn number(project: i64, key: &str, value: &str) -> i64 {
    let mut hash = Xxh3::new();
    hash.update(&project.to_le_bytes());
    hash.update(key.as_bytes());
    hash.update(&[0]);
    hash.update(value.as_bytes());
    hash.digest().cast_signed()
}

/// The tags of a normalised event, each key once.
pub fn tags(event: &Object) -> Vec<Tag> {
    let mut tags = Vec::with_capacity(24);
    for key in OWN {
        add(&mut tags, *key, text(event.get(*key)));
    }
    add(&mut tags, "user", event.get("user").and_then(|user| text(user.get("sentry_user"))));
    for pair in event.get("tags").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(key), Some(value)) = (text(pair.get(0)), text(pair.get(1))) {
            add(&mut tags, key.to_owned(), Some(value));
        }
    }
    add(&mut tags, "url", event.get("request").and_then(|request| text(request.get("url"))));
    add_contexts(&mut tags, event);
    add_mechanism(&mut tags, event);
    tags
}

fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str()
}

/// Adds a tag unless there is one of this name, it has no value, or there are too many.
fn add(tags: &mut Vec<Tag>, key: impl Into<Cow<'static, str>>, value: Option<&str>) {
    let Some(value) = value.map(str::trim).filter(|value| !value.is_empty() && !value.contains(['\n', '\0'])) else {
        return;
    };
    let key = key.into();
    if tags.len() < MOST && !key.contains('\0') && !tags.iter().any(|tag| tag.key == key) {
        let end = value.char_indices().nth(LONGEST).map_or(value.len(), |(end, _)| end);
        tags.push(Tag::new(key, &value[..end]));
    }
}

fn add_contexts(tags: &mut Vec<Tag>, event: &Object) {
    for (name, context) in event.get("contexts").and_then(Value::as_object).into_iter().flatten() {
        let kind = text(context.get("type")).unwrap_or(name);
        let fields = OF_CONTEXTS.iter().find(|(known, _)| *known == kind).map_or(&[][..], |(_, fields)| fields);
        for (suffix, field) in fields {
            let value = match context.get(*field) {
                Some(Value::Bool(true)) => Some("yes"),
                Some(Value::Bool(false)) => Some("no"),
                value => text(value),
            };
            if value.is_some() {
                add(tags, format!("{name}{suffix}"), value);
            }
        }
    }
}

/// Of the exception that was raised at the end; it was handled when none of its chain escaped.
fn add_mechanism(tags: &mut Vec<Tag>, event: &Object) {
    let exceptions = event.get("exception").and_then(|exception| exception.get("values")).and_then(Value::as_array);
    let mechanisms = || {
        exceptions.into_iter().flatten().filter_map(|exception| exception.get("mechanism")).filter(|of| of.is_object())
    };
    let Some(last) = mechanisms().next_back() else { return };
    add(tags, "mechanism", text(last.get("type")));
    let handled = mechanisms().filter_map(|mechanism| mechanism.get("handled")?.as_bool());
    let handled = handled.reduce(|all, this| all && this);
    add(tags, "handled", handled.map(|handled| if handled { "yes" } else { "no" }));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(event: Value) -> Vec<(String, String)> {
        let Value::Object(event) = event else { panic!("an event is an object") };
        let mut tags: Vec<_> = tags(&event).into_iter().map(|tag| (tag.key.into_owned(), tag.value)).collect();
        tags.sort();
        tags
    }

    #[test]
    fn a_browsers_error_is_found_by_everything_sentry_finds_it_by() {
        let tags = of(json!({
            "level": "error", "environment": "production", "release": "shop@1.2.3", "transaction": "/cart/",
            "user": {"id": "42", "sentry_user": "id:42"}, "tags": [["region", "eu"], ["empty", null]],
            "request": {"url": "https://shop.example/cart"},
            "contexts": {
                "browser": {"type": "browser", "name": "Firefox", "version": "128.0", "browser": "Firefox 128.0"},
                "client_os": {"type": "os", "name": "Linux", "os": "Linux", "rooted": false},
                "trace": {"type": "trace", "trace_id": "1"},
            },
            "exception": {"values": [
                {"mechanism": {"type": "chained", "handled": false}},
                {"mechanism": {"type": "onerror", "handled": true}},
                {"type": "Gone"},
            ]},
        }));
        let expected = [
            ("browser", "Firefox 128.0"),
            ("browser.name", "Firefox"),
            ("client_os", "Linux"),
            ("client_os.name", "Linux"),
            ("client_os.rooted", "no"),
            ("environment", "production"),
            ("handled", "no"),
            ("level", "error"),
            ("mechanism", "onerror"),
            ("region", "eu"),
            ("release", "shop@1.2.3"),
            ("transaction", "/cart/"),
            ("url", "https://shop.example/cart"),
            ("user", "id:42"),
        ];
        assert_eq!(tags, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_the_event_says_goes_before_a_tag_of_the_same_name() {
        let tags = of(json!({"level": "fatal", "tags": [["level", "fun"], ["url", "mine"]], "request": {"url": "/"}}));
        assert_eq!(tags, [("level".into(), "fatal".into()), ("url".into(), "mine".into())]);
    }

    #[test]
    fn a_thousand_tags_and_long_values_are_cut() {
        let many: Vec<Value> = (0..1000).map(|number| json!([format!("key{number}"), "ü".repeat(300)])).collect();
        let tags = of(json!({"tags": many}));
        assert_eq!(tags.len(), MOST);
        assert!(tags.iter().all(|(_, value)| value.chars().count() == LONGEST));
    }

    #[test]
    fn a_tags_number_stays_what_it_is_in_the_database() {
        assert_eq!(Tag::new("region", "eu").number(7), number(7, "region", "eu"));
        let numbers =
            [number(7, "region", "eu"), number(8, "region", "eu"), number(7, "regione", "u"), number(7, "", "")];
        assert_eq!(
            numbers,
            [
                6_691_993_110_422_517_568,
                -93_369_064_136_497_424,
                -8_684_417_056_982_303_972,
                -7_828_233_659_452_193_802
            ]
        );
    }
}
