//! Rules and explanations of grouping, as input and output.

use serde_json::{Value, json};

use super::{
    super::event::Event,
    Grouping, Source, Variant, group,
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
    group(&event(&shop()), &Rules::parse(fingerprint_rules, stack_rules).unwrap())
}

fn counted(grouping: &Grouping) -> Vec<&str> {
    grouping.info.parts.iter().filter(|part| part.counts).map(|part| part.text.as_str()).collect()
}

#[test]
fn a_grouping_says_what_counted_and_why_not() {
    let found = with("", "");
    assert_eq!((found.info.variant, &found.info.source), (Variant::App, &Source::Default));
    assert_eq!(counted(&found), ["ValueError", "shop.cart in total", "shop.money in parse"]);
    let left_out: Vec<(&str, &str)> =
        found.info.parts.iter().filter(|part| !part.counts).map(|part| (part.text.as_str(), part.why)).collect();
    assert_eq!(left_out, [("web.server in serve", "not in the application"), ("bad price", "the frames count")]);
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

#[test]
fn the_order_of_keys_does_not_matter() {
    let sent = shop();
    let reversed = |value: &Value| reverse(value);
    assert_eq!(with("", "").fingerprint, group(&event(&reversed(&sent)), &Rules::default()).fingerprint);
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
                assert_eq!(group(&event, &rules), group(&event, &rules));
            }
        }
    }
}
