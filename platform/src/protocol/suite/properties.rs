//! What holds for every event, whatever was sent.

use proptest::prelude::*;
use serde_json::Value;

use super::{
    super::{
        event::Event,
        grouping::{Version, group, rules::Rules},
        json::Object,
        normalize::Addresses,
        scrub::{Settings, scrub},
        title,
    },
    events,
    mutations::{again, any_event, reversed},
    normalized,
};

fn config() -> ProptestConfig {
    ProptestConfig { cases: 500, failure_persistence: None, max_shrink_iters: 2_000, ..ProptestConfig::default() }
}

fn strict() -> Settings {
    Settings { addresses: Addresses::Scrub, sensitive_fields: vec!["name".into()], ..Settings::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn normalising_again_changes_nothing(sent in any_event()) {
        let once = normalized(&sent);
        let twice = normalized(&once);
        prop_assert_eq!(difference(&once.into(), &twice.into()), None);
    }

    #[test]
    fn scrubbing_again_changes_nothing(sent in any_event()) {
        let mut once = normalized(&sent);
        scrub(&mut once, &strict());
        let mut twice = once.clone();
        scrub(&mut twice, &strict());
        prop_assert_eq!(difference(&once.into(), &twice.into()), None);
    }

    #[test]
    fn every_event_has_names_and_one_group_whatever_the_order_of_its_keys(sent in any_event()) {
        let turned = reversed(&Value::Object(sent.clone()));
        let (event, turned) = (read(&sent), read(turned.as_object().unwrap()));
        let rules = Rules::default();
        for version in Version::ALL {
            prop_assert_eq!(group(&event, &rules, version).fingerprint, group(&turned, &rules, version).fingerprint);
        }
        prop_assert_eq!(title::title(&event), title::title(&turned));
        prop_assert_eq!(title::culprit(&event), title::culprit(&turned));
        prop_assert!(title::title(&event).chars().count() <= 256);
        title::metadata(&event);
        title::location(&event);
    }
}

#[test]
fn another_occurrence_of_an_event_is_in_its_group() {
    let rules = Rules::default();
    let of = |sent: &Value| group(&read(sent.as_object().unwrap()), &rules, Version::NEWEST);
    for (name, sent) in events() {
        let sent = Value::Object(sent);
        let found = of(&sent);
        for seed in [1, 17, 4711] {
            let other = of(&again(&sent, seed));
            assert_eq!(found.fingerprint, other.fingerprint, "{name}\n{:?}\n{:?}", found.info.parts, other.info.parts);
        }
    }
}

fn read(sent: &Object) -> Event {
    Event::read(&normalized(sent))
}

/// Where two values differ first, and how.
fn difference(a: &Value, b: &Value) -> Option<String> {
    let missing = Value::from("missing");
    let within = |key: &str, a: &Value, b: &Value| difference(a, b).map(|found| format!("/{key}{found}"));
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => a
            .keys()
            .chain(b.keys())
            .find_map(|key| within(key, a.get(key).unwrap_or(&missing), b.get(key).unwrap_or(&missing))),
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(at, (a, b))| within(&at.to_string(), a, b))
        }
        _ => (a != b).then(|| format!(": {a} and {b}")),
    }
}
