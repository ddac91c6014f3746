//! Which events are one issue, why, and what an upgrade of the grouping does to the issues that are there.

use anyhow::{Context, Result, ensure};
use harness::net::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "an_upgraded_grouping_takes_the_old_issues_over", run: upgrade },
    Story { name: "an_event_says_why_it_is_in_its_issue", run: why },
];

const OLD: &str = "legacy:2019-03-12";
const PROJECT: &str = "/projects/acme/shop/";

fn said(message: &str) -> Value {
    json!({"event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "python", "message": message})
}

/// The number of the issue of this title, and how many fingerprints it has.
fn issue(platform: &Platform, title: &str) -> Result<(String, usize)> {
    let issues = platform.api(&format!("{PROJECT}issues/?query="))?;
    let found = issues.as_array().into_iter().flatten().find(|issue| issue["title"] == title);
    let id = found.and_then(|issue| issue["id"].as_str()).with_context(|| format!("no {title:?} in {issues:#}"))?;
    let hashes = platform.api(&format!("/issues/{id}/hashes/"))?;
    Ok((id.to_owned(), hashes.as_array().map_or(0, Vec::len)))
}

fn set(platform: &Platform, settings: &Value) -> Result<Value> {
    let (status, answer) = platform.ask(Method::PUT, PROJECT, settings)?;
    ensure!(status == 200, "{settings} was answered {status}: {answer}");
    Ok(answer)
}

/// Sends an event again and again until the worker, whose settings may be five seconds old, has done what is waited for.
fn happens_until(platform: &Platform, project: &Project, message: &str, done: impl Fn() -> Result<bool>) -> Result<()> {
    wait_for(message, SOON, || platform.receives(project, &said(message)).is_ok() && done().unwrap_or(false))
}

fn upgrade(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let newest = platform.api(PROJECT)?["groupingConfig"].clone();
    let configs = platform.api("/organizations/acme/grouping-configs/")?;
    ensure!(
        configs[0]["id"] == newest && configs[0]["latest"] == true,
        "a new project has not the newest of {configs:#}"
    );
    let moved = set(&platform, &json!({"groupingConfig": OLD, "secondaryGroupingConfig": ""}))?;
    ensure!(moved["groupingConfig"] == OLD, "the project has {moved:#}");
    set(&platform, &json!({"secondaryGroupingConfig": "", "secondaryGroupingExpiry": 0}))?;

    platform.receives(&project, &said("order 1 is late"))?;
    platform.receives(&project, &said("order 2 is late"))?;
    platform.stores(2)?;
    let first = issue(&platform, "order 1 is late")?;
    ensure!(
        first.1 == 1 && issue(&platform, "order 2 is late")?.0 != first.0,
        "by the old version every text is a bug"
    );

    let upgraded = set(&platform, &json!({"groupingConfig": newest}))?;
    ensure!(upgraded["secondaryGroupingConfig"] == OLD, "the old version is forgotten: {upgraded:#}");
    ensure!(upgraded["secondaryGroupingExpiry"].as_i64() > Some(0), "the transition has no end: {upgraded:#}");
    happens_until(&platform, &project, "order 1 is late", || Ok(issue(&platform, "order 1 is late")?.1 == 2))?;
    ensure!(issue(&platform, "order 1 is late")?.0 == first.0, "the bug is in another issue now");
    let before = platform.sql("select count(*) from issues")?;
    let third = platform.receives(&project, &said("order 3 is late"))?;
    platform.wait_for_sql(&format!("select issue_id from events where id = '{third}'"), &first.0)?;
    platform.receives(&project, &said("the cart is broken"))?;
    platform.wait_for_sql("select count(*) from issues where title = 'the cart is broken'", "1")?;
    ensure!(issue(&platform, "the cart is broken")?.1 == 1, "a new bug has a fingerprint of the old version");
    ensure!(before == "2", "upgrading made {before} issues of two");

    let (status, answer) = platform.ask(Method::PUT, PROJECT, &json!({"groupingConfig": "newstyle:1999-01-01"}))?;
    ensure!(status == 400 && answer["groupingConfig"].is_array(), "an unknown version was answered {status}: {answer}");
    Ok(())
}

fn why(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    set(&platform, &json!({"groupingEnhancements": "function:main +app\nfunction:nothing -app"}))?;
    let id = platform.receives(&project, &error("Gone", "umbrella 17 is gone"))?;
    platform.stores(1)?;
    let found = platform.api(&format!("{PROJECT}events/{id}/grouping-info/"))?;
    let app = &found["app"];
    ensure!(app["contributes"] == true && app["type"] == "component" && app["hashMismatch"] == false, "it is {app:#}");
    ensure!(found["system"]["contributes"] == false && found["system"]["hash"].is_null(), "it is {found:#}");
    ensure!(app["config"]["matchedEnhancements"] == json!(["function:main +app"]), "the rules are {:#}", app["config"]);
    let issue = platform.only_issue(&project)?;
    let issue = issue["id"].as_str().context("an issue has an id")?;
    let hashes = platform.api(&format!("/issues/{issue}/hashes/"))?;
    ensure!(hashes[0]["id"] == app["hash"], "the issue has {hashes}, the event {}", app["hash"]);
    let parts = app["component"]["values"][0]["values"].as_array().context("an exception has parts")?;
    let value = parts.iter().find(|part| part["id"] == "value").context("a value is there")?;
    ensure!(value["contributes"] == false && value["hint"] == "the frames count", "the value is {value:#}");

    platform.sign_in()?;
    let path = format!("/acme/shop/issues/{issue}/");
    let page = platform.page(&path)?;
    for words in ["Why it is in this issue", "in-app stack trace", "the frames count", "function:main +app"] {
        ensure!(page.contains(words), "the page does not say {words:?}");
    }
    let page = platform.page_in_chinese(&path)?;
    ensure!(page.contains("归入此问题的原因") && page.contains("以调用帧为准"), "the page does not say it in Chinese");

    set(&platform, &json!({"fingerprintingRules": "error.type:Gone -> {{ default }}, gone"}))?;
    let found = platform.api(&format!("{PROJECT}events/{id}/grouping-info/"))?;
    let app = &found["app"];
    ensure!(app["type"] == "salted-component" && app["values"] == json!(["{{ default }}", "gone"]), "it is {app:#}");
    ensure!(app["matched_rule"].as_str().is_some_and(|rule| rule.starts_with("error.type:Gone")), "it is {app:#}");
    ensure!(app["hashMismatch"] == true, "the event was grouped before that rule");
    Ok(())
}
