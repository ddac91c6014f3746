//! What was sent to a project and what became of it, a line per category.

use crate::{
    outcomes::{Fate, Total},
    projects::words::Words,
};

/// A category's line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sentry's word.
    category: String,
    pub name: String,
    pub accepted: i64,
    pub filtered: i64,
    pub limited: i64,
    pub invalid: i64,
    pub not_sent: i64,
    /// Why, and how often; the most first.
    pub reasons: Vec<(String, i64)>,
}

/// The lines of totals that are sorted by category.
pub fn of(totals: Vec<Total>, words: &Words) -> Vec<Usage> {
    let mut lines: Vec<Usage> = Vec::new();
    for total in totals {
        if lines.last().is_none_or(|line| line.category != total.category) {
            let name = (words.category_name)(&total.category).to_owned();
            lines.push(Usage { category: total.category.clone(), name, ..Usage::default() });
        }
        if let Some(line) = lines.last_mut() {
            line.add(total);
        }
    }
    lines
}

impl Usage {
    fn add(&mut self, total: Total) {
        let sum = match total.fate {
            fate if fate == Fate::Accepted as i16 => &mut self.accepted,
            fate if fate == Fate::Filtered as i16 => &mut self.filtered,
            fate if fate == Fate::RateLimited as i16 => &mut self.limited,
            fate if fate == Fate::ClientDiscard as i16 => &mut self.not_sent,
            // What threatens the installation cannot be used either.
            _ => &mut self.invalid,
        };
        *sum += total.quantity;
        if !total.reason.is_empty() {
            self.reasons.push((total.reason, total.quantity));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Language;

    #[test]
    fn each_category_has_a_line_that_says_why() {
        let total = |category: &str, fate: Fate, reason: &str, quantity| Total {
            category: category.into(),
            fate: fate as i16,
            reason: reason.into(),
            quantity,
        };
        let lines = of(
            vec![
                total("error", Fate::Accepted, "", 7),
                total("error", Fate::Filtered, "localhost", 3),
                total("error", Fate::Abuse, "too_many", 1),
                total("session", Fate::ClientDiscard, "ratelimit_backoff", 2),
            ],
            Words::of(Language::English),
        );
        let (errors, sessions) = (&lines[0], &lines[1]);
        assert_eq!((errors.name.as_str(), errors.accepted, errors.filtered, errors.invalid), ("Errors", 7, 3, 1));
        assert_eq!(errors.reasons, [("localhost".to_owned(), 3), ("too_many".to_owned(), 1)]);
        assert_eq!((sessions.name.as_str(), sessions.not_sent, lines.len()), ("Sessions", 2, 2));
    }
}
