//! Why an event is in its group, for the API and for the event's page: computed from the stored event and the project's rules.
//!
//! Field names and shapes of the JSON are those of Sentry's `grouping-info`: a variant, and in it a tree of components.

use serde_json::{Value, json};

use super::store::{self, Stored};
use crate::{
    app::App,
    projects::store::details,
    protocol::{
        event::Event,
        fingerprint::Fingerprint,
        grouping::{Explained, Explanation, Part, Source, Variant, explain},
    },
    ui::Phrases,
    web::Error,
};

/// What is known of why.
pub(super) struct Why {
    explanation: Explanation,
    /// The project's stack trace rules, as they are written.
    stack_rules: String,
    /// The event came to its issue by another version or other rules.
    is_other: bool,
}

impl Why {
    /// Asks for the project's rules, and applies them.
    pub async fn read(app: &App, stored: &Stored, event: &Event) -> Result<Why, Error> {
        let settings = details(&app.db, stored.project_id).await?.ok_or(Error::NotFound)?.settings;
        let explanation = explain(event, &settings.grouping.rules(), settings.grouping.version);
        let now = explanation.variants.iter().find_map(|variant| variant.fingerprint).map(|found| found.short());
        let is_other = store::hash(&app.db, stored).await? != now;
        Ok(Why { explanation, stack_rules: settings.grouping.stack_rules, is_other })
    }

    /// As Sentry gives it: variants by their names.
    pub fn json(&self) -> Value {
        Value::Object(self.explanation.variants.iter().map(|variant| self.variant(variant)).collect())
    }

    fn variant(&self, variant: &Explained) -> (String, Value) {
        let Explanation { source, custom, stack_rules, version, .. } = &self.explanation;
        let (key, name) = key(variant.variant);
        let is_custom = !custom.is_empty() && variant.fingerprint.is_some();
        let kind = match variant.variant {
            Variant::Custom => "custom-fingerprint",
            _ if is_custom => "salted-component",
            _ => "component",
        };
        let hint = (!variant.why.words().is_empty()).then(|| variant.why.words());
        let parts = components(&variant.parts);
        let mut shown = json!({
            "key": key,
            "type": kind,
            "description": variant.variant.name(),
            "hash": variant.fingerprint.map(written),
            "hashMismatch": self.is_other && variant.fingerprint.is_some(),
            "contributes": variant.fingerprint.is_some(),
            "hint": hint,
            "component": component(key, name, variant.fingerprint.is_some(), hint, &parts),
            "config": {"id": version.id(), "enhancements": self.stack_rules, "matchedEnhancements": stack_rules},
        });
        if is_custom {
            shown["values"] = json!(custom);
            shown["matched_rule"] = match source {
                Source::Rule(rule) => json!(rule),
                _ => Value::Null,
            };
        }
        (key.to_owned(), shown)
    }

    /// As the event's page shows it.
    pub fn view(&self, phrases: &Phrases) -> View {
        let Explanation { version, source, custom, stack_rules, variants, .. } = &self.explanation;
        let part = |part: &Part| PartView {
            is_inner: part.depth > 0,
            what: (phrases.grouping_part)(part.what),
            text: super::sections::shortened(&part.text),
            counts: part.counts,
            why: (phrases.grouping_why)(part.why),
        };
        let variant = |variant: &Explained| VariantView {
            name: (phrases.grouping_variant)(variant.variant),
            group: variant.fingerprint.map(written),
            why: (phrases.grouping_why)(variant.why),
            parts: variant.parts.iter().map(part).collect(),
        };
        View {
            version: version.id(),
            rule: if let Source::Rule(rule) = source { Some(rule.clone()) } else { None },
            custom: custom.clone(),
            stack_rules: stack_rules.clone(),
            variants: variants.iter().map(variant).collect(),
            is_other: self.is_other,
        }
    }
}

