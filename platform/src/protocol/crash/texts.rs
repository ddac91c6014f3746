//! Texts of a crash handler's form: the event's JSON in `sentry`, or in pieces in `sentry__1` …; single values in
//! `sentry[tags][a]`; everything else is extra data.

use serde_json::{Value, json};

use super::{
    super::json::{self, Object},
    merge,
};

const JSON: [&str; 2] = ["sentry", "sentry___global"];
const PIECE: &str = "sentry__";
const MOST_DEPTH: usize = 16;

/// Lays a form's texts over an event.
pub fn add(event: &mut Object, texts: &[u8]) -> Result<(), String> {
    let texts: Vec<(String, String)> =
        serde_json::from_slice(texts).map_err(|error| format!("it is no list of texts: {error}"))?;
    let mut problem = Ok(());
    let mut lay = |event: &mut Object, text: &str| match json::parse(text.as_bytes()) {
        Ok(Value::Object(own)) => merge(event, own),
        Ok(_) => problem = Err("the field `sentry` holds no event".to_owned()),
        Err(error) => problem = Err(format!("the field `sentry` is no JSON: {error}")),
    };
    let mut pieces: Vec<(u32, &str)> = Vec::new();
    let mut extra = Object::new();
    for (name, text) in &texts {
        let number = name.strip_prefix(PIECE).and_then(|number| number.parse().ok());
        if JSON.contains(&name.as_str()) {
            lay(event, text);
        } else if let Some(number) = number {
            pieces.push((number, text));
        } else if let Some(path) = path(name) {
            set(event, &path, text);
        } else {
            extra.insert(name.clone(), text.clone().into());
        }
    }
    if !pieces.is_empty() {
        pieces.sort_unstable();
        lay(event, &pieces.into_iter().map(|(_, text)| text).collect::<String>());
    }
    if !extra.is_empty() {
        super::fill(event, &["extra"], extra);
    }
    problem
}

/// `sentry[tags][a]` → `tags`, `a`
fn path(name: &str) -> Option<Vec<&str>> {
    let inner = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let path: Vec<&str> = inner.split("][").collect();
    (path.len() <= MOST_DEPTH).then_some(path)
}

/// Sets one value; an empty key adds to a list.
fn set(object: &mut Object, path: &[&str], text: &str) {
    match path {
        [key] => {
            object.insert((*key).into(), text.into());
        }
        [key, ""] => {
            let list = object.entry(*key).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(text.into());
            }
        }
        [key, rest @ ..] => {
            let inner = object.entry(*key).or_insert_with(|| json!({}));
            if !inner.is_object() {
                *inner = json!({});
            }
            if let Some(inner) = inner.as_object_mut() {
                set(inner, rest, text);
            }
        }
        [] => {}
    }
}
