//! The terms of conditions and filters: each is true of an event, or not, or not known yet. Pure.

use std::ops::RangeInclusive;

use serde_json::Value;

use super::attributes;
use crate::{
    auth::UserId,
    protocol::{Level, json::Object, tags::Tag},
};

/// What is known of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    No,
    Yes,
    Unknown,
}

impl Truth {
    /// Both.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    /// One of them.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }

    /// The opposite.
    #[must_use]
    #[expect(clippy::should_implement_trait, reason = "it reads better in a chain than an operator")]
    pub fn not(self) -> Truth {
        match self {
            Truth::No => Truth::Yes,
            Truth::Yes => Truth::No,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }
}

/// How two texts are compared; letters' case does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    Equal,
    NotEqual,
    StartsWith,
    NotStartsWith,
    EndsWith,
    NotEndsWith,
    Contains,
    NotContains,
    IsSet,
    IsNotSet,
}

impl Match {
    /// By Sentry's letters.
    pub const ALL: [(Match, &'static str); 10] = [
        (Match::Equal, "eq"),
        (Match::NotEqual, "ne"),
        (Match::StartsWith, "sw"),
        (Match::NotStartsWith, "nsw"),
        (Match::EndsWith, "ew"),
        (Match::NotEndsWith, "new"),
        (Match::Contains, "co"),
        (Match::NotContains, "nc"),
        (Match::IsSet, "is"),
        (Match::IsNotSet, "ns"),
    ];

    fn parse(letters: &Value) -> Result<Match, String> {
        let letters = letters.as_str().unwrap_or("eq");
        let found = Match::ALL.iter().find(|(_, name)| *name == letters).map(|(found, _)| *found);
        found.ok_or_else(|| format!("There is no comparison {letters:?}: eq, ne, sw, ew, co, nc, is or ns."))
    }

    /// Of all values that something has: one of them fits, or for the negative ones none.
    fn holds(self, values: &[String], wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        let any = |fits: fn(&str, &str) -> bool| values.iter().any(|value| fits(&value.to_lowercase(), &wanted));
        match self {
            Match::Equal => any(|value, wanted| value == wanted),
            Match::NotEqual => !any(|value, wanted| value == wanted),
            Match::StartsWith => any(|value, wanted| value.starts_with(wanted)),
            Match::NotStartsWith => !any(|value, wanted| value.starts_with(wanted)),
            Match::EndsWith => any(|value, wanted| value.ends_with(wanted)),
            Match::NotEndsWith => !any(|value, wanted| value.ends_with(wanted)),
            Match::Contains => any(|value, wanted| value.contains(wanted)),
            Match::NotContains => !any(|value, wanted| value.contains(wanted)),
            Match::IsSet => values.iter().any(|value| !value.is_empty()),
            Match::IsNotSet => values.iter().all(String::is_empty),
        }
    }
}

/// How levels and ages are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    AtLeast,
    AtMost,
    Exactly,
}

/// Who an issue is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    Nobody,
    Member(UserId),
    Team(i64),
}

/// A condition or a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    EveryEvent,
    FirstSeen,
    Regression,
    Reappeared,
    /// More events than this in so many seconds.
    Events {
        more_than: i64,
        seconds: i64,
    },
    /// More users.
    Users {
        more_than: i64,
        seconds: i64,
    },
    Level {
        level: Level,
        order: Order,
    },
    Tag {
        key: String,
        how: Match,
        value: String,
    },
    Attribute {
        attribute: String,
        how: Match,
        value: String,
    },
    /// The issue was first seen so many seconds ago.
    Age {
        order: Order,
        seconds: i64,
    },
    /// It has happened so often at least.
    Occurrences {
        at_least: i64,
    },
    Assigned(Whom),
    LatestRelease,
}

const NUMBERS: RangeInclusive<i64> = 0..=10_000;

/// A number, as clients write it.
pub fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn seconds_of(interval: &str) -> Option<i64> {
    Some(match interval {
        "1m" => 60,
        "5m" => 300,
        "15m" => 900,
        "1h" => 3_600,
        "1d" => 86_400,
        "1w" => 604_800,
        "30d" => 2_592_000,
        _ => return None,
    })
}

