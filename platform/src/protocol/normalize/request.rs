//! The HTTP request: its parts taken apart, each where it belongs.

use serde_json::{Value, json};

use super::{
    super::json::{Object, canonical},
    bag::{Bounds, bound},
    notes::{Notes, Path},
    text::{self, Field, field, fields},
};

const FIELDS: &[Field] = &[field("url", 256, 40), field("fragment", 1024, 100), field("api_target", 64, 0)];
const KNOWN: &[&str] = &[
    "url",
    "method",
    "data",
    "query_string",
    "fragment",
    "cookies",
    "headers",
    "env",
    "inferred_content_type",
    "api_target",
    "body_size",
];
const HEADER: Field = field("1", 8192, 0).lenient();
const BOUNDS: &[(&str, Bounds)] = &[
    ("data", Bounds { depth: 7, bytes: 8192 }),
    ("query_string", Bounds { depth: 3, bytes: 1024 }),
    ("cookies", Bounds { depth: 5, bytes: 2048 }),
    ("headers", Bounds { depth: 7, bytes: 8192 }),
    ("env", Bounds { depth: 7, bytes: 8192 }),
];

/// Normalises the request.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    super::object_only(event, "request", notes);
    let root = Path::root();
    let at = root.key("request");
    let Some(request) = event.get_mut("request").and_then(Value::as_object_mut) else { return };
    request.retain(|key, value| KNOWN.contains(&key.as_str()) && (!value.is_null() || notes.has(&at.key(key))));
    if request.get("fragment").is_some_and(is_empty) {
        request.shift_remove("fragment");
    }
    if request.get("data").is_none_or(is_empty) {
        request.shift_remove("inferred_content_type");
    }
    method(request, &at, notes);
    headers(request, &at, notes);
    take_apart_url(request);
    pairs(request, "query_string", "&");
    pairs(request, "cookies", ";");
    body(request);
    fields(request, FIELDS, &at, notes);
    for (name, bounds) in BOUNDS {
        if let Some(value) = request.get_mut(*name) {
            bound(value, *bounds, &at.key(name), notes);
        }
    }
    let has_headers = request.contains_key("headers");
    if request.is_empty() {
        event.shift_remove("request");
    } else if has_headers {
        event.entry("contexts").or_insert_with(|| json!({}));
    }
}

fn method(request: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    let Some(method) = request.get("method").and_then(Value::as_str) else { return };
    let method = method.to_uppercase();
    let is_valid =
        (3..=32).contains(&method.len()) && method.chars().all(|c| c.is_ascii_uppercase() || matches!(c, '-' | '_'));
    let value = if is_valid { method.into() } else { notes.invalid(&at.key("method"), method.into(), "") };
    request.insert("method".into(), value);
}

/// `content-type` → `Content-Type`; a list of values becomes one; the cookies go where cookies are.
pub fn headers(request: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    let at = at.key("headers");
    let pairs: Vec<Option<(String, Value)>> = match request.shift_remove("headers") {
        Some(Value::Object(headers)) => {
            let mut pairs: Vec<(String, Value)> = headers.into_iter().collect();
            pairs.sort_by_cached_key(|(name, _)| capitalised(name));
            pairs.into_iter().map(Some).collect()
        }
        Some(Value::Array(items)) => items
            .into_iter()
            .enumerate()
            .map(|(index, item)| {
                let pair = header_pair(&item);
                if pair.is_none() && !item.is_null() {
                    notes.invalid(&at.key(&index.to_string()), item, "expected a tuple");
                }
                pair
            })
            .collect(),
        _ => return,
    };
    let mut kept = Vec::new();
    for pair in pairs {
        let Some((name, value)) = pair else {
            kept.push(Value::Null);
            continue;
        };
        let name = capitalised(&name);
        let value = match value {
            Value::Array(values) => values.iter().filter_map(text::lenient).collect::<Vec<_>>().join(",").into(),
            other => other,
        };
        if matches!(name.as_str(), "Cookie" | "Set-Cookie") {
            if let (Value::String(cookies), true) = (&value, request.get("cookies").is_none_or(is_empty)) {
                request.insert("cookies".into(), cookies.clone().into());
            }
            continue;
        }
        let index = kept.len().to_string();
        let value = HEADER.read(value, &at.key(&index).key("1"), notes);
        kept.push(Value::from(vec![name.into(), value]));
    }
    if !kept.is_empty() {
        request.insert("headers".into(), kept.into());
    }
}

