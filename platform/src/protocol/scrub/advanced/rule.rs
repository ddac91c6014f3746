//! What a rule looks for and what becomes of it, read from a project's configuration or known by a name such as `@ip:hash`.

use std::collections::HashMap;

use regex_lite::{Regex, RegexBuilder};
use serde_json::Value;

use super::{
    super::{FILTERED, patterns::Pattern},
    chunks::Redaction,
};

/// How many names of rules may lead to one another.
const DEEPEST: usize = 8;
/// Most memory that a pattern may take.
const MOST_PATTERN: usize = 1 << 18;
const SECRETS: &str = r"(?i)(password|secret|passwd|api_key|apikey|auth|credentials|mysql_pwd|privatekey|private_key|token|bearer)|^(otp|two[-_]factor)$";
const COMMON: [&str; 10] =
    ["@bearer", "@creditcard", "@iban", "@ip", "@email", "@userpath", "@pemkey", "@password", "@usssn", "@urlauth"];
const COMMON_FILTER: [&str; 7] = [
    "@creditcard:filter",
    "@iban:filter",
    "@pemkey:filter",
    "@urlauth:legacy",
    "@password:filter",
    "@usssn:filter",
    "@bearer:filter",
];

/// A rule as it is applied.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What remarks call it.
    pub id: String,
    pub target: Target,
    pub redaction: Redaction,
}

/// What a rule is about.
#[derive(Clone, Debug)]
pub enum Target {
    /// Every value.
    Anything,
    /// Values whose name or text matches.
    Pair(Regex),
    /// A part of text; the groups of the pattern, or all of it.
    Text(Regex, Vec<usize>),
    /// A part of text by its shape.
    Shape(Pattern),
}

/// The rules a project has given names to.
#[derive(Default)]
pub struct Book {
    rules: HashMap<String, Entry>,
}

#[derive(Clone)]
enum Entry {
    One(Rule),
    /// Stands for others, perhaps in its own name.
    Others {
        ids: Vec<String>,
        hidden: Option<String>,
    },
}

impl Book {
    /// Reads the `rules` of a configuration.
    pub fn read(rules: Option<&Value>) -> Result<Book, String> {
        let mut book = Book::default();
        match rules {
            None | Some(Value::Null) => {}
            Some(Value::Object(rules)) => {
                for (id, rule) in rules {
                    let entry = entry(id, rule).map_err(|problem| format!("rules, {id:?}: {problem}"))?;
                    book.rules.insert(id.clone(), entry);
                }
            }
            Some(_) => return Err("rules: expected an object of rules".into()),
        }
        Ok(book)
    }

    /// The rules a name stands for.
    pub fn rules(&self, id: &str) -> Result<Vec<Rule>, String> {
        self.follow(id, DEEPEST)
    }

    fn follow(&self, id: &str, depth: usize) -> Result<Vec<Rule>, String> {
        if depth == 0 {
            return Err(format!("the rule {id:?} leads back to itself"));
        }
        let entry = self.rules.get(id).cloned().or_else(|| built_in(id));
        match entry.ok_or_else(|| format!("there is no rule {id:?}"))? {
            Entry::One(rule) => Ok(vec![rule]),
            Entry::Others { ids, hidden } => {
                let mut found = Vec::new();
                for id in ids {
                    found.extend(self.follow(&id, depth - 1)?);
                }
                if let Some(name) = hidden {
                    for rule in &mut found {
                        name.clone_into(&mut rule.id);
                    }
                }
                Ok(found)
            }
        }
    }
}

