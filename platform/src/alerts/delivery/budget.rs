//! How much a channel, or a person by mail, is told at a time. Pure.
//!
//! A bucket of tokens: half of what a minute allows at once, and the other half within the minute. When more waits than there are
//! tokens, the last one is kept, what waits is collected for a while, and told at once. While the storm goes on it is collected for longer and longer.

use chrono::{DateTime, TimeDelta, Utc};

/// Messages a worker takes at a time, so that one that dies keeps few waiting.
pub const AT_A_TIME: i64 = 5;
/// The longest that messages are collected for.
const LONGEST_WAIT: i32 = 1_800;
/// A failing channel is tried this soon again, and then later and later.
const FIRST_PAUSE: i64 = 1;
const LONGEST_PAUSE: i64 = 300;

/// What is left for a channel or a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    pub tokens: f64,
    pub refilled_at: DateTime<Utc>,
    /// While too much comes: when all of it is told at once.
    pub digest_at: Option<DateTime<Utc>>,
    pub digest_seconds: i32,
    pub failures: i32,
    pub not_before: Option<DateTime<Utc>>,
}

/// What to do with what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Nothing for now.
    Wait,
    /// Tell so many of them, one by one.
    Each(i64),
    /// Tell all of them at once.
    Together,
}

/// So that in no minute more is told than it allows.
fn capacity(per_minute: u32) -> f64 {
    f64::from(per_minute) / 2.0
}

impl Lane {
    /// Of a channel that was never told anything.
    pub fn new(per_minute: u32, now: DateTime<Utc>) -> Lane {
        Lane {
            tokens: capacity(per_minute),
            refilled_at: now,
            digest_at: None,
            digest_seconds: 0,
            failures: 0,
            not_before: None,
        }
    }

    /// Decides what to do, and takes what that costs. `collect` is how many seconds the first digest waits for more.
    pub fn plan(&mut self, per_minute: u32, waiting: i64, collect: i32, now: DateTime<Utc>) -> Plan {
        self.refill(per_minute, now);
        if waiting == 0 || self.not_before.is_some_and(|until| until > now) {
            return Plan::Wait;
        }
        // Of a channel that failed the last time, one message finds out whether it is back.
        if self.failures > 0 && self.tokens >= 1.0 && self.digest_at.is_none() {
            self.tokens -= 1.0;
            return Plan::Each(1);
        }
        match self.digest_at {
            Some(at) if at > now => Plan::Wait,
            Some(_) if self.tokens < 1.0 => Plan::Wait,
            Some(_) => self.digest(per_minute, waiting),
            None => self.each(waiting, collect, now),
        }
    }

    /// How many messages that were tried before may be tried now, whatever waits besides: of a channel that failed the last time
    /// one, which finds out whether it is back.
    pub fn room(&mut self, per_minute: u32, now: DateTime<Utc>) -> i64 {
        self.refill(per_minute, now);
        if self.not_before.is_some_and(|until| until > now) {
            return 0;
        }
        let most = if self.failures > 0 { 1 } else { AT_A_TIME };
        #[expect(clippy::cast_possible_truncation, reason = "there are never so many tokens")]
        let whole = self.tokens as i64;
        whole.clamp(0, most)
    }

    /// Takes what messages cost.
    pub fn spend(&mut self, messages: usize) {
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let cost = messages as f64;
        self.tokens -= cost;
    }

    fn refill(&mut self, per_minute: u32, now: DateTime<Utc>) {
        let most = capacity(per_minute);
        let passed = (now - self.refilled_at).max(TimeDelta::zero());
        let passed = f64::from(i32::try_from(passed.num_milliseconds()).unwrap_or(i32::MAX)) / 60_000.0;
        self.tokens = (self.tokens + passed * most).min(most);
        self.refilled_at = now.max(self.refilled_at);
    }

    fn digest(&mut self, per_minute: u32, waiting: i64) -> Plan {
        self.digest_at = None;
        self.tokens -= 1.0;
        if waiting == 1 {
            self.digest_seconds = 0;
            return Plan::Each(1);
        }
        // What came was little enough to have been told one by one: the storm is over.
        if waiting < i64::from(per_minute / 2) {
            self.digest_seconds = 0;
        }
        Plan::Together
    }

    fn each(&mut self, waiting: i64, collect: i32, now: DateTime<Utc>) -> Plan {
        #[expect(clippy::cast_possible_truncation, reason = "there are never so many tokens")]
        let whole = self.tokens as i64;
        // Where not all can be told the last one is for the digest.
        let left = if waiting > whole { whole - 1 } else { waiting };
        let each = left.clamp(0, AT_A_TIME);
        #[expect(clippy::cast_precision_loss, reason = "it is small")]
        let cost = each as f64;
        self.tokens -= cost;
        if waiting > each && left == each && waiting > whole {
            self.digest_seconds =
                if self.digest_seconds == 0 { collect } else { (self.digest_seconds * 2).min(LONGEST_WAIT) };
            self.digest_at = Some(now + TimeDelta::seconds(self.digest_seconds.into()));
        }
        if each == 0 { Plan::Wait } else { Plan::Each(each) }
    }

