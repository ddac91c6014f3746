//! Breadcrumbs: what happened before, each with its time and kind.

use super::{
    super::json::Object,
    bag::{Bounds, bound},
    exceptions,
    notes::{Notes, Path},
    text::{Field, field, fields},
    time,
};

/// Normalises the breadcrumbs.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    const FIELDS: &[Field] =
        &[field("type", 128, 0), field("category", 128, 0), field("message", 8192, 200), field("event_id", 36, 0)];
    const KNOWN: &[&str] = &["timestamp", "type", "category", "level", "message", "data", "event_id", "origin"];
    let root = Path::root();
    let (list, values) = (root.key("breadcrumbs"), "values");
    let at = list.key(values);
    exceptions::each_value(event, "breadcrumbs", notes, |crumb, index, notes| {
        let at = at.key(index);
        if let Some(kind) = crumb.shift_remove("ty") {
            crumb.entry("type").or_insert(kind);
        }
        if let Some(reason) = time::read(crumb, "timestamp", &at, notes).and_then(time::too_stale) {
            return Some(reason);
        }
        fields(crumb, FIELDS, &at, notes);
        crumb.entry("type").or_insert("default".into());
        super::level(crumb, "info", &at, notes);
        if let Some(data) = crumb.get_mut("data").filter(|data| !data.is_object() && !data.is_null()) {
            *data = notes.invalid(&at.key("data"), data.take(), "expected an object");
        }
        if let Some(data) = crumb.get_mut("data") {
            bound(data, Bounds { depth: 5, bytes: 2048 }, &at.key("data"), notes);
        }
        for key in crumb.keys().filter(|key| !KNOWN.contains(&key.as_str())).cloned().collect::<Vec<_>>() {
            let place = at.key(&key);
            if !notes.has(&place) {
                crumb.insert(key.clone(), notes.unknown(&place));
            }
        }
        None
    });
}
