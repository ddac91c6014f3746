//! Browsers' reports, as they send them, and the events they become.

use serde_json::{Value, json};

use super::{
    super::{
        EventId,
        event::Event,
        json::Object,
        normalize::{Addresses, Context, normalize},
        sent::Sent,
        title,
    },
    incoming::{Additions, Endpoint, Unusable, event},
};
use chrono::{DateTime, TimeDelta, Utc};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn made(report: &Value, endpoint: Endpoint) -> Result<Object, Unusable> {
    let headers = vec![("user-agent".into(), FIREFOX.into()), ("origin".into(), "https://shop.example".into())];
    let sent = Sent { headers, from: "203.0.113.9".parse().ok(), ..Sent::default() };
    let additions = Additions { release: Some("shop@1".into()), environment: None };
    event(report.as_object().unwrap(), endpoint, (&sent, at()), &additions)
}

fn normal(report: &Value, endpoint: Endpoint) -> Object {
    let mut event = made(report, endpoint).unwrap();
    let context = Context {
        event_id: EventId(uuid::Uuid::nil()),
        received_at: at(),
        sent_at: None,
        retention: TimeDelta::days(90),
        client_ip: "203.0.113.9".parse().ok(),
        addresses: Addresses::Keep,
        client: None,
    };
    normalize(&mut event, &context);
    assert!(event.get("errors").is_none(), "{:#}", event["errors"]);
    event
}

fn csp(fields: &Value) -> Object {
    normal(&json!({"csp-report": fields}), Endpoint::Security)
}

/// Message and culprit.
fn named(event: &Object) -> (String, String) {
    let event = Event::read(event);
    (title::title(&event), title::culprit(&event))
}

#[test]
fn a_blocked_script_is_named_by_its_host_and_its_policy() {
    let event = csp(&json!({
        "document-uri": "https://shop.example/cart", "referrer": "https://search.example/", "status-code": "200",
        "blocked-uri": "https://evil.example:8443/x.js?y=1", "line-number": 17, "original-policy": "default-src 'none'",
        "violated-directive": "script-src-elem shop.example https://shop.example https://cdn.example 'unsafe-inline'",
    }));
    let expected = "script-src-elem 'self' 'self' https://cdn.example 'unsafe-inline'";
    assert_eq!(named(&event), ("Blocked 'script' from 'evil.example:8443'".into(), expected.into()));
    let shown = |name: &str| event[name].clone();
    assert_eq!((shown("type"), shown("logger"), shown("release")), ("csp".into(), "csp".into(), "shop@1".into()));
    assert_eq!(shown("user")["ip_address"], "203.0.113.9");
    assert_eq!(shown("request")["url"], "https://shop.example/cart");
    let headers =
        json!([["Referer", "https://search.example/"], ["User-Agent", FIREFOX], ["Origin", "https://shop.example"]]);
    assert_eq!(shown("request")["headers"], headers);
    assert_eq!(shown("contexts")["browser"]["browser"], "Firefox 130.0");
    let tags = json!([
        ["effective-directive", "script-src-elem"],
        ["blocked-uri", "https://evil.example:8443/x.js?y=1"],
        ["blocked-host", "evil.example:8443"],
    ]);
    assert_eq!(shown("tags"), tags);
    assert_eq!((shown("csp")["status_code"].clone(), shown("csp")["line_number"].clone()), (200.into(), 17.into()));
}

#[test]
fn what_was_blocked_is_said_in_words() {
    let cases = [
        ("img-src", "data", "Blocked 'image' from 'data:'"),
        ("img-src", "data:image/png;base64,AAAA", "Blocked 'image' from 'data:'"),
        ("style-src-attr", "inline", "Blocked inline 'style'"),
        ("connect-src", "self", "Blocked inline 'connect'"),
        ("script-src", "", "Blocked unsafe (eval() or inline) 'script'"),
        ("script-src 'unsafe-inline'", "", "Blocked unsafe eval() 'script'"),
        ("script-src 'unsafe-eval'", "self", "Blocked unsafe inline 'script'"),
        ("script-src", "eval", "Blocked unsafe eval() 'script'"),
        ("script-src-attr", "inline", "Blocked unsafe inline 'script'"),
        ("form-action", "https://evil.example/", "Blocked 'form' action to 'evil.example'"),
        ("frame-ancestors", "https://evil.example/", "Blocked 'frame-ancestors' from 'evil.example'"),
        ("frame-src", "", "Blocked inline 'frame-src'"),
    ];
    for (violated, blocked, expected) in cases {
        let event = csp(
            &json!({"document-uri": "https://shop.example/", "violated-directive": violated, "blocked-uri": blocked}),
        );
        assert_eq!(named(&event).0, expected, "{violated} {blocked}");
    }
    let stripe = csp(
        &json!({"effective-directive": "connect-src", "blocked-uri": "https://api.stripe.com/v1/tokens?key=pk_live"}),
    );
    assert_eq!(stripe["tags"][1], json!(["blocked-uri", "https://api.stripe.com/v1/tokens"]));
}

