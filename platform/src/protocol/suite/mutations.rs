//! Events nobody sends: those of the suite with any part replaced, removed or repeated; and those that differ by chance only.

use proptest::{collection, prelude::*};
use serde_json::{Map, Number, Value};

use super::{super::json::Object, events};

/// Text that means something somewhere, or nothing anywhere.
fn words() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "",
        "?",
        "{{ default }}",
        "{{auto}}",
        "javascript",
        "native",
        "error",
        "https://u:p@shop.example/a?b=c#d",
        "192.0.2.1",
        "password",
        "[Filtered]",
        "4571234567890111",
        "Bearer abc",
        "-----BEGIN PRIVATE KEY-----",
        "%s %(a)s {} {0}",
        "a=1&b=2",
        "{\"a\":[1]}",
        "0x10",
        "1709208000",
        "2024-02-29T12:00:00Z",
        "anna@shop.example",
        "é\u{0}\u{1f600}…",
        "...",
    ];
    prop_oneof![
        proptest::sample::select(KNOWN).prop_map(str::to_owned),
        ".{0,12}",
        "[a-zA-Z0-9 :/.<>(){}\\[\\]$#@_-]{0,40}"
    ]
}

/// Names of fields that mean something somewhere, or nothing anywhere.
fn keys() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "values",
        "type",
        "value",
        "frames",
        "function",
        "module",
        "filename",
        "abs_path",
        "stacktrace",
        "mechanism",
        "meta",
        "data",
        "message",
        "formatted",
        "params",
        "id",
        "ip_address",
        "url",
        "headers",
        "cookies",
        "query_string",
        "env",
        "tags",
        "contexts",
        "os",
        "name",
        "version",
        "timestamp",
        "level",
        "in_app",
        "vars",
        "_meta",
        "errors",
        "user",
        "request",
        "exception",
        "threads",
        "",
        "raw_description",
        "images",
        "password",
    ];
    prop_oneof![3 => proptest::sample::select(KNOWN).prop_map(str::to_owned), 1 => words()]
}

/// Any JSON.
pub fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        (-1000_i64..1000).prop_map(Value::from),
        any::<f64>().prop_map(|number| Number::from_f64(number).map_or(Value::Null, Value::Number)),
        words().prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            collection::vec((keys(), inner), 0..4).prop_map(|pairs| Value::Object(Map::from_iter(pairs))),
        ]
    })
}

/// An event of the suite with some parts of it changed, or any object.
pub fn any_event() -> impl Strategy<Value = Object> {
    let events = events();
    let change = (collection::vec(any::<proptest::sample::Index>(), 1..8), keys(), any_json(), 0..4_u8);
    let mutated = (0..events.len(), collection::vec(change, 0..4)).prop_map(move |(at, changes)| {
        let mut event = Value::Object(events[at].1.clone());
        for (path, key, value, how) in changes {
            mutate(&mut event, &path, (key, value), how);
        }
        event.as_object().cloned().unwrap_or_default()
    });
    let made_up = collection::vec((keys(), any_json()), 0..6).prop_map(Object::from_iter);
    prop_oneof![4 => mutated, 1 => made_up]
}

fn mutate(value: &mut Value, path: &[proptest::sample::Index], (key, new): (String, Value), how: u8) {
    let [step, rest @ ..] = path else { return };
    match value {
        Value::Object(object) if !object.is_empty() => {
            let name = step.get(&object.keys().cloned().collect::<Vec<_>>()).clone();
            match how {
                _ if !rest.is_empty() => mutate(&mut object[&name], rest, (key, new), how),
                0 => drop(object.insert(name, new)),
                1 => drop(object.shift_remove(&name)),
                _ => drop(object.insert(key, new)),
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let at = step.index(items.len());
            match how {
                _ if !rest.is_empty() => mutate(&mut items[at], rest, (key, new), how),
                0 => items[at] = new,
                1 => drop(items.remove(at)),
                _ => items.insert(at, items[at].clone()),
            }
        }
        other => *other = new,
    }
}

/// The same event with the keys of every object the other way round.
pub fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(object) => object.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect(),
        Value::Array(items) => items.iter().map(reversed).collect(),
        other => other.clone(),
    }
}

/// The event of another occurrence: lines, addresses, builds, machines and users are others, the bug is the same.
pub fn again(value: &Value, seed: usize) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match value {
        Value::Object(object) => {
            let other = |(key, value): (&String, &Value)| {
                let changed = match key.as_str() {
                    "lineno" | "colno" if value.is_u64() => {
                        Value::from(value.as_u64().unwrap_or_default() + seed as u64)
                    }
                    "instruction_addr" | "symbol_addr" | "image_addr" => format!("0x{seed:x}").into(),
                    "filename" | "abs_path" if text(value).starts_with("https://") => {
                        elsewhere(&text(value), seed).into()
                    }
                    "module" | "function" => regenerated(&text(value), seed).into(),
                    "event_id" | "timestamp" | "release" | "user" | "breadcrumbs" | "server_name" | "vars"
                    | "extra" => return None,
                    _ => again(value, seed),
                };
                Some((key.clone(), changed))
            };
            object.iter().filter_map(other).collect()
        }
        Value::Array(items) => items.iter().map(|item| again(item, seed)).collect(),
        other => other.clone(),
    }
}

/// A script of another host, version and build.
fn elsewhere(url: &str, seed: usize) -> String {
    let path = url.splitn(4, '/').nth(3).unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
    let hashed = path.split('.').map(|part| if is_hash(part) { format!("{seed:07x}9") } else { part.to_owned() });
    format!("https://cdn{seed}.example/{}?v={seed}", hashed.collect::<Vec<_>>().join("."))
}

fn is_hash(part: &str) -> bool {
    part.len() == 8
        && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        && part.bytes().any(|byte| byte.is_ascii_digit())
}

/// A name that a compiler or runtime numbered, numbered anew.
fn regenerated(name: &str, seed: usize) -> String {
    if let Some((class, _)) = name.split_once("$$Lambda$") {
        return format!("{class}$$Lambda${seed}/0x{seed:016x}");
    }
    for (mark, suffix) in
        [("_block_invoke", format!("_block_invoke_{seed}")), ("$$SpringCGLIB", format!("$$SpringCGLIB$${seed}"))]
    {
        if let Some((own, _)) = name.split_once(mark) {
            return format!("{own}{suffix}");
        }
    }
    match (name.strip_prefix("lambda$").and_then(|rest| rest.rsplit_once('$')), name.rsplit_once("::h")) {
        (Some((own, _)), _) => format!("lambda${own}${seed}"),
        (_, Some((own, hash))) if hash.len() == 16 => format!("{own}::h{seed:016x}"),
        _ => name.to_owned(),
    }
}
