//! Rules and explanations of grouping, as input and output.

use serde_json::{Value, json};

use super::{
    super::event::Event,
    Explanation, Grouping, Source, Variant, Version, Why, explain, group,
    rules::{RuleError, Rules, fingerprint, stack},
};

fn event(json: &Value) -> Event {
    Event::parse(json.to_string().as_bytes()).expect("a JSON object is an event")
}

fn shop() -> Value {
    json!({
        "platform": "python", "logger": "shop", "tags": {"tenant": "acme"},
        "exception": {"values": [{"type": "ValueError", "value": "bad price", "stacktrace": {"frames": [
            {"module": "web.server", "function": "serve", "filename": "web/server.py", "in_app": false},
            {"module": "shop.cart", "function": "total", "filename": "shop/cart.py", "in_app": true},
            {"module": "shop.money", "function": "parse", "filename": "shop/money.py", "in_app": true},
        ]}}]},
    })
}

fn with(fingerprint_rules: &str, stack_rules: &str) -> Grouping {
    group(&event(&shop()), &Rules::parse(fingerprint_rules, stack_rules).unwrap(), Version::NEWEST)
}

fn counted(grouping: &Grouping) -> Vec<&str> {
    grouping.info.parts.iter().filter(|part| part.counts).map(|part| part.text.as_str()).collect()
}

#[test]
fn a_grouping_says_what_counted_and_why_not() {
    let found = with("", "");
    assert_eq!((found.info.variant, &found.info.source), (Variant::App, &Source::Default));
    assert_eq!(counted(&found), ["ValueError", "shop.cart in total", "shop.money in parse"]);
    let left_out: Vec<(&str, Why)> =
        found.info.parts.iter().filter(|part| !part.counts).map(|part| (part.text.as_str(), part.why)).collect();
    assert_eq!(left_out, [("web.server in serve", Why::NotInApp), ("bad price", Why::Frames)]);
}

#[test]
fn a_stack_trace_rule_says_whose_a_frame_is_and_whether_it_counts() {
    let cases: [(&str, &[&str]); 9] = [
        ("stack.module:shop.money -app", &["ValueError", "shop.cart in total"]),
        ("module:web.* +app", &["ValueError", "web.server in serve", "shop.cart in total", "shop.money in parse"]),
        ("function:total ^-group", &["ValueError", "shop.cart in total"]),
        ("function:total v-group -group", &["ValueError", "shop.money in parse"]),
        ("path:**/shop/** !function:total -group", &["ValueError", "shop.cart in total"]),
        ("[function:total] | app:yes -group", &["ValueError", "shop.cart in total"]),
        ("function:total | [function:parse] -group", &["ValueError", "shop.money in parse"]),
        ("family:all max-frames=1", &["ValueError", "shop.money in parse"]),
        ("type:KeyError function:* -group", &["ValueError", "shop.cart in total", "shop.money in parse"]),
    ];
    for (rule, expected) in cases {
        assert_eq!(counted(&with("", rule)), expected, "{rule}");
    }
}

#[test]
fn a_fingerprint_rule_names_the_group_and_the_issue() {
    let found =
        with("# money\nerror.type:Value* stack.function:parse -> money, {{ tags.tenant }} title=\"Bad money\"", "");
    assert_eq!(
        (found.info.custom, found.title.as_deref()),
        (vec!["money".to_owned(), "acme".to_owned()], Some("Bad money"))
    );
    assert!(matches!(found.info.source, Source::Rule(text) if text.starts_with("error.type")));
    let other = with(
        "error.type:KeyError -> keys\nlogger:shop message:\"bad*\" -> {{ default }} {{ error.type }} {{ release }}",
        "",
    );
    assert_eq!(other.info.custom, ["{{ default }}", "ValueError", "<no-release>"]);
    assert_eq!(with("level:fatal -> x\nfunction:total module:shop.money -> y", "").info.source, Source::Default);
}

