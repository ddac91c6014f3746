//! Times, numbers and versions as people type them.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use regex_lite::Regex;

use super::{
    fields::comparison,
    lexer::Text,
    problem::{Kind, Problem},
    query::{Bound, Compare, Moment, Numbers, Period},
};
use crate::releases::order::Version;

/// `-24h`, `+7d`.
static RELATIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([+-])(\d{1,6})([smhdw])$").expect("the pattern is right"));
/// A time alone is meant a little wider, as in Sentry.
const BEFORE: TimeDelta = TimeDelta::minutes(5);
const AFTER: TimeDelta = TimeDelta::minutes(6);

/// From when to when.
pub(super) fn period(text: &Text) -> Result<Period, Problem> {
    let value = text.plain();
    read_period(&value).ok_or_else(|| Problem::new(Kind::NotDate(value), text.span.clone()))
}

fn read_period(value: &str) -> Option<Period> {
    if let Some(found) = RELATIVE.captures(value) {
        let unit = match &found[3] {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            _ => 7 * 86_400,
        };
        let moment = Bound::Including(Moment::SecondsAgo(found[2].parse::<i64>().ok()? * unit));
        return Some(if &found[1] == "-" {
            Period { from: Some(moment), to: None }
        } else {
            Period { from: None, to: Some(moment) }
        });
    }
    let (compare, rest) = comparison(value);
    let (at, precision) = date(rest)?;
    let including = |at| Some(Bound::Including(Moment::At(at)));
    let excluding = |at| Some(Bound::Excluding(Moment::At(at)));
    Some(match (compare, precision) {
        (Some(Compare::More), _) => Period { from: excluding(at), to: None },
        (Some(Compare::AtLeast), _) => Period { from: including(at), to: None },
        (Some(Compare::Less), _) => Period { from: None, to: excluding(at) },
        (Some(Compare::AtMost), _) => Period { from: None, to: including(at) },
        (_, Precision::Day) => Period { from: including(at), to: excluding(at + TimeDelta::days(1)) },
        (_, Precision::Time) => Period { from: including(at - BEFORE), to: excluding(at + AFTER) },
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Precision {
    Day,
    Time,
}

/// ISO 8601, in UTC where nothing else is said.
fn date(text: &str) -> Option<(DateTime<Utc>, Precision)> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some((day.and_hms_opt(0, 0, 0)?.and_utc(), Precision::Day)).filter(|(at, _)| is_sane(*at));
    }
    let text = text.replacen(' ', "T", 1);
    let with_zone = || DateTime::parse_from_rfc3339(&text).ok().map(|at| at.to_utc());
    let without = || {
        ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text.trim_end_matches('Z'), format).ok())
            .map(|at| at.and_utc())
    };
    let at = with_zone().or_else(without).filter(|at| is_sane(*at))?;
    Some((at, Precision::Time))
}

/// PostgreSQL and chrono both know these years.
fn is_sane(at: DateTime<Utc>) -> bool {
    at >= DateTime::UNIX_EPOCH && at.timestamp() < 253_402_300_800
}

/// `100`, `>100`, `<=5k`.
pub(super) fn numbers(text: &Text) -> Result<Numbers, Problem> {
    let value = text.plain();
    let (compare, rest) = comparison(&value);
    let number = read_number(rest).ok_or_else(|| Problem::new(Kind::NotNumber(value.clone()), text.span.clone()))?;
    Ok(Numbers::Compared(compare.unwrap_or(Compare::Equal), number))
}

/// `5k`.
pub(super) fn number(text: &Text) -> Result<i64, Problem> {
    let value = text.plain();
    read_number(&value).ok_or_else(|| Problem::new(Kind::NotNumber(value), text.span.clone()))
}

fn read_number(text: &str) -> Option<i64> {
    let (digits, unit) = match text.char_indices().last()? {
        (at, 'k' | 'K') => (&text[..at], 1_000),
        (at, 'm' | 'M') => (&text[..at], 1_000_000),
        (at, 'b' | 'B') => (&text[..at], 1_000_000_000),
        _ => (text, 1_i64),
    };
    if let Ok(whole) = digits.parse::<i64>() {
        return whole.checked_mul(unit);
    }
    let (whole, part) = digits.split_once('.').filter(|_| unit > 1)?;
    let scale = 10_i64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part = part.parse::<u32>().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(unit)?.checked_add(i64::from(part) * unit / scale)
}

/// `>=1.2.3`.
pub(super) fn version(text: &Text) -> Result<(Compare, String), Problem> {
    let value = text.plain();
    let (compare, rest) = comparison(&value);
    match Version::parse(rest) {
        Some(_) => Ok((compare.unwrap_or(Compare::Equal), rest.to_owned())),
        None => Err(Problem::new(Kind::NotVersion(value), text.span.clone())),
    }
}
