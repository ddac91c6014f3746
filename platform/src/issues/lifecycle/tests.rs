//! The decision against a slow reference, which looks at the whole history of an issue for every event.

use proptest::prelude::*;

use super::*;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(minute * 60, 0).unwrap()
}

fn release(number: i64) -> Release {
    // Created the other way round, so that the order of versions and that of creation disagree.
    Release { version: format!("shop@1.{number}"), created_at: at(100 - number) }
}

#[derive(Clone, Debug)]
struct Event {
    minute: i64,
    release: Option<i64>,
    user: Option<i64>,
}

/// Where the fix is, or how long to be silent.
#[derive(Clone, Debug)]
enum Decided {
    Resolved(i64),
    Next(i64, i64),
    In(i64, i64),
    Ignored { at: i64, until: Option<i64>, times: Option<(usize, Option<u32>)>, users: Option<(usize, Option<u32>)> },
}

impl Decided {
    fn decision(&self) -> Decision {
        let limit = |limit: &Option<(usize, Option<u32>)>| limit.map(|(most, minutes)| Limit { most, minutes });
        let resolved = |minute, fix| Decision::Resolved(Resolution { at: at(minute), fix });
        match self {
            Decided::Resolved(minute) => resolved(*minute, Fix::Now),
            Decided::Next(minute, after) => resolved(*minute, Fix::NextRelease { after: release(*after) }),
            Decided::In(minute, fixed) => resolved(*minute, Fix::InRelease { release: release(*fixed) }),
            Decided::Ignored { at: minute, until, times, users } => Decision::Ignored(Snooze {
                at: at(*minute),
                until: until.map(at),
                times: limit(times),
                users: limit(users),
                users_before: None,
            }),
        }
    }

    /// Whether the last event of a history brings the issue back, by all that happened.
    fn reference(&self, history: &[Event]) -> bool {
        let last = history.last().unwrap();
        match self {
            Decided::Resolved(minute) => last.minute > *minute,
            Decided::Next(minute, after) => {
                last.minute > *minute && last.release.is_some_and(|release| release > *after)
            }
            Decided::In(minute, fixed) => {
                last.minute > *minute && last.release.is_some_and(|release| release >= *fixed)
            }
            Decided::Ignored { at, until, times, users } => {
                if last.minute <= *at {
                    return false;
                }
                let counted = |window: Option<u32>| {
                    history.iter().filter(move |event| {
                        let in_window = window.is_none_or(|window| event.minute > last.minute - i64::from(window));
                        event.minute > *at && event.minute <= last.minute && in_window
                    })
                };
                let users_of = |window| {
                    let mut users: Vec<i64> = counted(window).filter_map(|event| event.user).collect();
                    users.sort_unstable();
                    users.dedup();
                    users.len()
                };
                until.is_some_and(|until| last.minute >= until)
                    || times.is_some_and(|(most, window)| counted(window).count() >= most)
                    || users.is_some_and(|(most, window)| users_of(window) >= most)
            }
        }
    }
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (0..60_i64, prop::option::of(0..6_i64), prop::option::of(0..4_i64));
    prop::collection::vec(event.prop_map(|(minute, release, user)| Event { minute, release, user }), 1..40).prop_map(
        |mut events| {
            events.sort_by_key(|event| event.minute);
            events
        },
    )
}

fn decided() -> impl Strategy<Value = Decided> {
    let limit = || prop::option::of((1..6_usize, prop::option::of(1..20_u32)));
    prop_oneof![
        (0..60_i64).prop_map(Decided::Resolved),
        (0..60_i64, 0..6_i64).prop_map(|(at, after)| Decided::Next(at, after)),
        (0..60_i64, 0..6_i64).prop_map(|(at, fixed)| Decided::In(at, fixed)),
        (0..60_i64, prop::option::of(0..60_i64), limit(), limit())
            .prop_map(|(at, until, times, users)| Decided::Ignored { at, until, times, users }),
    ]
}

/// What a batch is told of what came before it.
fn before(decision: &Decision, stored: &[Event], batch: &[Event]) -> Before {
    let Decision::Ignored(snooze) = decision else { return Before::default() };
    let since = snooze.since(at(batch[0].minute));
    let known = || stored.iter().filter(|event| at(event.minute) > since);
    let mut users: Vec<(i64, DateTime<Utc>)> =
        known().filter_map(|event| Some((event.user?, at(event.minute)))).collect();
    // Only when each was last seen is kept.
    users.reverse();
    let mut seen = HashSet::new();
    users.retain(|(user, _)| seen.insert(*user));
    Before { times: known().map(|event| at(event.minute)).collect(), users, ever: None }
}

proptest! {
    #[test]
    fn a_decision_agrees_with_the_whole_history(decided in decided(), events in events(), sizes in prop::collection::vec(1..8_usize, 40)) {
        let expected = (1..=events.len()).find(|end| decided.reference(&events[..*end]));
        let decision = decided.decision();
        let (mut found, mut from) = (None, 0);
        for size in sizes {
            let batch = &events[from..(from + size).min(events.len())];
            if batch.is_empty() || found.is_some() {
                break;
            }
            let mut before = before(&decision, &events[..from], batch);
            for (nth, event) in batch.iter().enumerate() {
                let release = event.release.map(release);
                let came = Came { at: at(event.minute), release: release.as_ref(), user: event.user };
                if found.is_none() && decision.meets(&mut before, &came).is_some() {
                    found = Some(from + nth + 1);
                }
            }
            from += batch.len();
        }
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn a_commit_nobody_released_is_never_broken() {
    let fix = Fix::InCommit { commit: "f00ba4".into(), repository: "acme/shop".into() };
    let decision = Decision::Resolved(Resolution { at: at(1), fix });
    let newer = release(9);
    let came = Came { at: at(2), release: Some(&newer), user: None };
    assert_eq!(decision.meets(&mut Before::default(), &came), None);
}

#[test]
fn more_users_than_are_known_one_by_one_still_bring_an_issue_back() {
    let users = Some(Limit { most: 5_000, minutes: None });
    let user = |number: u64| {
        let mixed = (number ^ 0x5bf0_3635).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(31).cast_signed()
    };
    let mut ever = Distinct::default();
    (0..3_000).for_each(|number| _ = ever.add(user(number).cast_unsigned()));
    let users_before = Some(ever.count());
    let decision = Decision::Ignored(Snooze { at: at(1), until: None, times: None, users, users_before });
    let mut before = Before { ever: Some(ever), ..Before::default() };
    let returned = (0..10_000).find(|number| {
        // Those beyond the known are forgotten again.
        before.users.truncate(usize::try_from(KNOWN_USERS).unwrap());
        let came = Came { at: at(2), release: None, user: Some(user(*number)) };
        decision.meets(&mut before, &came).is_some()
    });
    assert!(returned.is_some_and(|number| (7_700..8_900).contains(&number)), "it came back with user {returned:?}");
}
