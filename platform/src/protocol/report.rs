//! What users write: a `user_report` about an event, or `feedback`, which is an event of its own kind.

use serde_json::Value;

use super::{
    EventId,
    json::{Object, cut, text},
};

/// Sentry's bounds.
const LONGEST_NAME: usize = 128;
const LONGEST_EMAIL: usize = 75;
const LONGEST_COMMENTS: usize = 4_096;
const LONGEST_URL: usize = 2_048;

/// What a user wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The event it is about.
    pub about: Option<EventId>,
    pub name: String,
    pub email: String,
    pub comments: String,
    pub url: Option<String>,
}

/// Reads a `user_report`; none where it is about nothing.
pub fn read_report(payload: &[u8]) -> Option<Report> {
    let report: Object = serde_json::from_slice(payload).ok()?;
    let about = report.get("event_id").and_then(Value::as_str).and_then(|id| id.parse().ok())?;
    Some(Report {
        about: Some(about),
        name: short(&report, &["name"], LONGEST_NAME),
        email: short(&report, &["email"], LONGEST_EMAIL),
        comments: short(&report, &["comments"], LONGEST_COMMENTS),
        url: None,
    })
}

/// Reads a `feedback`; none where it says nothing.
pub fn read(payload: &[u8]) -> Option<Report> {
    let event: Object = serde_json::from_slice(payload).ok()?;
    let feedback = event.get("contexts")?.get("feedback")?.as_object()?;
    let user = event.get("user").and_then(Value::as_object);
    let of_user = |names: &[&str], most: usize| user.map(|user| short(user, names, most)).unwrap_or_default();
    let or = |own: String, other: String| if own.is_empty() { other } else { own };
    let comments = short(feedback, &["message"], LONGEST_COMMENTS);
    if comments.is_empty() {
        return None;
    }
    let request_url = event.get("request").and_then(|request| request.get("url"));
    Some(Report {
        about: feedback.get("associated_event_id").and_then(Value::as_str).and_then(|id| id.parse().ok()),
        name: or(short(feedback, &["name"], LONGEST_NAME), of_user(&["name", "username"], LONGEST_NAME)),
        email: or(short(feedback, &["contact_email"], LONGEST_EMAIL), of_user(&["email"], LONGEST_EMAIL)),
        comments,
        url: text(feedback.get("url").or(request_url)).map(|url| cut(&url, LONGEST_URL)),
    })
}

fn short(object: &Object, names: &[&str], most: usize) -> String {
    let found = names.iter().find_map(|name| text(object.get(*name))).unwrap_or_default();
    cut(found.trim(), most)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

    #[test]
    fn a_report_is_about_an_event() {
        let report = json!({"event_id": ID, "name": null, "email": " a@b.c ", "comments": "x".repeat(5_000)});
        let read = read_report(report.to_string().as_bytes()).unwrap();
        assert_eq!((read.about, read.name.as_str(), read.email.as_str()), (ID.parse().ok(), "", "a@b.c"));
        assert_eq!(read.comments.len(), LONGEST_COMMENTS);
        for none in [json!({"comments": "oops"}), json!({"event_id": "oops"}), json!([])] {
            assert_eq!(read_report(none.to_string().as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn feedback_says_who_wrote_it_where_and_about_what() {
        let feedback = json!({
            "type": "feedback", "user": {"email": "grace@example.com", "username": "grace"},
            "contexts": {"feedback": {"message": "It is slow", "url": "https://shop.example/", "associated_event_id": ID}},
        });
        let expected = Report {
            about: ID.parse().ok(),
            name: "grace".into(),
            email: "grace@example.com".into(),
            comments: "It is slow".into(),
            url: Some("https://shop.example/".into()),
        };
        assert_eq!(read(feedback.to_string().as_bytes()), Some(expected));
        assert_eq!(read(br#"{"contexts": {"feedback": {"message": ""}}}"#), None);
        assert_eq!(read(br#"{"contexts": {}}"#), None);
    }
}
