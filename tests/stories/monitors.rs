//! Monitors: tasks that check in by SDK and by `curl`, and what is said of those that do not.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_task_that_checks_in_has_a_monitor", run: a_task_that_checks_in_has_a_monitor },
    Story { name: "a_task_that_does_not_begin_or_end_in_time_is_marked", run: a_silent_task_is_marked },
];

fn send(platform: &Platform, shop: &Project, check_in: &Value) -> Result<()> {
    let url = format!("{}/api/{}/envelope/?sentry_key={}", platform.url, shop.id, shop.key);
    let answer = platform.client.post(url).body(format!("{{}}\n{{\"type\":\"check_in\"}}\n{check_in}\n")).send()?;
    ensure!(answer.status() == 200, "the check-in was answered {}", answer.status());
    Ok(())
}

fn curl(platform: &Platform, shop: &Project, slug: &str, query: &str) -> Result<()> {
    let url = format!("{}/api/{}/cron/{slug}/{}/?{query}", platform.url, shop.id, shop.key);
    ensure!(platform.client.get(url).send()?.status() == 202, "curl is answered 202");
    Ok(())
}

fn check_ins(platform: &Platform) -> Result<Vec<String>> {
    let told = platform.api("/organizations/acme/monitors/backup/checkins/")?;
    let told = told.as_array().context("a list")?;
    Ok(told.iter().map(|one| one["status"].as_str().unwrap_or_default().to_owned()).collect())
}

const ID: &str = "9ec79c33-ec99-42ab-8353-589fcb2e04dc";

fn a_task_that_checks_in_has_a_monitor(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let config = json!({"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Berlin",
        "checkin_margin": 5, "max_runtime": 10, "failure_issue_threshold": 2});
    let start = json!({"check_in_id": ID, "monitor_slug": "backup", "status": "in_progress", "monitor_config": config});
    send(&platform, &shop, &start)?;
    send(&platform, &shop, &json!({"check_in_id": ID, "monitor_slug": "backup", "status": "ok", "duration": 1.5}))?;
    platform.wait_for_sql("select status || ' ' || duration from check_ins", "1 1500")?;
    // What has ended has ended.
    send(&platform, &shop, &json!({"check_in_id": ID, "monitor_slug": "backup", "status": "error"}))?;
    platform.wait_for_sql("select quantity from outcomes where reason = 'finished_check_in'", "1")?;

    let monitors = platform.api("/organizations/acme/monitors/")?;
    let monitor = &monitors[0];
    ensure!(monitor["slug"] == "backup" && monitor["project"]["slug"] == "shop", "{monitor:#}");
    ensure!(monitor["config"]["schedule"] == "0 3 * * *" && monitor["config"]["schedule_type"] == "crontab");
    let environment = &monitor["environments"][0];
    ensure!(environment["name"] == "production" && environment["status"] == "ok", "{environment:#}");
    ensure!(environment["nextCheckIn"].as_str().is_some_and(|at| at.contains(":00:00")), "{environment:#}");

    // `curl` knows no ids: what it says is of the run that is under way, or of a new one.
    curl(&platform, &shop, "backup", "status=in_progress")?;
    platform.wait_for_sql("select count(*) from check_ins where status = 0", "1")?;
    curl(&platform, &shop, "backup", "status=error")?;
    platform.wait_for_sql("select string_agg(status::text, ' ' order by started_at) from check_ins", "1 2")?;
    curl(&platform, &shop, "backup", "status=error")?;
    platform.wait_for_sql("select string_agg(status::text, ' ' order by started_at) from check_ins", "1 2 2")?;
    let failing = platform.api("/projects/acme/shop/monitors/backup/")?;
    ensure!(failing["environments"][0]["status"] == "error", "two failures in a row are too many: {failing:#}");
    ensure!(check_ins(&platform)? == ["error", "error", "ok"], "the latest first");
    // A task that nobody configured is shown, and never missed.
    curl(&platform, &shop, "unknown", "status=ok&environment=staging")?;
    platform.wait_for_sql("select count(*) from monitor_environments where next_expected is null", "1")
}

fn a_silent_task_is_marked(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let config = json!({"schedule": {"type": "interval", "value": 1, "unit": "hour"}});
    let start = json!({"check_in_id": ID, "monitor_slug": "backup", "status": "in_progress", "monitor_config": config});
    send(&platform, &shop, &start)?;
    platform.wait_for_sql("select count(*) from check_ins where times_out_at is not null", "1")?;
    // Two hours later: it has neither ended nor begun again.
    platform.sql("update check_ins set started_at = started_at - interval '2 hours', times_out_at = now() - interval '90 minutes'")?;
    platform.sql("update monitor_environments set next_expected = next_expected - interval '2 hours', next_latest = next_latest - interval '2 hours'")?;
    let mut crons = [platform.command(&["run", "cron"]).spawn()?, platform.command(&["run", "cron"]).spawn()?];
    let marked = platform.wait_for_sql("select string_agg(status::text, ' ' order by status) from check_ins", "3 4");
    for cron in &mut crons {
        cron.kill()?;
        cron.wait()?;
    }
    marked?;
    ensure!(platform.sql("select next_latest > now() from monitor_environments")? == "t", "the next run is waited for");
    let told = platform.api("/organizations/acme/monitors/backup/")?;
    ensure!(told["environments"][0]["status"] == "error", "{told:#}");
    // A task that was given up may still end well.
    send(&platform, &shop, &json!({"check_in_id": ID, "monitor_slug": "backup", "status": "ok"}))?;
    platform.wait_for_sql("select string_agg(status::text, ' ' order by status) from check_ins", "1 3")
}