/// The section of a page.
pub(super) struct View {
    pub version: &'static str,
    pub rule: Option<String>,
    pub custom: Vec<String>,
    pub stack_rules: Vec<String>,
    pub variants: Vec<VariantView>,
    pub is_other: bool,
}

/// One way to look at the event.
pub(super) struct VariantView {
    pub name: &'static str,
    pub group: Option<String>,
    pub why: &'static str,
    pub parts: Vec<PartView>,
}

/// One thing that was looked at.
pub(super) struct PartView {
    pub is_inner: bool,
    pub what: &'static str,
    pub text: String,
    pub counts: bool,
    pub why: &'static str,
}

fn written(fingerprint: Fingerprint) -> String {
    uuid::Uuid::from_bytes(fingerprint.0).simple().to_string()
}

/// Sentry's key of a variant, and what it calls it.
fn key(variant: Variant) -> (&'static str, &'static str) {
    match variant {
        Variant::Custom => ("custom-fingerprint", "custom fingerprint"),
        Variant::App => ("app", "in-app"),
        Variant::System => ("system", "system"),
        Variant::Report | Variant::Value | Variant::Template | Variant::Message | Variant::Nothing => {
            ("default", "default")
        }
    }
}

fn component(id: &str, name: &str, contributes: bool, hint: Option<&str>, values: &[Value]) -> Value {
    json!({"id": id, "name": name, "contributes": contributes, "hint": hint, "values": values})
}

/// Parts as a tree: exceptions hold their stack traces, these their frames.
fn components(parts: &[Part]) -> Vec<Value> {
    let mut chains: Vec<&[Part]> = Vec::new();
    let mut start = 0;
    for at in 1..parts.len() {
        let begins = |part: &Part| matches!(part.what, "ns-error" | "type");
        if begins(&parts[at]) && parts[at - 1].what != "ns-error" {
            chains.push(&parts[start..at]);
            start = at;
        }
    }
    chains.push(&parts[start..]);
    let of_exceptions = parts.iter().any(|part| part.what == "type");
    let counts = |parts: &[Part]| parts.iter().any(|part| part.counts);
    let exceptions: Vec<Value> = chains
        .iter()
        .filter(|_| of_exceptions)
        .map(|chain| component("exception", "exception", counts(chain), None, &with_stacktrace(chain)))
        .collect();
    match exceptions.len() {
        0 => with_stacktrace(parts),
        1 => exceptions,
        _ => vec![component("chained-exception", "chained exception", counts(parts), None, &exceptions)],
    }
}

fn with_stacktrace(parts: &[Part]) -> Vec<Value> {
    let shown = |part: &Part| {
        let hint = Some(part.why.words()).filter(|words| !words.is_empty());
        component(part.what, part.what, part.counts, hint, &[json!(part.text)])
    };
    let (frames, others): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.what == "frame");
    let stacktrace = (!frames.is_empty()).then(|| {
        let counts = frames.iter().any(|frame| frame.counts);
        component("stacktrace", "stack-trace", counts, None, &frames.into_iter().map(shown).collect::<Vec<_>>())
    });
    stacktrace.into_iter().chain(others.into_iter().map(shown)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::grouping::{Version, rules::Rules};

    #[test]
    fn a_chain_of_exceptions_is_a_tree() {
        let frame = r#"{"module": "shop.cart", "function": "total", "in_app": true}"#;
        let sent = format!(
            r#"{{"exception": [{{"type": "KeyError", "value": "a"}}, {{"type": "Failed", "stacktrace": {{"frames": [{frame}]}}}}]}}"#
        );
        let event = Event::parse(sent.as_bytes()).unwrap();
        let explanation = explain(&event, &Rules::default(), Version::NEWEST);
        let json = Why { explanation, stack_rules: String::new(), is_other: false }.json();
        insta::assert_snapshot!(serde_json::to_string_pretty(&json["app"]["component"]).unwrap());
        assert_eq!((&json["app"]["contributes"], &json["system"]["contributes"]), (&json!(true), &json!(false)));
    }
}
