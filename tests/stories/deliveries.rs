//! Deliveries: nothing is lost and nothing is told twice, whatever is killed; a storm becomes a digest, and a channel that takes
//! nothing is paused.

use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use harness::{
    far_end::{FarEnd, Fault, Place},
    net::wait_for,
    smtp::Smtp,
};
use rand::RngExt;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    channels::{KEY, SECRET, add, platform as with_far_end},
    platform::{ADMIN, LOOPBACK, Platform, Project, SOON, World, error},
    rules::{all_told, condition, rule, webhook},
};

pub const STORIES: &[Story] = &[
    Story { name: "an_alert_is_tried_again_with_the_same_id_until_it_is_told", run: tried_again },
    Story { name: "a_storm_of_alerts_becomes_a_digest_that_tells_the_truth", run: a_storm_becomes_a_digest },
    Story { name: "a_storm_in_one_issue_is_what_the_budget_allows_and_one_digest", run: one_digest },
    Story { name: "an_alert_on_an_idle_system_is_there_within_seconds", run: at_once },
    Story { name: "a_channel_that_takes_nothing_is_paused_and_its_owner_told", run: a_broken_channel_is_paused },
    Story { name: "an_incident_at_pagerduty_ends_when_its_issue_is_resolved", run: an_incident_ends },
    Story { name: "no_alert_is_lost_or_doubled_while_workers_are_killed", run: workers_are_killed },
    Story { name: "an_alert_that_an_older_worker_queued_is_told_once", run: queued_by_an_older_worker },
];

fn tried_again(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let channel = webhook(&platform, &far_end, "own")?;
    let rule = rule(&platform, "every", &channel, &json!({}))?;
    far_end.fails(&[Fault::Status(503), Fault::Status(500), Fault::LostAnswer]);
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let told = far_end.wait_for_told("own", 2)?;
    ensure!(
        told[0].id == told[1].id && told[0].id.is_some(),
        "what was taken and not answered comes again as the same"
    );
    all_told(&platform)?;
    let history = platform.api(&format!("/projects/acme/shop/rules/{rule}/history/"))?;
    ensure!(history[0]["state"] == "told" && history[0]["attempts"] == 4, "its history is {history:#}");

    let path =
        format!("/projects/acme/shop/rules/{rule}/history/{}/replay/", history[0]["id"].as_str().unwrap_or_default());
    let (status, _) = platform.ask(Method::POST, &path, &json!({}))?;
    ensure!(status == 202, "replaying was answered {status}");
    let again = far_end.wait_for_told("own", 3)?;
    ensure!(again[2].id == told[0].id, "a replay is the same message");

    far_end.open("own", Place { secret: Some(SECRET), ..Place::default() });
    far_end.fails(&[Fault::Status(413)]);
    platform.receives(&shop, &error("Refused", "card"))?;
    platform.wait_for_sql("select count(*) from deliveries where state = 2 and code = 'http 413'", "1")?;
    Ok(())
}

/// Events of the storm.
const STORM: usize = 600;

fn a_storm_becomes_a_digest(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    let settings = [("SENTRY_OUTBOUND_ALLOW", "127.0.0.1"), ("SENTRY_ALERT_DIGEST_SECONDS", "3")];
    let platform = Platform::start_set(world, &settings)?;
    let shop = platform.project("shop")?;
    far_end.open("ding", Place { per_minute: Some(20), ..Place::default() });
    let ding = add(&platform, "dingtalk", &json!({"access_token": "ding", "server": far_end.url("")}))?;
    rule(&platform, "every", &ding, &json!({}))?;
    for nth in 0..STORM {
        let mut event = error("Gone", "umbrella");
        if nth % 100 == 0 {
            event = error("Refused", "card");
        }
        platform.receives(&shop, &event)?;
    }
    platform.stores(STORM)?;
    all_told(&platform)?;
    let told = far_end.told("ding");
    let text = |body: &Value| body["markdown"]["text"].as_str().unwrap_or_default().to_owned();
    let (digests, single): (Vec<_>, Vec<_>) = told.iter().partition(|told| text(&told.body).contains("told together"));
    ensure!(
        told.len() < STORM / 4 && !digests.is_empty(),
        "{} single ones and {} digests",
        single.len(),
        digests.len()
    );
    ensure!(far_end.refused().is_empty(), "nothing was too much for the robot: {:?}", far_end.refused());
    let counted: usize =
        digests.iter().filter_map(|told| text(&told.body).split_whitespace().nth(1)?.parse::<usize>().ok()).sum();
    ensure!(counted + single.len() == STORM, "{counted} in digests and {} alone are not {STORM}", single.len());
    let together = platform.sql("select count(*) from deliveries where state = 3 and user_id = 0")?;
    ensure!(together == counted.to_string(), "the history says {together}");
    Ok(())
}

