//! What becomes of an issue when an event comes: decided purely, from what people decided about the issue and what had come
//! before. Written down by `events::save`.
//!
//! A resolved issue that happens again is a regression, unless the event is older than the decision, or of a release that
//! could not have the fix. An ignored one comes back when its conditions say so. Of several conditions the first that holds
//! is enough. Events count in the order in which they happened.

#[cfg(test)]
mod tests;

use std::{cmp::Ordering, collections::HashSet};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Status;
use crate::{
    protocol::distinct::Distinct,
    releases::{Release, order::order},
};

/// So many users of an issue are known one by one; further ones are counted, nearly.
pub const KNOWN_USERS: i64 = 1_000;
/// What is counted nearly may be off by one of so many.
const MARGIN: i64 = 32;

/// What people decided about an issue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is open.
    #[default]
    Unresolved,
    Resolved(Resolution),
    Ignored(Snooze),
}

/// An issue is done with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resolution {
    pub at: DateTime<Utc>,
    pub fix: Fix,
}

/// Where the fix is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Wherever events come from now.
    Now,
    /// In whatever is released after this one, the latest when it was decided.
    NextRelease { after: Release },
    /// In this release.
    InRelease { release: Release },
    /// In a commit that no release is known to have.
    InCommit { commit: String, repository: String },
}

/// An issue is not to be shown for a while; without a condition, for good.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snooze {
    pub at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    /// So many events.
    pub times: Option<Limit>,
    /// So many users.
    pub users: Option<Limit>,
    /// How many users it had hurt when it was decided.
    #[serde(default)]
    pub users_before: Option<i64>,
}

/// A number that is too much, since the decision or in a window of time that moves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    pub most: usize,
    pub minutes: Option<u32>,
}

impl Limit {
    /// From when on things count, if something happens at a time. What came before the decision does not: who ignores an
    /// issue has seen it.
    fn since(self, decided: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        let window = self.minutes.and_then(|minutes| now.checked_sub_signed(TimeDelta::minutes(minutes.into())));
        window.map_or(decided, |window| window.max(decided))
    }
}

/// An event, as far as a decision depends on it.
#[derive(Clone, Debug)]
pub struct Came<'a> {
    pub at: DateTime<Utc>,
    pub release: Option<&'a Release>,
    /// The user's number.
    pub user: Option<i64>,
}

/// What had come since an issue was ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// When events happened; of many, the latest.
    pub times: Vec<DateTime<Utc>>,
    /// Users, and when each was last hurt.
    pub users: Vec<(i64, DateTime<Utc>)>,
    /// All users there ever were, where more may be asked for than are known one by one.
    pub ever: Option<Distinct>,
}

/// How an issue comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// It was resolved, and happened again.
    Regressed,
    /// It was ignored, and is worth looking at now.
    Unignored,
}

impl Decision {
    /// What a status means where nothing else is said: done with wherever, ignored for good.
    pub fn of(status: Status, at: DateTime<Utc>) -> Decision {
        match status {
            Status::Unresolved => Decision::Unresolved,
            Status::Resolved => Decision::Resolved(Resolution { at, fix: Fix::Now }),
            Status::Ignored => {
                Decision::Ignored(Snooze { at, until: None, times: None, users: None, users_before: None })
            }
        }
    }

