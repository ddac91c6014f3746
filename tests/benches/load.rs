//! The load: connections that send one prepared request after the other, and a 10 KB event as a Python SDK sends it.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

/// What a round of load saw.
pub struct Round {
    /// Answers a second.
    pub rate: f64,
    /// The slowest answer but one in a hundred.
    pub p99: Duration,
}

/// What holds a load back: it pauses while more than `most` events wait.
#[derive(Clone)]
pub struct Paced {
    /// Events waiting, as last seen.
    pub waiting: Arc<AtomicU64>,
    pub most: u64,
    pub pause: Duration,
}

/// Sends one request again and again over so many connections; every answer must be a 200.
pub async fn send(address: SocketAddr, request: &[u8], connections: usize, requests: usize) -> Result<Round> {
    let started = Instant::now();
    let each = requests.div_ceil(connections);
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let request = request.to_vec();
        running.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for _ in 0..each {
                connection.send(&request).await?;
            }
            Ok(connection.took)
        });
    }
    round(started, running).await
}

/// Sends every request once, over so many connections; every answer must be a 200.
pub async fn send_all(
    address: SocketAddr,
    requests: Arc<Vec<Vec<u8>>>,
    connections: usize,
    paced: Paced,
) -> Result<Round> {
    let started = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let mut running = JoinSet::new();
    for _ in 0..connections {
        let (requests, next, paced) = (requests.clone(), next.clone(), paced.clone());
        running.spawn(async move {
            let mut connection = Connection::open(address).await?;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                while paced.waiting.load(Ordering::Relaxed) > paced.most {
                    tokio::time::sleep(paced.pause).await;
                }
                connection.send(request).await?;
            }
            Ok(connection.took)
        });
    }
    round(started, running).await
}

async fn round(started: Instant, mut running: JoinSet<Result<Vec<Duration>>>) -> Result<Round> {
    let mut took = Vec::new();
    while let Some(done) = running.join_next().await {
        took.extend(done??);
    }
    let seconds = started.elapsed().as_secs_f64();
    took.sort();
    #[expect(clippy::cast_precision_loss, reason = "a count of requests is far below 2^52")]
    let rate = took.len() as f64 / seconds;
    Ok(Round { rate, p99: took.get(took.len() * 99 / 100).copied().unwrap_or_default() })
}

/// One that is kept open, as SDKs do.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    took: Vec<Duration>,
}

impl Connection {
    async fn open(address: SocketAddr) -> Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, answer: Vec::with_capacity(1024), took: Vec::new() })
    }

    async fn send(&mut self, request: &[u8]) -> Result<()> {
        let started = Instant::now();
        self.stream.write_all(request).await?;
        self.answer.clear();
        while !is_whole(&self.answer)? {
            ensure!(self.stream.read_buf(&mut self.answer).await? > 0, "the server closed the connection");
        }
        self.took.push(started.elapsed());
        Ok(())
    }
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
