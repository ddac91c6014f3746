//! Sessions: whether an application ran well, one by one (`session`) or counted by the SDK (`sessions`).
//!
//! An update becomes changes of counters and of sets; adding the same member to a set twice changes nothing, so what an SDK
//! sends again counts once where the protocol has a set: <https://develop.sentry.dev/sdk/telemetry/sessions/>.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;
use uuid::Uuid;

use super::{
    json::{Object, text},
    normalize::{is_environment, is_release, time},
};

/// A clock that is wrong by less is a slow network.
const LEAST_DRIFT: TimeDelta = TimeDelta::minutes(55);
const OLDEST: TimeDelta = TimeDelta::days(5);
const MOST_AHEAD: TimeDelta = TimeDelta::seconds(60);
/// Hours that one item may tell of.
const MOST_AGGREGATES: usize = 10_000;
/// More would be no count of sessions.
const MOST_COUNTED: i64 = 1 << 40;

/// Why a session is not counted.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Invalid {
    /// It is no JSON object, or has no start.
    #[error("payload")]
    Payload,
    /// It names no release, or one that cannot be.
    #[error("release")]
    Release,
    /// It began too long ago, or in the future.
    #[error("timestamp")]
    Timestamp,
}

impl Invalid {
    /// As outcomes name it.
    pub fn reason(self) -> &'static str {
        match self {
            Invalid::Payload => "payload",
            Invalid::Release => "invalid_release",
            Invalid::Timestamp => "timestamp",
        }
    }
}

/// What is counted: the places of [`Change::counts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Sessions that began.
    Total,
    /// Those the SDK counted as not healthy; single ones are members of [`Set::ErroredSessions`].
    Errored,
    Crashed,
    Abnormal,
    Unhandled,
}

/// What is told apart: the sets that a change adds members to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Set {
    ErroredSessions,
    Users,
    ErroredUsers,
    CrashedUsers,
    AbnormalUsers,
    UnhandledUsers,
}

/// How many counts there are.
pub const COUNTS: usize = 5;
/// How many sets there are.
pub const SETS: usize = 6;

/// What an update changes, in one hour of one release in one environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub release: String,
    /// Empty where the SDK names none.
    pub environment: String,
    /// The hour the session began in.
    pub hour: DateTime<Utc>,
    pub counts: [i64; COUNTS],
    /// Hashes, by set.
    pub members: Vec<(Set, u64)>,
}

/// When something was received, and sent by the sender's clock.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    pub received: DateTime<Utc>,
    pub sent: Option<DateTime<Utc>>,
}

impl Clocks {
    /// The start of a session by our clock.
    fn start(self, value: Option<&Value>) -> Result<DateTime<Utc>, Invalid> {
        let at = value.and_then(time::parse).ok_or(Invalid::Payload)?;
        let drift = self.sent.map(|sent| self.received - sent).filter(|drift| drift.abs() >= LEAST_DRIFT);
        let at = drift.map_or(Some(at), |drift| at.checked_add_signed(drift)).ok_or(Invalid::Timestamp)?;
        let is_recent = at >= self.received - OLDEST && at <= self.received + MOST_AHEAD;
        if is_recent { Ok(at) } else { Err(Invalid::Timestamp) }
    }
}

/// Reads a `session`; one without an id is told from others by `id`.
pub fn read_one(payload: &[u8], id: Uuid, clocks: Clocks) -> Result<Change, Invalid> {
    let session: Object = serde_json::from_slice(payload).map_err(|_| Invalid::Payload)?;
    if session.get("timestamp").is_some_and(|at| !at.is_null()) {
        clocks.start(session.get("timestamp"))?;
    }
    let mut change = change(&session, clocks.start(session.get("started"))?)?;
    let status = session.get("status").and_then(Value::as_str).unwrap_or("ok");
    let mut sets = Vec::new();
    if session.get("errors").and_then(Value::as_u64).unwrap_or(0) > 0 || !matches!(status, "ok" | "exited") {
        let sid = session.get("sid").and_then(Value::as_str).and_then(|sid| sid.parse().ok()).unwrap_or(id);
        change.members.push((Set::ErroredSessions, hash(&sid.simple().to_string())));
        sets.push(Set::ErroredUsers);
    }
    let ended = match status {
        "crashed" => Some((Count::Crashed, Set::CrashedUsers)),
        "abnormal" => Some((Count::Abnormal, Set::AbnormalUsers)),
        "unhandled" => Some((Count::Unhandled, Set::UnhandledUsers)),
        _ => None,
    };
    if let Some((count, state)) = ended {
        change.counts[count as usize] = 1;
        sets.push(state);
    }
    if session.get("init").and_then(Value::as_bool) == Some(true) {
        change.counts[Count::Total as usize] = 1;
    }
    change.members.extend(user(&session, &sets));
    Ok(change)
}

