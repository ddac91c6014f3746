//! Events follow their issues, whatever dies in between.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    lifecycle::Watched,
    merging::{issue_of, number},
    platform::{Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "events_follow_their_merged_issue_though_the_job_was_lost", run: the_job_was_lost },
    Story { name: "an_issue_merged_and_deleted_at_once_leaves_no_event", run: merged_and_deleted },
    Story { name: "an_issue_merged_and_taken_apart_at_once_counts_right", run: merged_and_taken_apart },
    Story { name: "an_issue_is_deleted_though_the_queue_is_away", run: the_queue_is_away },
    Story { name: "cleanup_leaves_no_event_without_its_issue", run: cleanup_leaves_no_event },
];

/// Merges an issue of one event into one of two while no worker is there to see to it, and returns the number of the first.
fn merged_unseen(issue: &Watched) -> Result<String> {
    issue.happens()?;
    issue.receives(&error("Refused", "card"))?;
    let child = number(&issue_of(issue.platform, "Refused")?)?;
    issue.platform.worker.kill_now();
    let path = format!("/projects/acme/shop/issues/?id={child}&id={}", issue.id);
    let (status, answer) = issue.platform.ask(Method::PUT, &path, &json!({"merge": 1}))?;
    ensure!(status == 200, "merging was answered {status}: {answer}");
    Ok(child)
}

fn lose_the_jobs(platform: &Platform) -> Result<()> {
    ensure!(platform.redis.command(&["DEL", "picket:jobs"])? == "1", "there was a job to lose");
    Ok(())
}

fn is_settled(platform: &Platform) -> Result<()> {
    platform.wait_for_sql("select count(*) from event_moves", "0")
}

fn events_of(platform: &Platform, issue: &str) -> Result<String> {
    platform.sql(&format!("select count(*) from events where issue_id = {issue}"))
}

fn the_job_was_lost(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let child = merged_unseen(&issue)?;
    lose_the_jobs(&platform)?;
    ensure!(events_of(&platform, &child)? == "1", "the event has not followed yet");
    let _cron = platform.one_more("cron", &[])?;
    is_settled(&platform)?;
    ensure!(events_of(&platform, &issue.id)? == "3" && events_of(&platform, &child)? == "0", "all have followed");
    Ok(())
}

fn merged_and_deleted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    issue.receives(&error("Lost", "key"))?;
    merged_unseen(&issue)?;
    let (status, answer) = platform.ask(Method::DELETE, &format!("/issues/{}/", issue.id), &json!({}))?;
    ensure!(status == 202, "deleting was answered {status}: {answer}");
    lose_the_jobs(&platform)?;
    let _cron = platform.one_more("cron", &[])?;
    is_settled(&platform)?;
    let left = "select (select count(*) from events), (select count(*) from issues where title like 'Lost%')";
    ensure!(platform.sql(left)? == "1|1", "the other issue stays as it was: {}", platform.sql(left)?);
    let lost = "select count(*) from events e where not exists (select from issues i where i.id = e.issue_id)";
    ensure!(platform.sql(lost)? == "0", "no event is without its issue");
    Ok(())
}

fn merged_and_taken_apart(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    let child = merged_unseen(&issue)?;
    let hash = platform.sql(&format!("select to_hex(hash) from events where issue_id = {child}"))?;
    let hashes = platform.api(&format!("/issues/{}/hashes/", issue.id))?;
    let mut listed = hashes.as_array().into_iter().flatten().filter_map(|hash| hash["id"].as_str());
    let refused = listed.find(|id| id[..8] == format!("{hash:0>8}")).context("the fingerprint is the issue's")?;
    let path = format!("/issues/{}/hashes/?id={refused}", issue.id);
    let (status, answer) = platform.ask(Method::DELETE, &path, &json!({}))?;
    ensure!(status == 202, "unmerging was answered {status}: {answer}");
    let own = answer["destination"].as_str().context("the answer names the new issue")?.to_owned();
    let counted =
        |issue: &str| Ok::<Value, anyhow::Error>(platform.api(&format!("/issues/{issue}/"))?["count"].clone());
    ensure!(counted(&own)? == "1" && counted(&issue.id)? == "2", "events on their way count where they belong");
    platform.worker.restart()?;
    is_settled(&platform)?;
    ensure!(events_of(&platform, &own)? == "1" && events_of(&platform, &issue.id)? == "2", "each is where it belongs");
    Ok(())
}

fn the_queue_is_away(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let issue = Watched::begin(&platform)?;
    platform.redis.stop();
    let (status, answer) = platform.ask(Method::DELETE, &format!("/issues/{}/", issue.id), &json!({}))?;
    ensure!(status == 202, "deleting was answered {status}: {answer}");
    let _cron = platform.one_more("cron", &[])?;
    platform.stores(0)
}

fn cleanup_leaves_no_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let mut late = error("Gone", "long ago");
    late["timestamp"] = json!((picket_platform::app::now() - chrono::TimeDelta::days(40)).to_rfc3339());
    platform.receives(&project, &late)?;
    platform.stores(1)?;
    let said = platform.picket(&["cleanup", "--days", "30"])?;
    ensure!(said.contains("1 issues"), "it said {said}");
    let _cron = platform.one_more("cron", &[])?;
    platform.stores(0)?;
    is_settled(&platform)
}
