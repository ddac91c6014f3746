//! What an issue is remembered by besides tags: the errors of its events, their functions and files, the requests, devices and
//! systems. Read from a normalised event; noted of an issue once, and not counted.

use serde_json::Value;

use super::{json::Object, tags::Tag};

/// Of one event.
const MOST: usize = 60;
/// Frames at the end of each stack trace, in-app ones first.
const MOST_FRAMES: usize = 12;
/// Characters of a value.
const LONGEST: usize = 200;

/// Everything that is noted.
pub const KEYS: &[&str] = &[
    "error.type",
    "error.value",
    "stack.function",
    "stack.filename",
    "stack.module",
    "stack.abs_path",
    "stack.package",
    "http.method",
    "http.referer",
    "os.version",
    "os.build",
    "os.kernel_version",
    "device.arch",
    "device.brand",
    "device.model",
    "device.name",
    "device.manufacturer",
    "device.orientation",
    "geo.country_code",
    "geo.region",
    "geo.city",
    "sdk.name",
    "sdk.version",
];

const OF_FRAMES: &[(&str, &str)] = &[
    ("stack.function", "function"),
    ("stack.filename", "filename"),
    ("stack.module", "module"),
    ("stack.abs_path", "abs_path"),
    ("stack.package", "package"),
];
const OF_OS: &[(&str, &str)] =
    &[("os.version", "version"), ("os.build", "build"), ("os.kernel_version", "kernel_version")];
const OF_DEVICE: &[(&str, &str)] = &[
    ("device.arch", "arch"),
    ("device.brand", "brand"),
    ("device.model", "model"),
    ("device.name", "name"),
    ("device.manufacturer", "manufacturer"),
    ("device.orientation", "orientation"),
];
const OF_GEO: &[(&str, &str)] = &[("geo.country_code", "country_code"), ("geo.region", "region"), ("geo.city", "city")];
const OF_SDK: &[(&str, &str)] = &[("sdk.name", "name"), ("sdk.version", "version")];

/// The traits of a normalised event, each once.
pub fn traits(event: &Object) -> Vec<Tag> {
    let mut traits = Vec::with_capacity(24);
    let get = |[of, field]: [&str; 2]| event.get(of)?.get(field);
    for exception in values(event.get("exception")) {
        add(&mut traits, "error.type", exception.get("type"));
        add(&mut traits, "error.value", exception.get("value"));
    }
    fields(&mut traits, OF_OS, get(["contexts", "os"]));
    fields(&mut traits, OF_DEVICE, get(["contexts", "device"]));
    fields(&mut traits, OF_GEO, get(["user", "geo"]));
    fields(&mut traits, OF_SDK, event.get("sdk"));
    add(&mut traits, "http.method", get(["request", "method"]));
    let headers = get(["request", "headers"]).and_then(Value::as_array).into_iter().flatten();
    let referer = headers
        .filter(|pair| pair.get(0).and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case("referer")));
    for pair in referer {
        add(&mut traits, "http.referer", pair.get(1));
    }
    let traced = values(event.get("exception")).chain(values(event.get("threads")));
    for stacktrace in traced.filter_map(|one| one.get("stacktrace")).chain(event.get("stacktrace")) {
        add_frames(&mut traits, stacktrace);
    }
    traits
}

/// What an event says of its user; what it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownUser {
    pub id: String,
    pub email: String,
    pub username: String,
    pub ip: String,
}

impl KnownUser {
    /// Of a normalised event.
    pub fn of(event: &Object) -> KnownUser {
        let text = |name: &str| {
            let value = event.get("user").and_then(|user| user.get(name)).and_then(Value::as_str).unwrap_or_default();
            value.trim().chars().filter(|c| *c != '\0').take(LONGEST).collect()
        };
        KnownUser { id: text("id"), email: text("email"), username: text("username"), ip: text("ip_address") }
    }
}

fn values(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(|list| list.get("values")).and_then(Value::as_array).into_iter().flatten()
}

/// The frames closest to where it happened; the application's own tell most.
fn add_frames(traits: &mut Vec<Tag>, stacktrace: &Value) {
    let frames = || stacktrace.get("frames").and_then(Value::as_array).into_iter().flatten().rev();
    let is_own = |frame: &&Value| frame.get("in_app").and_then(Value::as_bool) == Some(true);
    let own = frames().filter(is_own);
    let others = frames().filter(|frame| !is_own(frame));
    for frame in own.chain(others).take(MOST_FRAMES) {
        fields(traits, OF_FRAMES, Some(frame));
    }
}

fn fields(traits: &mut Vec<Tag>, names: &'static [(&'static str, &'static str)], of: Option<&Value>) {
    for (key, field) in names {
        add(traits, key, of.and_then(|of| of.get(*field)));
    }
}

fn add(traits: &mut Vec<Tag>, key: &'static str, value: Option<&Value>) {
    let Some(value) = value.and_then(Value::as_str).map(str::trim).filter(|value| !value.is_empty()) else { return };
    if traits.len() >= MOST || value.contains('\0') {
        return;
    }
    let end = value.char_indices().nth(LONGEST).map_or(value.len(), |(end, _)| end);
    let new = Tag { key: key.into(), value: value[..end].to_owned() };
    if !traits.contains(&new) {
        traits.push(new);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(event: Value) -> Vec<String> {
        let Value::Object(event) = event else { panic!("an event is an object") };
        traits(&event).into_iter().map(|tag| format!("{}={}", tag.key, tag.value)).collect()
    }

    #[test]
    fn an_error_is_remembered_by_its_types_frames_request_and_device() {
        let traits = of(json!({
            "exception": {"values": [
                {"type": "KeyError", "value": "'sku'"},
                {"type": "Gone", "value": "umbrella", "stacktrace": {"frames": [
                    {"function": "main", "filename": "main.py", "in_app": false},
                    {"function": "add", "filename": "cart.py", "module": "shop.cart", "in_app": true},
                ]}},
            ]},
            "request": {"method": "POST", "headers": [["Referer", "https://shop.example/"], ["Host", "x"]]},
            "contexts": {"os": {"name": "Linux", "version": "6.1"}, "device": {"arch": "arm64"}},
            "user": {"geo": {"city": "Vienna"}}, "sdk": {"name": "sentry.python", "version": "2.0"},
        }));
        insta::assert_snapshot!(traits.join("\n"));
    }

    #[test]
    fn a_deep_recursion_is_remembered_once_and_long_values_are_cut() {
        let frames: Vec<Value> =
            (0..500).map(|n| json!({"function": format!("f{n}"), "abs_path": "x".repeat(999)})).collect();
        let traits = of(json!({"stacktrace": {"frames": frames}}));
        assert_eq!(traits.len(), MOST_FRAMES + 1);
        assert!(traits.contains(&"stack.function=f499".to_owned()), "the frame it happened in is among them");
        assert!(traits.contains(&format!("stack.abs_path={}", "x".repeat(LONGEST))));
    }
}
