//! What is killed, and what is lost: nothing that was answered 200.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use harness::{
    disk::Disk,
    net::{wait_for, wait_for_some},
};

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
    Story {
        name: "events_sent_while_redis_is_away_are_stored_once",
        run: events_sent_while_redis_is_away_are_stored_once,
    },
    Story { name: "redis_stopped_again_and_again_under_load_loses_none", run: redis_stopped_under_load_loses_none },
    Story {
        name: "a_disk_that_fills_up_a_web_that_is_killed_and_a_redis_that_comes_and_goes_lose_none",
        run: a_full_disk_and_killed_servers_lose_none,
    },
    Story { name: "a_full_spool_is_answered_503", run: a_full_spool_is_answered_503 },
    Story { name: "a_full_queue_is_answered_429_until_workers_catch_up", run: a_full_queue_is_answered_429 },
];

const EVENTS: usize = 5_000;
const SENDERS: usize = 4;
/// How long an answer may take while Redis is away: 100 ms until the spool takes over, and some for a busy machine.
const PATIENCE: Duration = Duration::from_secs(1);

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
    platform.empties_its_queue()?;
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
    // More often than a message may be taken by workers that die of it: a server that is away is no fault of the events.
    let failing = || platform.worker.last_words().matches("trying again").count() > 6;
    wait_for("the worker to try again and again", SOON, failing)?;
    world.postgres.sql("postgres", &format!("alter database {} with allow_connections true", platform.database))?;
    platform.stores(21)
}

fn events_sent_while_redis_is_away_are_stored_once(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "before"))?;
    platform.stores(1)?;
    platform.redis.kill();
    for item in 0..20 {
        platform.receives(&project, &error("Gone", &format!("item {item}")))?;
    }
    // What was answered survives web itself, too.
    platform.web.kill_now();
    platform.web.restart()?;
    platform.wait_until_ready()?;
    wait_for("the spool to be open again", SOON, || platform.receives(&project, &error("Gone", "after")).is_ok())?;
    let envelope = platform.envelope(&project, &error("Gone", "last"));
    let asked = Instant::now();
    ensure!(envelope.send()?.status() == 200 && asked.elapsed() < PATIENCE, "it took {:?}", asked.elapsed());

    platform.redis.restart()?;
    platform.stores(23)?;
    let first = "select string_agg(id::text, ' ' order by received_at) from events";
    ensure!(platform.sql(first)?.split(' ').count() == 23, "each is there once");
    wait_for("web to close the way to the spool", SOON, || {
        platform.web.last_words().contains("Redis takes messages again")
    })?;
    platform.receives(&project, &error("Gone", "at the end"))?;
    platform.stores(24)
}

fn redis_stopped_under_load_loses_none(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| -> Result<()> {
        let sender = || -> Result<()> {
            for _ in 0..EVENTS / SENDERS {
                platform.receives(&project, &error("Gone", "item"))?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(sender)).collect();
        for part in 1..=3 {
            wait_for("a part of the events", SOON, || answered.load(Ordering::Relaxed) >= EVENTS * part / 5)?;
            platform.redis.kill();
            let now = answered.load(Ordering::Relaxed);
            wait_for("events without Redis", SOON, || answered.load(Ordering::Relaxed) >= now + EVENTS / 20)?;
            platform.redis.restart()?;
        }
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    platform.stores(EVENTS)?;
    all_are_stored_once(&platform)
}

/// Small enough to fill up, large enough for the spool to leave some of it free.
const SMALL_DISK: u64 = 6 << 20;

/// Every event is sent until it is answered 200. The senders pause where an SDK would give up, so all of them get through.
fn a_full_disk_and_killed_servers_lose_none(world: &World) -> Result<()> {
    let disk = Disk::mount(&world.run, SMALL_DISK)?;
    let folder = disk.folder().display().to_string();
    let platform = Platform::start_set(world, &[("SENTRY_FILESTORE_DIR", &folder)])?;
    let project = platform.project("shop")?;
    let (answered, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| -> Result<()> {
        let sender = || -> Result<()> {
            for _ in 0..EVENTS / SENDERS {
                let event = error("Gone", "item");
                wait_for_some("a 200", 5 * SOON, || match platform.send(&project, &event).ok()?.status().as_u16() {
                    200 => Some(()),
                    503 => {
                        refused.fetch_add(1, Ordering::Relaxed);
                        None
                    }
                    _ => None,
                })?;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        };
        let full_disk = || {
            let before = refused.load(Ordering::Relaxed);
            wait_for("a full disk", 3 * SOON, || refused.load(Ordering::Relaxed) >= before + SENDERS)
        };
        let senders: Vec<_> = (0..SENDERS).map(|_| scope.spawn(sender)).collect();
        for part in 1..=2 {
            wait_for("a part of the events", SOON, || answered.load(Ordering::Relaxed) >= EVENTS * part / 8)?;
            platform.redis.kill();
            full_disk()?;
            platform.web.kill_now();
            platform.web.restart()?;
            full_disk()?;
            platform.redis.restart()?;
        }
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })?;
    platform.stores(EVENTS)?;
    all_are_stored_once(&platform)
}

fn a_full_spool_is_answered_503(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_SPOOL_BYTES", "10000")])?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "before"))?;
    platform.stores(1)?;
    platform.redis.kill();
    let mut spooled = 0;
    let refused = loop {
        let answer = platform.send(&project, &error("Gone", "meanwhile"))?;
        match answer.status().as_u16() {
            200 => spooled += 1,
            _ => break answer,
        }
    };
    ensure!(refused.status() == 503 && refused.headers().contains_key("retry-after"), "answered {refused:?}");
    ensure!((5..20).contains(&spooled), "{spooled} events fit into 10,000 bytes");
    // Web holds it while it runs; in order it leaves it for others to see.
    let spool = || {
        platform.command(&["config", "check"]).output().map(|check| String::from_utf8_lossy(&check.stdout).into_owned())
    };
    ensure!(spool()?.contains("is held by a running process"), "{}", spool()?);
    platform.web.stop();
    ensure!(spool()?.contains(&format!("{spooled} messages wait")), "{}", spool()?);
    platform.web.restart()?;
    platform.redis.restart()?;
    platform.stores(1 + spooled)?;
    platform.receives(&project, &error("Gone", "after"))?;
    platform.stores(2 + spooled)
}

fn a_full_queue_is_answered_429(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_QUEUE_BYTES", "20000")])?;
    let project = platform.project("shop")?;
    platform.worker.kill_now();
    let mut queued = 0;
    let refused = wait_for_some("a full queue", SOON, || {
        let answer = platform.send(&project, &error("Gone", "item")).ok()?;
        queued += usize::from(answer.status() == 200);
        (answer.status() != 200).then_some(answer)
    })?;
    let header = |name: &str| refused.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(refused.status() == 429 && header("retry-after") == "10", "answered {refused:?}");
    ensure!(header("x-sentry-rate-limits") == "10::organization:backlog", "answered {refused:?}");
    platform.worker.restart()?;
    platform.stores(queued)?;
    wait_for("web to take events again", SOON, || platform.receives(&project, &error("Gone", "after")).is_ok())
}
