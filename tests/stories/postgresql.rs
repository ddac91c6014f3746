//! What PostgreSQL may do to a batch: die, cut connections, end transactions. Nothing is lost, and nothing is counted twice.

use std::thread;

use anyhow::{Result, ensure};
use harness::net::{wait_for, wait_for_some};
use serde_json::Value;

use crate::{
    Story,
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "postgresql_killed_under_load_loses_and_doubles_nothing", run: killed_under_load },
    Story { name: "connections_cut_in_the_middle_of_batches_lose_and_double_nothing", run: connections_cut },
    Story { name: "a_batch_that_is_chosen_to_end_a_deadlock_is_saved", run: a_deadlock },
    Story { name: "batches_that_take_longer_than_allowed_are_saved_later", run: a_statement_timeout },
    Story { name: "two_workers_under_serializable_isolation_save_everything_once", run: serialization_failures },
    Story { name: "a_poisonous_event_is_set_aside_and_can_be_replayed", run: a_poisonous_event },
];

const BUGS: [&str; 5] = ["Gone", "Late", "Lost", "Torn", "Wet"];
const EVENTS: usize = 1_500;
const SENDERS: usize = 3;

/// Sends events of several bugs from several senders, each until it is answered 200, and does something meanwhile.
fn send_meanwhile(platform: &Platform, project: &Project, meanwhile: impl FnOnce() -> Result<()>) -> Result<()> {
    let send = |sender: usize| -> Result<()> {
        for number in 0..EVENTS / SENDERS {
            let event = error(BUGS[(sender + number) % BUGS.len()], "item");
            let taken = || platform.send(project, &event).ok().filter(|answer| answer.status() == 200);
            wait_for_some("an answer", SOON, taken)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS).map(|sender| scope.spawn(move || send(sender))).collect();
        meanwhile()?;
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })
}

fn stored(platform: &Platform) -> usize {
    platform.sql("select count(*) from events").ok().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn all_are_stored_and_counted_once(platform: &Platform, events: usize) -> Result<()> {
    platform.stores(events)?;
    platform.empties_its_queue()?;
    let counted = platform.sql(
        "select count(*), count(distinct id), (select sum(times_seen) from issues), (select sum(events) from issue_hours),
                (select sum(events) from issue_tags where key = 'level'), (select sum(events) from issue_tags where key = 'user')
         from events",
    )?;
    ensure!(
        counted == [events.to_string().as_str(); 6].join("|"),
        "stored, distinct, counted, by hour, by level, by user: {counted}"
    );
    let wrong =
        "select count(*) from issues i where times_seen <> (select count(*) from events e where e.issue_id = i.id)";
    ensure!(platform.sql(wrong)? == "0", "each issue has the events it counts");
    Ok(())
}

fn killed_under_load(world: &World) -> Result<()> {
    let world = &world.with_own_postgres()?;
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    send_meanwhile(&platform, &project, || {
        for part in 1..=2 {
            wait_for("a part of the events", SOON, || stored(&platform) >= EVENTS * part / 4)?;
            world.postgres.kill();
            world.postgres.restart()?;
        }
        Ok(())
    })?;
    all_are_stored_and_counted_once(&platform, EVENTS)
}

fn connections_cut(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_WORKER_BATCH", "20")])?;
    let project = platform.project("shop")?;
    let cut = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{}' and state <> 'idle' \
         and pid <> pg_backend_pid()",
        platform.database
    );
    let mut cuts = 0;
    send_meanwhile(&platform, &project, || {
        wait_for("transactions to be cut", SOON, || {
            let now: usize = world.postgres.sql("postgres", &cut).ok().and_then(|cut| cut.parse().ok()).unwrap_or(0);
            cuts += now;
            cuts >= 10
        })
    })?;
    all_are_stored_and_counted_once(&platform, EVENTS)
}

/// Stores an event of each of two bugs, and returns after the worker has stopped, so that what follows is one batch.
fn two_bugs(platform: &Platform, project: &Project) -> Result<()> {
    for (stored, bug) in BUGS[..2].iter().enumerate() {
        platform.receives(project, &error(bug, "before"))?;
        platform.stores(stored + 1)?;
    }
    platform.worker.kill_now();
    for bug in &BUGS[..2] {
        platform.receives(project, &error(bug, "after"))?;
    }
    Ok(())
}

/// Waits until another session holds an issue, which it tells by an advisory lock that it takes next.
fn issue_is_locked(platform: &Platform) -> Result<()> {
    platform.wait_for_sql(
        "select count(*) from pg_locks where locktype = 'advisory' and objid = 1 and granted
         and database = (select oid from pg_database where datname = current_database())",
        "1",
    )
}