/// Events of a storm in one issue at most, and for how long it may rage; the benchmark called storm is about all of them.
const GREAT_STORM: usize = 100_000;
const RAGES: Duration = Duration::from_secs(25);
/// SDKs that send at a time.
const SENDERS: usize = 8;

/// Sends the same event again and again, by several senders at once, and says how often it was taken.
fn rage(platform: &Platform, shop: &Project) -> usize {
    let until = Instant::now() + RAGES;
    let send = || {
        let mut taken = 0;
        while Instant::now() < until && taken < GREAT_STORM / SENDERS {
            taken += usize::from(platform.receives(shop, &error("Gone", "umbrella")).is_ok());
        }
        taken
    };
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(send)).collect();
        senders.into_iter().map(|sender| sender.join().unwrap_or(0)).sum()
    })
}

fn one_digest(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    // Longer than the storm: the story ends the wait itself.
    let settings = [("SENTRY_OUTBOUND_ALLOW", "127.0.0.1"), ("SENTRY_ALERT_DIGEST_SECONDS", "1000")];
    let platform = Platform::start_set(world, &settings)?;
    let shop = platform.project("shop")?;
    far_end.open("ding", Place { per_minute: Some(20), ..Place::default() });
    let ding = add(&platform, "dingtalk", &json!({"access_token": "ding", "server": far_end.url("")}))?;
    rule(&platform, "every", &ding, &json!({}))?;
    let sent = rage(&platform, &shop);
    platform.empties_its_queue()?;
    platform.stores(sent)?;
    let single = far_end.told("ding").len();
    eprintln!("a storm of {sent} events in one issue: {single} messages, and then a digest");
    ensure!(sent > 500 && single < 20, "{single} messages of {sent} events");
    platform.sql("update delivery_lanes set digest_at = now() where channel_id <> 0")?;
    all_told(&platform)?;
    let told = far_end.told("ding");
    ensure!(told.len() == single + 1, "one digest, not {}", told.len() - single);
    let text = told[single].body["markdown"]["text"].as_str().unwrap_or_default();
    let counted = format!("{} alerts about 1 issue, told together", sent - single);
    ensure!(text.contains(&counted) && text.contains(&format!("{} × [SHOP-1]", sent - single)), "it says {text}");
    ensure!(far_end.refused().is_empty(), "nothing was too much for the robot: {:?}", far_end.refused());
    let told = platform
        .sql("select state || ' ' || count(*) from deliveries where user_id = 0 group by state order by state")?;
    ensure!(told == format!("1 {single}\n3 {}", sent - single), "the history says {told}");
    Ok(())
}

fn at_once(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let channel = webhook(&platform, &far_end, "own")?;
    rule(&platform, "every", &channel, &json!({}))?;
    let mut waits = Vec::new();
    for nth in 0..7 {
        platform.receives(&shop, &error("Gone", &format!("thing {nth}")))?;
        let sent = Instant::now();
        far_end.wait_for_told("own", nth + 1)?;
        waits.push(sent.elapsed());
        all_told(&platform)?;
    }
    waits.sort();
    eprintln!("from an event to its alert: {waits:?}");
    // Beside other stories the system is not always idle.
    ensure!(waits[3] < Duration::from_secs(5), "half of the alerts took longer than 5 s: {waits:?}");
    Ok(())
}

