//! Times and numbers as people read them.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::phrases::{Phrases, Unit};

/// A moment: how long ago, and exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// `5 min ago`
    pub ago: String,
    /// `2026-03-01 12:34:56 UTC`
    pub exact: String,
    /// For the `datetime` attribute.
    pub iso: String,
}

impl When {
    /// A moment as seen now.
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>, phrases: &Phrases) -> When {
        When {
            ago: ago(now - at, phrases),
            exact: at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
            iso: at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }
}

fn ago(passed: TimeDelta, phrases: &Phrases) -> String {
    let (minutes, days) = (passed.num_minutes(), passed.num_days());
    match (minutes, days) {
        // A sender's clock may run ahead of ours.
        (..1, _) => phrases.just_now.to_owned(),
        (1..60, _) => (phrases.ago)(minutes, Unit::Minute),
        (_, ..1) => (phrases.ago)(passed.num_hours(), Unit::Hour),
        (_, 1..60) => (phrases.ago)(days, Unit::Day),
        (_, 60..730) => (phrases.ago)(days / 30, Unit::Month),
        _ => (phrases.ago)(days / 365, Unit::Year),
    }
}

/// `999`, `1.2k`, `34k`, `5.6m`: short enough for a column.
pub fn count(number: i64) -> String {
    let scaled = |unit: i64, suffix: &str| {
        let tenths = number / (unit / 10);
        if tenths < 100 && tenths % 10 != 0 {
            format!("{}.{}{suffix}", tenths / 10, tenths % 10)
        } else {
            format!("{}{suffix}", tenths / 10)
        }
    };
    match number {
        ..1_000 => number.to_string(),
        1_000..1_000_000 => scaled(1_000, "k"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "m"),
        _ => scaled(1_000_000_000, "b"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::Language;

    #[test]
    fn counts_stay_short() {
        let shown: Vec<_> = [0, 999, 1_000, 1_234, 9_960, 34_567, 5_600_000, 2_000_000_000].map(count).into();
        assert_eq!(shown, ["0", "999", "1k", "1.2k", "9.9k", "34k", "5.6m", "2b"]);
    }

    #[test]
    fn time_passes_in_both_languages() {
        let english = |minutes| ago(TimeDelta::minutes(minutes), Language::English.phrases());
        assert_eq!(
            [-3, 0, 5, 59, 60, 60 * 47, 60 * 24 * 70].map(english),
            ["just now", "just now", "5 min ago", "59 min ago", "1 h ago", "1 d ago", "2 mo ago"]
        );
        assert_eq!(ago(TimeDelta::hours(3), Language::Chinese.phrases()), "3 小时前");
    }
}
