//! When a periodic task is expected: a crontab or an interval, in a time zone, as monitors are configured.

use std::str::FromStr;

use chrono::{DateTime, Days, MappedLocalTime, Months, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::json::Object;

/// Intervals and margins beyond it are mistakes.
const MOST_NUMBER: u32 = 1_000_000;
const USUAL_MARGIN: u32 = 1;
const USUAL_RUNTIME: u32 = 30;

/// How a monitor is configured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    pub schedule: Schedule,
    /// Minutes that a check-in may be late.
    pub margin: u32,
    /// Minutes that the task may take.
    pub max_runtime: u32,
    /// IANA's name.
    pub timezone: String,
    /// Failures in a row after which the monitor fails.
    pub failure_threshold: u32,
    /// Successes in a row after which it is well again.
    pub recovery_threshold: u32,
}

/// When the task should run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// `0 3 * * *`
    Crontab(String),
    Interval(u32, Unit),
}

/// What an interval is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

impl Unit {
    /// As SDKs write it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Year => "year",
        }
    }
}

impl Config {
    /// Reads `monitor_config`; none where its schedule or time zone is none.
    pub fn read(config: &Object) -> Option<Config> {
        let number = |name: &str, usual: u32| {
            let number = config.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
            number.filter(|number| *number > 0).map_or(usual, |number| number.min(MOST_NUMBER))
        };
        let timezone = config.get("timezone").and_then(Value::as_str).filter(|zone| !zone.is_empty()).unwrap_or("UTC");
        Tz::from_str(timezone).ok()?;
        Some(Config {
            schedule: Schedule::read(config.get("schedule")?.as_object()?)?,
            margin: number("checkin_margin", USUAL_MARGIN),
            max_runtime: number("max_runtime", USUAL_RUNTIME),
            timezone: timezone.to_owned(),
            failure_threshold: number("failure_issue_threshold", 1),
            recovery_threshold: number("recovery_threshold", 1),
        })
    }

    /// The first time after one that the task should run.
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let zone = Tz::from_str(&self.timezone).ok()?;
        let local = after.with_timezone(&zone);
        let next = match &self.schedule {
            Schedule::Crontab(pattern) => {
                Cron::from_str(pattern).ok()?.find_next_occurrence(&local, false).ok()?.to_utc()
            }
            Schedule::Interval(number, unit) => {
                let number = *number;
                let later = |days: u32| local.naive_local().checked_add_days(Days::new(days.into()));
                let months = |months: u32| local.naive_local().checked_add_months(Months::new(months));
                match unit {
                    Unit::Minute => after.checked_add_signed(TimeDelta::minutes(number.into()))?,
                    Unit::Hour => after.checked_add_signed(TimeDelta::hours(number.into()))?,
                    Unit::Day => in_zone(zone, later(number)?)?,
                    Unit::Week => in_zone(zone, later(number.checked_mul(7)?)?)?,
                    Unit::Month => in_zone(zone, months(number)?)?,
                    Unit::Year => in_zone(zone, months(number.checked_mul(12)?)?)?,
                }
            }
        };
        Some(next).filter(|next| *next > after)
    }

    /// The last moment at which a check-in expected at a time is not late.
    pub fn late_after(&self, expected: DateTime<Utc>) -> DateTime<Utc> {
        expected + TimeDelta::minutes(self.margin.into())
    }

    /// When a task that began at a time has taken too long.
    pub fn times_out(&self, started: DateTime<Utc>) -> DateTime<Utc> {
        started + TimeDelta::minutes(self.max_runtime.into())
    }

    /// The time to expect next once one was missed. What was missed before that, while nobody looked, is left out.
    pub fn after_miss(&self, missed: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let next = self.next(missed)?;
        if self.late_after(next) > now { Some(next) } else { self.next(now - TimeDelta::minutes(self.margin.into())) }
    }
}

impl Schedule {
    fn read(schedule: &Object) -> Option<Schedule> {
        let value = schedule.get("value")?;
        if schedule.get("type")?.as_str()? == "crontab" {
            let pattern = value.as_str()?.trim();
            Cron::from_str(pattern).ok()?;
            return Some(Schedule::Crontab(pattern.to_owned()));
        }
        let number = u32::try_from(value.as_u64()?).ok().filter(|number| (1..=MOST_NUMBER).contains(number))?;
        let unit = serde_json::from_value(schedule.get("unit")?.clone()).ok()?;
        Some(Schedule::Interval(number, unit))
    }
}