fn a_broken_channel_is_paused(world: &World) -> Result<()> {
    let far_end = FarEnd::start()?;
    let smtp = Smtp::start(&world.run, LOOPBACK)?;
    let (host, port) = (smtp.host.to_string(), smtp.port.to_string());
    let settings = [
        ("SENTRY_OUTBOUND_ALLOW", "127.0.0.1"),
        ("SENTRY_EMAIL_HOST", &host),
        ("SENTRY_EMAIL_PORT", &port),
        ("SENTRY_SERVER_EMAIL", "picket@example.com"),
        ("SENTRY_ALERT_DIGEST_SECONDS", "1"),
    ];
    let platform = Platform::start_set(world, &settings)?;
    let shop = platform.project("shop")?;
    far_end.open("ding", Place { is_gone: true, ..Place::default() });
    let ding = add(&platform, "dingtalk", &json!({"access_token": "ding", "server": far_end.url("")}))?;
    rule(&platform, "every", &ding, &json!({}))?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    let mail = smtp.wait_for_mail(|mail| mail.subject == "[Picket] The channel The dingtalk is paused", SOON)?;
    ensure!(mail.to == [ADMIN] && mail.text.contains("disbanded"), "it says why: {}", mail.text);
    let path = format!("/projects/acme/shop/channels/{ding}/");
    let paused = platform.api(&path)?;
    ensure!(
        paused["status"] == "paused" && paused["pausedBecause"].as_str().is_some_and(|why| why.contains("disbanded")),
        "{paused}"
    );
    for item in ["hat", "coat"] {
        platform.receives(&shop, &error("Gone", item))?;
    }
    platform.stores(3)?;
    ensure!(
        far_end.told("ding").is_empty() && far_end.refused().len() == 1,
        "nobody knocks at a closed door: {:?}",
        far_end.refused()
    );
    far_end.open("ding", Place::default());
    let (status, tried) = platform.ask(Method::POST, &format!("{path}test/"), &json!({}))?;
    ensure!(status == 200 && tried["sent"] == true && platform.api(&path)?["status"] == "active", "{tried}");
    all_told(&platform)?;
    let told = far_end.wait_for_told("ding", 4)?;
    ensure!(told.len() == 4, "the test, and what had waited: {}", told.len());
    Ok(())
}

fn an_incident_ends(world: &World) -> Result<()> {
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    far_end.open(KEY, Place::default());
    let pager = add(&platform, "pagerduty", &json!({"routing_key": KEY, "server": far_end.url("")}))?;
    rule(&platform, "every", &pager, &json!({}))?;
    for _ in 0..3 {
        platform.receives(&shop, &error("Gone", "umbrella"))?;
    }
    far_end.wait_for_told(KEY, 3)?;
    all_told(&platform)?;
    let issue = platform.only_issue(&shop)?;
    let id = issue["id"].as_str().unwrap_or_default();
    let key = format!("picket-issue-{id}");
    ensure!(far_end.incident(&key) == Some(true), "three alerts are one incident");
    let (status, _) = platform.ask(Method::PUT, &format!("/issues/{id}/"), &json!({"status": "resolved"}))?;
    ensure!(status == 200);
    wait_for("the incident to end", SOON, || far_end.incident(&key) == Some(false))?;
    platform.receives(&shop, &error("Gone", "umbrella"))?;
    wait_for("the incident to begin again", SOON, || far_end.incident(&key) == Some(true))?;
    // More than is told one by one: the digest is of the same incident, and ends with it.
    for _ in 0..100 {
        platform.receives(&shop, &error("Gone", "umbrella"))?;
    }
    platform.stores(104)?;
    wait_for("everything to be told", SOON, || {
        let _ = platform.sql("update delivery_lanes set digest_at = now() where channel_id <> 0");
        platform.sql("select count(*) from deliveries where due_at is not null").is_ok_and(|left| left == "0")
    })?;
    let told = far_end.told(KEY);
    ensure!(told.len() < 104 && told.iter().all(|told| told.body["dedup_key"] == key), "{} were told", told.len());
    let (status, _) = platform.ask(Method::PUT, &format!("/issues/{id}/"), &json!({"status": "resolved"}))?;
    ensure!(status == 200);
    wait_for("the incident to end again", SOON, || far_end.incident(&key) == Some(false))
}

/// Messages that a worker takes at a time: of so many it may not have written down that they were taken.
const AT_A_TIME: usize = 5;

