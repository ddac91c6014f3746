//! Real SDKs, from their registries, old and new, report through the real platform.
//!
//! All tell of the same shop, whose checkout fails; its programs are in `tests/sdks`. The [`table`] says what each of them tells,
//! and one check reads all of it back. To add an SDK: a program in `tests/sdks` that does as the others do, how to run it in
//! [`programs`], a row in the table, and its stories here.

pub mod programs;
mod table;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    items::kept,
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "all_that_sentry_python_reports_arrives", run: |world| arrives(world, &table::PYTHON) },
    Story { name: "all_that_raven_reports_arrives", run: |world| arrives(world, &table::RAVEN) },
    Story { name: "all_that_sentry_node_reports_arrives", run: |world| arrives(world, &table::NODE) },
    Story { name: "all_that_raven_node_reports_arrives", run: |world| arrives(world, &table::RAVEN_NODE) },
    Story { name: "all_that_sentry_browser_reports_arrives", run: |world| arrives(world, &table::BROWSER) },
    Story { name: "all_that_raven_js_reports_arrives", run: |world| arrives(world, &table::RAVEN_JS) },
    Story { name: "all_that_sentry_rust_reports_arrives", run: |world| arrives(world, &table::RUST) },
    Story { name: "all_that_sentry_java_reports_arrives", run: |world| arrives(world, &table::JAVA) },
    Story { name: "all_that_sentry_java_1_reports_arrives", run: |world| arrives(world, &table::JAVA_1) },
    Story { name: "all_that_sentry_go_reports_arrives", run: |world| arrives(world, &table::GO) },
    Story { name: "sentry_python_pauses_when_told_to", run: |world| pauses(world, &table::PYTHON) },
    Story { name: "raven_pauses_when_told_to", run: |world| pauses(world, &table::RAVEN) },
    Story { name: "sentry_node_pauses_when_told_to", run: |world| pauses(world, &table::NODE) },
    Story { name: "sentry_browser_pauses_when_told_to", run: |world| pauses(world, &table::BROWSER) },
    Story { name: "raven_js_pauses_when_told_to", run: |world| pauses(world, &table::RAVEN_JS) },
    Story { name: "sentry_rust_pauses_when_told_to", run: |world| pauses(world, &table::RUST) },
    Story { name: "sentry_java_pauses_when_told_to", run: |world| pauses(world, &table::JAVA) },
    Story { name: "sentry_java_1_pauses_when_told_to", run: |world| pauses(world, &table::JAVA_1) },
    Story { name: "sentry_go_pauses_when_told_to", run: |world| pauses(world, &table::GO) },
];

/// An SDK, and what it tells besides what all of them do.
struct Sdk {
    /// As it calls itself.
    name: &'static str,
    /// Has the program report, and returns the id of the error it printed.
    report: fn(&World, &Project, What) -> Result<String>,
    /// The error's type and, where the SDK tells it, its cause's.
    types: &'static [&'static str],
    /// The file in which it failed.
    file: &'static str,
    /// A line of it, where the SDK reads source.
    source: Option<&'static str>,
    dist: bool,
    extra: bool,
    contexts: bool,
    /// The kinds of items besides events, and a text each holds.
    items: &'static [(&'static str, &'static str)],
    /// The kinds that are let through while errors are limited.
    pass: &'static [&'static str],
}

/// What a program is asked to report.
#[derive(Clone, Copy)]
pub enum What {
    All,
    /// So many errors, one after the other.
    Errors(u32),
}

/// Everything of the table's row is there, and whole.
fn arrives(world: &World, sdk: &Sdk) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let id = (sdk.report)(world, &project, What::All)?;
    platform.stores(2)?;
    let event = platform.api(&format!("/projects/acme/shop/events/{}/", id.trim()))?;
    let lacking: Vec<&str> = parts(&event, sdk).into_iter().filter(|(_, there)| !there).map(|(part, _)| part).collect();
    ensure!(lacking.is_empty(), "{} lacks {lacking:?}: {event:#}", sdk.name);

    let events = platform.api("/projects/acme/shop/events/")?;
    let mut messages =
        events.as_array().into_iter().flatten().filter(|event| event["message"] == "the checkout is closed");
    ensure!(messages.any(|event| has_tag(event, "level", "warning")), "{} told no message: {events:#}", sdk.name);
    for (kind, holds) in sdk.items {
        let exists = format!("select count(*) > 0 from items where kind = '{kind}'");
        platform.wait_for_sql(&exists, "t").with_context(|| format!("{} told no {kind}", sdk.name))?;
        let kept = kept(&platform, kind)?;
        ensure!(kept.iter().any(|item| item.contains(holds)), "no {kind} of {} holds {holds:?}: {kept:?}", sdk.name);
    }
    if sdk.items.iter().any(|(kind, _)| *kind == "attachment") {
        let attached = format!(
            "select headers ->> 'filename' from items where kind = 'attachment' and event_id = '{}'",
            id.trim()
        );
        ensure!(platform.sql(&attached)? == "cart.txt", "the attachment belongs to the event");
    }
    Ok(())
}

