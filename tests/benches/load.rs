//! The load: connections that send one prepared request after the other, and a 10 KB event as a Python SDK sends it.

use std::{
    io::Write,
    net::SocketAddr,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What a round of load saw.
pub struct Round {
    /// Answers a second.
    pub rate: f64,
    /// The slowest answer but one in a hundred.
    pub p99: Duration,
}

/// Sends `requests` in all over so many connections; every answer must be a 200.
pub async fn send(address: SocketAddr, request: &[u8], connections: usize, requests: usize) -> Result<Round> {
    let started = Instant::now();
    let each = requests.div_ceil(connections);
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..connections {
        running.spawn(one_connection(address, request.to_vec(), each));
    }
    let mut took = Vec::with_capacity(requests);
    while let Some(done) = running.join_next().await {
        took.extend(done??);
    }
    let seconds = started.elapsed().as_secs_f64();
    took.sort();
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
    let rate = took.len() as f64 / seconds;
    Ok(Round { rate, p99: took.get(took.len() * 99 / 100).copied().unwrap_or_default() })
}

async fn one_connection(address: SocketAddr, request: Vec<u8>, requests: usize) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut took = Vec::with_capacity(requests);
    let mut answer = Vec::with_capacity(1024);
    for _ in 0..requests {
        let started = Instant::now();
        stream.write_all(&request).await?;
        answer.clear();
        while !is_whole(&answer)? {
            ensure!(stream.read_buf(&mut answer).await? > 0, "the server closed the connection");
        }
        took.push(started.elapsed());
    }
    Ok(took)
}

/// Whether an HTTP/1.1 answer with a Content-Length is there; an error unless it is a 200.
fn is_whole(answer: &[u8]) -> Result<bool> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(false) };
    let text = std::str::from_utf8(&answer[..head])?.to_ascii_lowercase();
    if !text.starts_with("http/1.1 200") {
        bail!("the answer was {}", String::from_utf8_lossy(answer));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")).context("no Content-Length")?;
    Ok(answer.len() >= head + 4 + length.trim().parse::<usize>()?)
}

/// A whole HTTP request with a gzipped envelope.
pub fn request(path: &str, key: &str, event: &Value) -> Result<Vec<u8>> {
    let envelope = format!("{}\n{}\n{event}\n", json!({"event_id": event["event_id"]}), json!({"type": "event"}));
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(envelope.as_bytes())?;
    let packed = packed.finish()?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\
         X-Sentry-Auth: Sentry sentry_version=7, sentry_client=bench/1, sentry_key={key}\r\n\r\n",
        packed.len()
    );
    Ok([head.as_bytes(), &packed].concat())
}

/// An error of 10 KB with 20 frames and their source; `bug` tells one group from another.
pub fn event(bug: usize) -> Value {
    let frame = |at: usize| {
        let line = |offset: usize| {
            format!("        total_{at}_{offset} = basket.items[{offset}].price * basket.items[{offset}].count")
        };
        json!({
            "filename": format!("shop/module_{at}.py"), "abs_path": format!("/srv/shop/module_{at}.py"),
            "module": format!("shop.module_{at}"), "function": format!("step_{bug}_{at}"), "lineno": 100 + at,
            "in_app": at.is_multiple_of(2), "pre_context": (0..3).map(line).collect::<Vec<_>>(), "context_line": line(3),
            "post_context": [line(4)],
        })
    };
    json!({
        "event_id": uuid::Uuid::new_v4().simple().to_string(), "platform": "python", "level": "error",
        "release": "shop@1.2.3", "environment": "production", "server_name": "web-1",
        "tags": {"region": "eu", "page": "checkout"}, "user": {"id": bug.to_string()},
        "exception": {"values": [{"type": format!("Gone{bug}"), "value": "the item is gone",
            "stacktrace": {"frames": (0..20).map(frame).collect::<Vec<_>>()}}]},
    })
}
