//! Tags: pairs of a name and a value, each name once.

use serde_json::Value;

use super::{
    super::json::Object,
    notes::{Notes, Path},
    text::{self, Field, field},
};

const KEY: Field = field("0", 200, 0).only(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-'));
const VALUE: Field = field("1", 200, 0).only(|c| c != '\n');
/// Tags that Sentry sets itself, from the event.
const RESERVED: &[&str] = &["release", "dist", "user", "filename", "function"];

/// Normalises the tags.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    let at = root.key("tags");
    let mut pairs = match event.shift_remove("tags") {
        Some(Value::Object(tags)) => {
            let mut pairs: Vec<(Value, Value)> = tags.into_iter().map(|(key, value)| (key.into(), value)).collect();
            pairs.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            pairs
        }
        Some(Value::Array(items)) => items.into_iter().filter_map(pair).collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(other) => {
            notes.invalid(&at, other, "expected tags");
            Vec::new()
        }
    };
    for (key, _) in &mut pairs {
        *key = text::lenient(key).map_or(Value::Null, |key| key.trim().replace(' ', "-").into());
    }
    let mut seen: Vec<String> = Vec::new();
    pairs.retain(|(key, value)| {
        let name = key.as_str().unwrap_or_default();
        if name == "environment" {
            let unset = event.get("environment").is_none_or(Value::is_null);
            if let (true, Some(text)) = (
                unset,
                text::lenient(value).filter(|text| !text.trim().is_empty() && super::is_environment(text.trim())),
            ) {
                event.insert("environment".into(), text.trim().into());
            }
            return false;
        }
        let is_first = name.is_empty() || !seen.iter().any(|seen| seen == name);
        seen.push(name.to_owned());
        is_first && !RESERVED.contains(&name)
    });
    for name in ["server_name", "site"] {
        let value = event.shift_remove(name).filter(|value| !value.is_null());
        if let Some(value) = value.filter(|_| !pairs.iter().any(|(key, _)| key == name)) {
            pairs.push((name.into(), value));
        }
    }
    if pairs.is_empty() {
        return;
    }
    let checked = pairs
        .into_iter()
        .enumerate()
        .map(|(index, (key, value))| check(key, value, &at.key(&index.to_string()), notes));
    event.insert("tags".into(), Value::Array(checked.collect()));
}

fn pair(item: Value) -> Option<(Value, Value)> {
    match item {
        Value::Array(pair) => {
            let [key, value] = <[Value; 2]>::try_from(pair).ok()?;
            Some((key, value))
        }
        Value::Object(pair) => Some((pair.get("key")?.clone(), pair.get("value").cloned().unwrap_or_default())),
        _ => None,
    }
}

fn check(key: Value, value: Value, at: &Path<'_>, notes: &mut Notes) -> Value {
    let (at_key, at_value) = (at.key("0"), at.key("1"));
    let is_known = notes.has(&at_key);
    let key = match key {
        Value::Null if is_known => Value::Null,
        Value::String(key) if key.is_empty() => notes.invalid(&at_key, Value::Null, "expected a non-empty value"),
        key => KEY.read(key, &at_key, notes),
    };
    let value = match text::lenient(&value) {
        Some(text) if text.trim().is_empty() => notes.invalid(&at_value, Value::Null, "expected a non-empty value"),
        Some(text) => VALUE.read(text.trim().into(), &at_value, notes),
        None if value.is_null() => Value::Null,
        None => notes.invalid(&at_value, value, "expected a primitive value"),
    };
    vec![key, value].into()
}
