//! Goes through an event and applies a project's rules where their selectors take a value.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::{
    super::super::{
        json::Object,
        normalize::notes::{Notes, Path},
    },
    Rules,
    chunks::Chunks,
    rule::{Rule, Target},
    schema::{self, Kind, Node, Pii},
    selector::Place,
};

/// Fields of frames that hold the path of a file.
const FILES: [&str; 3] = ["filename", "abs_path", "package"];

/// Applies a project's rules to a normalised event.
pub fn apply(event: &mut Object, rules: &Rules, notes: &mut Notes) {
    if rules.is_empty() {
        return;
    }
    let root = schema::root();
    let mut walk = Walk { rules, way: Vec::new(), notes };
    for (key, value) in event.iter_mut().filter(|(key, _)| !matches!(key.as_str(), "_meta" | "errors")) {
        walk.step((key, None), value, (Some(root), Pii::No), &Path::root().key(key));
    }
    keep_identity(event);
}

/// An address that is none any more still tells users apart, where nothing else does.
fn keep_identity(event: &mut Object) {
    let Some(user) = event.get_mut("user").and_then(Value::as_object_mut) else { return };
    let is_address = |text: &str| text == "{{auto}}" || text.parse::<IpAddr>().is_ok();
    let Some(Value::String(text)) = user.get("ip_address").filter(|value| !value.as_str().is_some_and(is_address))
    else {
        return;
    };
    if ["id", "username", "email"].iter().all(|name| user.get(*name).is_none_or(Value::is_null)) {
        let text = text.clone();
        user.insert("ip_address".into(), Value::Null);
        user.insert("id".into(), text.into());
    }
}

/// What is known of a value: its line in the table, and how personal it is.
type Known = (Option<&'static Node>, Pii);

struct Walk<'a, 'n> {
    rules: &'a Rules,
    way: Vec<Place>,
    notes: &'n mut Notes,
}

impl Walk<'_, '_> {
    /// Goes one step deeper.
    fn step(&mut self, (key, index): (&str, Option<usize>), value: &mut Value, around: Known, at: &Path<'_>) {
        let node = around.0.and_then(|node| node.child(key, value));
        let pii = node.map_or(around.1, |node| node.pii(around.1));
        // Nothing that is not personal has anything personal in it, unless the table says so.
        if node.is_none() && pii == Pii::No {
            return;
        }
        let kind = node.and_then(|node| node.kind).or_else(|| Kind::of(value));
        let key = if index.is_some() { String::new() } else { key.to_lowercase() };
        self.way.push(Place { key, index, kind });
        self.value(value, pii, at);
        self.inside(value, (node, pii), at);
        self.way.pop();
    }

    fn inside(&mut self, value: &mut Value, known: Known, at: &Path<'_>) {
        let listed = value.is_array() && known.0.is_some_and(|node| node.kind == Some(Kind::Object));
        let are_pairs = listed || is_pairs(value);
        match value {
            Value::Object(object) => {
                for (key, value) in object.iter_mut() {
                    self.step((key, None), value, known, &at.key(key));
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let name = index.to_string();
                    let at = at.key(&name);
                    match item.as_array_mut().map(Vec::as_mut_slice) {
                        Some([Value::String(key), value]) if are_pairs => {
                            self.step((&key.clone(), None), value, known, &at.key("1"));
                        }
                        _ if listed => {}
                        _ => self.step((&name, Some(index)), item, known, &at),
                    }
                }
            }
            _ => {}
        }
    }

    /// Applies to one value the rules that take it.
    fn value(&mut self, value: &mut Value, pii: Pii, at: &Path<'_>) {
        if pii == Pii::No || matches!(value, Value::Null | Value::Bool(_)) || is_nothing(value) {
            return;
        }
        let rules = self.rules;
        let taken: Vec<&Rule> = rules
            .applications
            .iter()
            .filter(|(selector, _)| selector.takes(&self.way, pii))
            .flat_map(|(_, rules)| rules)
            .collect();
        let key = self.way.last().map_or("", |place| place.key.as_str());
        let whole = taken.iter().find(|rule| match &rule.target {
            Target::Anything => rule.redaction.is_removal() || !value.is_string(),
            Target::Pair(pattern) => pattern.is_match(key) && (rule.redaction.is_removal() || !value.is_string()),
            Target::Text(..) | Target::Shape(_) => false,
        });
        if let Some(rule) = whole {
            *value = Value::Null;
            self.notes.remark(at, &json!([rule.id, "x"]), None);
            return;
        }
        let Value::String(text) = value else { return };
        let length = text.chars().count();
        let owner = self.way.iter().rev().nth(1).and_then(|outer| outer.kind);
        // The name of a file is no folder's: it stays.
        let is_file = owner == Some(Kind::Frame) && FILES.contains(&key);
        let end = if is_file { text.rfind(['/', '\\']).unwrap_or(0) } else { text.len() };
        // What an exception says is not its name.
        let says = owner == Some(Kind::Exception);
        let mut chunks = Chunks::split(&text[..end], &self.notes.remarks(at));
        for rule in taken {
            match &rule.target {
                Target::Pair(pattern) if pattern.is_match(key) || (!says && chunks.has(pattern)) => {
                    chunks.redact_all(rule);
                }
                Target::Pair(_) => {}
                _ => chunks.redact(rule),
            }
        }
        if let Some((redacted, remarks)) = chunks.join() {
            *text = redacted + &text[end..];
            self.notes.set_remarks(at, remarks, length);
        }
    }
}

/// A list of pairs of a name and a value is an object whose keys may repeat.
fn is_pairs(value: &Value) -> bool {
    let is_pair = |item: &Value| matches!(item.as_array().map(Vec::as_slice), Some([Value::String(_), _]));
    value.as_array().is_some_and(|items| !items.is_empty() && items.iter().all(is_pair))
}

fn is_nothing(value: &Value) -> bool {
    value.as_str().is_some_and(|text| matches!(text, "" | "true" | "false" | "null" | "undefined"))
}
