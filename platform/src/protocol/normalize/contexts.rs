//! Contexts: what is known of system, runtime, browser and device, completed from descriptions and the user agent.

use serde_json::{Value, json};

use super::{
    super::{json::Object, user_agent},
    bag::{Bounds, bound},
    describe,
    notes::{Notes, Path},
};

/// Normalises the contexts and adds what the user agent tells.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    super::object_only(event, "contexts", notes);
    add_user_agent(event);
    let root = Path::root();
    let at = root.key("contexts");
    let Some(contexts) = event.get_mut("contexts").and_then(Value::as_object_mut) else { return };
    contexts.shift_remove("reprocessing");
    contexts.retain(|key, value| !value.is_null() || notes.has(&at.key(key)));
    for (name, value) in contexts.iter_mut() {
        let at = at.key(name);
        let Some(context) = value.as_object_mut() else {
            if !value.is_null() {
                *value = notes.invalid(&at, value.take(), "expected an object");
            }
            continue;
        };
        let sent = context.shift_remove("type").filter(|kind| kind.as_str().is_some_and(|kind| !kind.is_empty()));
        let kind = sent.unwrap_or_else(|| name.clone().into());
        let known = if name == "client_os" { "os" } else { kind.as_str().unwrap_or_default() };
        describe(context, known, &at, notes);
        bound(value, Bounds { depth: 7, bytes: 8192 }, &at, notes);
        // What is ours does not count against the bounds.
        if let Some(context) = value.as_object_mut() {
            combine(context, known);
            context.insert("type".into(), kind);
        }
    }
}

fn get<'a>(context: &'a Object, name: &str) -> Option<&'a str> {
    context.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Reads a description where there is no name.
fn describe(context: &mut Object, kind: &str, at: &Path<'_>, notes: &mut Notes) {
    let description = get(context, "raw_description").map(str::to_owned);
    if let (Some(description), true) = (description, get(context, "name").is_none()) {
        let found = match kind {
            "os" => describe::os(&description),
            "runtime" => describe::runtime(&description),
            _ => None,
        };
        for (name, value) in found.into_iter().flatten() {
            context.entry(name).or_insert(value.into());
        }
    }
    match kind {
        "runtime" if get(context, "name") == Some(".NET Framework") => {
            let build = context.get("build").and_then(super::text::lenient);
            if let Some(version) = build.and_then(|build| describe::net_framework(&build)) {
                context.insert("version".into(), version.into());
            }
        }
        "response" => super::request::response(context, at, notes),
        _ => {}
    }
}

/// Names system, runtime and browser in one text.
fn combine(context: &mut Object, kind: &str) {
    let combined = match (get(context, "name"), get(context, "version")) {
        (Some(name), Some(version)) => format!("{name} {version}"),
        (Some(name), None) => name.to_owned(),
        _ => return,
    };
    if matches!(kind, "os" | "runtime" | "browser") {
        context.insert(kind.into(), combined.into());
    }
}

fn add_user_agent(event: &mut Object) {
    let headers = event.get("request").and_then(|request| request.get("headers")).and_then(Value::as_array);
    let header = |name: &str| {
        headers?.iter().find(|pair| pair[0].as_str().is_some_and(|own| own.eq_ignore_ascii_case(name)))?[1]
            .as_str()
            .map(str::to_owned)
    };
    let hints =
        |name: &str| header(name).map(|value| value.trim_matches('"').to_owned()).filter(|value| !value.is_empty());
    let agent = header("User-Agent").map(|agent| user_agent::parse(&agent)).unwrap_or_default();
    let browser = header("Sec-CH-UA").and_then(|brands| user_agent::brand(&brands)).or(agent.browser);
    let os = match hints("Sec-CH-UA-Platform") {
        Some(name) => Some((name, hints("Sec-CH-UA-Platform-Version").unwrap_or_default())),
        None => agent.os,
    };
    let device = match hints("Sec-CH-UA-Model") {
        Some(model) => Some(json!({"name": model, "model": model})),
        None => {
            agent.device.map(|device| json!({"family": device.family, "model": device.model, "brand": device.brand}))
        }
    };
    let os_name =
        if event.get("platform").is_some_and(|platform| platform == "javascript") { "os" } else { "client_os" };
    if browser.is_none() && os.is_none() && device.is_none() {
        return;
    }
    let contexts = event.entry("contexts").or_insert_with(|| json!({}));
    let Some(contexts) = contexts.as_object_mut() else { return };
    let versioned = |(name, version): (String, String)| {
        if version.is_empty() { json!({"name": name}) } else { json!({"name": name, "version": version}) }
    };
    let named = |name: &str, mut value: Value| {
        value["type"] = if name == "client_os" { "os".into() } else { name.into() };
        (name.to_owned(), value)
    };
    let found = [("browser", browser.map(versioned)), (os_name, os.map(versioned)), ("device", device)];
    for (name, value) in found.into_iter().filter_map(|(name, value)| Some(named(name, value?))) {
        contexts.entry(name).or_insert(value);
    }
}