    /// The other side took something.
    pub fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    /// It did not: nothing is told for a while, or for as long as the other side says.
    pub fn failed(&mut self, asked: Option<TimeDelta>, now: DateTime<Utc>) {
        self.failures = self.failures.saturating_add(1);
        let pause = FIRST_PAUSE << self.failures.saturating_sub(1).clamp(0, 9);
        let pause = TimeDelta::seconds(pause.min(LONGEST_PAUSE));
        self.not_before = Some(now + asked.unwrap_or(pause).max(TimeDelta::seconds(FIRST_PAUSE)));
    }
}

/// When a message that was not taken is tried again: later each time, and not all at the same moment. `chance` is between 0
/// and 1.
pub fn next_try(attempts: i32, chance: f64, now: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = 2_f64.powi(attempts.clamp(0, 12)).min(3_600.0);
    let jittered = seconds * (0.5 + chance / 2.0) * 1_000.0;
    #[expect(clippy::cast_possible_truncation, reason = "an hour of milliseconds fits")]
    let milliseconds = jittered as i64;
    now + TimeDelta::milliseconds(milliseconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn what_fits_is_told_one_by_one_and_the_rest_at_once() {
        let mut lane = Lane::new(40, at(0));
        assert_eq!(lane.plan(40, 5, 60, at(0)), Plan::Each(5));
        let told: Vec<Plan> = (0..4).map(|_| lane.plan(40, 1_000, 60, at(0))).collect();
        assert_eq!(told, [Plan::Each(5), Plan::Each(5), Plan::Each(4), Plan::Wait], "of 15 the last is kept");
        assert_eq!(lane.plan(40, 990, 60, at(30)), Plan::Wait, "although there are tokens again");
        assert_eq!(lane.plan(40, 995, 60, at(60)), Plan::Together);
        assert_eq!(lane.plan(40, 0, 60, at(61)), Plan::Wait);
        assert_eq!(lane.plan(40, 3, 60, at(120)), Plan::Each(3), "the storm is over");
    }

    #[test]
    fn a_storm_that_goes_on_is_told_of_less_and_less_often() {
        let mut lane = Lane::new(40, at(0));
        let digests: Vec<i64> =
            (0..7_200).filter(|second| lane.plan(40, 500, 60, at(*second)) == Plan::Together).collect();
        let gaps: Vec<i64> = digests.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.windows(2).all(|pair| pair[0] <= pair[1] + 2) && gaps.len() >= 3, "{digests:?}");
        assert!(digests.len() < 9, "{digests:?}");
    }

    #[test]
    fn one_that_waited_for_others_in_vain_is_told_as_it_is() {
        let mut lane = Lane { digest_at: Some(at(60)), digest_seconds: 60, ..Lane::new(40, at(0)) };
        assert_eq!(lane.plan(40, 1, 60, at(60)), Plan::Each(1));
    }

    #[test]
    fn a_failing_channel_is_tried_with_one_message_later_and_later() {
        let mut lane = Lane::new(40, at(0));
        lane.failed(None, at(0));
        assert_eq!(lane.plan(40, 10, 60, at(0)), Plan::Wait);
        assert_eq!(lane.plan(40, 10, 60, at(1)), Plan::Each(1));
        for _ in 0..20 {
            lane.failed(None, at(1));
        }
        assert_eq!(lane.not_before, Some(at(301)));
        lane.failed(Some(TimeDelta::seconds(7)), at(400));
        assert_eq!(lane.not_before, Some(at(407)), "for as long as the other side says");
        assert_eq!(lane.room(40, at(406)), 0);
        assert_eq!(lane.room(40, at(407)), 1, "nor are those that were tried before");
        lane.succeeded();
        assert_eq!(lane.room(40, at(407)), AT_A_TIME);
        lane.spend(17);
        assert_eq!(lane.room(40, at(407)), 3, "no more than there is room for");
        lane.spend(3);
        assert_eq!(
            lane.plan(40, 10, 60, at(422)),
            Plan::Each(4),
            "half a minute's worth is back, and the last is kept"
        );
    }

    proptest! {
        #[test]
        fn nobody_is_told_more_than_the_budget_in_any_minute(steps in prop::collection::vec((0_i64..20, 0_i64..200), 1..200)) {
            let mut lane = Lane::new(40, at(0));
            let (mut now, mut told) = (0, Vec::new());
            for (passed, waiting) in steps {
                now += passed;
                let count = match lane.plan(40, waiting, 5, at(now)) {
                    Plan::Wait => 0,
                    Plan::Each(count) => count,
                    Plan::Together => 1,
                };
                told.push((now, count));
            }
            for (start, _) in &told {
                let within: i64 = told.iter().filter(|(at, _)| (start..&(start + 60)).contains(&at)).map(|(_, count)| count).sum();
                prop_assert!(within <= 40, "{within} in the minute from {start}");
            }
        }

        #[test]
        fn a_message_is_tried_later_each_time_but_never_later_than_an_hour(attempts in 0..100, chance in 0.0..1.0) {
            let wait = next_try(attempts, chance, at(0)) - at(0);
            prop_assert!(wait >= TimeDelta::milliseconds(500) && wait <= TimeDelta::hours(1));
        }
    }
}
