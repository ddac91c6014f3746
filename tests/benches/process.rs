//! The process path: one worker that empties a filled queue, against `COPY` of the rows it wrote.
//!
//! The worker's time counts from the first batch it has stored, so that its start is left out; `COPY` writes the very same rows of
//! every table the worker wrote, and once more with bodies as they were sent: what a worker would do that is not to think and not
//! to pack. Beside the rates stands the CPU time of both sides, which a busy machine does not change.

mod history;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::process::output;
use picket_platform::{
    events::{Received, SentAs},
    projects::ProjectId,
    protocol::EventId,
};
use redis::{AsyncCommands, aio::MultiplexedConnection};
use tokio::runtime::Runtime;

use crate::{Bench, Effort, cost, load, median, smallest_and_largest};

/// What the worker writes to for an event.
const TABLES: [&str; 9] = [
    "issues",
    "issue_hashes",
    "issue_hours",
    "issue_tags",
    "issue_tag_keys",
    "issue_users",
    "tag_values",
    "tag_keys",
    "events",
];
const STREAM: &str = "picket:events";
const PATIENCE: Duration = Duration::from_mins(5);
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// The view of [`make_as_sent`].
const AS_SENT: &str = "events_as_sent";
/// Distinct bugs among the events, where nothing else is said.
const BUGS: usize = 100;

/// What it took a worker to store events, its start left out.
struct Stored {
    /// Events a second.
    rate: f64,
    /// CPU µs of an event, of the worker and of PostgreSQL.
    worker: f64,
    postgres: f64,
    /// In MB.
    memory: f64,
}

/// Prints the ratio, the cost of an event, its bytes on disk, and how much both depend on what is there.
pub fn measure(bench: &Bench) -> Result<()> {
    against_copy(bench)?;
    let (events, several): (usize, &[usize]) = match bench.effort {
        Effort::Quick => (600, &[]),
        Effort::Full => (20_000, &[1, 100, 10_000]),
    };
    for &bugs in several {
        let database = format!("process_of_{bugs}");
        bench.database(&database)?;
        println!("  {bugs:>6} bugs: {}", store(bench, &database, events, bugs)?);
    }
    history::measure(bench, events)
}

fn against_copy(bench: &Bench) -> Result<()> {
    let (rounds, events) = match bench.effort {
        Effort::Quick => (1, 600),
        Effort::Full => (5, 20_000),
    };
    println!("process: events/s of one worker ÷ COPY of its rows, {events} events of 10 KB, {BUGS} bugs");
    let (mut ratios, mut as_sent, mut all, mut copied_cpu) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
    for round in 0..rounds {
        let database = format!("process_{round}");
        bench.database(&database)?;
        let stored = store(bench, &database, events, BUGS)?;
        let copied = copy(bench, &database, "events", events)?;
        ratios.push(stored.rate / copied.rate);
        make_as_sent(bench, &database)?;
        as_sent.push(stored.rate / copy(bench, &database, AS_SENT, events)?.rate);
        copied_cpu = copied.postgres;
        all.push(stored);
        if round == 0 {
            print_bytes(bench, &database, events)?;
        }
    }
    let (least, most) = smallest_and_largest(&ratios);
    let middle = |of: fn(&Stored) -> f64| median(&all.iter().map(of).collect::<Vec<_>>());
    let stored = Stored {
        rate: middle(|stored| stored.rate),
        worker: middle(|stored| stored.worker),
        postgres: middle(|stored| stored.postgres),
        memory: middle(|stored| stored.memory),
    };
    println!("  ratio {:.2} ({least:.2}–{most:.2}): {stored}", median(&ratios));
    println!("  COPY: CPU µs each: PostgreSQL {copied_cpu:.0}");
    let (least, most) = smallest_and_largest(&as_sent);
    println!("  ÷ COPY of the events as they were sent: {:.2} ({least:.2}–{most:.2})", median(&as_sent));
    Ok(())
}

impl std::fmt::Display for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Stored { rate, worker, postgres, memory } = self;
        write!(
            f,
            "{rate:.0} events/s, CPU µs each: worker {worker:.0}, PostgreSQL {postgres:.0}; worker's memory {memory:.0} MB"
        )
    }
}

/// Fills the queue and lets a worker empty it.
fn store(bench: &Bench, database: &str, events: usize, bugs: usize) -> Result<Stored> {
    let before = count(bench, database)?;
    let runtime = Runtime::new()?;
    let mut redis = runtime.block_on(async {
        let mut redis = redis::Client::open(bench.redis.url(0))?.get_multiplexed_async_connection().await?;
        fill(&mut redis, events, bugs).await.map(|()| redis)
    })?;
    let worker = bench.start("worker", database, &[])?;
    let used = || Ok::<_, anyhow::Error>([cost::cpu(worker.pid()?)?, cost::cpu(bench.postgres.pid()?)?]);
    let left = runtime.block_on(wait_for(&mut redis, |waiting| waiting < events))?;
    let (started, of_before) = (Instant::now(), used()?);
    runtime.block_on(wait_for(&mut redis, |waiting| waiting == 0))?;
    let (took, of_after) = (started.elapsed(), used()?);
    ensure!(left > 0, "the worker stored everything at once: {events} events are too few");
    let memory = cost::peak(&worker)?;
    worker.stop();
    ensure!(count(bench, database)? == before + events, "not every event was stored");
    let [worker, postgres] = [0, 1].map(|at| cost::each(of_after[at].saturating_sub(of_before[at]), left));
    Ok(Stored { rate: rate(left, took), worker, postgres, memory })
}

