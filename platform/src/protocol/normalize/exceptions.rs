//! Exceptions and threads, and the mechanism by which an exception was caught.

use serde_json::{Value, json};

use super::{
    super::json::Object,
    bag::{Bounds, bound},
    frames,
    notes::{Notes, Path},
    numbers::{self, System},
    text::{Field, field, fields},
};

const EXCEPTION: &[Field] = &[field("type", 256, 20), field("value", 8192, 200).json(), field("module", 256, 20)];
const THREAD: &[Field] = &[field("name", 1024, 100)];
const MECHANISM: &[Field] = &[field("type", 128, 0), field("description", 8192, 200), field("help_link", 256, 40)];
const MECHANISM_KEYS: &[&str] = &[
    "type",
    "synthetic",
    "description",
    "help_link",
    "handled",
    "source",
    "is_exception_group",
    "exception_id",
    "parent_id",
    "data",
    "meta",
];

/// Normalises exceptions, threads and the event's own stack trace.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    let root = Path::root();
    each_value(event, "threads", notes, |thread, index, notes| {
        let (list, values) = (root.key("threads"), "values");
        let values = list.key(values);
        let at = values.key(index);
        fields(thread, THREAD, &at, notes);
        thread_id(thread, "id", &at, notes);
        frames::normalize(thread, "stacktrace", &at, notes);
        None
    });
    frames::normalize(event, "stacktrace", &root, notes);
    let own = event.shift_remove("stacktrace");
    let kept = to_lone_exception(event, own);
    event.extend(kept.map(|stacktrace| ("stacktrace".to_owned(), stacktrace)));
    let list = root.key("exception");
    let values = list.key("values");
    each_value(event, "exception", notes, |exception, index, notes| {
        let at = values.key(index);
        exception_fields(exception, &at, notes);
        let is_empty = |name: &str| exception.get(name).and_then(Value::as_str).is_none_or(str::is_empty);
        if is_empty("type") && is_empty("value") {
            let mut sent = json!({
                "mechanism": null, "module": null, "raw_stacktrace": null, "stacktrace": null, "thread_id": null, "type": null, "value": null,
            });
            sent.as_object_mut().into_iter().for_each(|sent| sent.extend(std::mem::take(exception)));
            notes.error(
                &at,
                "missing_attribute",
                &Object::from_iter([("attribute".into(), "type or value".into())]),
                Some(sent),
            );
            return Some(String::new());
        }
        None
    });
}

/// A stack trace of the event belongs to its only exception, if that has none.
fn to_lone_exception(event: &mut Object, stacktrace: Option<Value>) -> Option<Value> {
    let stacktrace = stacktrace.filter(|stacktrace| !stacktrace.is_null())?;
    let lone = match event.get_mut("exception") {
        Some(Value::Array(values)) => values.as_mut_slice(),
        Some(Value::Object(object)) if object.contains_key("values") => {
            object.get_mut("values").and_then(Value::as_array_mut).map_or(&mut [][..], Vec::as_mut_slice)
        }
        Some(single @ Value::Object(_)) => std::slice::from_mut(single),
        _ => &mut [],
    };
    match lone {
        [Value::Object(exception)] if exception.get("stacktrace").is_none_or(Value::is_null) => {
            exception.insert("stacktrace".into(), stacktrace);
            None
        }
        _ => Some(stacktrace),
    }
}

fn exception_fields(exception: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    if let Some(stacktrace) = exception.shift_remove("sentry.interfaces.Stacktrace") {
        exception.entry("stacktrace").or_insert(stacktrace);
    }
    exception.retain(|key, value| !value.is_null() || notes.has(&at.key(key)));
    fields(exception, EXCEPTION, at, notes);
    split_type(exception);
    thread_id(exception, "thread_id", at, notes);
    frames::normalize(exception, "stacktrace", at, notes);
    mechanism(exception, at, notes);
}

/// Threads go by numbers or by names.
fn thread_id(object: &mut Object, name: &str, at: &Path<'_>, notes: &mut Notes) {
    let Some(id) = object.get_mut(name).filter(|id| !id.is_string() && !id.is_number() && !id.is_null()) else {
        return;
    };
    *id = notes.invalid(&at.key(name), id.take(), "expected a thread id");
}

/// `ValueError: bad` without a type is a type and a value.
fn split_type(exception: &mut Object) {
    if exception.get("type").and_then(Value::as_str).is_some_and(|kind| !kind.is_empty()) {
        return;
    }
    let Some((kind, rest)) = exception.get("value").and_then(Value::as_str).and_then(|value| value.split_once(':'))
    else {
        return;
    };
    if !kind.is_empty() && kind.chars().all(|c| c.is_alphanumeric() || c == '_') {
        let (kind, rest) = (kind.to_owned(), rest.trim().to_owned());
        exception.insert("type".into(), kind.into());
        exception.insert("value".into(), rest.into());
    }
}

