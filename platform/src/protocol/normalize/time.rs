//! Times of an event: read from any form, written as seconds since 1970, and moved where the sender's clock is wrong.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{
    super::json::Object,
    Context,
    notes::{Notes, Path},
};

/// A clock that is wrong by less is a slow network.
const LEAST_DRIFT: TimeDelta = TimeDelta::minutes(55);
/// How far ahead an event may be.
const MOST_AHEAD: TimeDelta = TimeDelta::seconds(60);

/// Reads and corrects the event's times.
pub fn correct(event: &mut Object, context: &Context, notes: &mut Notes) {
    let root = Path::root();
    let received = context.received_at;
    let sent = read(event, "timestamp", &root, notes).filter(|at| at.timestamp() >= 0);
    read(event, "start_timestamp", &root, notes);
    event.insert("received".into(), seconds(received));
    let Some(mut at) = sent else {
        event.insert("timestamp".into(), seconds(received));
        return;
    };
    // Once is enough: a corrected event says so.
    let corrected =
        ["clock_drift", "future_timestamp", "past_timestamp"].iter().any(|kind| notes.has_error("timestamp", kind));
    let drift = context.sent_at.map(|sent| received - sent).filter(|drift| drift.abs() >= LEAST_DRIFT && !corrected);
    if let (Some(drift), Some(sent)) = (drift, context.sent_at) {
        note(notes, "clock_drift", sent, received);
        shift(event, drift);
        at += drift;
    }
    let wrong = if at > received + MOST_AHEAD {
        Some("future_timestamp")
    } else if at < received - context.retention {
        Some("past_timestamp")
    } else {
        None
    };
    if let Some(kind) = wrong {
        note(notes, kind, at, received);
        shift(event, received - at);
        event.insert("timestamp".into(), seconds(received));
    }
}

/// Reads a time and writes it as seconds.
pub fn read(object: &mut Object, name: &str, at: &Path<'_>, notes: &mut Notes) -> Option<DateTime<Utc>> {
    let value = object.get_mut(name).filter(|value| !value.is_null())?;
    if let Some(time) = parse(value) {
        *value = seconds(time);
        return Some(time);
    }
    *value = notes.invalid(&at.key(name), value.take(), "expected a timestamp");
    None
}

/// Why a time before 1970 is none.
pub fn too_stale(at: DateTime<Utc>) -> Option<String> {
    (at.timestamp() < 0).then(|| format!("timestamp is too stale: {at}"))
}

/// A time in any form that SDKs write.
pub fn parse(value: &Value) -> Option<DateTime<Utc>> {
    let time = match value {
        Value::Number(number) => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float to integer cast saturates, and chrono checks the range"
            )]
            let micros = (number.as_f64()? * 1e6).round() as i64;
            DateTime::from_timestamp_micros(micros)?
        }
        Value::String(text) => {
            let text = text.trim();
            let naive = || text.replacen(' ', "T", 1).parse::<NaiveDateTime>().map(|time| time.and_utc());
            DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).or_else(|_| naive()).ok()?
        }
        _ => return None,
    };
    Some(time).filter(|time| *time < DateTime::<Utc>::from_timestamp_nanos(i64::MAX) + TimeDelta::days(365 * 7_700))
}

fn seconds(at: DateTime<Utc>) -> Value {
    #[expect(clippy::cast_precision_loss, reason = "microseconds of the years to come fit a float's 53 bits")]
    let seconds = at.timestamp_micros() as f64 / 1e6;
    json!(seconds)
}

fn note(notes: &mut Notes, kind: &str, sdk: DateTime<Utc>, server: DateTime<Utc>) {
    let iso = |at: DateTime<Utc>| Value::String(at.to_rfc3339_opts(SecondsFormat::AutoSi, false));
    let data = Object::from_iter([("sdk_time".into(), iso(sdk)), ("server_time".into(), iso(server))]);
    notes.error(&Path::root().key("timestamp"), kind, &data, None);
}

fn shift(event: &mut Object, by: TimeDelta) {
    let moved = |object: &mut Object, name: &str| {
        if let Some(at) = object.get(name).and_then(parse) {
            object.insert(name.into(), seconds(at + by));
        }
    };
    moved(event, "timestamp");
    moved(event, "start_timestamp");
    for list in ["breadcrumbs", "spans"] {
        let items = match event.get_mut(list) {
            Some(Value::Array(items)) => Some(items),
            Some(Value::Object(object)) => object.get_mut("values").and_then(Value::as_array_mut),
            _ => None,
        };
        for item in items.into_iter().flatten().filter_map(Value::as_object_mut) {
            moved(item, "timestamp");
            moved(item, "start_timestamp");
        }
    }
}
