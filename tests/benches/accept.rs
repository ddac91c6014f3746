//! The accept path: web against a bare handler, both as processes of their own, on the same Redis.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result};
use axum::{Router, body::Bytes, extract::State, http::StatusCode, routing::post};
use harness::{
    net::free_port,
    process::{Program, Supervised},
};
use redis::aio::MultiplexedConnection;

use crate::{Bench, Effort, LOOPBACK, cost, load, median, smallest_and_largest};

/// Makes this very program the bare handler.
pub const BARE: &str = "--bare-handler";
/// For the spool, of which every push waits for the disk.
const SPOOL_CONNECTIONS: usize = 32;
const START: Duration = Duration::from_secs(30);
const STREAM: &str = "picket:events";

/// Prints the ratio for several numbers of connections.
pub fn measure(bench: &Bench) -> Result<()> {
    let key = bench.database("accept")?;
    let web_address = SocketAddr::new(LOOPBACK, free_port()?);
    let bare_address = SocketAddr::new(LOOPBACK, free_port()?);
    let web = bench.start("web", "accept", &[("SENTRY_WEB_LISTEN", web_address.to_string())])?;
    let bare = start_bare(bench, bare_address)?;
    for (process, address) in [(&web, web_address), (&bare, bare_address)] {
        process.wait_until(START, || bench.run.place().accepts(address))?;
    }
    let idle = cost::rss(&web)?;
    let request = load::request("/api/1/envelope/", &key, &load::event(0))?;
    let (rounds, requests) = match bench.effort {
        Effort::Quick => (1, 500),
        Effort::Full => (15, 10_000),
    };
    let runtime = tokio::runtime::Runtime::new()?;
    println!("accept: envelopes/s of web ÷ bare handler, {} bytes gzipped", request.len());
    for connections in [1, 32, 256] {
        let (mut ratios, mut rates, mut p99) = (Vec::new(), Vec::new(), Duration::ZERO);
        let mut used = [Duration::ZERO; 2];
        for _ in 0..rounds {
            let mut measured = Vec::new();
            for (at, (process, address)) in [(&web, web_address), (&bare, bare_address)].into_iter().enumerate() {
                let before = cost::cpu(process.pid()?)?;
                measured.push(runtime.block_on(load::send(address, &request, connections, requests))?);
                used[at] += cost::cpu(process.pid()?)?.saturating_sub(before);
                bench.redis.command(&["DEL", STREAM])?;
            }
            ratios.push(measured[0].rate / measured[1].rate);
            rates.push(measured[0].rate);
            p99 = p99.max(measured[0].p99);
        }
        let (least, most) = smallest_and_largest(&ratios);
        let [web, bare] = used.map(|used| cost::each(used, rounds * requests));
        println!(
            "  {connections:>3} connections: ratio {:.2} ({least:.2}–{most:.2}), {:.0} envelopes/s, p99 {p99:.1?}, \
             CPU µs each: web {web:.0}, bare {bare:.0}",
            median(&ratios),
            median(&rates)
        );
    }
    println!("  web's memory: {idle:.0} MB idle, {:.0} MB at most", cost::peak(&web)?);
    measure_spool(bench, &runtime, &request)
}

/// The same web, where the spool on this machine is the queue: every answer waits for an `fsync`, which those that wait share.
fn measure_spool(bench: &Bench, runtime: &tokio::runtime::Runtime, request: &[u8]) -> Result<()> {
    let address = SocketAddr::new(LOOPBACK, free_port()?);
    let folder = tempfile::tempdir()?;
    let settings = [
        ("SENTRY_WEB_LISTEN", address.to_string()),
        ("SENTRY_QUEUE", "spool".to_owned()),
        ("SENTRY_FILESTORE_DIR", folder.path().display().to_string()),
    ];
    let web = bench.start("web", "accept", &settings)?;
    web.wait_until(START, || bench.run.place().accepts(address))?;
    let requests = match bench.effort {
        Effort::Quick => 200,
        Effort::Full => 10_000,
    };
    let round = runtime.block_on(load::send(address, request, SPOOL_CONNECTIONS, requests))?;
    println!(
        "  into the spool, synced: {:.0} envelopes/s at {SPOOL_CONNECTIONS} connections, p99 {:.1?}",
        round.rate, round.p99
    );
    Ok(())
}

fn start_bare(bench: &Bench, address: SocketAddr) -> Result<Supervised> {
    let this = std::env::current_exe().context("finding this program")?;
    let redis = bench.redis.url(0);
    Program::new(this).name("bare-handler").args([BARE, &address.to_string(), &redis]).start(&bench.run)
}

/// The ceiling: reads the body and adds it to the stream, nothing else.
pub fn serve_bare(address: &str, redis: &str) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let connection = redis::Client::open(redis)?.get_multiplexed_async_connection().await?;
        let routes = Router::new().route("/api/1/envelope/", post(add)).with_state(connection);
        let listener = tokio::net::TcpListener::bind(address).await?;
        Ok(axum::serve(listener, routes).await?)
    })
}

async fn add(State(mut connection): State<MultiplexedConnection>, body: Bytes) -> Result<&'static str, StatusCode> {
    let added = redis::cmd("XADD").arg(STREAM).arg("*").arg("m").arg(&body[..]).exec_async(&mut connection).await;
    added.map(|()| "{}").map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
}