fn a_deadlock(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    // Sure to be there before the other one looks: it looks once, so long after it has begun to wait.
    platform.sql(&format!("alter database {} set deadlock_timeout = '3s'", platform.database))?;
    two_bugs(&platform, &project)?;
    // Takes the issues in the wrong order: the second, and once the worker waits for it, the first.
    let other = "set deadlock_timeout = '1h'; set statement_timeout = '1min';
        do $$ begin
            perform from issues where short_id = 2 for update;
            perform pg_advisory_xact_lock(1);
            while not exists (select from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))) loop
                perform pg_sleep(0.01), pg_stat_clear_snapshot();
            end loop;
            perform from issues where short_id = 1 for update;
        end $$";
    thread::scope(|scope| -> Result<()> {
        let other = scope.spawn(|| platform.sql(other));
        issue_is_locked(&platform)?;
        platform.worker.restart()?;
        other.join().expect("psql does not panic").map(drop)
    })?;
    let deadlocks = format!("select deadlocks from pg_stat_database where datname = '{}'", platform.database);
    wait_for("the deadlock to be counted", SOON, || platform.sql(&deadlocks).is_ok_and(|count| count == "1"))?;
    all_are_stored_and_counted_once(&platform, 4)
}

fn a_statement_timeout(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    two_bugs(&platform, &project)?;
    platform.sql(&format!("alter database {} set statement_timeout = '200ms'", platform.database))?;
    thread::scope(|scope| -> Result<()> {
        let locked = "set statement_timeout = '2min';
            do $$ begin
                perform from issues where short_id = 1 for update;
                perform pg_advisory_xact_lock(1);
                while not exists (select from leases where task = 'let go') loop perform pg_sleep(0.01); end loop;
            end $$";
        let other = scope.spawn(|| platform.sql(locked));
        issue_is_locked(&platform)?;
        platform.worker.restart()?;
        wait_for("the worker to be cancelled", SOON, || {
            platform.worker.last_words().matches("statement timeout").count() >= 2
        })?;
        platform.sql("insert into leases (task, until) values ('let go', now())")?;
        other.join().expect("psql does not panic").map(drop)
    })?;
    ensure!(
        platform.sql("select count(*) from rejected_events")? == "0",
        "the database's slowness is no event's fault"
    );
    all_are_stored_and_counted_once(&platform, 4)
}

fn serialization_failures(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_WORKER_BATCH", "10")])?;
    let project = platform.project("shop")?;
    let isolation = "alter database {} set default_transaction_isolation = 'serializable'";
    platform.sql(&isolation.replace("{}", &platform.database))?;
    platform.worker.restart()?;
    let _second = platform.one_more("worker", &[])?;
    send_meanwhile(&platform, &project, || Ok(()))?;
    all_are_stored_and_counted_once(&platform, EVENTS)?;
    let refused = format!("select xact_rollback > 0 from pg_stat_database where datname = '{}'", platform.database);
    wait_for("failures to be counted", SOON, || platform.sql(&refused).is_ok_and(|refused| refused == "t"))
}

fn a_poisonous_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    // A database that refuses one platform, for want of a bug that it could refuse.
    platform.sql("alter table events add constraint no_poison check (platform <> 'elixir')")?;
    platform.worker.kill_now();
    let mut poison = error("Gone", "poison");
    poison["platform"] = "elixir".into();
    poison["user"] = serde_json::json!({"id": "42", "ip_address": "{{auto}}"});
    for number in 0..30 {
        platform.receives(&project, &error("Gone", "item"))?;
        if number == 17 {
            platform.receives(&project, &poison)?;
        }
    }
    platform.worker.restart()?;
    all_are_stored_and_counted_once(&platform, 30)?;

    let listed = || platform.picket(&["events", "rejected"]).unwrap_or_default();
    wait_for("the poison to be set aside", SOON, || listed().lines().count() == 1)?;
    let id = poison["event_id"].as_str().unwrap_or_default();
    ensure!(listed().contains(id) && listed().contains("no_poison"), "its id and the reason: {}", listed());
    let body: Value = serde_json::from_str(&platform.picket(&["events", "rejected", id])?)?;
    ensure!(body["exception"]["values"][0]["value"] == "poison", "it is shown as it was sent");

    platform.sql("alter table events drop constraint no_poison")?;
    ensure!(platform.picket(&["events", "replay", "--all"])?.contains("1 events"));
    all_are_stored_and_counted_once(&platform, 31)?;
    ensure!(listed().is_empty(), "nothing is set aside any longer");
    let stored = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    ensure!(stored["user"]["ip_address"] == "127.0.0.1", "where it came from is known still: {}", stored["user"]);
    Ok(())
}
