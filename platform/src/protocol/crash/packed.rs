//! What native SDKs write beside a dump, as msgpack: the event as it was when the program ended, and two rings of breadcrumbs.

use rmp_serde::Deserializer;
use serde::Deserialize;
use serde_json::Value;

use super::super::json::Object;

const MOST_BYTES: usize = 1 << 20;
const MOST_BREADCRUMBS: usize = 100;
/// As deep as JSON may be.
const MOST_DEPTH: usize = 100;

/// Reads an event.
pub fn event(packed: &[u8]) -> Result<Object, String> {
    if packed.is_empty() {
        return Ok(Object::new());
    }
    match values(packed, 1)?.pop() {
        Some(Value::Object(event)) => Ok(event),
        _ => Err("it holds no event".into()),
    }
}

/// Reads files of breadcrumbs, the latest of all.
pub fn breadcrumbs(files: &[&[u8]]) -> Result<Vec<Value>, String> {
    let mut rings: Vec<Vec<Value>> = files.iter().map(|file| values(file, usize::MAX)).collect::<Result<_, _>>()?;
    // The SDK writes one until it is full, then the other anew.
    let last = |ring: &Vec<Value>| ring.last().and_then(|crumb| crumb["timestamp"].as_str().map(str::to_owned));
    rings.sort_by_key(last);
    let mut all: Vec<Value> = rings.into_iter().flatten().filter(Value::is_object).collect();
    all.drain(..all.len().saturating_sub(MOST_BREADCRUMBS));
    Ok(all)
}

/// The values that stand one after the other; what breaks off at the end was never written whole.
fn values(packed: &[u8], most: usize) -> Result<Vec<Value>, String> {
    if packed.len() > MOST_BYTES {
        return Err(format!("it is larger than {MOST_BYTES} bytes"));
    }
    let mut rest = packed;
    let mut values = Vec::new();
    while !rest.is_empty() && values.len() < most {
        let mut reader = Deserializer::new(&mut rest);
        reader.set_max_depth(MOST_DEPTH);
        match Value::deserialize(&mut reader) {
            Ok(value) => values.push(value),
            Err(_) if !values.is_empty() => break,
            Err(error) => return Err(format!("it is no msgpack: {error}")),
        }
    }
    Ok(values)
}
