//! What browsers report of themselves: it becomes issues, grouped, filtered and counted as other events are.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, all_hold, row},
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "browsers_report_what_a_page_may_not_load", run: what_a_page_may_not_load },
    Story {
        name: "browsers_report_violations_and_failed_requests_by_the_reporting_api",
        run: the_reporting_api_brings_both,
    },
    Story { name: "browsers_report_certificates_that_do_not_hold", run: certificates_that_do_not_hold },
    Story { name: "browsers_report_what_nobody_wants_which_is_counted_and_not_stored", run: reports_that_nobody_wants },
];

const OUTCOMES: &str = "select string_agg(concat_ws(' ', category, outcome, nullif(reason, ''), quantity), ', ' \
                        order by category, outcome, reason) from outcomes";

fn sends(platform: &Platform, shop: &Project, endpoint: &str, content_type: &str, body: &Value) -> Result<()> {
    let path = format!("/api/{}/{endpoint}/?sentry_key={}&sentry_release=shop@1", shop.id, shop.key);
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";
    let report = row(&path, body.to_string(), 200, Answer::Exactly(String::new()));
    report.with("Content-Type", content_type).with("User-Agent", firefox).hold(platform)
}

fn csp(page: &str, blocked: &str) -> Value {
    json!({"csp-report": {
        "document-uri": format!("https://shop.example/{page}"), "referrer": "", "blocked-uri": blocked,
        "violated-directive": "script-src https://shop.example https://cdn.example", "status-code": 200,
    }})
}

/// Titles, culprits and counts of the project's issues, by title.
fn issues(platform: &Platform) -> Result<Vec<(String, String, String)>> {
    let listed = platform.api("/projects/acme/shop/issues/")?;
    let text = |issue: &Value, name: &str| issue[name].as_str().unwrap_or_default().to_owned();
    let issues = listed.as_array().context("a list")?.iter();
    let mut issues: Vec<_> =
        issues.map(|issue| (text(issue, "title"), text(issue, "culprit"), text(issue, "count"))).collect();
    issues.sort();
    Ok(issues)
}

fn what_a_page_may_not_load(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let blocked = ["https://evil.example/a.js", "https://evil.example/b.js", "inline"];
    for (page, blocked) in ["cart", "pay", "pay"].into_iter().zip(blocked) {
        sends(&platform, &shop, "security", "application/csp-report", &csp(page, blocked))?;
    }
    platform.stores(3)?;
    let culprit = "script-src 'self' https://cdn.example";
    let issue = |title: &str, count: &str| (title.to_owned(), culprit.to_owned(), count.to_owned());
    let expected = [issue("Blocked 'script' from 'evil.example'", "2"), issue("Blocked unsafe inline 'script'", "1")];
    ensure!(issues(&platform)? == expected, "{:?}", issues(&platform)?);

    let listed = platform.api("/projects/acme/shop/issues/")?;
    let inline = listed.as_array().and_then(|issues| issues.iter().find(|issue| issue["count"] == "1"));
    let id = inline.and_then(|issue| issue["id"].as_str()).context("the issue of the inline script")?;
    let event = platform.api(&format!("/issues/{id}/events/latest/"))?;
    for (key, value) in [("effective-directive", "script-src"), ("browser.name", "Firefox"), ("release", "shop@1")] {
        let counted =
            format!("select events from issue_tags where issue_id = {id} and key = '{key}' and value = '{value}'");
        ensure!(platform.sql(&counted)? == "1", "{key}={value} is counted");
    }
    ensure!(event["type"] == "csp", "it is a report: {}", event["type"]);
    platform.worker.stop();
    ensure!(platform.sql(OUTCOMES)? == "security 0 3", "{}", platform.sql(OUTCOMES)?);
    Ok(())
}

