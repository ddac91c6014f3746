//! Who used the application: fields, other data, and the address, inferred where the SDK leaves it to us.

use std::net::IpAddr;

use serde_json::Value;

use super::{
    super::json::Object,
    Addresses, Context,
    notes::{Notes, Path},
    text::{Field, field, fields},
};

const FIELDS: &[Field] = &[
    field("id", 128, 0).lenient(),
    field("email", 75, 0),
    field("username", 128, 0).lenient(),
    field("name", 128, 0),
    field("ip_address", 64, 0),
    field("sentry_user", 256, 0),
];
const KNOWN: &[&str] = &["id", "email", "username", "name", "ip_address", "geo", "segment", "sentry_user", "data"];
/// What an SDK sends to have the address filled in.
const AUTO: &str = "{{auto}}";

/// Whether an SDK wants the address to be inferred.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infer {
    Always,
    Never,
    /// As before SDKs could say: from the request, or by platform.
    Legacy,
}

/// Normalises the user.
pub fn normalize(event: &mut Object, context: &Context, notes: &mut Notes) {
    super::object_only(event, "user", notes);
    let root = Path::root();
    let at = root.key("user");
    if let Some(user) = event.get_mut("user").and_then(Value::as_object_mut) {
        user.retain(|key, value| *value != "" && (!value.is_null() || notes.has(&at.key(key))));
        fields(user, FIELDS, &at, notes);
        keep_others(user);
        let address = user.get("ip_address").and_then(Value::as_str).map(str::to_owned);
        if let Some(wrong) = address.filter(|address| address != AUTO && address.parse::<IpAddr>().is_err()) {
            let value = notes.invalid(&at.key("ip_address"), wrong.into(), "expected an ip address");
            user.insert("ip_address".into(), value);
        }
    }
    address(event, context);
    let Some(user) = event.get_mut("user").and_then(Value::as_object_mut) else { return };
    let name = ["id", "username", "email", "ip_address"].iter().find_map(|key| {
        let value = user.get(*key).and_then(Value::as_str).filter(|value| !value.is_empty())?;
        Some(format!("{}:{value}", if *key == "ip_address" { "ip" } else { key }))
    });
    if let Some(name) = name {
        user.insert("sentry_user".into(), name.into());
    }
    if user.is_empty() {
        event.shift_remove("user");
    }
}

fn keep_others(user: &mut Object) {
    let others: Vec<String> = user.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect();
    if others.is_empty() {
        return;
    }
    let mut data = match user.shift_remove("data") {
        Some(Value::Object(data)) => data,
        _ => Object::new(),
    };
    for key in others {
        let value = user.shift_remove(&key);
        data.extend(value.map(|value| (key, value)));
    }
    user.insert("data".into(), data.into());
}

fn address(event: &mut Object, context: &Context) {
    let infer = match event.get("sdk").and_then(|sdk| sdk.pointer("/settings/infer_ip")).and_then(Value::as_str) {
        Some("auto") => Infer::Always,
        Some("never") => Infer::Never,
        _ => Infer::Legacy,
    };
    let remote = event.get("request").and_then(|request| request.pointer("/env/REMOTE_ADDR")).and_then(Value::as_str);
    let remote = remote.and_then(|address| address.parse::<IpAddr>().ok());
    let platform = event.get("platform").and_then(Value::as_str).unwrap_or_default();
    let sent = event.get("user").and_then(|user| user.get("ip_address")).and_then(Value::as_str);
    let is_client = matches!(platform, "javascript" | "cocoa" | "objc");
    let inferred = match (sent, infer) {
        (Some(AUTO), Infer::Never) => None,
        _ if context.addresses == Addresses::Scrub => return,
        (Some(AUTO), _) | (None, Infer::Always) => remote.or(context.client_ip),
        (None, Infer::Legacy) if remote.is_some() => remote,
        (None, Infer::Legacy) if is_client => context.client_ip,
        (Some(_), _) | (None, Infer::Never | Infer::Legacy) => return,
    };
    match (inferred, event.get_mut("user").and_then(Value::as_object_mut)) {
        (Some(address), Some(user)) => {
            user.insert("ip_address".into(), address.to_string().into());
        }
        (Some(address), None) => {
            event.insert(
                "user".into(),
                Value::Object(Object::from_iter([("ip_address".into(), address.to_string().into())])),
            );
        }
        (None, Some(user)) => {
            user.shift_remove("ip_address");
        }
        (None, None) => {}
    }
}
