//! What rules mean, and what is said of those that mean nothing.

#![expect(clippy::needless_pass_by_value, reason = "tests write JSON where it is used")]

use serde_json::json;

use super::*;
use crate::{protocol::tags::tags, ui::Language};

fn read(json: Value) -> Result<Rule, Vec<Wrong>> {
    Rule::read(RuleId(1), ProjectId(7), json.as_object().expect("a rule is an object"))
}

fn rule(conditions: Value, filters: Value) -> Rule {
    read(json!({"name": "x", "conditions": conditions, "filters": filters})).expect("the rule makes sense")
}

fn wrong(changes: Value) -> Vec<String> {
    let mut json =
        json!({"name": "x", "conditions": [{"id": "sentry.rules.conditions.every_event.EveryEventCondition"}]});
    for (name, value) in changes.as_object().unwrap() {
        json[name] = value.clone();
    }
    read(json).unwrap_err().into_iter().map(|(field, why)| format!("{field}: {why}")).collect()
}

fn event() -> Object {
    let event = json!({
        "level": "warning", "platform": "python", "type": "error", "environment": "production", "release": "shop@1.2.3",
        "logentry": {"formatted": "No umbrella left"}, "tags": [["region", "eu-west"]],
        "exception": {"values": [
            {"type": "KeyError", "value": "'umbrella'", "mechanism": {"type": "x", "handled": true}},
            {"type": "Gone", "value": "umbrella", "stacktrace": {"frames": [
                {"filename": "shop/cart.py", "module": "shop.cart", "context_line": "raise Gone(item)"},
            ]}},
        ]},
        "user": {"id": "42", "email": "grace@example.com", "data": {"plan": "gold"}},
        "request": {"method": "POST", "url": "https://shop.example/cart"}, "extra": {"cart": {"items": 3}, "a.b": "dotted"},
        "contexts": {"response": {"status_code": 500}},
    });
    event.as_object().unwrap().clone()
}

/// What an event says of one term.
fn holds(mut term: Value) -> bool {
    let kind = term["is"].as_str().unwrap().to_owned();
    term["id"] = json!(format!("sentry.rules.conditions.x.{kind}Condition"));
    let (rule, event) = (rule(json!([term]), json!([])), event());
    rule.read_event(&event, &tags(&event)) == 1
}

#[test]
fn levels_tags_and_attributes_are_compared_as_sentry_compares_them() {
    let level = |level: &str, how: &str| holds(json!({"is": "Level", "level": level, "match": how}));
    assert_eq!([level("30", "eq"), level("30", "gte"), level("40", "lte"), level("20", "gte")], [true; 4]);
    assert_eq!([level("40", "gte"), level("20", "lte"), level("40", "eq")], [false; 3]);
    let tag = |key: &str, how: &str, value: &str| {
        holds(json!({"is": "TaggedEvent", "key": key, "match": how, "value": value}))
    };
    for (how, value, expected) in [
        ("eq", "EU-west", true),
        ("ne", "eu-west", false),
        ("sw", "eu", true),
        ("nsw", "us", true),
        ("ew", "west", true),
        ("new", "west", false),
        ("co", "u-w", true),
        ("nc", "u-w", false),
        ("is", "", true),
        ("ns", "", false),
    ] {
        assert_eq!(tag("region", how, value), expected, "region {how} {value}");
    }
    assert_eq!([tag("nothing", "ns", ""), tag("nothing", "ne", "x"), tag("nothing", "nc", "x")], [true; 3]);
    assert_eq!([tag("nothing", "is", ""), tag("nothing", "eq", "")], [false; 2]);
    assert!(tag("environment", "eq", "production") && tag("release", "co", "1.2"));
}

#[test]
fn attributes_are_found_where_sentry_finds_them() {
    let attribute = |name: &str, how: &str, value: &str| {
        holds(json!({"is": "EventAttribute", "attribute": name, "match": how, "value": value}))
    };
    for (name, value) in [
        ("message", "no umbrella left"),
        ("platform", "python"),
        ("environment", "production"),
        ("type", "error"),
        ("error.handled", "yes"),
        ("exception.type", "keyerror"),
        ("exception.type", "gone"),
        ("exception.value", "umbrella"),
        ("user.id", "42"),
        ("user.email", "grace@example.com"),
        ("user.plan", "gold"),
        ("http.method", "post"),
        ("http.url", "https://shop.example/cart"),
        ("http.status_code", "500"),
        ("stacktrace.code", "raise gone(item)"),
        ("stacktrace.module", "shop.cart"),
        ("stacktrace.filename", "shop/cart.py"),
        ("extra.cart.items", "3"),
        ("extra.a.b", "dotted"),
    ] {
        assert!(attribute(name, "eq", value), "{name} is {value}");
        assert!(!attribute(name, "ne", value), "{name} is {value}, of all its values");
        assert!(attribute(name, "is", ""), "{name} is set");
    }
    assert!(
        attribute("user.username", "ns", "")
            && attribute("extra.nothing", "ns", "")
            && !attribute("extra.nothing", "co", "x")
    );
}

