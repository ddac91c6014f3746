//! Fingerprint rules: `conditions -> parts`, optionally with `title="…"`. The first that matches decides.
//!
//! Conditions on frames must hold for one and the same frame, those on exceptions for one and the same exception.

use super::super::{family::Family, frames::Frames};
use super::{
    super::super::{
        event::{Event, Exception},
        stacktrace::Frame,
    },
    RuleError,
    cursor::Cursor,
    matcher::{Language, Matcher, Seen, Subject},
};

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    matchers: Vec<Matcher>,
    /// The fingerprint, variables not filled in.
    pub parts: Vec<String>,
    /// What its issues are called.
    pub title: Option<String>,
    /// The rule as it was written.
    pub text: String,
}

/// Reads the rules of a text.
pub fn parse(text: &str) -> Result<Vec<Rule>, RuleError> {
    Cursor::lines(text).map(|mut cursor| Rule::parse(&mut cursor)).collect()
}

/// The first rule that matches.
pub fn find<'a>(rules: &'a [Rule], event: &Event, traces: &[(Option<&Exception>, Frames<'_>)]) -> Option<&'a Rule> {
    rules.iter().find(|rule| rule.matches(event, traces))
}

impl Rule {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Rule, RuleError> {
        let mut rule =
            Rule { matchers: Vec::new(), parts: Vec::new(), title: None, text: cursor.rest().trim_end().to_owned() };
        while !cursor.takes("->") {
            if cursor.is_done() {
                return Err(cursor.error("expected -> and a fingerprint"));
            }
            rule.matchers.push(Matcher::parse(cursor, Language::Fingerprint)?);
        }
        if rule.matchers.is_empty() {
            return Err(cursor.error("expected a condition, key:pattern"));
        }
        while !cursor.is_done() {
            if cursor.takes("title=") {
                rule.title = Some(cursor.value(&[])?);
            } else if cursor.takes("{{") {
                let name = cursor.word(&['}']).to_owned();
                if name.is_empty() || !cursor.takes("}}") {
                    return Err(cursor.error("expected a variable, {{ name }}"));
                }
                rule.parts.push(format!("{{{{ {name} }}}}"));
            } else if !cursor.takes(",") {
                rule.parts.push(cursor.value(&[','])?);
            }
        }
        if rule.parts.is_empty() {
            return Err(cursor.error("expected a fingerprint after ->"));
        }
        Ok(rule)
    }

    fn matches(&self, event: &Event, traces: &[(Option<&Exception>, Frames<'_>)]) -> bool {
        let of = |subject: Subject| self.matchers.iter().filter(move |matcher| matcher.subject() == subject);
        let event_matches = of(Subject::Event).all(|matcher| matcher.matches_event(event));
        let exception_matches = of(Subject::Exception).next().is_none()
            || event
                .exceptions
                .iter()
                .any(|exception| of(Subject::Exception).all(|m| m.matches_exception(Some(exception))));
        let frame_matches = |seen: Seen<'_>| of(Subject::Frame).all(|matcher| matcher.matches_frame(seen));
        // Without any frame, the event's platform still tells its family.
        let none = Frame::default();
        let seen = Seen { frame: &none, family: Family::of(&none, &event.platform), in_app: false, category: None };
        event_matches
            && exception_matches
            && (of(Subject::Frame).next().is_none()
                || traces.iter().any(|(_, frames)| frames.seen().any(frame_matches))
                || (traces.is_empty() && frame_matches(seen)))
    }
}
