//! Transactions and spans, as far as to know that they are some: <https://develop.sentry.dev/sdk/telemetry/traces/>.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{
    event,
    json::{self, Object},
    normalize::time,
};

/// Reads whether a transaction has what it must have: the reason where it has not, as outcomes name it.
pub fn check_transaction(payload: &[u8]) -> Result<(), &'static str> {
    let transaction = event::object(payload).map_err(|_| "invalid_json")?;
    let is_valid = || {
        let (start, end) = period(&transaction, "timestamp")?;
        let trace = transaction.get("contexts")?.get("trace")?.as_object()?;
        let has_ids = is_id(trace, "trace_id", 32) && is_id(trace, "span_id", 16);
        let spans = match transaction.get("spans") {
            None | Some(Value::Null) => &[][..],
            Some(spans) => spans.as_array()?,
        };
        // A span that never ended ends with its transaction.
        let ends = |span: &Value| span.as_object().is_some_and(|span| is_span(span, Some(end)));
        (has_ids && start <= end && spans.iter().filter(|span| !span.is_null()).all(ends)).then_some(())
    };
    is_valid().ok_or("invalid_transaction")
}

/// How many of the spans in an item are none; the item says how many it holds.
pub fn count_wrong_spans(headers: &Object, payload: &[u8]) -> u64 {
    let claimed = headers.get("item_count").and_then(Value::as_u64);
    let Ok(Value::Object(item)) = json::parse(payload) else { return claimed.unwrap_or(1).max(1) };
    let Some(items) = item.get("items").and_then(Value::as_array) else {
        return u64::from(!is_span(&item, None)) * claimed.unwrap_or(1).max(1);
    };
    let length = items.len() as u64;
    match claimed {
        Some(claimed) if claimed != length => claimed.max(1),
        _ => items.iter().filter(|span| !span.as_object().is_some_and(is_contained)).count() as u64,
    }
}

/// A span of a transaction, or one alone in its item.
fn is_span(span: &Object, usual_end: Option<DateTime<Utc>>) -> bool {
    let start = at(span, "start_timestamp");
    let end = at(span, "timestamp").or(usual_end.filter(|_| span.get("timestamp").is_none_or(Value::is_null)));
    let in_order = start.zip(end).is_some_and(|(start, end)| start <= end);
    in_order && is_id(span, "span_id", 16) && is_id(span, "trace_id", 32)
}

/// A span of a container.
fn is_contained(span: &Object) -> bool {
    let is_text = |name: &str| span.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let in_order = period(span, "end_timestamp").is_some_and(|(start, end)| start <= end);
    in_order && is_id(span, "span_id", 16) && is_id(span, "trace_id", 32) && is_text("name") && is_text("status")
}

fn period(object: &Object, end: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    at(object, "start_timestamp").zip(at(object, end))
}

/// A time that can be: none is before 1970.
fn at(object: &Object, name: &str) -> Option<DateTime<Utc>> {
    time::parse(object.get(name)?).filter(|at| *at >= DateTime::UNIX_EPOCH)
}

fn is_id(object: &Object, name: &str, digits: usize) -> bool {
    let id = object.get(name).and_then(Value::as_str).unwrap_or_default();
    let id = if digits == 32 { id.replace('-', "") } else { id.to_owned() };
    id.len() == digits && id.bytes().all(|byte| byte.is_ascii_hexdigit()) && id.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TRACE: &str = "4c79f60c11214eb38604f4ae0781bfb2";
    const SPAN: &str = "fa90fdead5f74052";

    fn transaction() -> Value {
        json!({
            "type": "transaction", "transaction": "/cart", "start_timestamp": 1_700_000_000.5, "timestamp": "2023-11-14T22:13:21Z",
            "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN}},
            "spans": [
                {"trace_id": TRACE, "span_id": SPAN, "start_timestamp": 1_700_000_000.6, "timestamp": 1_700_000_000.7},
                {"trace_id": TRACE, "span_id": SPAN, "start_timestamp": 1_700_000_000.6},
            ],
        })
    }

    fn check(change: impl FnOnce(&mut Value)) -> Result<(), &'static str> {
        let mut transaction = transaction();
        change(&mut transaction);
        check_transaction(transaction.to_string().as_bytes())
    }

    #[test]
    fn a_transaction_has_a_beginning_an_end_and_a_trace() {
        assert_eq!(check(|_| ()), Ok(()));
        assert_eq!(check(|of| of["spans"] = Value::Null), Ok(()));
        assert_eq!(check_transaction(b"oops"), Err("invalid_json"));
        let wrong: [fn(&mut Value); 9] = [
            |of| of["timestamp"] = Value::Null,
            |of| of["start_timestamp"] = 1_700_000_009.into(),
            |of| of["start_timestamp"] = (-5).into(),
            |of| of["contexts"] = json!({}),
            |of| of["contexts"]["trace"]["span_id"] = "0000000000000000".into(),
            |of| of["contexts"]["trace"]["trace_id"] = "oops".into(),
            |of| of["spans"][1]["start_timestamp"] = 1_700_000_009.into(),
            |of| of["spans"][0]["span_id"] = Value::Null,
            |of| of["spans"] = "oops".into(),
        ];
        for (number, change) in wrong.into_iter().enumerate() {
            assert_eq!(check(change), Err("invalid_transaction"), "{number}");
        }
    }

    #[test]
    fn spans_of_a_container_are_counted_one_by_one() {
        let span = json!({
            "trace_id": TRACE, "span_id": SPAN, "name": "GET /", "status": "ok", "start_timestamp": 1, "end_timestamp": 2,
        });
        let count = |claimed: Option<u64>, items: &Value| {
            let headers: Object = claimed.map(|count| ("item_count".to_owned(), count.into())).into_iter().collect();
            count_wrong_spans(&headers, items.to_string().as_bytes())
        };
        let backwards = json!({
            "trace_id": TRACE, "span_id": SPAN, "name": "a", "status": "ok", "start_timestamp": 2, "end_timestamp": 1,
        });
        assert_eq!(count(Some(2), &json!({"items": [span, span]})), 0);
        assert_eq!(count(Some(3), &json!({"items": [span, {}, backwards]})), 2);
        assert_eq!(count(Some(5), &json!({"items": [span]})), 5, "it is not what it says");
        assert_eq!((count(Some(5), &json!({})), count(None, &json!([]))), (5, 1));
        let alone = json!({"trace_id": TRACE, "span_id": SPAN, "start_timestamp": 1, "timestamp": 2});
        assert_eq!((count(None, &alone), count(None, &span)), (0, 1));
    }
}