#[test]
fn terms_are_all_any_or_none_also_while_some_are_unknown() {
    use Truth::{No, Unknown, Yes};
    let of = |quantifier: Quantifier, terms: &[Truth]| quantifier.of(terms.iter().copied());
    for (terms, all, any, none) in [
        (&[Yes, Yes][..], Yes, Yes, No),
        (&[Yes, No], No, Yes, No),
        (&[No, No], No, No, Yes),
        (&[Yes, Unknown], Unknown, Yes, No),
        (&[No, Unknown], No, Unknown, Unknown),
        (&[Unknown], Unknown, Unknown, Unknown),
    ] {
        assert_eq!(
            [of(Quantifier::All, terms), of(Quantifier::Any, terms), of(Quantifier::None, terms)],
            [all, any, none],
            "{terms:?}"
        );
    }
}

#[test]
fn a_rule_needs_its_conditions_and_its_filters() {
    let both = rule(
        json!([{"id": "sentry.rules.conditions.first_seen_event.FirstSeenEventCondition"}]),
        json!([{"id": "sentry.rules.filters.level.LevelFilter", "level": "40", "match": "gte"}]),
    );
    let judged = |first: bool, level: bool| both.judge(|at, _| Truth::from(if at == 0 { first } else { level }));
    assert_eq!([judged(true, true), judged(true, false), judged(false, true)], [Truth::Yes, Truth::No, Truth::No]);
    assert!(both.reads_events() && both.read_event(&event(), &[]) == 0, "a warning is no error");
    let none = Rule { conditions: Vec::new(), ..both };
    assert_eq!(none.judge(|_, _| Truth::Yes), Truth::No, "without a condition it never fires");
}

#[test]
fn what_makes_no_sense_is_said_of_its_field() {
    let condition = |json: Value| wrong(json!({"conditions": [json]}));
    let id = |name: &str| format!("sentry.rules.conditions.x.{name}Condition");
    assert_eq!(wrong(json!({"name": ""})), ["name: A rule has a name of at most 256 characters."]);
    assert_eq!(
        wrong(json!({"conditions": []})),
        ["conditions: A rule without a condition never fires: say when it does."]
    );
    assert_eq!(wrong(json!({"actionMatch": "some"})), ["actionMatch: This is all, any or none."]);
    assert_eq!(wrong(json!({"frequency": 99_999_999})), ["frequency: Minutes between 0 and 43200."]);
    assert_eq!(wrong(json!({"filters": "x"})), ["filters: This is a list."]);
    assert_eq!(wrong(json!({"actions": [{"id": "a.b.Fly"}]})), ["actions: There is no action \"a.b.Fly\"."]);
    for (json, word) in [
        (json!({"id": "nonsense"}), "no condition or filter"),
        (json!({"id": id("Level"), "level": "99"}), "level is"),
        (json!({"id": id("TaggedEvent"), "key": "x", "match": "like"}), "no comparison \"like\""),
        (json!({"id": id("EventAttribute"), "attribute": "colour"}), "no attribute \"colour\""),
        (json!({"id": id("EventFrequency"), "value": -1, "interval": "1h"}), "value is"),
        (json!({"id": id("EventFrequency"), "value": 1, "interval": "2h"}), "interval is"),
        (json!({"id": id("AgeComparison"), "comparison_type": "older", "value": 1, "time": "year"}), "time is"),
        (json!({"id": id("AssignedTo"), "targetType": "Dog"}), "targetType is"),
    ] {
        let said = condition(json.clone());
        assert!(said.len() == 1 && said[0].starts_with("conditions: ") && said[0].contains(word), "{json}: {said:?}");
    }
}

#[test]
fn the_usual_rule_makes_sense_and_every_sentence_is_said_twice() {
    let usual = Rule::read(RuleId(1), ProjectId(7), &Rule::usual()).unwrap();
    assert_eq!(
        (usual.conditions.len(), usual.condition_match, &usual.actions[..]),
        (3, Quantifier::Any, &[Action::Members][..])
    );
    assert!(!usual.reads_events(), "it costs nothing where nothing is new");
    let frequency = json!({"id": "sentry.rules.conditions.event_frequency.EventFrequencyCondition", "value": "100", "interval": "1h"});
    let rule = rule(json!([frequency]), json!([]));
    assert_eq!(term_sentence(&rule.conditions[0], Language::English), "An issue happens more than 100 times in 1 hour");
    assert_eq!(term_sentence(&rule.conditions[0], Language::Chinese), "问题在 1 小时内出现超过 100 次");
}

#[test]
fn actions_are_read_from_every_version_of_sentry() {
    let action = |json: Value| Action::read(&json);
    assert_eq!(action(json!({"id": "sentry.rules.actions.notify_event.NotifyEventAction"})), Ok(Action::Everything));
    let service = "sentry.rules.actions.notify_event_service.NotifyEventServiceAction";
    assert_eq!(action(json!({"id": service, "service": "mail"})), Ok(Action::Members));
    assert_eq!(action(json!({"id": service, "service": "DingDing"})), Ok(Action::Kind("dingtalk".into())));
    assert!(action(json!({"id": service, "service": "pigeon"})).is_err());
    let mail = "sentry.mail.actions.NotifyEmailAction";
    assert_eq!(
        action(json!({"id": mail, "targetType": "Member", "targetIdentifier": 3})),
        Ok(Action::Member(UserId(3)))
    );
    assert_eq!(action(json!({"id": "picket.NotifyChannelAction", "channel": "7"})), Ok(Action::Channel(ChannelId(7))));
}
