//! A rule: when (conditions), if (filters), then (actions), at most once in a while for each issue.
//!
//! It is kept as Sentry's API writes it and read into types here. Purely: what is wrong with a rule is said of its field.

mod attributes;
mod sentences;
mod terms;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::RuleId;
use crate::{
    auth::UserId,
    channels::{self, ChannelId},
    projects::ProjectId,
    protocol::{json::Object, tags::Tag},
};
pub use attributes::text;
pub use sentences::{action as action_sentence, term as term_sentence};
pub use terms::{Order, Term, Truth, Whom};

/// Minutes between two messages of a rule about one issue, as Sentry bounds them; 0 tells of every event.
const LONGEST_FREQUENCY: i64 = 43_200;
/// What Sentry has where nobody says.
const USUAL_FREQUENCY: i64 = 30;
/// Terms of a rule: each is a bit.
const MOST_TERMS: usize = 60;
const LONGEST_NAME: usize = 256;

/// How several terms are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    All,
    Any,
    None,
}

impl Quantifier {
    fn parse(value: &Value, default: Quantifier) -> Option<Quantifier> {
        match value.as_str() {
            Some("all") => Some(Quantifier::All),
            Some("any" | "any-short") => Some(Quantifier::Any),
            Some("none") => Some(Quantifier::None),
            None if value.is_null() => Some(default),
            _ => None,
        }
    }

    /// Of terms of which some are not known yet.
    fn of(self, terms: impl Iterator<Item = Truth>) -> Truth {
        let (mut some, mut all) = (Truth::No, Truth::Yes);
        for term in terms {
            some = some.or(term);
            all = all.and(term);
        }
        match self {
            Quantifier::All => all,
            Quantifier::Any => some,
            Quantifier::None => some.not(),
        }
    }
}

/// Where a rule's messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Mails to members and every channel of the project: Sentry's "all legacy integrations".
    Everything,
    /// Mails to the members who want them.
    Members,
    /// Mails to one of them.
    Member(UserId),
    Channel(ChannelId),
    /// Every channel of a kind.
    Kind(String),
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: RuleId,
    pub project: ProjectId,
    pub name: String,
    pub conditions: Vec<Term>,
    pub condition_match: Quantifier,
    pub filters: Vec<Term>,
    pub filter_match: Quantifier,
    pub actions: Vec<Action>,
    pub environment: Option<String>,
    /// Minutes.
    pub frequency: i64,
    pub muted_until: Option<DateTime<Utc>>,
}

/// What is wrong with a field of a rule.
pub type Wrong = (String, String);

