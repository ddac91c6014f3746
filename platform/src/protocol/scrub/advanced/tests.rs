//! A project's own rules: what they take, what becomes of it, and what is said of those that cannot be read.

use serde_json::{Value, json};

use super::{
    super::{super::json::Object, Settings, scrub},
    Rules,
};

fn shop() -> Object {
    let event = json!({
        "logentry": {"formatted": "ORD-12 of anna@shop.example from 192.0.2.1"},
        "user": {"username": "anna", "ip_address": "192.0.2.1"},
        "tags": [["order", "ORD-1"], ["plan", "gold"]],
        "extra": {"order": "see ORD-55", "note": "of anna", "cart": {"owner": "anna", "sum": 3}, "pairs": [["owner", "anna"]], "yes": true},
        "exception": {"values": [{"type": "Sold", "value": "ORD-7 is sold", "stacktrace": {"frames": [
            {"function": "sell", "abs_path": "/home/anna/shop/sell.py", "vars": {"owner": "anna"}},
        ]}}]},
        "contexts": {"device": {"name": "annas phone", "model": "Pixel 8"}, "cart": {"owner": "anna"}},
        "request": {"url": "https://shop.example/anna", "headers": [["X-Owner", "anna"]]},
    });
    event.as_object().unwrap().clone()
}

fn with(applications: &Value) -> Value {
    let rules = json!({
        "order": {"type": "pattern", "pattern": "ORD-[0-9]+", "redaction": {"method": "replace", "text": "[order]"}},
        "digits": {"type": "pattern", "pattern": "ORD-([0-9]+)", "replaceGroups": [1], "redaction": {"method": "mask"}},
        "owner": {"type": "redact_pair", "keyPattern": "owner", "redaction": {"method": "hash"}},
        "both": {"type": "multiple", "rules": ["@ip", "@email:mask"], "hideInner": true},
        "path": {"type": "alias", "rule": "@userpath"},
    });
    let config = json!({"rules": rules, "applications": applications});
    let settings =
        Settings { defaults: false, rules: Rules::parse(&config.to_string()).unwrap(), ..Settings::default() };
    let mut once = shop();
    scrub(&mut once, &settings);
    let mut twice = once.clone();
    scrub(&mut twice, &settings);
    assert_eq!(Value::from(once.clone()), Value::from(twice), "again changes nothing");
    once.into()
}

#[test]
fn a_selector_says_where_and_a_rule_what_becomes_of_it() {
    // HMAC-SHA1 of "anna" with an empty key
    let hash = "A89FB85FD76E72798AC35381627D9BE789834BBE";
    let cases = [
        (json!({"$string": ["order"]}), "/logentry/formatted", json!("[order] of anna@shop.example from 192.0.2.1")),
        (json!({"$string": ["order"]}), "/exception/values/0/value", json!("[order] is sold")),
        (json!({"$string": ["order"]}), "/tags/0/1", json!("ORD-1")),
        (json!({"tags.order": ["order"]}), "/tags/0/1", json!("[order]")),
        (json!({"extra.order": ["digits"]}), "/extra/order", json!("see ORD-**")),
        (json!({"$message": ["both"]}), "/logentry/formatted", json!("ORD-12 of ***************** from [ip]")),
        (json!({"extra.**": ["owner"]}), "/extra/cart/owner", json!(hash)),
        (json!({"extra.**": ["owner"]}), "/extra/pairs/0/1", json!(hash)),
        (json!({"extra.**": ["@anything:remove"]}), "/extra/cart", json!(null)),
        (json!({"extra.**": ["@anything:remove"]}), "/extra/yes", json!(true)),
        (json!({"extra.cart.*": ["@anything:filter"]}), "/extra/cart", json!({"owner": "[Filtered]", "sum": null})),
        (json!({"$number": ["@anything"]}), "/extra/cart", json!({"owner": "anna", "sum": null})),
        (
            json!({"$frame.abs_path": ["path"]}),
            "/exception/values/0/stacktrace/frames/0/abs_path",
            json!("/home/[user]/shop/sell.py"),
        ),
        (
            json!({"$frame.vars.owner": ["@anything:mask"]}),
            "/exception/values/0/stacktrace/frames/0/vars/owner",
            json!("****"),
        ),
        (json!({"**": ["@anything:remove"]}), "/contexts/device", json!({"name": "annas phone", "model": "Pixel 8"})),
        (
            json!({"contexts.device.*": ["@anything:filter"]}),
            "/contexts/device",
            json!({"name": "[Filtered]", "model": "Pixel 8"}),
        ),
        (json!({"**": ["@anything:remove"]}), "/contexts/cart", json!(null)),
        (json!({"$http.headers.x-owner": ["@anything:filter"]}), "/request/headers/0/1", json!("[Filtered]")),
        (json!({"$string && !extra.**": ["@anything:filter"]}), "/extra/note", json!("of anna")),
        (json!({"(user.username || extra.note)": ["@anything:filter"]}), "/extra/note", json!("[Filtered]")),
        (json!({"extra.'note'": ["@anything:mask"]}), "/extra/note", json!("*******")),
        (json!({"exception.values.0.value": ["@anything:filter"]}), "/exception/values/0/value", json!("[Filtered]")),
    ];
    for (applications, place, expected) in cases {
        let found = with(&applications);
        assert_eq!(found.pointer(place), Some(&expected), "{applications}");
    }
}

