//! What fires, decided without a database.

#![expect(clippy::needless_pass_by_value, reason = "tests write JSON where it is used")]

use serde_json::{Value, json};

use super::*;

const PROJECT: ProjectId = ProjectId(7);

fn rules(conditions: Value, changes: Value) -> Arc<Vec<Rule>> {
    let mut json = json!({"name": "x", "conditions": conditions, "frequency": 0});
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    Arc::new(vec![Rule::read(RuleId(1), PROJECT, json.as_object().unwrap()).unwrap()])
}

fn condition(name: &str, parameters: Value) -> Value {
    let mut json = parameters;
    json["id"] = json!(format!("sentry.rules.conditions.x.{name}"));
    json!([json])
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

/// An event of issue 1 after so many seconds.
fn event(rules: &Arc<Vec<Rule>>, seconds: i64) -> Candidate<'_> {
    Candidate {
        project: PROJECT,
        event: EventId(uuid::Uuid::from_u128(u128::try_from(seconds).unwrap())),
        issue: IssueId(1),
        effect: Effect::Counted,
        occurred_at: at(seconds),
        received_at: at(seconds),
        environment: 0,
        user: 0,
        release: None,
        rules,
        bits: &[0],
    }
}

/// Seconds of the events that fire.
fn fired(candidates: &[Candidate<'_>], facts: &Facts) -> Vec<i64> {
    let fires = decide(candidates, facts, &mut Last::new(), at(0));
    fires.iter().map(|fire| (fire.at - at(0)).num_seconds()).collect()
}

#[test]
fn a_new_issue_fires_once_and_one_that_only_happens_does_not() {
    let rules = rules(condition("FirstSeenEventCondition", json!({})), json!({}));
    let mut events: Vec<_> = (0..3).map(|seconds| event(&rules, seconds)).collect();
    events[0].effect = Effect::CreatedIssue;
    assert_eq!(fired(&events, &Facts::default()), [0]);
    assert!(pending(&events[1..], at(0)).is_empty(), "nothing has to be asked");
}

#[test]
fn a_rule_is_silent_for_its_interval_in_a_batch_and_after_it() {
    let rules = rules(condition("EveryEventCondition", json!({})), json!({"frequency": 5}));
    let events: Vec<_> = [0, 10, 299, 300, 400, 601].map(|seconds| event(&rules, seconds)).into();
    assert_eq!(fired(&events, &Facts::default()), [0, 300, 601]);
    let mut last = Last::from([((RuleId(1), IssueId(1)), at(-100))]);
    let fires = decide(&events[..3], &Facts::default(), &mut last, at(0));
    assert_eq!(fires.iter().map(|fire| fire.at).collect::<Vec<_>>(), [at(299)]);
}

#[test]
fn more_than_so_many_in_a_window_counts_what_was_there_before() {
    let frequency = condition("EventFrequencyCondition", json!({"value": 3, "interval": "1m"}));
    let rules = rules(frequency, json!({}));
    let events: Vec<_> = [100, 110, 200].map(|seconds| event(&rules, seconds)).into();
    let times = [200, 110, 100, 90, 60, 45].map(|seconds| (at(seconds), 0));
    let facts = Facts { windows: HashMap::from([((IssueId(1), 60, 0), times.into())]), ..Facts::default() };
    assert_eq!(fired(&events, &facts), [100, 110], "at 100 there are four within the minute, at 200 one");
    let windows = wanted_windows(&events, &pending(&events, at(0)));
    assert_eq!((windows.len(), windows[0].since, windows[0].most), (1, at(40), 7));
}

#[test]
fn users_are_counted_once_each() {
    let users = condition("EventUniqueUserFrequencyCondition", json!({"value": 1, "interval": "1h"}));
    let rules = rules(users, json!({}));
    let events: Vec<_> = [10, 20].map(|seconds| event(&rules, seconds)).into();
    let windows = |users: &[(i64, i64)]| {
        let times = users.iter().map(|(seconds, user)| (at(*seconds), *user)).collect();
        Facts { windows: HashMap::from([((IssueId(1), 3_600, 0), times)]), ..Facts::default() }
    };
    assert_eq!(fired(&events, &windows(&[(20, 5), (10, 5), (5, 5), (4, 0)])), [0; 0]);
    assert_eq!(fired(&events, &windows(&[(20, 6), (10, 5)])), [20]);
}

#[test]
fn age_occurrences_and_assignment_are_those_of_the_issue() {
    let facts = |assigned| Facts {
        issues: HashMap::from([(IssueId(1), IssueFacts { first_seen: at(-7_200), times_seen: 10, assigned })]),
        ..Facts::default()
    };
    let holds = |name: &str, parameters: Value, assigned| {
        let rules = rules(condition(name, parameters), json!({}));
        fired(&[event(&rules, 0), event(&rules, 1)], &facts(assigned)).len()
    };
    let age = |kind: &str, hours: i64| json!({"comparison_type": kind, "value": hours, "time": "hour"});
    assert_eq!(
        [holds("AgeComparisonFilter", age("older", 1), None), holds("AgeComparisonFilter", age("older", 3), None)],
        [2, 0]
    );
    assert_eq!(
        [holds("AgeComparisonFilter", age("newer", 3), None), holds("AgeComparisonFilter", age("newer", 1), None)],
        [2, 0]
    );
    assert_eq!(holds("IssueOccurrencesFilter", json!({"value": 10}), None), 1, "only the tenth is the tenth");
    let member = json!({"targetType": "Member", "targetIdentifier": "3"});
    assert_eq!(holds("AssignedToFilter", member.clone(), Some(Assigned::Member(UserId(3)))), 2);
    assert_eq!(holds("AssignedToFilter", member, Some(Assigned::Team(3))), 0);
    assert_eq!(holds("AssignedToFilter", json!({"targetType": "Unassigned"}), None), 2);
}

#[test]
fn the_latest_release_is_the_latest_when_the_event_came() {
    let rules = rules(condition("LatestReleaseFilter", json!({})), json!({}));
    let release = |version: &str, seconds| Release { version: version.into(), created_at: at(seconds) };
    let facts = Facts {
        releases: HashMap::from([(PROJECT, vec![release("shop@2.0", 100), release("shop@1.0", 0)])]),
        ..Facts::default()
    };
    let of = |version: &'static str, seconds| Candidate { release: Some(version), ..event(&rules, seconds) };
    let events = [of("shop@1.0", 10), of("shop@1.0", 110), of("shop@2.0", 120), event(&rules, 130)];
    assert_eq!(fired(&events, &facts), [10, 120]);
}

#[test]
fn a_rule_of_an_environment_sees_only_that_and_its_first_event_there() {
    let rules = rules(condition("FirstSeenEventCondition", json!({})), json!({"environment": "production"}));
    let production = tags::number(PROJECT.0, "environment", "production");
    let events = [
        Candidate { effect: Effect::CreatedIssue, environment: 5, ..event(&rules, 0) },
        Candidate { environment: production, ..event(&rules, 1) },
        Candidate { environment: production, ..event(&rules, 2) },
    ];
    let counted = |events| HashMap::from([((IssueId(1), production), events)]);
    let facts = |events_there| Facts { first_in: first_in(&events, &counted(events_there)), ..Facts::default() };
    assert_eq!(fired(&events, &facts(2)), [1], "both are of this batch");
    assert_eq!(fired(&events, &facts(3)), [0; 0], "there was one before");
}

#[test]
fn a_muted_rule_says_nothing_until_its_time() {
    let rules = rules(condition("EveryEventCondition", json!({})), json!({}));
    let muted = Arc::new(vec![Rule { muted_until: Some(at(10)), ..rules[0].clone() }]);
    let events = [event(&muted, 0)];
    assert!(decide(&events, &Facts::default(), &mut Last::new(), at(9)).is_empty());
    assert_eq!(decide(&events, &Facts::default(), &mut Last::new(), at(10)).len(), 1);
}