#[test]
fn a_rule_that_cannot_be_read_is_refused_with_its_spot() {
    let error = |line, column, problem: &str| Some(RuleError { line, column, problem: problem.into() });
    let cases = [
        (fingerprint::parse("\ncolour:red -> a").err(), error(2, 1, "unknown key \"colour\"")),
        (fingerprint::parse("type:a").err(), error(1, 7, "expected -> and a fingerprint")),
        (fingerprint::parse("type:a ->").err(), error(1, 10, "expected a fingerprint after ->")),
        (fingerprint::parse("type:\"a -> b").err(), error(1, 6, "a quote is never closed")),
        (fingerprint::parse("type:a -> {{ x").err(), error(1, 15, "expected a variable, {{ name }}")),
        (stack::parse("function:a").err(), error(1, 11, "expected an action, such as -app or +group")),
        (stack::parse("function:a -foo").err(), error(1, 12, "unknown action \"-foo\"")),
        (stack::parse("release:a -app").err(), error(1, 1, "\"release\" cannot be used in stack trace rules")),
        (stack::parse("app:perhaps -app").err(), error(1, 12, "\"perhaps\" is not yes or no")),
        (stack::parse("[function:a | b").err(), error(1, 13, "expected a condition, key:pattern")),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

fn explained(fingerprint_rules: &str, stack_rules: &str, version: Version) -> Explanation {
    explain(&event(&shop()), &Rules::parse(fingerprint_rules, stack_rules).unwrap(), version)
}

#[test]
fn an_explanation_shows_what_was_passed_over_and_which_rules_had_a_say() {
    let plain = explained("", "module:web.* +app\nfunction:nothing -app", Version::NEWEST);
    let shown = |explanation: &Explanation| -> Vec<(Variant, Why, bool)> {
        let of = |variant: &super::Explained| (variant.variant, variant.why, variant.fingerprint.is_some());
        explanation.variants.iter().map(of).collect()
    };
    assert_eq!(shown(&plain), [(Variant::App, Why::Counts, true), (Variant::System, Why::AppFrames, false)]);
    assert_eq!(plain.stack_rules, ["module:web.* +app"]);
    let all = explained("", "family:all -app", Version::NEWEST);
    assert_eq!(shown(&all), [(Variant::System, Why::Counts, true), (Variant::App, Why::NoAppFrame, false)]);
    let named = explained("type:ValueError -> money", "", Version::NEWEST);
    assert_eq!(shown(&named), [(Variant::Custom, Why::Counts, true), (Variant::App, Why::Fingerprint, false)]);
    assert_eq!(named.source, Source::Rule("type:ValueError -> money".into()));
}

#[test]
fn the_old_version_groups_as_sentry_9_does() {
    let of = |json: Value| group(&event(&json), &Rules::default(), Version::Legacy);
    let message = |text: &str| of(json!({"platform": "python", "message": text}));
    assert_ne!(message("order 1 is late").fingerprint, message("order 2 is late").fingerprint, "the whole text counts");
    let template = |text: &str| of(json!({"logentry": {"message": "order %s is late", "formatted": text}}));
    assert_eq!(template("order 1 is late").fingerprint, template("order 2 is late").fingerprint);
    let walk = json!({"module": "shop.tree", "function": "walk", "in_app": true});
    let visit = json!({"module": "shop.tree", "function": "visit", "in_app": true});
    let raised =
        |frames: Value| of(json!({"exception": {"type": "E", "value": "x", "stacktrace": {"frames": frames}}}));
    let once = raised(json!([walk, visit]));
    assert_eq!(counted(&once), ["E", "shop.tree in walk", "shop.tree in visit"]);
    assert_eq!(
        once.fingerprint,
        raised(json!([walk, walk, walk, visit])).fingerprint,
        "the same frame in a row is one"
    );
    assert_ne!(once.fingerprint, raised(json!([walk, visit, walk, visit])).fingerprint, "a cycle of two is not");
    let chain = of(
        json!({"exception": [{"type": "Cause", "value": "y"}, {"type": "E", "value": "x", "stacktrace": {"frames": [walk]}}]}),
    );
    assert_eq!(
        counted(&chain),
        ["E", "shop.tree in walk"],
        "an exception without frames does not count beside one with"
    );
    assert_eq!((once.version, Version::named("legacy:2019-03-12")), (Version::Legacy, Some(Version::Legacy)));
}

#[test]
fn the_order_of_keys_does_not_matter() {
    let sent = shop();
    let reversed = |value: &Value| reverse(value);
    assert_eq!(
        with("", "").fingerprint,
        group(&event(&reversed(&sent)), &Rules::default(), Version::NEWEST).fingerprint
    );
}

fn reverse(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            Value::Object(object.iter().rev().map(|(key, value)| (key.clone(), reverse(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(reverse).collect()),
        other => other.clone(),
    }
}

#[test]
fn every_shape_of_event_is_grouped() {
    let texts = [
        "",
        "é�",
        "<<<>>>",
        "((",
        "a/b/c:1",
        "{{ default }}",
        "lambda$",
        "$$",
        "<T as",
        "::h",
        "0x",
        "[",
        "..",
        "operator<",
        "`'",
        "1e",
        "@#",
    ];
    for a in texts {
        for b in texts {
            for platform in ["javascript", "python", "java", "csharp", "native", "go", "ruby", "php", "dart", "other"] {
                let frame = json!({"function": a, "module": b, "filename": a, "context_line": b, "package": a});
                let exception = json!({"type": a, "value": b, "stacktrace": {"frames": [frame, frame]}});
                let event =
                    event(&json!({"platform": platform, "message": a, "fingerprint": [b], "exception": exception}));
                let rules = Rules::default();
                for version in Version::ALL {
                    assert_eq!(explain(&event, &rules, version), explain(&event, &rules, version));
                }
            }
        }
    }
}