fn mechanism(exception: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    let at = at.key("mechanism");
    let Some(value) = exception.get_mut("mechanism").filter(|value| !value.is_null()) else { return };
    let Some(mechanism) = value.as_object_mut() else {
        *value = notes.invalid(&at, value.take(), "expected exception mechanism");
        return;
    };
    if mechanism.is_empty() {
        exception.shift_remove("mechanism");
        return;
    }
    if mechanism.get("type").is_none_or(Value::is_null) && !notes.has(&at.key("type")) {
        legacy_mechanism(mechanism);
    }
    mechanism
        .retain(|key, value| MECHANISM_KEYS.contains(&key.as_str()) && (!value.is_null() || notes.has(&at.key(key))));
    fields(mechanism, MECHANISM, &at, notes);
    if mechanism.get("type").is_some_and(|kind| kind == "") {
        let value = notes.invalid(&at.key("type"), Value::Null, "expected a non-empty string");
        mechanism.insert("type".into(), value);
    }
    let link = mechanism.get("help_link").and_then(Value::as_str);
    if let Some(link) = link.filter(|link| !link.starts_with("http://") && !link.starts_with("https://")) {
        let value = notes.invalid(&at.key("help_link"), link.into(), "expected http URL");
        mechanism.insert("help_link".into(), value);
    }
    for name in ["handled", "synthetic", "is_exception_group"] {
        if let Some(value) = mechanism.get_mut(name).filter(|value| !value.is_boolean() && !value.is_null()) {
            *value = notes.invalid(&at.key(name), value.take(), "expected a boolean");
        }
    }
    if let Some(data) = mechanism.get_mut("data") {
        bound(data, Bounds { depth: 5, bytes: 2048 }, &at.key("data"), notes);
    }
}

/// Before it had a type, a mechanism was what was known of the signal, and data.
fn legacy_mechanism(mechanism: &mut Object) {
    let mut meta = Object::new();
    if let Some(Value::Object(mut signal)) = mechanism.shift_remove("posix_signal") {
        if let Some(number) = signal.shift_remove("signal") {
            signal.insert("number".into(), number);
        }
        meta.insert("signal".into(), signal.into());
    }
    if let Some(Value::Object(mut mach)) = mechanism.shift_remove("mach_exception") {
        if let Some(name) = mach.shift_remove("exception_name") {
            mach.insert("name".into(), name);
        }
        meta.insert("mach_exception".into(), mach.into());
    }
    let data: Object = std::mem::take(mechanism).into_iter().filter(|(_, value)| !value.is_null()).collect();
    mechanism.insert("type".into(), "generic".into());
    if !data.is_empty() {
        mechanism.insert("data".into(), data.into());
    }
    if !meta.is_empty() {
        mechanism.insert("meta".into(), meta.into());
    }
}

/// Gives every item of a list to `normalize`; an item is dropped where it returns a reason. The list gets its one form.
pub fn each_value(
    event: &mut Object,
    name: &str,
    notes: &mut Notes,
    mut normalize: impl FnMut(&mut Object, &str, &mut Notes) -> Option<String>,
) {
    let root = Path::root();
    let list = root.key(name);
    let values = list.key("values");
    let mut items = match event.shift_remove(name) {
        Some(Value::Array(items)) => items,
        Some(Value::Object(mut object)) => match object.shift_remove("values") {
            Some(Value::Array(items)) => items,
            Some(Value::Null) => return,
            Some(other) => {
                event.insert(name.into(), notes.invalid(&list, other, "expected a list or values object"));
                return;
            }
            None if object.is_empty() => return,
            None => vec![object.into()],
        },
        None | Some(Value::Null) => return,
        Some(other) => {
            event.insert(name.into(), notes.invalid(&list, other, "expected a list or values object"));
            return;
        }
    };
    for (at, item) in items.iter_mut().enumerate() {
        let index = at.to_string();
        let place = values.key(&index);
        match item {
            Value::Object(object) => {
                if let Some(reason) = normalize(object, &index, notes) {
                    *item = Value::Null;
                    if !reason.is_empty() {
                        notes.invalid(&place, Value::Null, &reason);
                    }
                }
            }
            Value::Null => {}
            other => *other = notes.invalid(&place, other.take(), &format!("expected {}", name.trim_end_matches('s'))),
        }
    }
    if !items.is_empty() {
        event.insert(name.into(), Object::from_iter([("values".into(), items.into())]).into());
    }
}

/// Names the numbers of signals and errors, where the system is known.
pub fn name_mechanisms(event: &mut Object) {
    let sdk = event.get("debug_meta").and_then(|meta| meta.pointer("/sdk_info/sdk_name")).and_then(Value::as_str);
    let os = event.get("contexts").and_then(|contexts| contexts.pointer("/os/name")).and_then(Value::as_str);
    let system = sdk.or(os).and_then(System::named);
    let values =
        event.get_mut("exception").and_then(|exception| exception.get_mut("values")).and_then(Value::as_array_mut);
    for meta in values.into_iter().flatten().filter_map(|value| value.pointer_mut("/mechanism/meta")) {
        numbers::name(meta, system);
    }
}