fn header_pair(item: &Value) -> Option<(String, Value)> {
    match item.as_array()?.as_slice() {
        [name, value] => Some((text::lenient(name)?, value.clone())),
        _ => None,
    }
}

/// Normalises what was answered, as far as it is like what was asked.
pub fn response(response: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    headers(response, at, notes);
    pairs(response, "cookies", ";");
    body(response);
    if response.get("data").is_none_or(is_empty)
        && let Some(kind) = content_type(response)
    {
        response.entry("inferred_content_type").or_insert(kind.into());
    }
}

fn capitalised(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut starts = true;
    for c in name.trim().chars() {
        if starts {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        starts = c == '-';
    }
    out
}

fn take_apart_url(request: &mut Object) {
    let Some(url) = request.get("url").and_then(Value::as_str) else { return };
    let mut url = url.to_owned();
    // A cut URL ends in an ellipsis that some SDKs write as one character.
    if let Some(start) = url.strip_suffix('\u{2026}') {
        url = format!("{start}...");
    }
    for (mark, name) in [('#', "fragment"), ('?', "query_string")] {
        let Some(at) = url.find(mark) else { continue };
        let part = url.split_off(at);
        if part.len() > 1 && request.get(name).is_none_or(is_empty) {
            request.insert(name.into(), part[1..].into());
        }
    }
    request.insert("url".into(), url.into());
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(object) => object.is_empty(),
        _ => false,
    }
}

/// Makes a list of pairs of any form in which pairs are sent.
fn pairs(request: &mut Object, name: &str, separator: &str) {
    let Some(value) = request.get_mut(name) else { return };
    let pairs: Vec<Value> = match value {
        Value::String(text) if separator == "&" => {
            form(text.trim_start_matches('?')).into_iter().map(|(k, v)| json!([k, v])).collect()
        }
        Value::String(text) => text
            .split(separator)
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| json!([name.trim(), value.trim()]))
            .collect(),
        Value::Object(object) => {
            let mut keys: Vec<&String> = object.keys().collect();
            keys.sort_unstable();
            keys.into_iter().map(|key| json!([key, scalar(&object[key])])).collect()
        }
        _ => return,
    };
    if pairs.is_empty() {
        request.shift_remove(name);
    } else {
        *value = pairs.into();
    }
}

fn scalar(value: &Value) -> Value {
    match value {
        Value::String(_) | Value::Null => value.clone(),
        other => canonical(other).into(),
    }
}

/// Reads `a=1&b=2`.
fn form(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decoded(key), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, ..]) if hex(*high).is_some() && hex(*low).is_some() => {
                bytes.push(hex(*high).unwrap_or_default() * 16 + hex(*low).unwrap_or_default());
                rest = &after[2..];
                continue;
            }
            _ => bytes.push(*first),
        }
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A body that is JSON or a form is shown as what it holds.
fn body(request: &mut Object) {
    let (kind, parsed) = match request.get("data") {
        Some(Value::String(text)) => match structured(text) {
            Some((kind, parsed)) => (Some(kind.to_owned()), Some(parsed)),
            None => (content_type(request), None),
        },
        Some(data) if !is_empty(data) => (content_type(request), None),
        _ => return,
    };
    if let Some(parsed) = parsed {
        request.insert("data".into(), parsed);
    }
    if let Some(kind) = kind {
        request.entry("inferred_content_type").or_insert(kind.into());
    }
}

fn structured(text: &str) -> Option<(&'static str, Value)> {
    let trimmed = text.trim();
    if trimmed.starts_with(['{', '[']) {
        let parsed = serde_json::from_str::<Value>(trimmed).ok()?;
        return Some(("application/json", parsed));
    }
    let looks_like_form =
        trimmed.contains('=') && !trimmed.starts_with(['<', '"']) && !trimmed.contains(char::is_whitespace);
    let pairs = if looks_like_form { form(trimmed) } else { Vec::new() };
    if pairs.is_empty() || (pairs.len() == 1 && pairs[0].1.is_empty()) {
        return None;
    }
    let parsed: Object = pairs.into_iter().map(|(key, value)| (key, value.into())).collect();
    Some(("application/x-www-form-urlencoded", parsed.into()))
}

fn content_type(request: &Object) -> Option<String> {
    let headers = request.get("headers")?.as_array()?;
    let header =
        headers.iter().find(|pair| pair[0].as_str().is_some_and(|name| name.eq_ignore_ascii_case("content-type")))?;
    Some(header[1].as_str()?.split(';').next().unwrap_or_default().trim().to_owned())
}
