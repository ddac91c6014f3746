//! The system's own pages: what a superuser sees of the queue, the database and the servers, and what others do not.

use anyhow::{Result, ensure};
use harness::net::wait_for;
use serde_json::{Value, json};

use crate::{
    Story,
    pages::{AT_A_DESK, Looks, WITHOUT_SCRIPTS, walk},
    platform::{ADMIN, PASSWORD, Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "what_was_set_aside_is_tried_again_on_a_page", run: set_aside },
    Story { name: "the_systems_pages_can_be_used_by_everybody", run: every_page },
    Story { name: "a_test_mail_says_whether_mail_works", run: test_mail },
    Story { name: "the_system_is_there_for_superusers_only", run: superusers_only },
];

/// Sets aside an event that the database refuses, and a message that no worker can read.
fn set_something_aside(platform: &Platform) -> Result<String> {
    let project = platform.project("shop")?;
    platform.sql("alter table events add constraint no_poison check (platform <> 'elixir')")?;
    let mut poison = error("Gone", "poison");
    poison["platform"] = "elixir".into();
    let id = platform.receives(&project, &poison)?;
    platform.redis.command(&["XADD", "picket:jobs", "*", "m", "nonsense"])?;
    wait_for("the event to be set aside", SOON, || {
        platform.picket(&["events", "rejected"]).is_ok_and(|listed| listed.contains(&id))
    })?;
    wait_for("the message to be set aside", SOON, || {
        platform.redis.command(&["XLEN", "picket:jobs:dead"]).is_ok_and(|length| length == "1")
    })?;
    Ok(id)
}

fn set_aside(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let id = set_something_aside(&platform)?;
    platform.sql("alter table events drop constraint no_poison")?;
    let steps = json!([
        {"open": "/"}, {"follow": "System"},
        {"see": id}, {"see": "no_poison"}, {"see": "expected ident at line 1"},
        {"press": format!("Try again: {id}")}, {"see": "In the queue again: 1"}, {"see": "No event was set aside."},
        {"press": "Try again: jobs"}, {"see": "In the queue again: 1"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    platform.stores(1)?;
    ensure!(platform.sql("select count(*) from rejected_events")? == "0", "the event is where it belongs");
    // It was tried again, and nobody can read it still.
    wait_for("the message to be set aside again", SOON, || {
        platform.redis.command(&["XINFO", "STREAM", "picket:jobs"]).is_ok_and(|seen| entries_added(&seen) >= 2)
            && platform.redis.command(&["XLEN", "picket:jobs:dead"]).is_ok_and(|length| length == "1")
    })
}

/// How many entries a stream ever had.
fn entries_added(seen: &str) -> u64 {
    let mut lines = seen.lines().skip_while(|line| *line != "entries-added");
    lines.nth(1).and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

fn every_page(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    set_something_aside(&platform)?;
    let pages = [("system-status", "/manage/"), ("system-servers", "/manage/servers/")];
    let steps: Value = pages.iter().flat_map(|(name, path)| [json!({"open": path}), json!({"show": name})]).collect();
    Looks::ALL.into_iter().try_for_each(|looks| walk(&platform, looks, &steps))
}

fn test_mail(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let servers = json!([
        {"open": "/manage/servers/"}, {"see": "takes mail from"},
        {"press": "Send"}, {"see": "The SMTP server took the mail."},
    ]);
    walk(&platform, AT_A_DESK, &servers)?;
    let smtp = platform.smtp.as_ref().expect("it was started with mail");
    smtp.wait_for_mail(|mail| mail.subject == "Picket can send mail" && mail.to.iter().any(|to| to == ADMIN), SOON)?;
    smtp.stop();
    let away = json!([
        {"open": "/manage/servers/"}, {"see": "failed"},
        {"press": "Send"}, {"see": "The mail was not sent:"},
    ]);
    walk(&platform, AT_A_DESK, &away)
}

fn superusers_only(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.picket(&["createuser", "--email", "eve@example.com", "--password", PASSWORD, "--no-input"])?;
    let (client, form) = (&platform.client, [("email", "eve@example.com"), ("password", PASSWORD)]);
    client.post(format!("{}/auth/login/", platform.url)).form(&form).send()?;
    for path in ["/manage/", "/manage/servers/"] {
        let status = client.get(format!("{}{path}", platform.url)).send()?.status();
        ensure!(status == 403, "{path} was answered {status}");
    }
    for path in ["/manage/messages/", "/manage/events/", "/manage/servers/mail/"] {
        let status = client.post(format!("{}{path}", platform.url)).form(&[("topic", "jobs")]).send()?.status();
        ensure!(status == 403, "{path} was answered {status}");
    }
    let page = client.get(format!("{}/", platform.url)).send()?.text()?;
    ensure!(!page.contains("/manage/"), "no page of theirs leads there");
    Ok(())
}
