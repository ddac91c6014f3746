//! What a rule's page shows: its form, its preview, and what it told.

use std::borrow::Borrow;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{
    access::ProjectAccess,
    alerts::{
        Kept,
        delivery::State as Became,
        form::{self, Filled},
        preview::Preview,
        rules::{Wrong, action_sentence, term_sentence},
        store::Told,
        words::{Words as Say, words as say},
    },
    channels::{Channel, explain},
    ui::{Language, Page, When},
};

/// Minutes that a form offers.
pub(super) const INTERVALS: [i64; 9] = [0, 5, 10, 30, 60, 180, 720, 1_440, 10_080];
const MATCHES: [&str; 10] = ["eq", "ne", "sw", "nsw", "ew", "new", "co", "nc", "is", "ns"];

/// What a form holds; or, of a rule that says more, what that is.
pub(super) struct Draft {
    pub filled: Option<Filled>,
    pub sentences: Vec<String>,
    pub wrong: Vec<Wrong>,
}

impl Draft {
    pub fn value(&self, name: &str) -> &str {
        self.filled.as_ref().and_then(|filled| filled.get(name)).map_or("", String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.filled.as_ref().is_some_and(|filled| filled.contains_key(name))
    }

    pub fn problem(&self, name: &str) -> Option<&str> {
        self.wrong.iter().find(|(field, _)| field == name).map(|(_, why)| why.as_str())
    }

    pub fn tells(&self, channel: impl Borrow<i64>) -> bool {
        self.has(&format!("channel.{}", channel.borrow()))
    }

    pub fn is_minutes(&self, minutes: impl Borrow<i64>) -> bool {
        self.value("frequency") == minutes.borrow().to_string()
    }

    /// Minutes that the form does not offer and the rule has.
    pub fn other_minutes(&self) -> Option<i64> {
        self.value("frequency").parse().ok().filter(|minutes| !INTERVALS.contains(minutes))
    }
}

pub(super) struct Shown {
    pub summary: String,
    pub is_partial: bool,
    pub lines: Vec<(String, String, String, When)>,
}

pub(super) struct Line {
    pub id: Uuid,
    pub at: When,
    pub issue: Option<(String, String)>,
    pub news: &'static str,
    pub whom: String,
    pub state: &'static str,
    pub class: &'static str,
    pub why: Option<String>,
    pub said: String,
    pub is_over: bool,
}

/// The choices of an input of a term.
fn choices(input: &str) -> &'static [&'static str] {
    match input {
        "match" => &MATCHES,
        "level" => &["50", "40", "30", "20", "10"],
        "interval" => &["1m", "5m", "15m", "1h", "1d", "1w", "30d"],
        "comparison_type" => &["older", "newer"],
        "time" => &["minute", "hour", "day", "week"],
        "targetType" => &["Unassigned", "Member", "Team"],
        _ => &[],
    }
}

/// Levels are compared in fewer ways than texts.
pub fn choices_of(term: &form::Term, input: &str) -> &'static [&'static str] {
    if term.name == "level" && input == "match" { &["gte", "lte", "eq"] } else { choices(input) }
}

/// A rule as people read it: when and if, and whom it tells.
pub(super) fn sentences(kept: &Kept, channels: &[Channel], language: Language) -> (Vec<String>, Vec<String>) {
    let Ok(rule) = kept.rule() else { return (Vec::new(), Vec::new()) };
    let name = |id: i64| channels.iter().find(|channel| channel.id.0 == id).map(|channel| channel.name.clone());
    let when = rule.terms().map(|term| term_sentence(term, language)).collect();
    (when, rule.actions.iter().map(|action| action_sentence(action, language, name)).collect())
}

impl Line {
    pub fn new(told: Told, (language, issues): (Language, &str), (now, page): (DateTime<Utc>, &Page)) -> Line {
        let say = say(language);
        let kind = told.kind.as_deref().unwrap_or("mail");
        let class = match told.state {
            Became::Told | Became::ToldTogether => "good",
            Became::GivenUp => "bad",
            Became::Waiting => "",
        };
        let why = (!told.code.is_empty()).then(|| explain(kind, &told.code).of(language).to_owned());
        Line {
            id: told.id,
            at: When::new(told.created_at, now, page.phrases),
            issue: told.title.map(|title| (format!("{issues}{}/", told.issue), title)),
            news: say.news(told.news),
            whom: told.channel.or(told.email).unwrap_or_else(|| say.deleted.to_owned()),
            state: if told.is_paused && told.state == Became::Waiting { say.paused } else { say.state(told.state) },
            class,
            why,
            said: told.said,
            is_over: told.state != Became::Waiting,
        }
    }
}

impl Shown {
    pub fn new(
        preview: &Preview,
        (say, issues): (&Say, &str),
        (access, now, page): (&ProjectAccess, DateTime<Utc>, &Page),
    ) -> Shown {
        let line = |line: &crate::alerts::preview::Line| {
            let name = format!("{}-{}", access.project.slug.to_uppercase(), line.short_id);
            let title = format!("{name} {}", line.title);
            (
                format!("{issues}{}/", line.issue),
                title,
                (say.times)(line.times),
                When::new(line.last, now, page.phrases),
            )
        };
        Shown {
            summary: (say.would)(preview.times, preview.issues.len(), preview.events),
            is_partial: preview.is_partial,
            lines: preview.issues.iter().take(20).map(line).collect(),
        }
    }
}

pub(super) fn draft(json: &Map<String, Value>, kept: Option<&Kept>, language: Language) -> Draft {
    let filled = form::fill(json).map(|filled| {
        // What is not checked still has its usual values beside it.
        let mut all = form::of_new();
        all.retain(|name, _| name.contains('.'));
        all.extend(filled);
        all
    });
    let sentences = kept.filter(|_| filled.is_none()).map(|kept| sentences(kept, &[], language));
    Draft {
        filled,
        sentences: sentences.map(|(when, then)| [when, then].concat()).unwrap_or_default(),
        wrong: Vec::new(),
    }
}
