//! Stack trace rules: which frames are the application's and which count.
//!
//! `[caller] | conditions | [callee] actions`. `+app` and `-app` say whose a frame is, `+group` and `-group` whether it counts;
//! with `^` before it an action is for all frames towards the crash, with `v` for all away from it. `max-frames=3`,
//! `min-frames=2`, `invert-stacktrace=1` and `category=io` are variables. Rules apply in order; the last word stands.

use super::super::{Why, family::Family};
use super::{
    super::super::{event::Exception, stacktrace::Frame},
    RuleError,
    cursor::Cursor,
    matcher::{Language, Matcher, Seen, Subject},
};

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    caller: Vec<Matcher>,
    here: Vec<Matcher>,
    callee: Vec<Matcher>,
    actions: Vec<Action>,
    /// The rule as it was written.
    pub text: String,
}

#[derive(Clone, Debug)]
enum Action {
    Mark { flag: Flag, on: bool, range: Range },
    MaxFrames(usize),
    MinFrames(usize),
    Invert(bool),
    Category(String),
}

#[derive(Clone, Copy, Debug)]
enum Flag {
    App,
    Group,
}

#[derive(Clone, Copy, Debug)]
enum Range {
    Here,
    TowardsCrash,
    AwayFromCrash,
}

/// What is thought of a frame.
#[derive(Clone, Debug)]
pub struct Mark {
    pub family: Family,
    pub in_app: bool,
    pub counts: bool,
    /// Why it is in the application or not, and counts or not.
    pub why: Why,
    pub category: Option<String>,
}

/// What rules say of a stack trace as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub max_frames: Option<usize>,
    pub min_frames: usize,
    pub inverted: bool,
}

/// Reads the rules of a text.
pub fn parse(text: &str) -> Result<Vec<Rule>, RuleError> {
    Cursor::lines(text).map(|mut cursor| Rule::parse(&mut cursor)).collect()
}

impl Rule {
    fn parse(cursor: &mut Cursor<'_>) -> Result<Rule, RuleError> {
        let text = cursor.rest().trim_end().to_owned();
        let mut rule = Rule { caller: Vec::new(), here: Vec::new(), callee: Vec::new(), actions: Vec::new(), text };
        if cursor.takes("[") {
            rule.caller = sibling(cursor)?;
            if !cursor.takes("|") {
                return Err(cursor.error("expected | after the caller"));
            }
        }
        while !cursor.is_done() {
            if cursor.takes("|") {
                if !cursor.takes("[") {
                    return Err(cursor.error("expected [ before the callee"));
                }
                rule.callee = sibling(cursor)?;
            } else if let Some(action) = Action::parse(cursor)? {
                rule.actions.push(action);
            } else if rule.actions.is_empty() && rule.callee.is_empty() {
                rule.here.push(Matcher::parse(cursor, Language::Stack)?);
            } else {
                return Err(cursor.error("expected an action, such as -app or +group"));
            }
        }
        match (rule.here.is_empty(), rule.actions.is_empty()) {
            (true, _) => Err(cursor.error("expected a condition, key:pattern")),
            (_, true) => Err(cursor.error("expected an action, such as -app or +group")),
            _ => Ok(rule),
        }
    }

    /// Applies the rule to the frames of a stack trace, outermost first, and says whether it matched any.
    pub fn apply(
        &self,
        frames: &[Frame],
        exception: Option<&Exception>,
        marks: &mut [Mark],
        limits: &mut Limits,
    ) -> bool {
        let conditions = || self.here.iter().chain(&self.caller).chain(&self.callee);
        if !conditions().filter(|m| m.subject() == Subject::Exception).all(|m| m.matches_exception(exception)) {
            return false;
        }
        let mut matched = false;
        for at in 0..frames.len() {
            let outer = at.checked_sub(1);
            let inner = Some(at + 1).filter(|at| *at < frames.len());
            let all = all_match(&self.here, frames, marks, Some(at))
                && all_match(&self.caller, frames, marks, outer)
                && all_match(&self.callee, frames, marks, inner);
            if all {
                self.actions.iter().for_each(|action| action.apply(at, marks, limits));
                matched = true;
            }
        }
        matched
    }
}

fn all_match(matchers: &[Matcher], frames: &[Frame], marks: &[Mark], at: Option<usize>) -> bool {
    let Some(at) = at else { return matchers.is_empty() };
    let mark = &marks[at];
    let seen =
        Seen { frame: &frames[at], family: mark.family, in_app: mark.in_app, category: mark.category.as_deref() };
    matchers.iter().filter(|matcher| matcher.subject() == Subject::Frame).all(|matcher| matcher.matches_frame(seen))
}

fn sibling(cursor: &mut Cursor<'_>) -> Result<Vec<Matcher>, RuleError> {
    let mut matchers = Vec::new();
    while !cursor.takes("]") {
        if cursor.is_done() {
            return Err(cursor.error("expected ]"));
        }
        matchers.push(Matcher::parse(cursor, Language::Stack)?);
    }
    Ok(matchers)
}

impl Action {
    /// Reads an action, if one comes next.
    fn parse(cursor: &mut Cursor<'_>) -> Result<Option<Action>, RuleError> {
        let rest = cursor.rest();
        let word = rest.split_whitespace().next().unwrap_or_default();
        let (range, sign) = match word.strip_prefix('^') {
            Some(sign) => (Range::TowardsCrash, sign),
            None => match word.strip_prefix('v').filter(|sign| sign.starts_with(['+', '-'])) {
                Some(sign) => (Range::AwayFromCrash, sign),
                None => (Range::Here, word),
            },
        };
        let action = if sign.starts_with(['+', '-']) {
            let flag = match &sign[1..] {
                "app" => Flag::App,
                "group" => Flag::Group,
                _ => return Err(cursor.error(format!("unknown action {word:?}"))),
            };
            Action::Mark { flag, on: sign.starts_with('+'), range }
        } else {
            let Some((name, value)) = word.split_once('=').filter(|(name, _)| !name.contains([':', '"'])) else {
                return Ok(None);
            };
            Action::variable(name, value).ok_or_else(|| cursor.error(format!("unknown variable or value {word:?}")))?
        };
        cursor.takes(word);
        Ok(Some(action))
    }

    fn variable(name: &str, value: &str) -> Option<Action> {
        Some(match name {
            "max-frames" => Action::MaxFrames(value.parse().ok()?),
            "min-frames" => Action::MinFrames(value.parse().ok()?),
            "invert-stacktrace" => Action::Invert(matches!(value, "1" | "yes" | "true")),
            "category" => Action::Category(value.to_owned()),
            _ => return None,
        })
    }

    fn apply(&self, at: usize, marks: &mut [Mark], limits: &mut Limits) {
        match self {
            Action::Mark { flag, on, range } => {
                let range = match range {
                    Range::Here => at..at + 1,
                    Range::TowardsCrash => at + 1..marks.len(),
                    Range::AwayFromCrash => 0..at,
                };
                for mark in &mut marks[range] {
                    mark.why = Why::StackRule;
                    match flag {
                        Flag::App => mark.in_app = *on,
                        Flag::Group => mark.counts = *on,
                    }
                }
            }
            Action::MaxFrames(most) => limits.max_frames = Some(*most).filter(|most| *most > 0),
            Action::MinFrames(least) => limits.min_frames = *least,
            Action::Invert(inverted) => limits.inverted = *inverted,
            Action::Category(name) => marks[at].category = Some(name.clone()),
        }
    }
}