/// Reads `sessions`; aggregates that make no sense are left out, and it is an error when none is left of some.
pub fn read_many(payload: &[u8], clocks: Clocks) -> Result<Vec<Change>, Invalid> {
    let sessions: Object = serde_json::from_slice(payload).map_err(|_| Invalid::Payload)?;
    let aggregates = sessions.get("aggregates").and_then(Value::as_array).ok_or(Invalid::Payload)?;
    let mut changes = Vec::new();
    let mut refused = None;
    for aggregate in aggregates.iter().take(MOST_AGGREGATES) {
        match read_aggregate(&sessions, aggregate, clocks) {
            Ok(change) => changes.push(change),
            Err(invalid) => refused = Some(invalid),
        }
    }
    refused.filter(|_| changes.is_empty()).map_or(Ok(changes), Err)
}

fn read_aggregate(sessions: &Object, aggregate: &Value, clocks: Clocks) -> Result<Change, Invalid> {
    let aggregate = aggregate.as_object().ok_or(Invalid::Payload)?;
    let mut change = change(sessions, clocks.start(aggregate.get("started"))?)?;
    let count = |name: &str| aggregate.get(name).and_then(Value::as_i64).unwrap_or(0).clamp(0, MOST_COUNTED);
    let (crashed, abnormal, unhandled) = (count("crashed"), count("abnormal"), count("unhandled"));
    let errored = count("errored") + crashed + abnormal + unhandled;
    // In the order of `Count`.
    change.counts = [count("exited") + errored, errored, crashed, abnormal, unhandled];
    let states = [
        (errored, Set::ErroredUsers),
        (crashed, Set::CrashedUsers),
        (abnormal, Set::AbnormalUsers),
        (unhandled, Set::UnhandledUsers),
    ];
    let states: Vec<Set> = states.into_iter().filter(|(count, _)| *count > 0).map(|(_, set)| set).collect();
    change.members.extend(user(aggregate, &states));
    Ok(change)
}

/// A change that changes nothing yet.
fn change(session: &Object, started: DateTime<Utc>) -> Result<Change, Invalid> {
    let attributes = session.get("attrs").and_then(Value::as_object).ok_or(Invalid::Release)?;
    let release = text(attributes.get("release")).map(|release| release.trim().to_owned());
    let release = release.filter(|release| is_release(release)).ok_or(Invalid::Release)?;
    let environment = text(attributes.get("environment")).filter(|environment| is_environment(environment));
    let hour = started.duration_trunc(TimeDelta::hours(1)).map_err(|_| Invalid::Timestamp)?;
    Ok(Change { release, environment: environment.unwrap_or_default(), hour, counts: [0; COUNTS], members: Vec::new() })
}

/// The user of a session, in the sets that its states say.
fn user(session: &Object, states: &[Set]) -> Vec<(Set, u64)> {
    let did = text(session.get("did")).filter(|did| did.parse::<Uuid>().map_or(true, |id| !id.is_nil()));
    let Some(user) = did.as_deref().map(hash) else { return Vec::new() };
    [Set::Users].iter().chain(states).map(|set| (*set, user)).collect()
}

