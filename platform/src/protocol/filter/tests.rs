//! What is filtered and what is not, and why.

use serde_json::{Value, json};

use super::{super::event::Event, Filters, IpRange, Legacy, Reason, globs, health_checks, origin};

fn reason(filters: &Filters, event: &Value) -> Option<Reason> {
    filters.reason(&Event::parse(event.to_string().as_bytes()).unwrap(), "198.51.100.7".parse().ok())
}

fn agent(agent: &str) -> Value {
    json!({"request": {"headers": [["User-Agent", agent]]}})
}

#[test]
fn nothing_is_filtered_by_default() {
    let event = json!({"message": "a", "release": "1", "request": {"url": "http://localhost", "headers": {"User-Agent": "Googlebot"}}});
    assert_eq!(reason(&Filters::default(), &event), None);
}

#[test]
fn a_request_is_unwanted_by_its_head_alone() {
    let filters = Filters {
        client_ips: IpRange::parse("192.0.2.0/24").into_iter().collect(),
        web_crawlers: true,
        ..Filters::default()
    };
    let reason = |ip: &str, agent: Option<&str>| filters.reason_of_request(ip.parse().ok(), agent);
    assert_eq!(reason("192.0.2.7", Some("sentry.python/2.9.0")), Some(Reason::ClientIp));
    assert_eq!(reason("198.51.100.7", Some("Mozilla/5.0 (compatible; bingbot/2.0)")), Some(Reason::WebCrawlers));
    assert_eq!(reason("198.51.100.7", Some("sentry.python/2.9.0")), None);
    assert_eq!(reason("nowhere", None), None);
}

#[test]
fn addresses_releases_and_messages_are_filtered_as_they_are_named() {
    let ranges = |texts: &[&str]| Filters {
        client_ips: texts.iter().filter_map(|text| IpRange::parse(text)).collect(),
        ..Filters::default()
    };
    let none = json!({});
    assert_eq!(reason(&ranges(&["198.51.100.0/24"]), &none), Some(Reason::ClientIp));
    assert_eq!(
        reason(&ranges(&["198.51.100.8", "198.51.100.0/30", "2001:db8::/32", "nonsense", "1.2.3.4/40"]), &none),
        None
    );
    assert_eq!(reason(&ranges(&["0.0.0.0/0"]), &none), Some(Reason::ClientIp));

    let releases = Filters { releases: globs(["shop@1.*"]), ..Filters::default() };
    assert_eq!(reason(&releases, &json!({"release": "Shop@1.2"})), Some(Reason::Release));
    assert_eq!(reason(&releases, &json!({"release": "shop@2.0"})), None);

    let messages = Filters { error_messages: globs(["timeout*", "keyerror: *", "[unclosed"]), ..Filters::default() };
    assert_eq!(reason(&messages, &json!({"message": "Timeout of db"})), Some(Reason::ErrorMessage));
    assert_eq!(
        reason(&messages, &json!({"exception": [{"type": "A"}, {"type": "KeyError", "value": "x"}]})),
        Some(Reason::ErrorMessage)
    );
    assert_eq!(reason(&messages, &json!({"message": "[unclosed"})), None);
}

#[test]
fn own_machines_are_filtered() {
    let filters = Filters { localhost: true, ..Filters::default() };
    for url in ["http://localhost:3000/x", "https://a.localhost/", "http://127.0.0.1", "file:///index.html"] {
        assert_eq!(reason(&filters, &json!({"request": {"url": url}})), Some(Reason::Localhost), "{url}");
    }
    for url in ["http://localhost.example/", "http://mylocalhost/", "/path"] {
        assert_eq!(reason(&filters, &json!({"request": {"url": url}})), None, "{url}");
    }
    assert_eq!(reason(&filters, &json!({"user": {"ip_address": "::1"}})), Some(Reason::Localhost));
    assert_eq!(
        reason(&filters, &json!({"request": {"headers": {"x-forwarded-host": "localhost"}}})),
        Some(Reason::Localhost)
    );
}

