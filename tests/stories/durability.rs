//! What is killed, and what is lost: nothing that was answered 200.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};
use harness::net::{wait_for, wait_for_some};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story {
        name: "workers_killed_in_the_middle_of_5000_events_lose_none",
        run: workers_killed_in_the_middle_lose_none,
    },
    Story { name: "web_killed_under_clients_that_retry_loses_none_of_5000", run: web_killed_under_clients_loses_none },
    Story { name: "events_wait_while_postgresql_is_away", run: events_wait_while_the_workers_database_is_away },
    Story { name: "web_says_503_while_redis_is_away", run: web_says_503_while_redis_is_away },
];

const EVENTS: usize = 5_000;
const SENDERS: usize = 4;

fn workers_killed_in_the_middle_lose_none(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> =
            (0..SENDERS).map(|_| scope.spawn(|| send(&platform, &project, EVENTS / SENDERS))).collect();
        for part in 1..=3 {
            wait_for("a part of the events", SOON, || stored(&platform) >= EVENTS * part / 5)?;
            platform.worker.kill_now();
            platform.worker.restart()?;
        }
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    all_are_stored_once(&platform)
}

fn web_killed_under_clients_loses_none(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| -> Result<()> {
        let senders: Vec<_> = (0..SENDERS)
            .map(|_| {
                scope.spawn(|| {
                    (0..EVENTS / SENDERS).try_for_each(|_| send_until_answered(&platform, &project, &answered))
                })
            })
            .collect();
        for part in 1..=3 {
            wait_for("a part of the events", SOON, || answered.load(Ordering::Relaxed) >= EVENTS * part / 5)?;
            platform.web.kill_now();
            platform.web.restart()?;
        }
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    all_are_stored_once(&platform)
}

fn send(platform: &Platform, project: &Project, events: usize) -> Result<()> {
    (0..events).try_for_each(|_| platform.receives(project, &error("Gone", "item")).map(|_| ()))
}

/// Sends the same event again until it is answered 200, as an SDK's retry does.
fn send_until_answered(platform: &Platform, project: &Project, answered: &AtomicUsize) -> Result<()> {
    let event = error("Gone", "item");
    wait_for_some("an answer", SOON, || platform.send(project, &event).ok().filter(|answer| answer.status() == 200))?;
    answered.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

fn stored(platform: &Platform) -> usize {
    platform.sql("select count(*) from events").ok().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn all_are_stored_once(platform: &Platform) -> Result<()> {
    wait_for("an empty queue", SOON, || {
        platform.redis.command(&["XLEN", "picket:events"]).is_ok_and(|length| length == "0")
    })?;
    let counted = platform.sql(
        "select count(*), count(distinct id), (select sum(times_seen) from issues), (select sum(events) from issue_hours) from events",
    )?;
    ensure!(counted == format!("{EVENTS}|{EVENTS}|{EVENTS}|{EVENTS}"), "stored, distinct, counted, by hour: {counted}");
    ensure!(platform.sql("select count(*) from issues")? == "1", "they are one bug");
    Ok(())
}

fn events_wait_while_the_workers_database_is_away(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "first"))?;
    platform.stores(1)?;

    // The same for the platform as a server that is down, without stopping the one other stories use.
    world.postgres.sql("postgres", &format!("alter database {} with allow_connections false", platform.database))?;
    let terminate = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{}'",
        platform.database
    );
    world.postgres.sql("postgres", &terminate)?;
    for item in 0..20 {
        platform.receives(&project, &error("Gone", &format!("item {item}")))?;
    }
    let failing = || platform.worker.last_words().contains("trying again");
    wait_for("the worker to notice", SOON, failing)?;
    world.postgres.sql("postgres", &format!("alter database {} with allow_connections true", platform.database))?;
    platform.stores(21)
}

fn web_says_503_while_redis_is_away(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "before"))?;
    platform.stores(1)?;
    platform.redis.kill();
    let answer = platform.send(&project, &error("Gone", "meanwhile"))?;
    ensure!(answer.status() == 503 && answer.headers().contains_key("retry-after"), "answered {}", answer.status());
    let ready = || platform.client.get(format!("{}/_ready/", platform.url)).timeout(Duration::from_secs(10)).send();
    ensure!(ready()?.status() == 503, "web is not ready without its queue");

    platform.redis.restart()?;
    wait_for("web to be ready again", SOON, || ready().is_ok_and(|answer| answer.status() == 200))?;
    platform.receives(&project, &error("Gone", "after"))?;
    platform.stores(2)
}
