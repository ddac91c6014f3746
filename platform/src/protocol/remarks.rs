//! What was changed or dropped of an event, read from its `errors` and its `_meta` for people to see.
//!
//! `_meta` is as Relay writes it: a tree like the event's, each node with its notes under `""`: `rem` for text that was cut or
//! scrubbed, `len` for what is shorter now. Errors stand in both; they are read from `errors`, which says more.

use serde_json::Value;

use super::json::Object;

/// More than a person reads.
const MOST: usize = 100;
/// What our own trimming goes by in a remark.
const LIMIT: &str = "!limit";

/// What happened to one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// Where it is, with dots: `request.headers.0.1`.
    pub at: String,
    /// What happened.
    pub what: What,
    /// The rule that asked for it, or what it should have been.
    pub why: Option<String>,
    /// The value that was sent, where it is kept.
    pub value: Option<String>,
}

/// What may happen to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It cannot be read as what it should be.
    Invalid,
    /// Nobody knows the attribute.
    Unknown,
    /// It is longer than may be, and means nothing when cut.
    TooLong,
    /// The sender's clock is wrong; all times were moved.
    ClockDrift,
    /// It lies too far back.
    Past,
    /// It lies ahead.
    Future,
    /// Another error, by Sentry's word for it.
    Error(String),
    /// It was taken out.
    Removed,
    /// It or a part of it was replaced.
    Replaced,
    /// Its characters were replaced one by one.
    Masked,
    /// A hash of it took its place.
    Hashed,
    /// It was so many characters long.
    Shortened(u64),
    /// It had so many members.
    Fewer(u64),
}

impl What {
    fn of_error(kind: &str) -> What {
        match kind {
            "invalid_data" => What::Invalid,
            "invalid_attribute" => What::Unknown,
            "value_too_long" => What::TooLong,
            "clock_drift" => What::ClockDrift,
            "past_timestamp" => What::Past,
            "future_timestamp" => What::Future,
            other => What::Error(other.to_owned()),
        }
    }
}

/// Errors first, then what was cut and scrubbed, in the event's order.
pub fn remarks(event: &Object) -> Vec<Remark> {
    let errors = event.get("errors").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut remarks: Vec<Remark> = errors.iter().filter_map(error).take(MOST).collect();
    if let Some(Value::Object(meta)) = event.get("_meta") {
        read(meta, &mut Vec::new(), &mut remarks);
    }
    remarks
}

fn error(error: &Value) -> Option<Remark> {
    let kind = error.get("type")?.as_str()?;
    let at = error.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let reason = error.get("reason").and_then(Value::as_str).map(str::to_owned);
    let value = error.get("value").filter(|value| !value.is_null());
    let value = value.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    Some(Remark { at, what: What::of_error(kind), why: reason, value })
}

fn read<'a>(node: &'a Object, keys: &mut Vec<&'a str>, remarks: &mut Vec<Remark>) {
    for (key, inner) in node {
        let Value::Object(inner) = inner else { continue };
        if remarks.len() >= MOST {
            return;
        }
        if key.is_empty() {
            remarks.extend(of_notes(inner, &keys.join(".")));
        } else {
            keys.push(key);
            read(inner, keys, remarks);
            keys.pop();
        }
    }
}

/// The notes on one value; a rule that replaced several parts of it is told once.
fn of_notes(notes: &Object, at: &str) -> Vec<Remark> {
    let length = notes.get("len").and_then(Value::as_u64);
    let listed = notes.get("rem").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let remark =
        |what, rule: Option<&str>| Remark { at: at.to_owned(), what, why: rule.map(str::to_owned), value: None };
    let mut found: Vec<Remark> = Vec::new();
    for listed in listed {
        let (Some(rule), Some(kind)) = (listed.get(0).and_then(Value::as_str), listed.get(1).and_then(Value::as_str))
        else {
            continue;
        };
        let what = match (kind, length) {
            (_, Some(length)) if rule == LIMIT => What::Shortened(length),
            ("x", _) => What::Removed,
            ("m", _) => What::Masked,
            ("p", _) => What::Hashed,
            _ => What::Replaced,
        };
        let told = remark(what, Some(rule).filter(|rule| *rule != LIMIT));
        if !found.contains(&told) {
            found.push(told);
        }
    }
    if let Some(length) = length.filter(|_| listed.is_empty()) {
        found.push(remark(What::Fewer(length), None));
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_was_done_to_an_event_is_told_once() {
        let event = json!({
            "errors": [
                {"type": "invalid_data", "name": "release", "value": 7, "reason": "expected a string"},
                {"type": "clock_drift", "name": "timestamp"}, {"type": "from_the_future"}, "nonsense",
            ],
            "_meta": {
                "release": {"": {"err": ["invalid_data"], "val": 7}},
                "message": {"": {"rem": [["@email", "s", 0, 7], ["@email", "s", 9, 16], ["!limit", "s", 90, 93]], "len": 900}},
                "user": {"password": {"": {"rem": [["@password:filter", "x"]]}}},
                "extra": {"": {"len": 400}, "0": {"": {"rem": [["@ip", "p"], ["own", "m"], ["?"]]}}},
            },
        });
        let told = remarks(event.as_object().unwrap()).into_iter().map(|told| {
            let why = told.why.unwrap_or_default();
            format!("{} {:?} {why} {}", told.at, told.what, told.value.unwrap_or_default())
        });
        let expected = [
            "release Invalid expected a string 7",
            "timestamp ClockDrift  ",
            " Error(\"from_the_future\")  ",
            "message Replaced @email ",
            "message Shortened(900)  ",
            "user.password Removed @password:filter ",
            "extra Fewer(400)  ",
            "extra.0 Hashed @ip ",
            "extra.0 Masked own ",
        ];
        assert_eq!(told.collect::<Vec<_>>(), expected);
    }
}