fn hash(member: &str) -> u64 {
    let digest = Sha256::digest(member.as_bytes());
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: &str = "2026-11-24T12:30:00Z";

    fn clocks() -> Clocks {
        Clocks { received: NOW.parse().unwrap(), sent: None }
    }

    fn one(session: &Value) -> Result<Change, Invalid> {
        let mut whole = json!({
            "sid": "c0ffee00-0000-4000-8000-000000000001", "did": "grace", "started": "2026-11-24T12:00:00Z",
            "attrs": {"release": "shop@1.0.0", "environment": "production"},
        });
        for (name, value) in session.as_object().unwrap() {
            whole[name] = value.clone();
        }
        read_one(whole.to_string().as_bytes(), Uuid::nil(), clocks())
    }

    fn sets(change: &Change) -> Vec<Set> {
        change.members.iter().map(|(set, _)| *set).collect()
    }

    #[test]
    fn a_session_counts_for_what_it_says() {
        use Set::*;
        let cases: [(Value, [i64; COUNTS], &[Set]); 10] = [
            (json!({"init": true}), [1, 0, 0, 0, 0], &[Users]),
            (json!({"init": true, "status": "exited"}), [1, 0, 0, 0, 0], &[Users]),
            (json!({"status": "ok"}), [0; 5], &[Users]),
            (json!({"errors": 2}), [0; 5], &[ErroredSessions, Users, ErroredUsers]),
            (json!({"status": "errored"}), [0; 5], &[ErroredSessions, Users, ErroredUsers]),
            (json!({"status": "crashed"}), [0, 0, 1, 0, 0], &[ErroredSessions, Users, ErroredUsers, CrashedUsers]),
            (
                json!({"init": true, "status": "crashed", "errors": 1}),
                [1, 0, 1, 0, 0],
                &[ErroredSessions, Users, ErroredUsers, CrashedUsers],
            ),
            (json!({"status": "abnormal"}), [0, 0, 0, 1, 0], &[ErroredSessions, Users, ErroredUsers, AbnormalUsers]),
            (json!({"status": "unhandled"}), [0, 0, 0, 0, 1], &[ErroredSessions, Users, ErroredUsers, UnhandledUsers]),
            (
                json!({"init": true, "did": "00000000-0000-0000-0000-000000000000", "errors": 1}),
                [1, 0, 0, 0, 0],
                &[ErroredSessions],
            ),
        ];
        for (session, counts, expected) in cases {
            let change = one(&session).unwrap();
            assert_eq!((change.counts, sets(&change).as_slice()), (counts, expected), "{session}");
            assert_eq!((change.release.as_str(), change.environment.as_str()), ("shop@1.0.0", "production"));
            assert_eq!(change.hour, "2026-11-24T12:00:00Z".parse::<DateTime<Utc>>().unwrap());
        }
    }

    #[test]
    fn the_same_session_and_user_are_the_same_members_however_often_they_come() {
        let (first, second) = (one(&json!({"errors": 1})).unwrap(), one(&json!({"errors": 7})).unwrap());
        assert_eq!(first.members, second.members);
        let hyphens = one(&json!({"errors": 1, "sid": "C0FFEE00000040008000000000000001"})).unwrap();
        assert_eq!(first.members, hyphens.members);
    }

    #[test]
    fn what_cannot_be_counted_says_why() {
        let cases = [
            (json!({"attrs": {}}), Invalid::Release),
            (json!({"attrs": {"release": "a/b"}}), Invalid::Release),
            (json!({"attrs": {"release": "latest"}}), Invalid::Release),
            (json!({"started": null}), Invalid::Payload),
            (json!({"started": "2026-11-19T12:00:00Z"}), Invalid::Timestamp),
            (json!({"started": "2026-11-24T12:32:00Z"}), Invalid::Timestamp),
            (json!({"timestamp": "2027-11-24T12:32:00Z"}), Invalid::Timestamp),
        ];
        for (session, expected) in cases {
            assert_eq!(one(&session).unwrap_err(), expected, "{session}");
        }
        assert_eq!(read_one(b"[]", Uuid::nil(), clocks()), Err(Invalid::Payload));
        assert_eq!(one(&json!({"attrs": {"release": "1", "environment": "a/b"}})).unwrap().environment, "");
    }

    #[test]
    fn a_clock_that_is_a_year_off_is_set_right() {
        let session = json!({"started": "2025-11-24T12:20:00Z", "init": true, "attrs": {"release": "1"}}).to_string();
        assert_eq!(read_one(session.as_bytes(), Uuid::nil(), clocks()), Err(Invalid::Timestamp));
        let clocks = Clocks { sent: "2025-11-24T12:25:00Z".parse().ok(), ..clocks() };
        let change = read_one(session.as_bytes(), Uuid::nil(), clocks).unwrap();
        assert_eq!(change.hour.to_rfc3339(), "2026-11-24T12:00:00+00:00");
    }

    #[test]
    fn aggregates_add_up() {
        let read = |aggregates: Value| {
            let item = json!({"aggregates": aggregates, "attrs": {"release": "shop@1.0.0"}});
            read_many(item.to_string().as_bytes(), clocks())
        };
        let changes = read(json!([
            {"started": "2026-11-24T12:01:00Z", "exited": 10, "errored": 3, "crashed": 2, "abnormal": 1, "unhandled": 4},
            {"started": "2026-11-24T11:59:00Z", "exited": 1, "did": "grace"},
            {"started": "2026-11-24T11:59:00Z", "crashed": 1, "did": "alan"},
            {"started": "2020-01-01T00:00:00Z", "exited": 1},
            7,
        ]))
        .unwrap();
        let told: Vec<_> = changes.iter().map(|change| (change.counts, sets(change))).collect();
        let expected = [
            ([20, 10, 2, 1, 4], vec![]),
            ([1, 0, 0, 0, 0], vec![Set::Users]),
            ([1, 1, 1, 0, 0], vec![Set::Users, Set::ErroredUsers, Set::CrashedUsers]),
        ];
        assert_eq!(told, expected);
        assert_eq!(read(json!([])), Ok(vec![]));
        assert_eq!(read(json!([{"started": "2020-01-01T00:00:00Z"}])), Err(Invalid::Timestamp));
        assert_eq!(read(json!("many")), Err(Invalid::Payload));
    }
}