impl Rule {
    /// Reads one as Sentry's API writes it.
    pub fn read(id: RuleId, project: ProjectId, json: &Map<String, Value>) -> Result<Rule, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let mut note = |field: &str, why: String| wrong.push((field.to_owned(), why));
        let name = json.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        if name.is_empty() || name.chars().count() > LONGEST_NAME {
            note("name", format!("A rule has a name of at most {LONGEST_NAME} characters."));
        }
        let quantifier = |field: &str, default| Quantifier::parse(json.get(field).unwrap_or(&Value::Null), default);
        let condition_match = quantifier("actionMatch", Quantifier::All);
        let filter_match = quantifier("filterMatch", Quantifier::All);
        for (field, found) in [("actionMatch", condition_match), ("filterMatch", filter_match)] {
            if found.is_none() {
                note(field, "This is all, any or none.".to_owned());
            }
        }
        let frequency = match json.get("frequency") {
            None | Some(Value::Null) => Some(USUAL_FREQUENCY),
            Some(value) => terms::number(value).filter(|minutes| (0..=LONGEST_FREQUENCY).contains(minutes)),
        };
        if frequency.is_none() {
            note("frequency", format!("Minutes between 0 and {LONGEST_FREQUENCY}."));
        }
        let (conditions, filters) = (list(json, "conditions", Term::read), list(json, "filters", Term::read));
        let actions = list(json, "actions", Action::read);
        let environment = json.get("environment").and_then(Value::as_str).map(str::trim);
        let environment = environment.filter(|name| !name.is_empty()).map(str::to_owned);
        if let (Ok(conditions), Ok(filters)) = (&conditions, &filters) {
            if conditions.is_empty() {
                note("conditions", "A rule without a condition never fires: say when it does.".to_owned());
            }
            if conditions.len() + filters.len() > MOST_TERMS {
                note("conditions", format!("A rule has at most {MOST_TERMS} conditions and filters."));
            }
        }
        match (conditions, filters, actions, condition_match, filter_match, frequency) {
            (Ok(conditions), Ok(filters), Ok(actions), Some(condition_match), Some(filter_match), Some(frequency))
                if wrong.is_empty() =>
            {
                Ok(Rule {
                    id,
                    project,
                    name,
                    conditions,
                    condition_match,
                    filters,
                    filter_match,
                    actions,
                    environment,
                    frequency,
                    muted_until: None,
                })
            }
            (conditions, filters, actions, ..) => {
                wrong.extend([conditions.err(), filters.err(), actions.err()].into_iter().flatten());
                Err(wrong)
            }
        }
    }

    /// The rule that a project has from the start. What it tells of are turns an issue takes: each is told.
    pub fn usual() -> Map<String, Value> {
        let condition = |id: &str| json!({"id": format!("sentry.rules.conditions.{id}")});
        let usual = json!({
            "name": "Send a mail for new issues and regressions", "actionMatch": "any", "filterMatch": "all", "frequency": 0,
            "conditions": [
                condition("first_seen_event.FirstSeenEventCondition"), condition("regression_event.RegressionEventCondition"),
                condition("reappeared_event.ReappearedEventCondition"),
            ],
            "filters": [],
            "actions": [{"id": "sentry.mail.actions.NotifyEmailAction", "targetType": "IssueOwners", "fallthroughType": "AllMembers"}],
        });
        usual.as_object().cloned().unwrap_or_default()
    }

    /// All its terms: conditions first.
    pub fn terms(&self) -> impl Iterator<Item = &Term> {
        self.conditions.iter().chain(&self.filters)
    }

    /// Whether the event alone decides some of it.
    pub fn reads_events(&self) -> bool {
        self.terms().any(Term::reads_events)
    }

    /// Which of its terms hold of an event, a bit each; those that the event alone does not decide are left out.
    pub fn read_event(&self, event: &Object, tags: &[Tag]) -> u64 {
        let holds = |(at, term): (usize, &Term)| u64::from(term.of_event(event, tags) == Truth::Yes) << at;
        self.terms().enumerate().map(holds).fold(0, |bits, bit| bits | bit)
    }

    /// Whether it is met, by what is known of its terms.
    pub fn judge(&self, known: impl Fn(usize, &Term) -> Truth) -> Truth {
        let truths: Vec<Truth> = self.terms().enumerate().map(|(at, term)| known(at, term)).collect();
        let (conditions, filters) = truths.split_at(self.conditions.len());
        if conditions.is_empty() {
            return Truth::No;
        }
        let when = self.condition_match.of(conditions.iter().copied());
        let whether = if filters.is_empty() { Truth::Yes } else { self.filter_match.of(filters.iter().copied()) };
        when.and(whether)
    }

    /// Whether nobody is to hear of it now.
    pub fn is_muted(&self, now: DateTime<Utc>) -> bool {
        self.muted_until.is_some_and(|until| until > now)
    }

    /// How long it is silent about an issue after it told of it.
    pub fn interval(&self) -> TimeDelta {
        TimeDelta::minutes(self.frequency)
    }
}

fn list<T>(
    json: &Map<String, Value>,
    field: &str,
    read: impl Fn(&Value) -> Result<T, String>,
) -> Result<Vec<T>, Wrong> {
    let entries = match json.get(field) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err((field.to_owned(), "This is a list.".to_owned())),
    };
    entries.iter().map(read).collect::<Result<_, _>>().map_err(|why| (field.to_owned(), why))
}

impl Action {
    /// Reads one as Sentry's API writes it.
    pub fn read(json: &Value) -> Result<Action, String> {
        let id = json["id"].as_str().unwrap_or_default();
        let class = id.rsplit('.').next().unwrap_or_default();
        match class {
            "NotifyEventAction" => Ok(Action::Everything),
            "NotifyEmailAction" => match json["targetType"].as_str().unwrap_or("IssueOwners") {
                "IssueOwners" | "AllMembers" => Ok(Action::Members),
                "Member" => {
                    let member = terms::number(&json["targetIdentifier"]);
                    member
                        .map(|id| Action::Member(UserId(id)))
                        .ok_or_else(|| "targetIdentifier is a member's number.".to_owned())
                }
                other => Err(format!("Mails go to IssueOwners, AllMembers or a Member, not to {other:?}.")),
            },
            "NotifyEventServiceAction" => match json["service"].as_str().unwrap_or_default() {
                "mail" => Ok(Action::Members),
                service => {
                    let kind = kind_of_plugin(service);
                    let known = channels::kind(kind).is_some();
                    known
                        .then(|| Action::Kind(kind.to_owned()))
                        .ok_or_else(|| format!("There is no service {service:?}."))
                }
            },
            "NotifyChannelAction" => {
                let channel = terms::number(&json["channel"]);
                channel
                    .map(|id| Action::Channel(ChannelId(id)))
                    .ok_or_else(|| "channel is a channel's number.".to_owned())
            }
            _ => Err(format!("There is no action {id:?}.")),
        }
    }
}

/// What the plugins of Sentry 9 call what we call a kind of channel.
fn kind_of_plugin(service: &str) -> &str {
    match service {
        "dingding" | "DingDing" => "dingtalk",
        "webhooks" => "webhook",
        other => other,
    }
}

#[cfg(test)]
mod tests;
