//! Bags of data that an SDK fills as it likes: bounded in depth and in size.
//!
//! What is too deep becomes its JSON text; what is too large loses its tail, and the length it had is noted.

use serde_json::{Value, json};

use super::{
    super::json::canonical,
    notes::{Notes, Path},
};

/// How deep and how large (in bytes of JSON) a bag may be.
#[derive(Clone, Copy)]
pub struct Bounds {
    pub depth: usize,
    pub bytes: usize,
}

/// Brings a value within its bounds.
pub fn bound(value: &mut Value, bounds: Bounds, at: &Path<'_>, notes: &mut Notes) {
    flatten(value, bounds.depth);
    if size(value) > bounds.bytes {
        let mut left = bounds.bytes;
        shrink(value, &mut left, at, notes);
    }
}

/// Writes as JSON text what is deeper than so many steps.
pub fn flatten(value: &mut Value, depth: usize) {
    match value {
        Value::Array(items) if depth > 1 => items.iter_mut().for_each(|item| flatten(item, depth - 1)),
        Value::Object(object) if depth > 1 => object.values_mut().for_each(|value| flatten(value, depth - 1)),
        Value::Array(_) | Value::Object(_) => *value = Value::String(canonical(value)),
        _ => {}
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null => 4,
        Value::Bool(_) => 5,
        Value::Number(number) => number.to_string().len(),
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(|item| size(item) + 1).sum::<usize>(),
        Value::Object(object) => 2 + object.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>(),
    }
}

/// What is left of a value at least when it is cut.
fn least(value: &Value) -> usize {
    match value {
        Value::String(text) => (text.len() + 2).min(5),
        Value::Array(_) | Value::Object(_) => 2,
        other => size(other),
    }
}

fn shrink(value: &mut Value, left: &mut usize, at: &Path<'_>, notes: &mut Notes) {
    match value {
        Value::String(text) if text.len() + 2 > *left => {
            let length = text.chars().count();
            let mut end = left.saturating_sub(5);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            text.truncate(end);
            let kept = text.chars().count();
            text.push_str("...");
            notes.remark(at, &json!(["!limit", "s", kept, kept + 3]), Some(length));
            *left = 0;
        }
        Value::Array(items) => {
            *left = left.saturating_sub(2);
            let length = items.len();
            let mut kept = 0;
            while kept < length && least(&items[kept]) < *left {
                let index = kept.to_string();
                *left -= 1;
                shrink(&mut items[kept], left, &at.key(&index), notes);
                kept += 1;
            }
            if kept < length {
                items.truncate(kept);
                notes.length(at, length);
            }
        }
        Value::Object(object) => {
            *left = left.saturating_sub(2);
            let length = object.len();
            let mut keys: Vec<String> = object.keys().cloned().collect();
            keys.sort_unstable();
            for key in keys {
                match object.get_mut(&key) {
                    Some(value) if key.len() + 4 + least(value) <= *left => {
                        *left -= key.len() + 4;
                        shrink(value, left, &at.key(&key), notes);
                    }
                    _ => {
                        *left = 0;
                        object.shift_remove(&key);
                    }
                }
            }
            if object.len() < length {
                notes.length(at, length);
            }
        }
        other => *left = left.saturating_sub(size(other)),
    }
}