fn workers_are_killed(world: &World) -> Result<()> {
    const ISSUES: usize = 1_000;
    let (platform, far_end) = with_far_end(world)?;
    let shop = platform.project("shop")?;
    let names = ["one", "two", "three"];
    let mut actions = Vec::new();
    for name in names {
        let channel = webhook(&platform, &far_end, name)?;
        actions.push(json!({"id": "picket.actions.NotifyChannelAction", "channel": channel}));
    }
    let new = json!([condition("FirstSeenEventCondition", &json!({}))]);
    rule(&platform, "new", "0", &json!({"conditions": new, "actions": actions, "frequency": 30}))?;
    // Time stands still for budgets: this is about what is told, and not how much at a time.
    let generous = "update delivery_lanes set tokens = 60, digest_at = null";
    let second = platform.one_more("worker", &[])?;
    let workers = [&platform.worker, &second];
    for nth in 0..ISSUES {
        let mut event = error("Gone", "umbrella");
        event["fingerprint"] = json!([nth.to_string()]);
        platform.receives(&shop, &event)?;
        if nth % 100 == 99 {
            let victim = workers[rand::rng().random_range(0..workers.len())];
            victim.kill_now();
            victim.restart()?;
        }
    }
    platform.stores(ISSUES)?;
    let waiting = "select count(*) from deliveries where due_at is not null and user_id = 0";
    let mut kills = ISSUES / 100;
    wait_for("everything to be told", SOON * 6, || {
        let _ = platform.sql(generous);
        let left = platform.sql(waiting).ok().and_then(|left| left.parse::<usize>().ok()).unwrap_or(ISSUES);
        if kills < 20 && left > 0 && left < (20 - kills) * 300 {
            let victim = workers[rand::rng().random_range(0..workers.len())];
            victim.kill_now();
            kills += usize::from(victim.restart().is_ok());
        }
        left == 0
    })?;
    let planned = platform.sql("select count(*) from deliveries where user_id = 0")?;
    ensure!(planned == (3 * ISSUES).to_string(), "each issue for each channel is one: {planned}");
    for name in names {
        let (mut issues, mut digests) = (BTreeMap::<String, BTreeSet<String>>::new(), BTreeMap::new());
        let (mut singles, told) = (0, far_end.told(name));
        for told in told {
            let id = told.id.unwrap_or_default();
            if told.body["type"] == "digest" {
                digests.insert(id, usize::try_from(told.body["alerts"].as_u64().unwrap_or_default())?);
            } else {
                singles += 1;
                issues.entry(told.body["issue"].to_string()).or_default().insert(id);
            }
        }
        ensure!(issues.values().all(|ids| ids.len() == 1), "{name}: what was told again has the id of the first time");
        let (one_by_one, together) = (issues.len(), digests.values().sum::<usize>());
        ensure!(one_by_one + together == ISSUES, "{name} heard of {one_by_one} and {together} together");
        let again = singles - one_by_one;
        ensure!(again <= kills * AT_A_TIME, "{name} heard {again} again, of {kills} workers that died");
    }
    let states = platform.sql("select string_agg(distinct state::text, ',') from deliveries where user_id = 0")?;
    ensure!(states.split(',').all(|state| state == "1" || state == "3"), "all are told: {states}");
    Ok(())
}

fn queued_by_an_older_worker(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let shop = platform.project("shop")?;
    let Some(smtp) = &platform.smtp else { unreachable!("the story started with mail") };
    let id = platform.receives(&shop, &error("Gone", "umbrella"))?;
    smtp.wait_for_mail(|mail| mail.subject.contains("Gone"), SOON)?;
    // As if the older worker had saved the event, and queued the job.
    let issue = platform.sql("delete from deliveries; select id from issues")?;
    let rule = platform.sql("select id from alert_rules")?;
    let job = json!({"job": "notify", "project": shop.id, "rule": rule.parse::<i64>()?, "issue": issue.lines().last().unwrap_or_default().parse::<i64>()?, "event": id});
    for _ in 0..2 {
        platform.redis.command(&["XADD", "picket:jobs", "*", "m", &job.to_string()])?;
    }
    wait_for("the mail of the job", SOON, || smtp.messages().is_ok_and(|mails| mails.len() == 2))?;
    platform.wait_for_sql("select count(*) || ':' || sum(state) from deliveries", "1:1")
}