fn has_tag(event: &Value, key: &str, value: &str) -> bool {
    event["tags"].as_array().is_some_and(|tags| tags.contains(&json!({"key": key, "value": value})))
}

/// The parts of the error's event that must be there, and whether they are.
fn parts(event: &Value, sdk: &Sdk) -> Vec<(&'static str, bool)> {
    let entry = |kind: &str| {
        let entries = event["entries"].as_array();
        entries.and_then(|entries| entries.iter().find(|entry| entry["type"] == kind)).map(|entry| &entry["data"])
    };
    let errors: Vec<&Value> =
        entry("exception").and_then(|data| data["values"].as_array()).into_iter().flatten().rev().collect();
    let types: Vec<&str> = errors.iter().filter_map(|error| error["type"].as_str()).collect();
    let says = |error: Option<&&Value>, text: &str| {
        error.is_some_and(|e| e["value"].as_str().is_some_and(|v| v.contains(text)))
    };
    let threads = entry("threads").and_then(|data| data["values"].as_array()).into_iter().flatten();
    let traced = errors.iter().copied().chain(threads);
    let frames = traced.filter_map(|traced| traced["stacktrace"]["frames"].as_array()).flatten();
    let failing = frames.filter(|frame| {
        let ends = |name: &str, end: &str| frame[name].as_str().is_some_and(|text| text.ends_with(end));
        frame["function"].as_str().is_some_and(|function| function.contains("checkout"))
            && (ends("filename", sdk.file) || ends("absPath", sdk.file))
            && frame["lineNo"].is_number()
    });
    let failing: Vec<&Value> = failing.collect();
    let source = |source: &str| failing.iter().any(|frame| frame["context"].to_string().contains(source));
    let crumbs = entry("breadcrumbs").and_then(|data| data["values"].as_array()).into_iter().flatten();
    let mut crumbs = crumbs.filter(|crumb| crumb["message"] == "the basket was emptied" && crumb["category"] == "cart");
    let tag = |key: &str, value: &str| has_tag(event, key, value);
    vec![
        ("the error", says(errors.first(), "the basket is empty")),
        ("its cause", sdk.types.len() < 2 || says(errors.get(1), "no umbrella is left")),
        ("their types", types.starts_with(sdk.types)),
        ("a stack trace", failing.iter().any(|frame| frame["inApp"] == true)),
        ("source", sdk.source.is_none_or(source)),
        ("the level", tag("level", "error")),
        ("a breadcrumb", crumbs.next().is_some()),
        ("the user", event["user"]["id"] == "42" && event["user"]["email"] == "grace@example.com"),
        ("a tag", tag("page", "checkout")),
        ("the release", tag("release", "shop@1.2.3")),
        ("the environment", tag("environment", "demo")),
        ("the dist", !sdk.dist || event["dist"] == "42"),
        ("extra", !sdk.extra || event["context"]["ordered"].as_str().is_some_and(|extra| extra.contains("umbrella"))),
        ("contexts", !sdk.contexts || event["contexts"]["shop"]["region"] == "eu"),
        ("the SDK", event["sdk"]["name"] == sdk.name && event["sdk"]["version"].is_string()),
    ]
}

/// Of five errors where two are allowed, the third is refused and the others are not even sent; what is not limited still is.
fn pauses(world: &World, sdk: &Sdk) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.sql(
        "insert into quotas (categories, most, window_seconds, reason) values ('{error}', 2, 1000000000, 'story')",
    )?;
    (sdk.report)(world, &project, What::Errors(5))?;
    platform.stores(2)?;
    for kind in sdk.pass {
        let exists = format!("select count(*) > 0 from items where kind = '{kind}'");
        platform.wait_for_sql(&exists, "t").with_context(|| format!("no {kind} of {} passed", sdk.name))?;
    }
    // What web has counted is complete once it has ended.
    platform.web.stop();
    let refused = platform.sql("select sum(quantity) from outcomes where category = 'error' and outcome = 2")?;
    ensure!(refused == "1", "{} was refused {refused} times", sdk.name);
    ensure!(platform.sql("select count(*) from events")? == "2", "more than the quota was stored");
    Ok(())
}
