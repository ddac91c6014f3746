//! Issues that are made one, taken apart, deleted and discarded, over the Web API.

use anyhow::{Context, Result, ensure};
use harness::net::wait_for;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    lifecycle::Watched,
    platform::{Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "merged_issues_are_one_and_old_links_lead_to_it", run: merge },
    Story { name: "an_unmerged_fingerprint_is_an_issue_of_its_own", run: unmerge },
    Story { name: "a_deleted_issue_begins_anew", run: delete },
    Story { name: "events_of_a_discarded_issue_are_dropped_and_counted", run: discard },
];

/// The one issue of the project that has this type.
pub fn issue_of(platform: &Platform, kind: &str) -> Result<Value> {
    let issues = platform.api("/projects/acme/shop/issues/?query=")?;
    let found = issues.as_array().into_iter().flatten().find(|issue| issue["metadata"]["type"] == kind);
    found.cloned().with_context(|| format!("no issue is {kind}: {issues:#}"))
}

pub fn number(issue: &Value) -> Result<String> {
    Ok(issue["id"].as_str().context("an issue has an id")?.to_owned())
}

/// Merges an issue of two events and one of one event, and returns both numbers.
fn merged(issue: &Watched) -> Result<(String, String)> {
    let platform = issue.platform;
    issue.happens()?;
    let mut refused = error("Refused", "card");
    refused["user"] = json!({"id": "43"});
    refused["tags"] = json!({"region": "us"});
    issue.receives(&refused)?;
    let child = number(&issue_of(platform, "Refused")?)?;
    let path = format!("/projects/acme/shop/issues/?id={child}&id={}", issue.id);
    let (status, answer) = platform.ask(Method::PUT, &path, &json!({"merge": 1}))?;
    ensure!(status == 200 && answer["merge"] == json!({"parent": issue.id, "children": [child]}), "{status}: {answer}");
    platform.wait_for_sql(&format!("select count(*) from events where issue_id = {}", issue.id), "3")?;
    Ok((issue.id.clone(), child))
}

fn merge(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let (parent, child) = merged(&issue)?;

    let now = issue.get()?;
    ensure!(now["count"] == "3" && now["shortId"] == "SHOP-1", "the issue is {now:#}");
    ensure!(issue.activity()?[0] == "merge", "what happened: {:?}", issue.activity()?);
    let counted =
        "select (select sum(events) from issue_hours), (select sum(events) from issue_tags where key = 'region'),
                          (select count(*) from issue_tags where key = 'region'), (select users_seen from issues)";
    ensure!(platform.sql(counted)? == "3|3|2|2", "counted are {}", platform.sql(counted)?);

    // Old links and numbers lead to it, and what was the child's is its own.
    ensure!(platform.api(&format!("/issues/{child}/"))?["id"] == parent.as_str());
    platform.sign_in()?;
    let page = platform.client.get(format!("{}/acme/shop/issues/{child}/", platform.url)).send()?;
    ensure!(
        page.status() == 200 && page.url().path() == format!("/acme/shop/issues/{parent}/"),
        "led to {}",
        page.url()
    );
    issue.decide(&json!({"status": "resolved"}))?;
    issue.receives(&error("Refused", "card"))?;
    issue.is("unresolved")?;
    ensure!(issue.get()?["count"] == "4");
    let (status, answer) =
        platform.ask(Method::PUT, &format!("/projects/acme/shop/issues/?id={parent}"), &json!({"merge": 1}))?;
    ensure!(status == 400 && answer["merge"].is_array(), "one issue alone was answered {status}: {answer}");
    Ok(())
}