/// Fills the queue as web does.
async fn fill(redis: &mut MultiplexedConnection, events: usize, bugs: usize) -> Result<()> {
    for start in (0..events).step_by(500) {
        let mut pipe = redis::pipe();
        for number in start..events.min(start + 500) {
            let body = load::event(number % bugs).to_string().into();
            let received_at = picket_platform::app::now();
            let (project, id, sent, sent_as) = (ProjectId(1), EventId::random(), Box::default(), SentAs::Event);
            let event = Received { project, id, received_at, sent, sent_as, body };
            pipe.cmd("XADD").arg(STREAM).arg("*").arg("m").arg(&event.encode()[..]).ignore();
        }
        pipe.exec_async(redis).await?;
    }
    Ok(())
}

/// Waits for so many messages to be left, which are those that are not stored and acknowledged.
async fn wait_for(redis: &mut MultiplexedConnection, is_it: impl Fn(usize) -> bool) -> Result<usize> {
    let started = Instant::now();
    loop {
        let waiting = redis.xlen(STREAM).await?;
        if is_it(waiting) {
            return Ok(waiting);
        }
        ensure!(started.elapsed() < PATIENCE, "{waiting} events still wait after {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn count(bench: &Bench, database: &str) -> Result<usize> {
    Ok(bench
        .postgres
        .sql(database, "select count(*) from events where received_on >= current_date - 1")?
        .trim()
        .parse()?)
}

#[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
fn rate(events: usize, took: Duration) -> f64 {
    events as f64 / took.as_secs_f64()
}

/// Prints what an event takes on disk, by table and index.
fn print_bytes(bench: &Bench, database: &str, events: usize) -> Result<()> {
    let of_events = "
        select 'rows', sum(pg_table_size(relid)) from pg_partition_tree('events') where isleaf
        union all
        select p.inhparent::regclass::text, sum(pg_relation_size(i.indexrelid))
        from pg_partition_tree('events') t join pg_index i on i.indrelid = t.relid
        join pg_inherits p on p.inhrelid = i.indexrelid where t.isleaf group by 1 order by 1";
    println!("  bytes on disk an event: {}", bytes(bench, database, of_events, events)?);
    let others: Vec<String> = TABLES[..TABLES.len() - 1]
        .iter()
        .map(|table| format!("select '{table}', pg_total_relation_size('{table}')"))
        .collect();
    println!("    beside it, of {BUGS} bugs: {}", bytes(bench, database, &others.join(" union all "), events)?);
    Ok(())
}

fn bytes(bench: &Bench, database: &str, sql: &str, events: usize) -> Result<String> {
    let (mut parts, mut sum) = (Vec::new(), 0);
    for line in bench.postgres.sql(database, sql)?.lines() {
        let (name, size) = line.split_once('|').context("a name and a size")?;
        let each = size.parse::<usize>()? / events;
        sum += each;
        parts.push(format!("{name} {each}"));
    }
    Ok(format!("{sum} ({})", parts.join(", ")))
}

/// Makes the view of the stored events whose bodies are what an SDK sent.
fn make_as_sent(bench: &Bench, database: &str) -> Result<()> {
    let columns = bench.postgres.sql(
        database,
        "select string_agg(quote_ident(column_name), ', ' order by ordinal_position) from information_schema.columns
         where table_name = 'events'",
    )?;
    let sent = format!("convert_to($json${}$json$, 'UTF8') as body", load::event(0));
    let columns = columns.replace(" body,", &format!(" {sent},"));
    ensure!(columns.contains("$json$"), "events have no body among {columns}");
    bench.postgres.sql(database, &format!("create view {AS_SENT} as select {columns} from events")).map(|_| ())
}

/// Copies the rows out, then into a database with the same tables, and measures the way in.
fn copy(bench: &Bench, from: &str, view: &str, events: usize) -> Result<Stored> {
    let to = format!("{from}_copy_of_{view}");
    bench.database(&to)?;
    let folder = tempfile::tempdir()?;
    let file = |table: &str| folder.path().join(table).display().to_string();
    let out = TABLES.map(|table| {
        let of = if table == "events" { view } else { table };
        format!("\\copy (select * from {of}) to '{}' (format binary)", file(table))
    });
    psql(bench, from, out)?;
    let used = || cost::cpu(bench.postgres.pid()?);
    let (started, before) = (Instant::now(), used()?);
    psql(bench, &to, TABLES.map(|table| format!("\\copy {table} from '{}' (format binary)", file(table))))?;
    let (took, after) = (started.elapsed(), used()?);
    ensure!(count(bench, &to)? == events, "COPY did not take all rows");
    let postgres = cost::each(after.saturating_sub(before), events);
    Ok(Stored { rate: rate(events, took), worker: 0.0, postgres, memory: 0.0 })
}

/// One connection for all commands.
fn psql(bench: &Bench, database: &str, commands: [String; TABLES.len()]) -> Result<()> {
    let mut psql = bench.run.place().command("psql");
    psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", &bench.postgres.url(database)]);
    psql.args(commands.map(|command| format!("--command={command}")));
    output(&mut psql).map(|_| ())
}
