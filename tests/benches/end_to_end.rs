//! End to end: load → web → Redis → worker → PostgreSQL, all on the cores of this machine, as small installations run.
//!
//! The load pauses while more than a bounded number of events waits in the queue, so that the rate is one that could go on for
//! ever. It counts from the first request until the last event is stored.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use harness::{net::free_port, process::Supervised};
use redis::AsyncCommands;

use crate::{
    Bench, Effort, LOOPBACK, cost, load,
    load::{Paced, Round},
};

const START: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_mins(5);
const CONNECTIONS: usize = 32;
/// Distinct bugs among the events.
const BUGS: usize = 100;
/// The load pauses beyond so many waiting events.
const MOST_WAITING: u64 = 4_000;
/// How often the queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
const STREAM: &str = "picket:events";

/// The processes whose cost is told, in the order an event meets them.
struct Processes {
    web: Supervised,
    worker: Supervised,
    redis: i32,
    postgres: i32,
}

impl Processes {
    fn cpu(&self) -> Result<[Duration; 5]> {
        let [web, worker] = [self.web.pid()?, self.worker.pid()?].map(cost::cpu);
        Ok([cost::own_cpu()?, web?, cost::cpu(self.redis)?, worker?, cost::cpu(self.postgres)?])
    }
}

/// Prints the sustained rate, what an event costs each process, and their memory.
pub fn measure(bench: &Bench) -> Result<()> {
    let events = match bench.effort {
        Effort::Quick => 500,
        Effort::Full => 60_000,
    };
    let key = bench.database("end_to_end")?;
    let address = SocketAddr::new(LOOPBACK, free_port()?);
    let web = bench.start("web", "end_to_end", &[("SENTRY_WEB_LISTEN", address.to_string())])?;
    web.wait_until(START, || bench.run.place().accepts(address))?;
    let worker = bench.start("worker", "end_to_end", &[])?;
    let requests = (0..events).map(|n| load::request("/api/1/envelope/", &key, &load::event(n % BUGS)));
    let requests = Arc::new(requests.collect::<Result<Vec<_>>>()?);
    let processes = Processes { web, worker, redis: bench.redis.pid()?, postgres: bench.postgres.pid()? };
    let idle = (cost::rss(&processes.web)?, cost::rss(&processes.worker)?);
    let before = processes.cpu()?;
    let started = Instant::now();
    let (round, longest) = tokio::runtime::Runtime::new()?.block_on(send_until_stored(bench, address, requests))?;
    let took = started.elapsed();
    let used: Vec<_> =
        processes.cpu()?.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect();
    let stored = bench.postgres.sql("end_to_end", "select count(*) from events")?;
    ensure!(stored.trim() == events.to_string(), "{stored} of {events} events were stored");
    #[expect(clippy::cast_precision_loss, reason = "a count of events is far below 2^52")]
    let rate = events as f64 / took.as_secs_f64();
    println!("end to end: {events} events of 10 KB over {CONNECTIONS} connections, {BUGS} bugs");
    println!("  {rate:.0} events/s, p99 of answers {:.1?}, at most {longest} events waiting", round.p99);
    let [load, web, redis, worker, postgres] = [0, 1, 2, 3, 4].map(|at| cost::each(used[at], events));
    println!(
        "  CPU µs per event: load {load:.0}, web {web:.0}, redis {redis:.0}, worker {worker:.0}, postgres {postgres:.0}"
    );
    println!(
        "  memory: web {:.0} MB idle, {:.0} MB at most; worker {:.0} MB idle, {:.0} MB at most",
        idle.0,
        cost::peak(&processes.web)?,
        idle.1,
        cost::peak(&processes.worker)?
    );
    Ok(())
}

/// Returns when the queue is empty again, with the most that waited in it.
pub async fn send_until_stored(
    bench: &Bench,
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
) -> Result<(Round, u64)> {
    let mut redis = redis::Client::open(bench.redis.url(0))?.get_multiplexed_async_connection().await?;
    let waiting = Arc::new(AtomicU64::new(0));
    let sending = tokio::spawn(load::send_all(
        address,
        requests,
        CONNECTIONS,
        Paced { waiting: waiting.clone(), most: MOST_WAITING, pause: LOOK_EVERY },
    ));
    let started = Instant::now();
    let mut longest = 0;
    loop {
        let sent = sending.is_finished();
        let depth: u64 = redis.xlen(STREAM).await?;
        waiting.store(depth, Ordering::Relaxed);
        longest = longest.max(depth);
        if sent && depth == 0 {
            return Ok((sending.await.context("sending")??, longest));
        }
        ensure!(started.elapsed() < PATIENCE, "{depth} events still wait after {PATIENCE:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