    /// When an ignored issue comes back by itself.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Decision::Ignored(snooze) => snooze.until,
            _ => None,
        }
    }

    /// Sentry's word for having decided so.
    pub fn kind(&self) -> &'static str {
        match self {
            Decision::Unresolved => "set_unresolved",
            Decision::Ignored(_) => "set_ignored",
            Decision::Resolved(resolution) => match resolution.fix {
                Fix::Now => "set_resolved",
                Fix::NextRelease { .. } | Fix::InRelease { .. } => "set_resolved_in_release",
                Fix::InCommit { .. } => "set_resolved_in_commit",
            },
        }
    }

    /// The details of a status, by Sentry's names.
    pub fn details(&self) -> Value {
        match self {
            Decision::Unresolved => json!({}),
            Decision::Resolved(resolution) => match &resolution.fix {
                Fix::Now => json!({}),
                Fix::NextRelease { .. } => json!({ "inNextRelease": true }),
                Fix::InRelease { release } => json!({ "inRelease": release.version }),
                Fix::InCommit { commit, repository } => {
                    json!({ "inCommit": { "commit": commit, "repository": repository } })
                }
            },
            Decision::Ignored(snooze) => {
                let fields = [
                    (
                        "ignoreUntil",
                        snooze.until.map(|until| json!(until.to_rfc3339_opts(SecondsFormat::Micros, true))),
                    ),
                    ("ignoreCount", snooze.times.map(|limit| json!(limit.most))),
                    ("ignoreWindow", snooze.times.and_then(|limit| limit.minutes).map(|minutes| json!(minutes))),
                    ("ignoreUserCount", snooze.users.map(|limit| json!(limit.most))),
                    ("ignoreUserWindow", snooze.users.and_then(|limit| limit.minutes).map(|minutes| json!(minutes))),
                ];
                fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        }
    }

    /// The status that stands for it.
    pub fn status(&self) -> Status {
        match self {
            Decision::Unresolved => Status::Unresolved,
            Decision::Resolved(_) => Status::Resolved,
            Decision::Ignored(_) => Status::Ignored,
        }
    }

    /// Whether an event brings the issue back, after what had come before; the event is among that afterwards.
    pub fn meets(&self, before: &mut Before, came: &Came<'_>) -> Option<Return> {
        match self {
            Decision::Unresolved => None,
            Decision::Resolved(resolution) => resolution.is_broken_by(came).then_some(Return::Regressed),
            Decision::Ignored(snooze) => snooze.ends_with(before, came).then_some(Return::Unignored),
        }
    }
}

impl Resolution {
    fn is_broken_by(&self, came: &Came<'_>) -> bool {
        if came.at <= self.at {
            return false;
        }
        match (&self.fix, came.release) {
            (Fix::Now, _) => true,
            // Nobody knows where an event without a release comes from.
            (Fix::InCommit { .. }, _) | (_, None) => false,
            (Fix::NextRelease { after }, Some(release)) => order(release, after) == Ordering::Greater,
            (Fix::InRelease { release: fixed }, Some(release)) => order(release, fixed) != Ordering::Less,
        }
    }
}

impl Snooze {
    fn ends_with(&self, before: &mut Before, came: &Came<'_>) -> bool {
        if came.at <= self.at {
            return false;
        }
        before.times.push(came.at);
        before.users.extend(came.user.map(|user| (user, came.at)));
        if let (Some(ever), Some(user)) = (&mut before.ever, came.user) {
            ever.add(user.cast_unsigned());
        }
        let in_time = |limit: Limit, at: DateTime<Utc>| at > limit.since(self.at, came.at) && at <= came.at;
        let is_over = self.until.is_some_and(|until| came.at >= until);
        let too_often =
            self.times.is_some_and(|limit| before.times.iter().filter(|at| in_time(limit, **at)).count() >= limit.most);
        let too_many = self.users.is_some_and(|limit| {
            let users: HashSet<i64> =
                before.users.iter().filter(|(_, at)| in_time(limit, *at)).map(|(user, _)| *user).collect();
            users.len() >= limit.most || self.are_new(before, limit)
        });
        is_over || too_often || too_many
    }

    /// Whether so many users are hurt for the first time, for certain.
    fn are_new(&self, before: &Before, limit: Limit) -> bool {
        let (Some(ever), Some(users_before), None) = (&before.ever, self.users_before, limit.minutes) else {
            return false;
        };
        let now = ever.count();
        i64::try_from(limit.most).is_ok_and(|most| now - users_before >= most.saturating_add(now / MARGIN))
    }

    /// From when on things must be known to decide about events that happen at a time or later.
    pub fn since(&self, earliest: DateTime<Utc>) -> DateTime<Utc> {
        let limits = [self.times, self.users];
        limits.iter().flatten().map(|limit| limit.since(self.at, earliest)).min().unwrap_or(self.at)
    }
}