fn unmerge(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    merged(&issue)?;
    let hashes = platform.api(&format!("/issues/{}/hashes/", issue.id))?;
    let hashes: Vec<&str> = hashes.as_array().into_iter().flatten().filter_map(|hash| hash["id"].as_str()).collect();
    ensure!(hashes.len() == 2, "the hashes are {hashes:?}");
    let all = format!("/issues/{}/hashes/?id={}&id={}", issue.id, hashes[0], hashes[1]);
    ensure!(platform.ask(Method::DELETE, &all, &json!({}))?.0 == 400, "something must be left of an issue");

    let short = |hash: &str| format!("('x{}'::bit(32)::int)", &hash[..8]);
    let refused = if platform.sql(&format!("select count(*) from events where hash = {}", short(hashes[0])))? == "1" {
        hashes[0]
    } else {
        hashes[1]
    };
    let (status, answer) =
        platform.ask(Method::DELETE, &format!("/issues/{}/hashes/?id={refused}", issue.id), &json!({}))?;
    ensure!(status == 202, "unmerging was answered {status}: {answer}");
    let own = answer["destination"].as_str().context("the answer names the new issue")?.to_owned();
    platform.wait_for_sql(&format!("select count(*) from events where issue_id = {own}"), "1")?;

    let (new, old) = (platform.api(&format!("/issues/{own}/"))?, issue.get()?);
    ensure!(new["title"] == "Refused: card" && new["count"] == "1" && new["shortId"] == "SHOP-3", "it is {new:#}");
    ensure!(old["title"] == "Gone: umbrella" || old["count"] == "2", "the old one is {old:#}");
    let counted = format!(
        "select (select sum(events) from issue_hours where issue_id = {own}),
                (select sum(events) from issue_hours where issue_id = {old}),
                (select value from issue_tags where issue_id = {own} and key = 'region'),
                (select count(*) from issue_tags where issue_id = {old} and key = 'region')",
        old = issue.id
    );
    ensure!(platform.sql(&counted)? == "1|2|us|1", "counted are {}", platform.sql(&counted)?);
    issue.receives(&error("Refused", "card"))?;
    ensure!(platform.api(&format!("/issues/{own}/"))?["count"] == "2", "further events are the new issue's");
    Ok(())
}

fn delete(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.receives(&error("Refused", "card"))?;
    let (status, answer) = platform.ask(Method::DELETE, &format!("/issues/{}/", issue.id), &json!({}))?;
    ensure!(status == 202, "deleting was answered {status}: {answer}");
    ensure!(platform.ask(Method::GET, &format!("/issues/{}/", issue.id), &json!({}))?.0 == 404);
    platform.stores(1)?;
    ensure!(platform.sql("select count(*) from issues")? == "1", "the other issue stays");
    platform.receives(&issue.project, &error("Gone", "umbrella"))?;
    platform.stores(2)?;
    let new = issue_of(&platform, "Gone")?;
    ensure!(new["id"] != issue.id.as_str() && new["count"] == "1", "it is {new:#}");
    Ok(())
}

fn discard(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.decide(&json!({"discard": true}))?;
    platform.stores(0)?;
    let mut unwanted = error("Gone", "umbrella");
    unwanted["release"] = json!("shop@6.6.6");
    unwanted["environment"] = json!("nowhere");
    for _ in 0..3 {
        unwanted["event_id"] = error("", "")["event_id"].clone();
        platform.receives(&issue.project, &unwanted)?;
    }
    platform.receives(&issue.project, &error("Refused", "card"))?;
    let counted = "select sum(quantity) from outcomes where outcome = 1 and reason = 'discarded-hash'";
    platform.wait_for_sql(counted, "3")?;
    platform.stores(1)?;
    ensure!(platform.sql("select count(*) from issues")? == "1", "only the other one is an issue");
    ensure!(
        platform.sql("select string_agg(version, ' ') from releases")? == "shop@1.2.3",
        "an event that is dropped makes no release"
    );

    let listed = platform.api("/projects/acme/shop/tombstones/")?;
    ensure!(listed[0]["message"] == "Gone: umbrella" && listed[0]["id"] == issue.id.as_str(), "listed are {listed:#}");
    let path = format!("/projects/acme/shop/tombstones/{}/", issue.id);
    ensure!(platform.ask(Method::DELETE, &path, &json!({}))?.0 == 204);
    platform.receives(&issue.project, &error("Gone", "umbrella"))?;
    platform.stores(2)?;
    wait_for("an issue again", SOON, || issue_of(&platform, "Gone").is_ok())
}