impl Term {
    /// Reads one as Sentry's API writes it: by the last part of its id, since conditions and filters share what they say.
    pub fn read(json: &Value) -> Result<Term, String> {
        let id = json["id"].as_str().unwrap_or_default();
        let class = id.rsplit('.').next().unwrap_or_default();
        let name = class.strip_suffix("Condition").or_else(|| class.strip_suffix("Filter")).unwrap_or(class);
        let text = |field: &str| super::attributes::text(&json[field]).unwrap_or_default();
        match name {
            "EveryEvent" => Ok(Term::EveryEvent),
            "FirstSeenEvent" => Ok(Term::FirstSeen),
            "RegressionEvent" => Ok(Term::Regression),
            "ReappearedEvent" => Ok(Term::Reappeared),
            "EventFrequency" => window(json).map(|(more_than, seconds)| Term::Events { more_than, seconds }),
            "EventUniqueUserFrequency" => window(json).map(|(more_than, seconds)| Term::Users { more_than, seconds }),
            "Level" => {
                let number = number(&json["level"]).map_or_else(|| json["level"].clone(), Value::from);
                let level = Level::parse(&number).ok_or("level is 10, 20, 30, 40 or 50.")?;
                Ok(Term::Level { level, order: order(json["match"].as_str())? })
            }
            "TaggedEvent" => {
                let (key, how, value) = (text("key"), Match::parse(&json["match"])?, text("value"));
                if key.is_empty() { Err("key names a tag.".to_owned()) } else { Ok(Term::Tag { key, how, value }) }
            }
            "EventAttribute" => {
                let (attribute, how, value) = (text("attribute"), Match::parse(&json["match"])?, text("value"));
                let known = attributes::is_known(&attribute);
                let unknown = || format!("There is no attribute {attribute:?}: {}.", attributes::NAMES.join(", "));
                if known { Ok(Term::Attribute { attribute, how, value }) } else { Err(unknown()) }
            }
            "AgeComparison" => age(json),
            "IssueOccurrences" => {
                let at_least = number(&json["value"]).filter(|value| *value > 0).ok_or("value is a number above 0.")?;
                Ok(Term::Occurrences { at_least })
            }
            "AssignedTo" => assigned(json).map(Term::Assigned),
            "LatestRelease" => Ok(Term::LatestRelease),
            _ => Err(format!("There is no condition or filter {id:?}.")),
        }
    }

    /// Whether the event alone decides it.
    pub fn reads_events(&self) -> bool {
        matches!(self, Term::EveryEvent | Term::Level { .. } | Term::Tag { .. } | Term::Attribute { .. })
    }

    /// What the event alone says of it.
    pub fn of_event(&self, event: &Object, tags: &[Tag]) -> Truth {
        match self {
            Term::EveryEvent => Truth::Yes,
            Term::Level { level, order } => {
                let sent = event.get("level").and_then(Level::parse).unwrap_or(Level::Error);
                Truth::from(match order {
                    Order::AtLeast => sent >= *level,
                    Order::AtMost => sent <= *level,
                    Order::Exactly => sent == *level,
                })
            }
            Term::Tag { key, how, value } => {
                let values: Vec<String> =
                    tags.iter().filter(|tag| tag.key.eq_ignore_ascii_case(key)).map(|tag| tag.value.clone()).collect();
                Truth::from(how.holds(&values, value))
            }
            Term::Attribute { attribute, how, value } => {
                Truth::from(how.holds(&attributes::values(event, tags, attribute), value))
            }
            _ => Truth::Unknown,
        }
    }
}

fn window(json: &Value) -> Result<(i64, i64), String> {
    let more_than = number(&json["value"]).filter(|value| NUMBERS.contains(value));
    let more_than = more_than.ok_or_else(|| format!("value is a number up to {}.", NUMBERS.end()))?;
    let interval = json["interval"].as_str().unwrap_or_default();
    let seconds = seconds_of(interval).ok_or("interval is 1m, 5m, 15m, 1h, 1d, 1w or 30d.")?;
    Ok((more_than, seconds))
}

fn order(letters: Option<&str>) -> Result<Order, String> {
    match letters {
        Some("gte") => Ok(Order::AtLeast),
        Some("lte") => Ok(Order::AtMost),
        Some("eq") | None => Ok(Order::Exactly),
        Some(other) => Err(format!("There is no comparison {other:?}: eq, gte or lte.")),
    }
}

fn age(json: &Value) -> Result<Term, String> {
    let order = match json["comparison_type"].as_str() {
        Some("older") => Order::AtLeast,
        Some("newer") => Order::AtMost,
        _ => return Err("comparison_type is older or newer.".to_owned()),
    };
    let unit = match json["time"].as_str() {
        Some("minute") => 60,
        Some("hour") => 3_600,
        Some("day") => 86_400,
        Some("week") => 604_800,
        _ => return Err("time is minute, hour, day or week.".to_owned()),
    };
    let value = number(&json["value"]).filter(|value| NUMBERS.contains(value));
    let value = value.ok_or_else(|| format!("value is a number up to {}.", NUMBERS.end()))?;
    Ok(Term::Age { order, seconds: value * unit })
}

fn assigned(json: &Value) -> Result<Whom, String> {
    let id = || number(&json["targetIdentifier"]).ok_or("targetIdentifier is the number of a member or a team.");
    match json["targetType"].as_str() {
        Some("Unassigned") => Ok(Whom::Nobody),
        Some("Member") => Ok(Whom::Member(UserId(id()?))),
        Some("Team") => Ok(Whom::Team(id()?)),
        _ => Err("targetType is Unassigned, Member or Team.".to_owned()),
    }
}