/// A local time; in the hour that is skipped in spring, an hour later, in the one that is repeated in autumn, the first.
fn in_zone(zone: Tz, local: NaiveDateTime) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => Some(at.to_utc()),
        MappedLocalTime::None => {
            zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest().map(|at| at.to_utc())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config(schedule: &Value, zone: &str) -> Config {
        let config = json!({"schedule": schedule, "timezone": zone, "checkin_margin": 5, "max_runtime": 10});
        Config::read(config.as_object().unwrap()).unwrap()
    }

    fn crontab(pattern: &str, zone: &str) -> Config {
        config(&json!({"type": "crontab", "value": pattern}), zone)
    }

    fn every(number: u32, unit: &str, zone: &str) -> Config {
        config(&json!({"type": "interval", "value": number, "unit": unit}), zone)
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().unwrap()
    }

    #[test]
    fn a_task_is_expected_when_its_clock_on_the_wall_says_so() {
        let berlin = "Europe/Berlin";
        let cases = [
            (crontab("*/5 * * * *", "UTC"), "2026-11-24T12:03:10Z", "2026-11-24T12:05:00Z"),
            (crontab("0 3 * * *", "UTC"), "2026-11-24T03:00:00Z", "2026-11-25T03:00:00Z"),
            (crontab("0 3 * * 1", "Asia/Shanghai"), "2026-11-24T12:00:00Z", "2026-11-29T19:00:00Z"),
            (crontab("@hourly", "UTC"), "2026-11-24T12:03:10Z", "2026-11-24T13:00:00Z"),
            (crontab("0 0 29 2 *", "UTC"), "2026-11-24T12:03:10Z", "2028-02-29T00:00:00Z"),
            // Summer time begins on 2026-03-29 at 01:00 UTC and ends on 2026-10-25 at 01:00 UTC.
            (crontab("0 12 * * *", berlin), "2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z"),
            (crontab("0 12 * * *", berlin), "2026-10-24T10:00:00Z", "2026-10-25T11:00:00Z"),
            // The hour that is skipped: the first moment after it.
            (crontab("30 2 * * *", berlin), "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"),
            // The hour that comes twice: once.
            (crontab("30 2 * * *", berlin), "2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z"),
            (crontab("30 2 * * *", berlin), "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            (every(10, "minute", "UTC"), "2026-11-24T12:03:10Z", "2026-11-24T12:13:10Z"),
            (every(1, "hour", berlin), "2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z"),
            (every(1, "day", berlin), "2026-03-28T11:00:00Z", "2026-03-29T10:00:00Z"),
            (every(1, "day", berlin), "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z"),
            (every(1, "week", berlin), "2026-10-20T10:00:00Z", "2026-10-27T11:00:00Z"),
            (every(1, "month", "UTC"), "2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
            (every(1, "year", "UTC"), "2028-02-29T10:00:00Z", "2029-02-28T10:00:00Z"),
        ];
        for (config, after, expected) in cases {
            let next = config.next(at(after));
            assert_eq!(next, Some(at(expected)), "{:?} in {} after {after}", config.schedule, config.timezone);
        }
    }

    #[test]
    fn what_is_no_schedule_is_none() {
        let cases = [
            json!({"schedule": {"type": "crontab", "value": "every day"}}),
            json!({"schedule": {"type": "crontab", "value": "0 0 * * *"}, "timezone": "Moon/Crater"}),
            json!({"schedule": {"type": "interval", "value": 0, "unit": "day"}}),
            json!({"schedule": {"type": "interval", "value": 1, "unit": "fortnight"}}),
            json!({"schedule": "0 0 * * *"}),
            json!({}),
        ];
        for config in cases {
            assert_eq!(Config::read(config.as_object().unwrap()), None, "{config}");
        }
        // A day that never comes is no day to wait for.
        assert_eq!(crontab("0 0 30 2 *", "UTC").next(at("2026-11-24T12:00:00Z")), None);
    }

    #[test]
    fn a_long_silence_is_one_miss_and_not_hundreds() {
        let config = crontab("*/5 * * * *", "UTC");
        let missed = at("2026-11-24T12:00:00Z");
        assert_eq!(config.after_miss(missed, at("2026-11-24T12:06:00Z")), Some(at("2026-11-24T12:05:00Z")));
        assert_eq!(config.after_miss(missed, at("2026-11-25T12:06:00Z")), Some(at("2026-11-25T12:05:00Z")));
    }
}
