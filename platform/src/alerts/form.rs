//! A rule as a form: a box for each thing it may ask, with what belongs to it. Pure.
//!
//! A form has one box for most terms and two for tags and attributes. A rule that says more than that is shown in sentences,
//! and changed over the API.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What a form holds, by the names of its inputs.
pub type Filled = BTreeMap<String, String>;

/// A box: its name in the form, the class of its term, and the inputs beside it with what they hold at first.
pub struct Term {
    pub name: &'static str,
    /// What follows `sentry.rules.`.
    pub id: &'static str,
    pub inputs: &'static [(&'static str, &'static str)],
}

const WINDOW: &[(&str, &str)] = &[("value", "100"), ("interval", "1h")];

/// When a rule is met.
pub const CONDITIONS: &[Term] = &[
    Term { name: "first_seen", id: "conditions.first_seen_event.FirstSeenEventCondition", inputs: &[] },
    Term { name: "regression", id: "conditions.regression_event.RegressionEventCondition", inputs: &[] },
    Term { name: "reappeared", id: "conditions.reappeared_event.ReappearedEventCondition", inputs: &[] },
    Term { name: "every", id: "conditions.every_event.EveryEventCondition", inputs: &[] },
    Term { name: "events", id: "conditions.event_frequency.EventFrequencyCondition", inputs: WINDOW },
    Term { name: "users", id: "conditions.event_frequency.EventUniqueUserFrequencyCondition", inputs: WINDOW },
];

const TAG: &[(&str, &str)] = &[("key", ""), ("match", "eq"), ("value", "")];
const ATTRIBUTE: &[(&str, &str)] = &[("attribute", "message"), ("match", "co"), ("value", "")];

/// And if.
pub const FILTERS: &[Term] = &[
    Term { name: "level", id: "filters.level.LevelFilter", inputs: &[("match", "gte"), ("level", "40")] },
    Term { name: "tag", id: "filters.tagged_event.TaggedEventFilter", inputs: TAG },
    Term { name: "tag2", id: "filters.tagged_event.TaggedEventFilter", inputs: TAG },
    Term { name: "attribute", id: "filters.event_attribute.EventAttributeFilter", inputs: ATTRIBUTE },
    Term { name: "attribute2", id: "filters.event_attribute.EventAttributeFilter", inputs: ATTRIBUTE },
    Term {
        name: "age",
        id: "filters.age_comparison.AgeComparisonFilter",
        inputs: &[("comparison_type", "older"), ("value", "1"), ("time", "hour")],
    },
    Term { name: "occurrences", id: "filters.issue_occurrences.IssueOccurrencesFilter", inputs: &[("value", "10")] },
    Term {
        name: "assigned",
        id: "filters.assigned_to.AssignedToFilter",
        inputs: &[("targetType", "Unassigned"), ("targetIdentifier", "")],
    },
    Term { name: "latest", id: "filters.latest_release.LatestReleaseFilter", inputs: &[] },
];

/// What stands in the form as it is, by the API's name.
const PLAIN: [(&str, &str); 5] =
    [("name", ""), ("actionMatch", "any"), ("filterMatch", "all"), ("frequency", "30"), ("environment", "")];

const MEMBERS: &str = "sentry.mail.actions.NotifyEmailAction";
const EVERYTHING: &str = "sentry.rules.actions.notify_event.NotifyEventAction";
const CHANNEL: &str = "picket.actions.NotifyChannelAction";

/// The rule that a form asks for.
pub fn read(filled: &Filled) -> Map<String, Value> {
    let text = |name: &str| filled.get(name).map_or("", |value| value.trim());
    let mut rule = Map::new();
    for (name, usual) in PLAIN {
        let value = filled.get(name).map_or(usual, |value| value.trim());
        rule.insert(name.to_owned(), json!(value));
    }
    if text("environment").is_empty() {
        rule.insert("environment".to_owned(), Value::Null);
    }
    for (list, terms) in [("conditions", CONDITIONS), ("filters", FILTERS)] {
        let asked = terms.iter().filter(|term| filled.contains_key(term.name));
        rule.insert(list.to_owned(), asked.map(|term| term.read(filled)).collect());
    }
    let mut actions = Vec::new();
    if filled.contains_key("everything") {
        actions.push(json!({"id": EVERYTHING}));
    }
    if filled.contains_key("members") {
        actions.push(json!({"id": MEMBERS, "targetType": "IssueOwners", "fallthroughType": "AllMembers"}));
    }
    let channels = filled.keys().filter_map(|name| name.strip_prefix("channel."));
    actions.extend(channels.map(|channel| json!({"id": CHANNEL, "channel": channel})));
    rule.insert("actions".to_owned(), json!(actions));
    rule
}

