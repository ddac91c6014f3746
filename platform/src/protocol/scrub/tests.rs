//! What is scrubbed and what is not.

use serde_json::{Value, json};

use super::{super::json::Object, Addresses, Settings, scrub};

fn settings() -> Settings {
    Settings {
        defaults: true,
        addresses: Addresses::Keep,
        sensitive_fields: vec!["Internal_Note".into()],
        safe_fields: vec!["safe_token".into()],
        ..Settings::default()
    }
}

fn scrubbed_with(event: &Value, settings: &Settings) -> Value {
    let mut once: Object = event.as_object().unwrap().clone();
    scrub(&mut once, settings);
    let mut twice = once.clone();
    scrub(&mut twice, settings);
    assert_eq!(Value::from(once.clone()), Value::from(twice), "again changes nothing");
    once.into()
}

fn scrubbed(event: &Value) -> Value {
    scrubbed_with(event, &settings())
}

#[test]
fn fields_are_told_by_their_names() {
    let event = json!({"extra": {
        "db_password": "x", "Authorization": "y", "otp": 1, "otps": "2", "is_secret": true, "safe_token": "keep", "internal_note_2": "z",
        "nested": {"token": ["a"], "plain": 5}, "empty_token": "", "pairs": [["api_key", "k"], ["name", "v"]],
    }});
    let expected = json!({
        "db_password": "[Filtered]", "Authorization": "[Filtered]", "otp": null, "otps": "2", "is_secret": true, "safe_token": "keep",
        "internal_note_2": "[Filtered]", "nested": {"token": null, "plain": 5}, "empty_token": "", "pairs": [["api_key", "[Filtered]"], ["name", "v"]],
    });
    let found = scrubbed(&event);
    assert_eq!(found["extra"], expected);
    assert_eq!(
        found["_meta"]["extra"]["db_password"][""],
        json!({"rem": [["@password:filter", "s", 0, 10]], "len": 1})
    );
    assert_eq!(found["_meta"]["extra"]["nested"]["token"][""], json!({"rem": [["@password:filter", "x"]]}));
}

#[test]
fn secrets_are_told_by_their_shapes() {
    let cases = [
        ("pay with 4571 2345 6789 0111 now", "pay with [Filtered] now"),
        ("id 123-45-678", "id 123-45-678"),
        ("ssn 123-45-6789.", "ssn [Filtered]."),
        ("DE89370400440532013000", "[Filtered]"),
        ("https://shop:pw@db.example/x", "https://shop:[Filtered]@db.example/x"),
        ("Bearer abc.def", "[Filtered]"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nAAA\nBBB\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\n[Filtered]\n-----END RSA PRIVATE KEY-----",
        ),
        ("my password is x", "[Filtered]"),
        ("anna@shop.example at 192.0.2.1", "anna@shop.example at 192.0.2.1"),
        ("order 1234567890123456", "order 1234567890123456"),
    ];
    for (sent, kept) in cases {
        assert_eq!(scrubbed(&json!({"extra": {"x": sent}}))["extra"]["x"], kept, "{sent}");
    }
}

#[test]
fn what_an_sdk_names_itself_stays() {
    let event = json!({
        "tags": [["secret", "a"], ["card", "4571234567890111"]], "contexts": {"app": {"token": "a"}, "shop": {"token": "b"}},
        "exception": {"values": [null, {"value": "bad token", "stacktrace": {"frames": [{"context_line": "password = 1", "vars": {"password": "p"}}]}}]},
        "request": {"headers": [["User-Agent", "token/1.0"], ["X-Auth", "a"]], "cookies": [["sessionid", "a"], ["theme", "dark"]]},
    });
    let found = scrubbed(&event);
    let kept = json!({
        "tags": [["secret", "a"], ["card", "4571234567890111"]], "contexts": {"app": {"token": "a"}, "shop": {"token": "[Filtered]"}},
        "exception": {"values": [null, {"value": "bad token", "stacktrace": {"frames": [{"context_line": "password = 1", "vars": {"password": "[Filtered]"}}]}}]},
        "request": {"headers": [["User-Agent", "token/1.0"], ["X-Auth", "[Filtered]"]], "cookies": [["sessionid", "[Filtered]"], ["theme", "dark"]]},
    });
    for key in ["tags", "contexts", "exception", "request"] {
        assert_eq!(found[key], kept[key]);
    }
    assert!(found["_meta"]["exception"]["values"]["1"].is_object());
}

#[test]
fn in_a_message_the_secret_alone_is_replaced() {
    let found = scrubbed(&json!({"logentry": {"formatted": "card 4571234567890111 of a@b.example, password reset"}}));
    assert_eq!(found["logentry"]["formatted"], "card [creditcard] of [email], password reset");
    assert_eq!(
        found["_meta"]["logentry"]["formatted"][""],
        json!({"rem": [["@creditcard:replace", "s", 5, 17], ["@email:replace", "s", 21, 28]], "len": 52})
    );
}

#[test]
fn addresses_go_where_a_project_wants_that() {
    let event = json!({
        "user": {"ip_address": "192.0.2.1", "id": "1"}, "request": {"env": {"REMOTE_ADDR": "192.0.2.1"}},
        "extra": {"from": "192.0.2.1 via 2001:db8::1", "at": "12:30:00"},
    });
    let found = scrubbed_with(&event, &Settings { addresses: Addresses::Scrub, ..settings() });
    assert_eq!((&found["user"]["ip_address"], &found["request"]["env"]["REMOTE_ADDR"]), (&Value::Null, &Value::Null));
    assert_eq!(found["extra"], json!({"from": "[ip] via [ip]", "at": "12:30:00"}));
}

#[test]
fn without_defaults_only_what_is_named_goes() {
    let event = json!({"extra": {"password": "a", "internal_note": "b", "x": "4571234567890111"}});
    let found = scrubbed_with(&event, &Settings { defaults: false, ..settings() });
    assert_eq!(found["extra"], json!({"password": "a", "internal_note": "[Filtered]", "x": "4571234567890111"}));
}

#[test]
fn what_was_taken_out_is_scrubbed_too() {
    let event = json!({
        "errors": [{"type": "invalid_data", "name": "extra", "value": {"password": "a"}}],
        "_meta": {"extra": {"": {"err": ["invalid_data"], "val": {"password": "a"}}}},
    });
    let found = scrubbed(&event);
    assert_eq!(
        (&found["errors"][0]["value"], &found["_meta"]["extra"][""]["val"]),
        (&json!({"password": "[Filtered]"}), &json!({"password": "[Filtered]"}))
    );
}
