//! Rules that a project writes itself, in Sentry's form: `{"rules": {id: {type, redaction}}, "applications": {selector: [ids]}}`.
//!
//! They are read and checked when a project saves them. A rule looks at whole values or at what is in text, and says what becomes
//! of it; its selector says where. What was redacted once is not looked at again, so scrubbing twice changes nothing more.
//! <https://docs.sentry.io/security-legal-pii/scrubbing/advanced-datascrubbing/>

mod chunks;
mod rule;
mod schema;
mod selector;
#[cfg(test)]
mod tests;
mod walk;

use serde_json::Value;

pub use self::walk::apply;
use self::{
    rule::{Book, Rule},
    selector::Selector,
};

/// The rules of a project, ready to be applied.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    applications: Vec<(Selector, Vec<Rule>)>,
}

impl Rules {
    /// Reads a configuration, or says in words what is wrong with it and where.
    pub fn parse(text: &str) -> Result<Rules, String> {
        if text.trim().is_empty() {
            return Ok(Rules::default());
        }
        let config: Value = serde_json::from_str(text).map_err(|error| format!("this is not JSON: {error}"))?;
        let Value::Object(config) = config else { return Err("expected an object with rules and applications".into()) };
        let book = Book::read(config.get("rules"))?;
        let applications = match config.get("applications") {
            None | Some(Value::Null) => return Ok(Rules::default()),
            Some(Value::Object(applications)) => applications,
            Some(_) => return Err("applications: expected an object of selectors".into()),
        };
        let mut rules = Rules::default();
        for (selector, ids) in applications {
            let of = |problem: String| format!("applications, {selector:?}: {problem}");
            let parsed = Selector::parse(selector).map_err(of)?;
            let Value::Array(ids) = ids else { return Err(of("expected a list of rules".into())) };
            let mut applied = Vec::new();
            for id in ids {
                let id = id.as_str().ok_or_else(|| of("a rule's name is text".into()))?;
                applied.extend(book.rules(id).map_err(of)?);
            }
            rules.applications.push((parsed, applied));
        }
        Ok(rules)
    }

    /// These and then others.
    #[must_use]
    pub fn and(mut self, others: Rules) -> Rules {
        self.applications.extend(others.applications);
        self
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.applications.is_empty()
    }
}