#[test]
fn remarks_say_which_rule_and_where() {
    let found = with(&json!({"$message": ["order", "both"], "extra.note": ["@anything:remove"]}));
    let remarks = json!({"rem": [["order", "s", 0, 7], ["both", "m", 11, 28], ["both", "s", 34, 38]], "len": 42});
    assert_eq!(found["_meta"]["logentry"]["formatted"][""], remarks);
    assert_eq!(found["_meta"]["extra"]["note"][""], json!({"rem": [["@anything:remove", "x"]]}));
}

#[test]
fn an_address_that_was_hashed_still_tells_users_apart() {
    let rules = Rules::parse(r#"{"applications": {"$user.ip_address": ["@ip:hash"]}}"#).unwrap();
    let mut event = json!({"user": {"ip_address": "192.0.2.1"}}).as_object().unwrap().clone();
    scrub(&mut event, &Settings { rules, ..Settings::default() });
    let (id, address) = (&event["user"]["id"], &event["user"]["ip_address"]);
    assert!(id.as_str().is_some_and(|id| id.len() == 40 && address.is_null()), "{event:?}");
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let cases = [
        ("{", "this is not JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "expected an object with rules and applications"),
        (r#"{"rules": {"a": {"type": "colour"}}}"#, r#"rules, "a": "colour" is no type of rule"#),
        (r#"{"rules": {"a": {}}}"#, r#"rules, "a": it has no type"#),
        (
            r#"{"rules": {"a": {"type": "ip", "redaction": {"method": "burn"}}}}"#,
            r#"rules, "a": "burn" is no method of redaction"#,
        ),
        (r#"{"applications": {"extra": ["b"]}}"#, r#"applications, "extra": there is no rule "b""#),
        (r#"{"applications": {"a..b": []}}"#, r#"applications, "a..b": expected a path, && or || at ".b""#),
        (r#"{"applications": {"$colour": []}}"#, r#"applications, "$colour": "$colour" is no kind of value"#),
        (r#"{"applications": {"**.a.**": []}}"#, r#"applications, "**.a.**": ** may stand once in a path"#),
        (r#"{"applications": {"(a": []}}"#, r#"applications, "(a": a ( is never closed"#),
        (r#"{"applications": {"a.'b": []}}"#, r#"applications, "a.'b": a quote is never closed"#),
        (r#"{"applications": {"a &&": []}}"#, r#"applications, "a &&": the selector ends too early"#),
        (
            r#"{"rules": {"a": {"type": "alias", "rule": "a"}}, "applications": {"x": ["a"]}}"#,
            r#"applications, "x": the rule "a" leads back to itself"#,
        ),
    ];
    for (config, problem) in cases {
        assert_eq!(Rules::parse(config).map(|_| ()), Err(problem.to_owned()), "{config}");
    }
    let pattern = r#"{"rules": {"a": {"type": "pattern", "pattern": "("}}}"#;
    assert!(Rules::parse(pattern).unwrap_err().starts_with(r#"rules, "a": the pattern "(" cannot be read: "#));
}