#[test]
fn the_reporting_api_says_the_same_in_other_words_and_later() {
    let report = json!({
        "type": "csp-violation", "age": 90_000, "url": "https://shop.example/", "user_agent": "Chrome",
        "body": {
            "blockedURL": "https://evil.example/x.css", "documentURL": "https://shop.example/", "disposition": "report",
            "effectiveDirective": "style-src-elem", "originalPolicy": "style-src 'self'", "sample": "", "statusCode": 200,
            "lineNumber": 3, "columnNumber": 4, "sourceFile": "https://shop.example/app.js", "referrer": "",
        },
    });
    let event = normal(&report, Endpoint::Security);
    assert_eq!(named(&event), ("Blocked 'style' from 'evil.example'".into(), "style-src-elem".into()));
    assert_eq!(event["csp"]["blocked_uri"], "https://evil.example/x.css");
    assert_eq!(event["csp"]["source_file"], "https://shop.example/app.js");
    assert_eq!(Event::read(&event).timestamp, at().checked_sub_signed(TimeDelta::seconds(90)));
}

#[test]
fn reports_about_certificates_are_named_by_their_host() {
    let ct =
        json!({"expect-ct-report": {"hostname": "shop.example", "port": 8443, "failure-mode": "enforce", "scts": []}});
    let staple = json!({"expect-staple-report": {"hostname": "shop.example", "port": 443, "cert-status": "REVOKED"}});
    let pins = json!({"hostname": "shop.example", "port": 443, "include-subdomains": true, "known-pins": ["pin-sha256=\"x\""]});
    let cases = [
        (ct, "expectct", "Expect-CT failed for 'shop.example'", json!(["failure-mode", "enforce"])),
        (staple, "expectstaple", "Expect-Staple failed for 'shop.example'", json!(["cert-status", "REVOKED"])),
        (
            pins,
            "hpkp",
            "Public key pinning validation failed for 'shop.example'",
            json!(["include-subdomains", "true"]),
        ),
    ];
    for (report, kind, message, tag) in cases {
        let event = normal(&report, Endpoint::Security);
        assert_eq!(named(&event), (message.into(), "shop.example".into()));
        assert_eq!((&event["type"], &event["logger"]), (&kind.into(), &"csp".into()));
        let tags = event["tags"].as_array().unwrap();
        assert!(tags.contains(&tag) && tags.contains(&json!(["hostname", "shop.example"])), "{tags:?}");
    }
}

#[test]
fn a_failed_request_is_named_by_what_went_wrong_and_where() {
    let report = |kind: &str, status: u16| {
        json!({
            "type": "network-error", "age": 10, "url": "https://shop.example/cart?a=1", "user_agent": "Chrome/120",
            "body": {"type": kind, "phase": "dns", "method": "GET", "status_code": status, "elapsed_time": 7, "referrer": ""},
        })
    };
    let event = normal(&report("dns.name_not_resolved", 0), Endpoint::Nel);
    assert_eq!(
        named(&event),
        ("The name is not known to the DNS server: shop.example".into(), "dns.name_not_resolved".into())
    );
    assert_eq!((&event["type"], &event["logger"]), (&"nel".into(), &"nel".into()));
    assert_eq!(event["contexts"]["nel"]["phase"], "dns");
    let cases =
        [("http.error", "The server answered with status 503: shop.example"), ("a.new.one", "a.new.one: shop.example")];
    for (kind, expected) in cases {
        assert_eq!(named(&normal(&report(kind, 503), Endpoint::Nel)).0, expected);
    }
}

#[test]
fn what_says_nothing_is_refused_with_the_reason() {
    let security = [
        (json!({}), Unusable::Type),
        (json!({"hostname": "shop.example"}), Unusable::Type),
        (json!({"csp-report": []}), Unusable::Report),
        (json!({"csp-report": {}}), Unusable::Report),
        (json!({"csp-report": {"violated-directive": "oops"}}), Unusable::Report),
        (json!({"type": "csp-violation"}), Unusable::Report),
        (json!({"type": "deprecation", "body": {}}), Unusable::OtherKind),
        (json!({"expect-ct-report": {}}), Unusable::Report),
    ];
    for (report, expected) in security {
        assert_eq!(made(&report, Endpoint::Security), Err(expected), "{report}");
    }
    let nel = [
        (json!({}), Unusable::Report),
        (json!({"type": "network-error", "body": {}}), Unusable::Report),
        (json!({"type": "crash", "body": {}}), Unusable::OtherKind),
    ];
    for (report, expected) in nel {
        assert_eq!(made(&report, Endpoint::Nel), Err(expected), "{report}");
    }
}
