//! What a person says of an error they ran into: the fields of a report, checked as Sentry checks them.
//!
//! Errors are answered by field, in Sentry's words: <https://docs.sentry.io/api/projects/submit-user-feedback/>.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    EventId,
    json::{Object, text},
};

const MOST_NAME: usize = 128;
const MOST_EMAIL: usize = 75;
const REQUIRED: &str = "This field is required.";

/// What is wrong, by the field's name.
pub type FieldErrors = BTreeMap<&'static str, Vec<String>>;

/// What a person said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who it was.
    pub name: String,
    /// Where an answer would reach them.
    pub email: String,
    /// What they saw.
    pub comments: String,
}

/// What a person said of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The event, which may not have arrived yet.
    pub event: EventId,
    /// What they said.
    pub said: Said,
}

impl Said {
    /// Reads and checks the fields.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(fields: &Object) -> Result<Said, FieldErrors> {
        let field = |name: &str| text(fields.get(name)).unwrap_or_default().trim().to_owned();
        let said = Said { name: field("name"), email: field("email"), comments: field("comments") };
        let wrong = [
            ("name", missing(&said.name).or_else(|| too_long(&said.name, MOST_NAME))),
            (
                "email",
                missing(&said.email).or_else(|| too_long(&said.email, MOST_EMAIL)).or_else(|| no_email(&said.email)),
            ),
            ("comments", missing(&said.comments)),
        ];
        let errors: FieldErrors = wrong.into_iter().filter_map(|(name, error)| Some((name, vec![error?]))).collect();
        if errors.is_empty() { Ok(said) } else { Err(errors) }
    }
}

impl Report {
    /// Reads and checks a report that names its event among its fields.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(fields: &Object) -> Result<Report, FieldErrors> {
        let named = text(fields.get("event_id")).ok_or_else(|| REQUIRED.to_owned());
        let event = named.and_then(|id| id.parse().map_err(|_| "Enter a valid event ID.".to_owned()));
        match (event, Said::read(fields)) {
            (Ok(event), Ok(said)) => Ok(Report { event, said }),
            (Ok(_), Err(errors)) => Err(errors),
            (Err(error), said) => {
                let mut errors = said.err().unwrap_or_default();
                errors.insert("event_id", vec![error]);
                Err(errors)
            }
        }
    }

    /// The payload of a `user_report` item, as an SDK would send it.
    pub fn payload(&self) -> Value {
        let Said { name, email, comments } = &self.said;
        json!({ "event_id": self.event.to_string(), "name": name, "email": email, "comments": comments })
    }
}

/// The fields of a form, as a browser sends it.
pub fn form(body: &[u8]) -> Object {
    form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}

fn missing(value: &str) -> Option<String> {
    value.is_empty().then(|| REQUIRED.to_owned())
}

fn too_long(value: &str, most: usize) -> Option<String> {
    (value.chars().count() > most).then(|| format!("Ensure this field has no more than {most} characters."))
}

/// Whether mail to it arrives, only mail can show; this finds what was put into the wrong field.
fn no_email(value: &str) -> Option<String> {
    let is_domain = |domain: &str| domain.split('.').count() > 1 && domain.split('.').all(|label| !label.is_empty());
    let parts = value.rsplit_once('@');
    let is_email = parts.is_some_and(|(person, domain)| !person.is_empty() && is_domain(domain));
    (!is_email || value.contains(char::is_whitespace)).then(|| "Enter a valid email address.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

    fn fields(value: Value) -> Object {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_report_is_what_sdks_send_as_user_report() {
        let sent =
            json!({"event_id": ID, "name": "Grace", "email": "grace@example.com", "comments": "it <b>broke</b>"});
        assert_eq!(Report::read(&fields(sent.clone())).unwrap().payload(), sent);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let errors = Report::read(&Object::new()).unwrap_err();
        assert_eq!(errors.keys().copied().collect::<Vec<_>>(), ["comments", "email", "event_id", "name"]);
        assert!(errors.values().all(|error| error == &[REQUIRED]));
    }

    #[test]
    fn a_field_is_told_what_is_wrong_with_it() {
        let cases = [
            (json!({"name": "n".repeat(129)}), "name", "Ensure this field has no more than 128 characters."),
            (json!({"email": "e".repeat(76)}), "email", "Ensure this field has no more than 75 characters."),
            (json!({"email": "grace"}), "email", "Enter a valid email address."),
            (json!({"email": "@example.com"}), "email", "Enter a valid email address."),
            (json!({"email": "grace@example"}), "email", "Enter a valid email address."),
            (json!({"email": "grace hopper@example.com"}), "email", "Enter a valid email address."),
            (json!({"comments": " \n"}), "comments", REQUIRED),
            (json!({"comments": ["no", "text"]}), "comments", REQUIRED),
            (json!({"event_id": "of yesterday"}), "event_id", "Enter a valid event ID."),
        ];
        for (change, field, expected) in cases {
            let mut sent =
                fields(json!({"event_id": ID, "name": "名字", "email": "a.b+c@mail.example.com", "comments": "!"}));
            sent.extend(fields(change.clone()));
            let errors = Report::read(&sent).unwrap_err();
            assert_eq!(errors, FieldErrors::from([(field, vec![expected.to_owned()])]), "{change}");
        }
    }

    #[test]
    fn a_form_is_read_like_json() {
        assert_eq!(form(b"name=Grace+H.&comments=%3Cb%3E"), fields(json!({"name": "Grace H.", "comments": "<b>"})));
    }
}
