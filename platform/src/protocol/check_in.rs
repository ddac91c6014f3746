//! Check-ins of periodic tasks: as `curl` sends them, in the query of a GET or POST or as JSON, and as SDKs do.

use serde_json::{Value, json};
use thiserror::Error;
use uuid::Uuid;

use super::{
    json::{Object, text},
    schedule::Config,
};

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
const LONGEST_SLUG: usize = 50;
const LONGEST_ENVIRONMENT: usize = 64;
/// The environment of a check-in that names none.
const USUAL_ENVIRONMENT: &str = "production";
/// A year, in milliseconds.
const LONGEST_DURATION: f64 = 3.2e10;

/// How a task does. The numbers are those in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[repr(i16)]
pub enum Status {
    InProgress = 0,
    Ok = 1,
    Error = 2,
    /// Only we say so: it did not begin.
    Missed = 3,
    /// Only we say so: it did not end.
    Timeout = 4,
    /// A word we do not know.
    Unknown = 5,
}

impl Status {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Status::InProgress => "in_progress",
            Status::Ok => "ok",
            Status::Error => "error",
            Status::Missed => "missed",
            Status::Timeout => "timeout",
            Status::Unknown => "unknown",
        }
    }

    /// As a task may say it; that it was missed or timed out is ours to say.
    fn parse(word: &str) -> Status {
        match word {
            "in_progress" => Status::InProgress,
            "ok" => Status::Ok,
            "error" => Status::Error,
            _ => Status::Unknown,
        }
    }
}

/// A check-in, read.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckIn {
    /// None stands for the one that is under way, or a new one.
    pub id: Option<Uuid>,
    pub slug: String,
    pub status: Status,
    pub environment: String,
    /// In milliseconds.
    pub duration: Option<i64>,
    /// How the monitor is to be configured from now on.
    pub config: Option<Config>,
}

/// Reads the payload of a `check_in` item; none where it names no monitor or an environment that cannot be.
pub fn read(payload: &[u8]) -> Option<CheckIn> {
    let check_in: Object = serde_json::from_slice(payload).ok()?;
    let slug = cut_to(text(check_in.get("monitor_slug"))?.trim(), LONGEST_SLUG);
    let environment = text(check_in.get("environment")).unwrap_or_else(|| USUAL_ENVIRONMENT.into());
    if slug.is_empty() || environment.chars().count() > LONGEST_ENVIRONMENT {
        return None;
    }
    let id = check_in.get("check_in_id").and_then(Value::as_str).and_then(|id| id.parse::<Uuid>().ok());
    Some(CheckIn {
        id: id.filter(|id| !id.is_nil()),
        slug,
        status: check_in.get("status").and_then(Value::as_str).map_or(Status::Unknown, Status::parse),
        environment,
        duration: check_in.get("duration").and_then(Value::as_f64).and_then(milliseconds),
        config: check_in.get("monitor_config").and_then(Value::as_object).and_then(Config::read),
    })
}

fn cut_to(slug: &str, most: usize) -> String {
    slug.chars().take(most).collect()
}

#[expect(clippy::cast_possible_truncation, reason = "what is out of range was left out before")]
fn milliseconds(seconds: f64) -> Option<i64> {
    let milliseconds = (seconds * 1e3).round();
    (0.0..LONGEST_DURATION).contains(&milliseconds).then_some(milliseconds as i64)
}

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
    #[test]
    fn what_a_check_in_says_is_read_and_nonsense_is_left_out() {
        let read = |check_in: Value| read(check_in.to_string().as_bytes());
        let plain = read(json!({"monitor_slug": "backup", "status": "ok", "check_in_id": NIL})).unwrap();
        let expected = CheckIn {
            id: None,
            slug: "backup".into(),
            status: Status::Ok,
            environment: "production".into(),
            duration: None,
            config: None,
        };
        assert_eq!(plain, expected);
        let long = json!({
            "monitor_slug": "b".repeat(60), "status": "on fire", "environment": "eu", "duration": 1.5,
            "check_in_id": "9ec79c33ec9942ab8353589fcb2e04dc",
            "monitor_config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}},
        });
        let long = read(long).unwrap();
        assert_eq!((long.slug.len(), long.status, long.duration), (50, Status::Unknown, Some(1_500)));
        assert!(long.id.is_some() && long.config.is_some());
        assert_eq!(read(json!({"monitor_slug": "a", "status": "ok", "duration": 1e300})).unwrap().duration, None);
        for none in [json!({"status": "ok"}), json!({"monitor_slug": " "}), json!([])] {
            assert_eq!(read(none.clone()), None, "{none}");
        }
        assert_eq!(read(json!({"monitor_slug": "a", "environment": "e".repeat(65)})), None);
    }
}
