//! The message: a template, its parameters, and what they make together.

use serde_json::{Value, json};

use super::{
    super::json::{Object, canonical},
    bag::{Bounds, bound},
    notes::{Notes, Path},
    text::{Field, field, fields},
};

const FIELDS: &[Field] = &[field("message", 8192, 200).json(), field("formatted", 8192, 200).json()];

/// Normalises the message.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    let at = root.key("logentry");
    let Some(value) = event.get_mut("logentry").filter(|value| !value.is_null()) else { return };
    if !value.is_object() {
        *value = json!({"formatted": value.take()});
    }
    let Some(entry) = value.as_object_mut() else { return };
    entry.retain(|key, value| matches!(key.as_str(), "message" | "formatted" | "params") && !value.is_null());
    fields(entry, FIELDS, &at, notes);
    let get = |entry: &Object, name: &str| {
        entry.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let (message, formatted) = (get(entry, "message"), get(entry, "formatted"));
    if message.is_none() && formatted.is_none() {
        let params = entry.get("params").cloned();
        if params.is_none() {
            event.shift_remove("logentry");
            return;
        }
        let sent = json!({"formatted": null, "message": null, "params": params});
        *value = notes.invalid(&at, sent, "no message present");
        return;
    }
    let filled = message.as_deref().filter(|_| formatted.is_none()).and_then(|text| fill(text, entry.get("params")?));
    let filled = filled.filter(|text| !text.is_empty());
    match (filled.or(formatted), message) {
        (Some(formatted), message) => {
            if message.as_ref() == Some(&formatted) {
                entry.shift_remove("message");
            }
            entry.insert("formatted".into(), formatted.into());
        }
        (None, Some(message)) => {
            entry.shift_remove("message");
            entry.insert("formatted".into(), message.into());
        }
        (None, None) => {}
    }
    if let Some(params) = entry.get_mut("params") {
        bound(params, Bounds { depth: 5, bytes: 2048 }, &at.key("params"), notes);
    }
}

/// Fills parameters into a template as Python does: `%s`, `%(name)s`, `{}`, `{0}`, `{name}`. None if they do not fit.
fn fill(template: &str, params: &Value) -> Option<String> {
    if template.contains('%') { percent(template, params) } else { braces(template, params) }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| canonical(value), str::to_owned)
}

fn percent(template: &str, params: &Value) -> Option<String> {
    let mut out = String::with_capacity(template.len());
    let mut used = 0;
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let value = if let Some((name, after)) = rest.strip_prefix('(').and_then(|named| named.split_once(')')) {
            rest = after;
            params.get(name)?
        } else {
            used += 1;
            params.get(used - 1)?
        };
        // Flags, width and precision say how to write it, the letter after them ends the placeholder.
        let letter = rest.find(|c: char| c.is_ascii_alphabetic())?;
        rest = &rest[letter + 1..];
        out.push_str(&shown(value));
    }
    out.push_str(rest);
    Some(out)
}

fn braces(template: &str, params: &Value) -> Option<String> {
    let mut out = String::with_capacity(template.len());
    let mut used = 0;
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, after) = after.split_once('}')?;
        let name = name.split([':', '!']).next().unwrap_or_default();
        let value = if name.is_empty() {
            used += 1;
            params.get(used - 1)?
        } else {
            name.parse::<usize>().ok().and_then(|at| params.get(at)).or_else(|| params.get(name))?
        };
        out.push_str(&shown(value));
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