#[test]
fn extensions_robots_and_old_browsers_are_filtered() {
    let extensions = Filters { browser_extensions: true, ..Filters::default() };
    let at = |path: &str| json!({"exception": [{"type": "E", "stacktrace": {"frames": [{"abs_path": path}, {"abs_path": "<anonymous>"}]}}]});
    assert_eq!(reason(&extensions, &at("moz-extension://0/x.js")), Some(Reason::BrowserExtensions));
    assert_eq!(reason(&extensions, &at("https://shop.example/x.js")), None);
    assert_eq!(
        reason(&extensions, &json!({"exception": [{"value": "Extension context invalidated."}]})),
        Some(Reason::BrowserExtensions)
    );

    let crawlers = Filters { web_crawlers: true, ..Filters::default() };
    for name in ["Mozilla/5.0 (compatible; Shopbot/2.0)", "Twitterbot", "some spider"] {
        assert_eq!(reason(&crawlers, &agent(name)), Some(Reason::WebCrawlers), "{name}");
    }
    for name in [
        "Mozilla/5.0 (Linux; Android 10; CUBOT X30)",
        "Mozilla/5.0 Firefox/140.0",
        "Slackbot 1.0(+https://api.slack.com/robots)",
    ] {
        assert_eq!(reason(&crawlers, &agent(name)), None, "{name}");
    }

    let old = "Mozilla/5.0 (Windows NT 10.0) Gecko/20100101 Firefox/90.0";
    let legacy = |name| Filters { legacy_browsers: Legacy::named(name), ..Filters::default() };
    assert_eq!(reason(&legacy("firefox"), &agent(old)), Some(Reason::LegacyBrowsers));
    assert_eq!(reason(&legacy("default"), &agent(old)), None);
    assert_eq!(reason(&legacy("nonsense"), &agent(old)), None);
}

#[test]
fn health_checks_are_filtered_where_they_are_transactions() {
    let filters = Filters { transactions: health_checks(), ..Filters::default() };
    assert_eq!(
        reason(&filters, &json!({"type": "transaction", "transaction": "GET /api/healthz"})),
        Some(Reason::Transaction)
    );
    assert_eq!(reason(&filters, &json!({"transaction": "GET /api/healthz"})), None);
    assert_eq!(reason(&filters, &json!({"type": "transaction", "transaction": "/deliver"})), None);
}

#[test]
fn pages_of_allowed_domains_may_send() {
    let cases = [
        ("*", "https://a.example", true),
        ("a.example", "https://a.example:8443", true),
        ("a.example", "https://b.a.example", false),
        ("*.a.example", "https://b.a.example", true),
        ("*.a.example", "https://a.example", true),
        ("https://a.example", "http://a.example", false),
        ("a.example:8080", "http://a.example", false),
    ];
    for (domain, page, expected) in cases {
        assert_eq!(origin::is_allowed(&[domain.to_owned()], Some(page)), expected, "{domain} {page}");
    }
    assert!(origin::is_allowed(&[], None));
    assert!(!origin::is_allowed(&[], Some("https://a.example")));
}

#[test]
fn what_a_deployment_breaks_is_filtered_where_a_project_wants_that() {
    let filters = Filters { hydration_errors: true, chunk_load_errors: true, ..Filters::default() };
    let thrown = |kind: &str, value: &str| json!({"exception": [{"type": kind, "value": value}]});
    let minified = "Minified React error #418; visit https://react.dev/errors/418 for the full message";
    assert_eq!(reason(&filters, &thrown("Error", minified)), Some(Reason::HydrationError));
    assert_eq!(reason(&filters, &thrown("Error", "see https://react.dev/errors/31")), None);
    assert_eq!(reason(&filters, &thrown("ChunkLoadError", "Loading chunk 7 failed.")), Some(Reason::ChunkLoadError));
    let rejected = "Uncaught (in promise): ChunkLoadError: Loading chunk 7 failed.";
    assert_eq!(reason(&filters, &thrown("Error", rejected)), Some(Reason::ChunkLoadError));
    assert_eq!(reason(&Filters::default(), &thrown("ChunkLoadError", "Loading chunk 7 failed.")), None);
}

#[test]
fn reports_of_sites_that_a_project_names_are_filtered() {
    let filters =
        Filters { csp_sources: vec!["*.noise.example".into(), "chrome-extension://*".into()], ..Filters::default() };
    let report = |blocked: &str, file: &str| json!({"csp": {"document_uri": "https://shop.example/", "blocked_uri": blocked, "source_file": file, "effective_directive": "img-src"}});
    let cases = [
        ("https://a.noise.example/x.js", "", Some(Reason::InvalidCsp)),
        ("https://noise.example:8443/x.js", "", Some(Reason::InvalidCsp)),
        ("https://evil.example/x.js", "chrome-extension://abc/x.js", Some(Reason::InvalidCsp)),
        ("https://evil.example/x.js", "", None),
        ("inline", "", None),
    ];
    for (blocked, file, expected) in cases {
        assert_eq!(reason(&filters, &report(blocked, file)), expected, "{blocked} {file}");
    }
}
