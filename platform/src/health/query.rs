//! What the sessions endpoint is asked, and its answer: rows grouped, summed and laid out in time. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::{Health, Row};
use crate::protocol::session::{Count, Set};

/// Points that a series may have.
const MOST_INTERVALS: usize = 1_000;

/// A question, as Sentry's parameters put it.
#[derive(Clone, Debug)]
pub struct Question {
    pub fields: Vec<String>,
    pub group_by: Vec<String>,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub interval: TimeDelta,
    pub query: String,
}

/// What a session is shown as where it is grouped by its status.
const STATUSES: [&str; 5] = ["healthy", "errored", "crashed", "abnormal", "unhandled"];

const FIELDS: [&str; 6] = [
    "sum(session)",
    "count_unique(user)",
    "crash_free_rate(session)",
    "crash_free_rate(user)",
    "crash_rate(session)",
    "crash_rate(user)",
];

/// Why a question cannot be answered, in Sentry's words where it has some.
pub type Refused = String;

/// The answer's JSON.
pub fn answer(rows: &[Row], question: &Question) -> Result<Value, Refused> {
    check(question)?;
    let intervals = intervals(question)?;
    let wanted = filter(&question.query)?;
    let mut groups: BTreeMap<Vec<(String, String)>, Vec<Health>> = BTreeMap::new();
    for row in rows.iter().filter(|row| wanted.iter().all(|(key, values)| values.contains(&value(row, key)))) {
        let by = question.group_by.iter().filter(|key| *key != "session.status");
        let by = by.map(|key| (key.clone(), value(row, key))).collect();
        let series = groups.entry(by).or_insert_with(|| vec![Health::default(); intervals.len()]);
        if let Some(place) = intervals.iter().rposition(|start| *start <= row.hour) {
            series[place].add(&row.health);
        }
    }
    let by_status = question.group_by.iter().any(|key| key == "session.status");
    if groups.is_empty() && question.group_by.iter().all(|key| key == "session.status") {
        groups.insert(Vec::new(), vec![Health::default(); intervals.len()]);
    }
    let mut shown = Vec::new();
    for (by, series) in &groups {
        let statuses: &[&str] = if by_status { &STATUSES } else { &["all"] };
        shown.extend(statuses.iter().map(|status| group(by, series, status, question)));
    }
    let time = |at: &DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Ok(json!({
        "groups": shown, "query": question.query, "start": time(&question.from), "end": time(&question.to),
        "intervals": intervals.iter().map(time).collect::<Vec<_>>(),
    }))
}

fn check(question: &Question) -> Result<(), Refused> {
    if question.fields.is_empty() {
        return Err("Request is missing a \"field\"".into());
    }
    let wrong = question.fields.iter().find(|field| !FIELDS.contains(&field.as_str()));
    if let Some(field) = wrong {
        return Err(format!("Invalid field: \"{field}\""));
    }
    let keys = ["project", "release", "environment", "session.status"];
    match question.group_by.iter().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(format!("Invalid groupBy: \"{key}\"")),
        None => Ok(()),
    }
}

fn intervals(question: &Question) -> Result<Vec<DateTime<Utc>>, Refused> {
    let first = question.from.duration_trunc(question.interval).map_err(|_| "Invalid interval")?;
    let mut intervals = Vec::new();
    let mut at = first;
    while at < question.to {
        if intervals.len() == MOST_INTERVALS {
            return Err("Your interval and date range would create too many results.".into());
        }
        intervals.push(at);
        at += question.interval;
    }
    Ok(intervals)
}

/// `release:a environment:b`, `release:[a, b]`: the values that are wanted, by key.
fn filter(query: &str) -> Result<Vec<(String, Vec<String>)>, Refused> {
    let mut wanted = Vec::new();
    let mut rest = query.trim();
    while !rest.is_empty() {
        let (key, after) = rest.split_once(':').ok_or_else(|| format!("Invalid query: \"{query}\""))?;
        if !["project", "release", "environment"].contains(&key) {
            return Err(format!("Invalid query field: \"{key}\""));
        }
        let (values, after) = match after.strip_prefix('[') {
            Some(list) => list.split_once(']').ok_or_else(|| format!("Invalid query: \"{query}\""))?,
            None => match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(|| format!("Invalid query: \"{query}\""))?,
                None => after.split_once(' ').unwrap_or((after, "")),
            },
        };
        let values = values.split(',').map(|value| value.trim().trim_matches('"').to_owned()).collect();
        wanted.push((key.to_owned(), values));
        rest = after.trim_start();
    }
    Ok(wanted)
}

fn value(row: &Row, key: &str) -> String {
    match key {
        "project" => row.project.0.to_string(),
        "release" => row.release.clone(),
        _ => row.environment.clone(),
    }
}

fn group(by: &[(String, String)], series: &[Health], status: &str, question: &Question) -> Value {
    let mut shown: Map<String, Value> = by.iter().map(|(key, value)| (key.clone(), shown_value(key, value))).collect();
    if status != "all" {
        shown.insert("session.status".into(), status.into());
    }
    let mut all = Health::default();
    for health in series {
        all.add(health);
    }
    let totals: Map<String, Value> =
        question.fields.iter().map(|field| (field.clone(), number(&all, field, status))).collect();
    let line = |field: &String| series.iter().map(|health| number(health, field, status)).collect::<Vec<_>>();
    let lines: Map<String, Value> = question.fields.iter().map(|field| (field.clone(), json!(line(field)))).collect();
    json!({"by": shown, "totals": totals, "series": lines})
}