fn the_reporting_api_brings_both(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let violation = |blocked: &str| {
        json!({"type": "csp-violation", "age": 10, "url": "https://shop.example/", "user_agent": "Chrome", "body": {
            "blockedURL": blocked, "documentURL": "https://shop.example/", "effectiveDirective": "img-src",
        }})
    };
    let other = json!({"type": "deprecation", "body": {"id": "prefixedStorage"}});
    let reports = json!([violation("https://evil.example/a.png"), violation("data"), other]);
    sends(&platform, &shop, "security", "application/reports+json", &reports)?;
    let failed = |kind: &str| {
        json!({"type": "network-error", "age": 10, "url": "https://shop.example/cart", "user_agent": "Chrome", "body": {
            "type": kind, "phase": "connection", "method": "GET", "status_code": 0, "elapsed_time": 3, "referrer": "",
        }})
    };
    let failed = json!([failed("tcp.timed_out"), failed("tcp.timed_out"), failed("tls.cert.date_invalid")]);
    sends(&platform, &shop, "nel", "application/reports+json", &failed)?;
    platform.stores(5)?;
    let issue = |title: &str, culprit: &str, count: &str| (title.to_owned(), culprit.to_owned(), count.to_owned());
    let expected = [
        issue("Blocked 'image' from 'data:'", "img-src", "1"),
        issue("Blocked 'image' from 'evil.example'", "img-src", "1"),
        issue("The certificate is expired or not yet valid: shop.example", "tls.cert.date_invalid", "1"),
        issue("The connection timed out: shop.example", "tcp.timed_out", "2"),
    ];
    ensure!(issues(&platform)? == expected, "{:?}", issues(&platform)?);
    platform.wait_for_sql(OUTCOMES, "security 0 5, security 1 invalid-csp 1")
}

fn certificates_that_do_not_hold(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let reports = [
        ("application/expect-ct-report+json", json!({"expect-ct-report": {"hostname": "shop.example", "port": 443}})),
        ("application/expect-staple-report", json!({"expect-staple-report": {"hostname": "shop.example"}})),
        (
            "application/hpkp-report",
            json!({"hostname": "shop.example", "port": 443, "known-pins": ["pin-sha256=\"x\""]}),
        ),
        ("application/hpkp-report", json!({"hostname": "pay.example", "port": 443, "known-pins": []})),
    ];
    for (content_type, report) in &reports {
        sends(&platform, &shop, "security", content_type, report)?;
    }
    platform.stores(4)?;
    let issue = |title: &str, host: &str| (format!("{title} for '{host}'"), host.to_owned(), "1".to_owned());
    let expected = [
        issue("Expect-CT failed", "shop.example"),
        issue("Expect-Staple failed", "shop.example"),
        issue("Public key pinning validation failed", "pay.example"),
        issue("Public key pinning validation failed", "shop.example"),
    ];
    ensure!(issues(&platform)? == expected, "{:?}", issues(&platform)?);
    Ok(())
}

fn reports_that_nobody_wants(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let sources = json!({"options": {"sentry:csp_ignored_sources": "*.kaspersky.example"}});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &sources)?;
    ensure!(status == 200, "the settings were answered {status}: {answer}");
    let report = |report: &Value| sends(&platform, &shop, "security", "application/csp-report", report);
    report(&csp("cart", "https://gc.kaspersky.example/x.js"))?;
    report(&json!({"csp-report": {"document-uri": "https://shop.example/"}}))?;
    report(&json!({"hostname": "shop.example"}))?;
    report(&csp("cart", "https://evil.example/x.js"))?;
    let path = format!("/api/{}/security/?sentry_key={}", shop.id, shop.key);
    all_hold(
        &platform,
        vec![row(&path, "{oops", 200, Answer::Anything).with("Content-Type", "application/csp-report")],
    )?;
    let expected =
        "security 0 1, security 1 invalid-csp 1, security 3 security_report 2, security 3 security_report_type 1";
    platform.wait_for_sql(OUTCOMES, expected)?;
    ensure!(platform.sql("select count(*) from events")? == "1", "only what somebody wants is stored");
    Ok(())
}
