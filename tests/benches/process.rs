//! The process path: one worker that empties a filled queue, against `COPY` of the rows it wrote.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use harness::{net::wait_for, process::output};
use picket_platform::{events::Received, projects::ProjectId, protocol::EventId};

use crate::{Bench, Effort, cost, load, median, smallest_and_largest};

const TABLES: [&str; 4] = ["issues", "issue_hashes", "issue_hours", "events"];
const PATIENCE: Duration = Duration::from_mins(5);
/// Distinct bugs among the events.
const BUGS: usize = 100;

/// Prints the ratio, the rate and the bytes an event takes on disk.
pub fn measure(bench: &Bench) -> Result<()> {
    let (rounds, events) = match bench.effort {
        Effort::Quick => (1, 500),
        Effort::Full => (5, 20_000),
    };
    let (mut ratios, mut rates, mut memory, mut disk) = (Vec::new(), Vec::new(), 0.0_f64, 0.0);
    for round in 0..rounds {
        let database = format!("process_{round}");
        bench.database(&database)?;
        fill(bench, events)?;
        let started = Instant::now();
        let worker = bench.start("worker", &database, &[])?;
        wait_for("the worker", PATIENCE, || count(bench, &database).is_ok_and(|stored| stored >= events))?;
        let emptied = started.elapsed();
        memory = memory.max(cost::rss(&worker)?);
        worker.stop();
        disk = bytes_per_event(bench, &database)?;
        let copied = copy(bench, &database, events)?;
        ratios.push(copied.as_secs_f64() / emptied.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
        rates.push(events as f64 / emptied.as_secs_f64());
    }
    let (least, most) = smallest_and_largest(&ratios);
    println!("process: events/s of one worker ÷ COPY of its rows, {events} events of 10 KB, {BUGS} bugs");
    println!(
        "  ratio {:.2} ({least:.2}–{most:.2}), {:.0} events/s, {disk:.0} bytes on disk an event",
        median(&ratios),
        median(&rates)
    );
    println!("  the worker's memory under load: {memory:.0} MB");
    Ok(())
}

/// Fills the queue as web does.
fn fill(bench: &Bench, events: usize) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let mut redis = redis::Client::open(bench.redis.url(0))?.get_multiplexed_async_connection().await?;
        for start in (0..events).step_by(500) {
            let mut pipe = redis::pipe();
            for number in start..events.min(start + 500) {
                let body = load::event(number % BUGS).to_string().into();
                let received_at = picket_platform::app::now();
                let event =
                    Received { project: ProjectId(1), id: EventId::random(), received_at, sent: Box::default(), body };
                pipe.cmd("XADD").arg("picket:events").arg("*").arg("m").arg(&event.encode()[..]).ignore();
            }
            pipe.exec_async(&mut redis).await?;
        }
        Ok(())
    })
}

fn count(bench: &Bench, database: &str) -> Result<usize> {
    Ok(bench.postgres.sql(database, "select count(*) from events")?.trim().parse()?)
}

fn bytes_per_event(bench: &Bench, database: &str) -> Result<f64> {
    let size =
        "select sum(pg_total_relation_size(relid)) / (select count(*) from events) from pg_partition_tree('events')";
    Ok(bench.postgres.sql(database, size)?.trim().parse()?)
}

/// Copies the rows out, then into a database with the same tables, and times the way in.
fn copy(bench: &Bench, from: &str, events: usize) -> Result<Duration> {
    let to = format!("{from}_copy");
    bench.database(&to)?;
    let folder = tempfile::tempdir()?;
    let file = |table: &str| folder.path().join(table).display().to_string();
    psql(
        bench,
        from,
        TABLES.map(|table| format!("\\copy (select * from {table}) to '{}' (format binary)", file(table))),
    )?;
    let started = Instant::now();
    psql(bench, &to, TABLES.map(|table| format!("\\copy {table} from '{}' (format binary)", file(table))))?;
    let took = started.elapsed();
    ensure!(count(bench, &to)? == events, "COPY did not take all rows: {:?}", fs::read_dir(folder.path())?.count());
    Ok(took)
}

/// One connection for all commands.
fn psql(bench: &Bench, database: &str, commands: [String; TABLES.len()]) -> Result<()> {
    let mut psql = bench.run.place().command("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", &bench.postgres.url(database)]);
    psql.args(commands.map(|command| format!("--command={command}")));
    output(&mut psql).map(|_| ())
}