/// Sentry's projects are numbers here.
fn shown_value(key: &str, value: &str) -> Value {
    match value.parse::<i64>() {
        Ok(number) if key == "project" => number.into(),
        _ => value.into(),
    }
}

/// A field of some sessions; a share of nothing is null.
fn number(health: &Health, field: &str, status: &str) -> Value {
    let failed = |share: Option<f64>| share.map(|share| 1.0 - share);
    match field {
        "sum(session)" => sessions(health, status).into(),
        "count_unique(user)" => users(health, status).into(),
        "crash_free_rate(session)" => json!(health.crash_free_sessions()),
        "crash_free_rate(user)" => json!(health.crash_free_users()),
        "crash_rate(session)" => json!(failed(health.crash_free_sessions())),
        "crash_rate(user)" => json!(failed(health.crash_free_users())),
        _ => Value::Null,
    }
}

/// Sessions of a status: each is shown once, under the worst that happened to it.
fn sessions(health: &Health, status: &str) -> i64 {
    let ended = [Count::Crashed, Count::Abnormal, Count::Unhandled].map(|how| health.ended(how));
    let [crashed, abnormal, unhandled] = ended;
    match status {
        "healthy" => (health.sessions() - health.all_errored()).max(0),
        "errored" => (health.all_errored() - crashed - abnormal - unhandled).max(0),
        "crashed" => crashed,
        "abnormal" => abnormal,
        "unhandled" => unhandled,
        _ => health.sessions(),
    }
}

fn users(health: &Health, status: &str) -> i64 {
    let worse = [Set::CrashedUsers, Set::AbnormalUsers, Set::UnhandledUsers].map(|set| health.users(set));
    match status {
        "healthy" => (health.users(Set::Users) - health.users(Set::ErroredUsers)).max(0),
        "errored" => (health.users(Set::ErroredUsers) - worse.iter().sum::<i64>()).max(0),
        "crashed" => worse[0],
        "abnormal" => worse[1],
        "unhandled" => worse[2],
        _ => health.users(Set::Users),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{projects::ProjectId, protocol::session::Change};

    fn row(release: &str, hour: u32, counts: [i64; 5], members: &[(Set, u64)]) -> Row {
        let at: DateTime<Utc> = format!("2026-11-24T{hour:02}:00:00Z").parse().unwrap();
        let mut health = Health::default();
        health.apply(&Change {
            release: release.into(),
            environment: "production".into(),
            hour: at,
            counts,
            members: members.to_vec(),
        });
        Row { project: ProjectId(7), release: release.into(), environment: "production".into(), hour: at, health }
    }

    fn question(fields: &[&str], group_by: &[&str], query: &str) -> Question {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Question {
            fields: own(fields),
            group_by: own(group_by),
            from: "2026-11-24T10:00:00Z".parse().unwrap(),
            to: "2026-11-24T12:00:00Z".parse().unwrap(),
            interval: TimeDelta::hours(1),
            query: query.into(),
        }
    }

    #[test]
    fn sessions_are_summed_and_users_united_by_group_and_hour() {
        use Set::{CrashedUsers, ErroredUsers, Users};
        let grace = [(Users, 1)];
        let crashed = [(Users, 2), (ErroredUsers, 2), (CrashedUsers, 2)];
        let rows = [
            row("a", 10, [10, 3, 1, 0, 0], &grace),
            row("a", 11, [10, 1, 1, 0, 0], &[&grace[..], &crashed[..]].concat()),
            row("b", 11, [5, 0, 0, 0, 0], &[]),
        ];
        let fields = ["sum(session)", "count_unique(user)", "crash_free_rate(session)", "crash_free_rate(user)"];
        let told = answer(&rows, &question(&fields, &["release"], "release:a")).unwrap();
        let expected = json!([{
            "by": {"release": "a"},
            "totals": {"sum(session)": 20, "count_unique(user)": 2, "crash_free_rate(session)": 0.9,
                       "crash_free_rate(user)": 0.5},
            "series": {"sum(session)": [10, 10], "count_unique(user)": [1, 2], "crash_free_rate(session)": [0.9, 0.9],
                       "crash_free_rate(user)": [1.0, 0.5]},
        }]);
        assert_eq!(told["groups"], expected);
        assert_eq!(told["intervals"], json!(["2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"]));
        let told = answer(&rows, &question(&["sum(session)"], &["session.status"], "")).unwrap();
        let sums: Vec<_> =
            told["groups"].as_array().unwrap().iter().map(|g| g["totals"]["sum(session)"].clone()).collect();
        assert_eq!(sums, [21, 2, 2, 0, 0]);
    }

    #[test]
    fn nothing_is_no_rate() {
        let told = answer(&[], &question(&["crash_free_rate(user)", "sum(session)"], &[], "")).unwrap();
        assert_eq!(told["groups"][0]["totals"], json!({"crash_free_rate(user)": null, "sum(session)": 0}));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (fields, group_by, query) in [
            (&["sum(bananas)"][..], &[][..], ""),
            (&[], &[], ""),
            (&["sum(session)"], &["colour"], ""),
            (&["sum(session)"], &[], "colour:red"),
            (&["sum(session)"], &[], "release:[a"),
        ] {
            assert!(answer(&[], &question(fields, group_by, query)).is_err(), "{fields:?} {group_by:?} {query}");
        }
    }
}