impl Term {
    fn read(&self, filled: &Filled) -> Value {
        let mut term = json!({"id": format!("sentry.rules.{}", self.id)});
        for (input, _) in self.inputs {
            term[*input] = json!(filled.get(&self.input(input)).map_or("", |value| value.trim()));
        }
        term
    }

    /// The name of one of its inputs.
    pub fn input(&self, input: &str) -> String {
        format!("{}.{input}", self.name)
    }

    fn class(&self) -> &str {
        class(self.id)
    }
}

fn class(id: &str) -> &str {
    let name = id.rsplit('.').next().unwrap_or_default();
    name.strip_suffix("Condition").or_else(|| name.strip_suffix("Filter")).unwrap_or(name)
}

/// The form of a rule; none where the rule says more than a form.
pub fn fill(rule: &Map<String, Value>) -> Option<Filled> {
    let mut filled = Filled::new();
    for (name, usual) in PLAIN {
        let usual = if name == "actionMatch" { "all" } else { usual };
        let value = rule.get(name).filter(|value| !value.is_null());
        filled.insert(name.to_owned(), value.and_then(text).unwrap_or_else(|| usual.to_owned()));
    }
    for (list, terms) in [("conditions", CONDITIONS), ("filters", FILTERS)] {
        for sent in rule.get(list).and_then(Value::as_array).into_iter().flatten() {
            let wanted = class(sent["id"].as_str().unwrap_or_default());
            let term = terms.iter().find(|term| term.class() == wanted && !filled.contains_key(term.name))?;
            filled.insert(term.name.to_owned(), "1".to_owned());
            for (input, usual) in term.inputs {
                filled.insert(term.input(input), text(&sent[*input]).unwrap_or_else(|| (*usual).to_owned()));
            }
        }
    }
    for action in rule.get("actions").and_then(Value::as_array).into_iter().flatten() {
        let name = match class(action["id"].as_str().unwrap_or_default()) {
            "NotifyEventAction" => "everything".to_owned(),
            "NotifyEmailAction" if action["targetType"] != "Member" => "members".to_owned(),
            "NotifyChannelAction" => format!("channel.{}", text(&action["channel"])?),
            _ => return None,
        };
        filled.insert(name, "1".to_owned());
    }
    Some(filled)
}

fn text(value: &Value) -> Option<String> {
    super::rules::text(value)
}

/// What a new rule's form holds.
pub fn of_new() -> Filled {
    let checked = ["first_seen", "regression", "reappeared", "members"].map(|name| (name, "1"));
    let plain = PLAIN.into_iter().chain(checked);
    let inputs = CONDITIONS.iter().chain(FILTERS).flat_map(|term| {
        term.inputs.iter().map(|(input, usual)| (term.input(input), (*usual).to_owned())).collect::<Vec<_>>()
    });
    plain.map(|(name, value)| (name.to_owned(), value.to_owned())).chain(inputs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        alerts::{RuleId, rules::Rule},
        projects::ProjectId,
    };

    fn understood(json: &Map<String, Value>) -> Rule {
        Rule::read(RuleId(1), ProjectId(7), json).unwrap()
    }

    #[test]
    fn every_box_of_a_form_is_a_term_and_comes_back() {
        let mut filled = of_new();
        filled.insert("name".into(), "All of it".into());
        for term in CONDITIONS.iter().chain(FILTERS) {
            filled.insert(term.name.into(), "1".into());
        }
        filled.extend(
            [("tag.key", "region"), ("tag2.key", "plan"), ("channel.7", "1")]
                .map(|(name, value)| (name.into(), value.into())),
        );
        let json = read(&filled);
        let rule = understood(&json);
        assert_eq!(
            (rule.conditions.len(), rule.filters.len(), rule.actions.len()),
            (CONDITIONS.len(), FILTERS.len(), 2)
        );
        assert_eq!(fill(&json).unwrap(), filled);
    }

    #[test]
    fn the_usual_rule_fits_its_form_and_one_that_says_more_does_not() {
        let usual = Rule::usual();
        assert_eq!(understood(&read(&fill(&usual).unwrap())).conditions, understood(&usual).conditions);
        let mut more = usual.clone();
        let condition = more["conditions"][0].clone();
        more.insert("conditions".into(), json!([condition, condition]));
        assert_eq!(fill(&more), None);
    }
}
