//! Reading JSON values leniently: the wrong shape is an absence, never an error.

mod parse;

use serde_json::{Map, Value};

pub use self::parse::parse;

/// A JSON object.
pub type Object = Map<String, Value>;

/// The text of a scalar, as Sentry coerces it: numbers and booleans become text, other shapes are dropped.
/// NUL is removed: PostgreSQL cannot hold it in text.
pub fn text(value: Option<&Value>) -> Option<String> {
    let text = match value? {
        Value::String(text) if text.contains('\0') => text.replace('\0', ""),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A list given as `{"values": […]}`, as a bare array, or as one object.
pub fn values(value: Option<&Value>) -> Vec<&Value> {
    match value {
        Some(Value::Array(items)) => items.iter().filter(|item| !item.is_null()).collect(),
        Some(Value::Object(object)) => match object.get("values") {
            Some(Value::Array(items)) => items.iter().filter(|item| !item.is_null()).collect(),
            Some(_) => Vec::new(),
            None if object.is_empty() => Vec::new(),
            None => value.into_iter().collect(),
        },
        _ => Vec::new(),
    }
}

/// Pairs given as an object or as a list of two-element lists.
pub fn pairs(value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::Object(object)) => {
            object.iter().filter_map(|(key, value)| Some((key.trim().to_owned(), text(Some(value))?))).collect()
        }
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(|item| match item.as_array()?.as_slice() {
                [key, value] => Some((text(Some(key))?.trim().to_owned(), text(Some(value))?)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// The first of several names an attribute goes by.
pub fn first<'a>(object: &'a Object, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| object.get(*name).filter(|value| !value.is_null()))
}

/// Cuts text to a number of characters; what was cut ends in `...`, as Sentry's does.
pub fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(3)).collect();
    format!("{kept}...")
}

/// JSON with the keys of every object in order, so that the same value is always the same text.
pub fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut pairs: Vec<_> = object.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
                pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
                pairs.into_iter().collect()
            }
            Value::Array(items) => items.iter().map(sorted).collect(),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}
