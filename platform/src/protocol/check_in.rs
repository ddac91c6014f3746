//! Check-ins of periodic tasks as `curl` sends them: in the query of a GET or POST, or as JSON.

use serde_json::{Value, json};
use thiserror::Error;
use uuid::Uuid;

use super::json::Object;

/// Why a check-in cannot be read.
#[derive(Debug, Error)]
pub enum CheckInError {
    /// It must say how the task is doing.
    #[error("missing field `status`")]
    NoStatus,
    /// Its body is no JSON object.
    #[error("invalid JSON data: {0}")]
    Json(#[from] serde_json::Error),
}

const STATUSES: &[&str] = &["in_progress", "ok", "error", "missed", "timeout"];

/// The payload of a `check_in` item: what body and query say about the monitor that the path names.
pub fn payload(slug: &str, query: &str, body: &[u8]) -> Result<Object, CheckInError> {
    let mut check_in: Object = if body.is_empty() { Object::new() } else { serde_json::from_slice(body)? };
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| !name.starts_with("sentry_"));
    check_in.extend(pairs.map(|(name, value)| {
        let value = if name == "duration" { number(&value) } else { value.into_owned().into() };
        (name.into_owned(), value)
    }));
    let status = check_in.get("status").and_then(Value::as_str).ok_or(CheckInError::NoStatus)?;
    let status = if STATUSES.contains(&status) { status.to_owned() } else { "unknown".to_owned() };
    check_in.insert("status".into(), status.into());
    check_in.insert("monitor_slug".into(), slug.into());
    let id = check_in.get("check_in_id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    // The nil id stands for the check-in that is under way.
    check_in.insert("check_in_id".into(), id.unwrap_or_default().simple().to_string().into());
    Ok(check_in)
}

fn number(text: &str) -> Value {
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NIL: &str = "00000000000000000000000000000000";

    #[test]
    fn a_check_in_is_read_from_query_and_body() {
        let read = |query: &str, body: &str| payload("backup", query, body.as_bytes()).map(Value::from);
        assert_eq!(
            read("status=ok&duration=1.5&environment=eu&sentry_key=a", "").unwrap(),
            json!({"status": "ok", "duration": 1.5, "environment": "eu", "monitor_slug": "backup", "check_in_id": NIL})
        );
        let body = r#"{"status":"on fire","check_in_id":"9ec79c33-ec99-42ab-8353-589fcb2e04dc","monitor_config":{}}"#;
        let expected = json!({
            "status": "unknown", "check_in_id": "9ec79c33ec9942ab8353589fcb2e04dc", "monitor_config": {}, "monitor_slug": "backup",
        });
        assert_eq!(read("", body).unwrap(), expected);
        assert!(matches!(read("", ""), Err(CheckInError::NoStatus)));
        assert!(matches!(read("status=ok", "[1]"), Err(CheckInError::Json(_))));
    }
}