fn entry(id: &str, rule: &Value) -> Result<Entry, String> {
    let text = |name: &str| rule.get(name).and_then(Value::as_str);
    let kind = text("type").ok_or("it has no type")?;
    let hidden = rule.get("hideInner").and_then(Value::as_bool).unwrap_or(false).then(|| id.to_owned());
    let target = match kind {
        "multiple" => {
            let ids = rule.get("rules").and_then(Value::as_array).ok_or("multiple needs a list of rules")?;
            let ids = ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect();
            return Ok(Entry::Others { ids, hidden });
        }
        "alias" => {
            let other = text("rule").ok_or("alias needs a rule")?.to_owned();
            return Ok(Entry::Others { ids: vec![other], hidden });
        }
        "pattern" => {
            let groups = rule.get("replaceGroups").and_then(Value::as_array).into_iter().flatten();
            let groups = groups.filter_map(|group| usize::try_from(group.as_u64()?).ok()).collect();
            Target::Text(regex(text("pattern").ok_or("pattern needs a pattern")?)?, groups)
        }
        "redact_pair" | "redactPair" => {
            Target::Pair(regex(text("keyPattern").ok_or("redact_pair needs a keyPattern")?)?)
        }
        _ => target(kind).ok_or_else(|| format!("{kind:?} is no type of rule"))?,
    };
    let redaction = match rule.get("redaction") {
        None | Some(Value::Null) => Redaction::Default,
        Some(redaction) => {
            let method = redaction.get("method").and_then(Value::as_str).ok_or("redaction has no method")?;
            let with = redaction.get("text").and_then(Value::as_str).unwrap_or(FILTERED);
            Redaction::named(method, with).ok_or_else(|| format!("{method:?} is no method of redaction"))?
        }
    };
    Ok(Entry::One(Rule { id: id.to_owned(), target, redaction }))
}

fn regex(pattern: &str) -> Result<Regex, String> {
    let built = RegexBuilder::new(pattern).size_limit(MOST_PATTERN).build();
    built.map_err(|error| format!("the pattern {pattern:?} cannot be read: {error}"))
}

/// What the types without settings of their own look for.
fn target(kind: &str) -> Option<Target> {
    Some(match kind {
        "anything" => Target::Anything,
        "password" => Target::Pair(regex(SECRETS).expect("the pattern is a constant, and a test reads it")),
        _ => Target::Shape(match kind {
            "imei" => Pattern::Imei,
            "mac" => Pattern::Mac,
            "uuid" => Pattern::Uuid,
            "email" => Pattern::Email,
            "ip" => Pattern::Ip,
            "creditcard" => Pattern::CreditCard,
            "iban" => Pattern::Iban,
            "userpath" => Pattern::UserPath,
            "pemkey" => Pattern::PemKey,
            "url_auth" | "urlauth" => Pattern::UrlUser,
            "us_ssn" | "usssn" => Pattern::SocialSecurity,
            "bearer" => Pattern::Bearer,
            "cookies" => Pattern::CookieValue,
            _ => return None,
        }),
    })
}

/// `@email`, `@email:mask` … that every project has.
fn built_in(id: &str) -> Option<Entry> {
    let others = |ids: &[&str]| Entry::Others { ids: ids.iter().map(|id| (*id).to_owned()).collect(), hidden: None };
    let (name, method) = id.strip_prefix('@')?.split_once(':').unwrap_or((&id[1..], ""));
    let word = match name {
        "common" if method.is_empty() => return Some(others(&COMMON)),
        "common" if method == "filter" => return Some(others(&COMMON_FILTER)),
        "usssn" => "[us-ssn]".to_owned(),
        "urlauth" => "[auth]".to_owned(),
        "userpath" => "[user]".to_owned(),
        "bearer" => "Bearer [token]".to_owned(),
        "anything" => FILTERED.to_owned(),
        _ => format!("[{name}]"),
    };
    let usual = match name {
        "mac" | "uuid" | "usssn" => "mask",
        "password" => "remove",
        _ => "replace",
    };
    let target = match (name, method) {
        ("urlauth", "legacy") => Target::Shape(Pattern::UrlPassword),
        _ => target(name)?,
    };
    let redaction = match method {
        "" => Redaction::named(usual, &word)?,
        "filter" | "legacy" => Redaction::Replace(FILTERED.into()),
        _ => Redaction::named(method, &word)?,
    };
    Some(Entry::One(Rule { id: id.to_owned(), target, redaction }))
}
