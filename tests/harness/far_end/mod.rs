//! The far end: a server of ours in the place of those that alerts go to. It enforces what each of them documents (signatures,
//! keywords, limits, the shape of a message), answers as they do, and remembers what it was told.

mod chats;
mod pagers;
pub mod smtp;

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::runtime::Runtime;

use crate::net::wait_for;

/// How long something is waited for that is to come soon.
const SOON: Duration = Duration::from_mins(1);

/// One of the places behind which somebody listens, and what it insists on.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub secret: Option<&'static str>,
    pub keywords: &'static [&'static str],
    /// Messages a minute; none for as many as anybody likes.
    pub per_minute: Option<usize>,
    /// It was removed; what that is called differs.
    pub is_gone: bool,
    /// Only from addresses on its list, which ours is not.
    pub has_address_list: bool,
}

/// What it was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The token, or the name of the webhook.
    pub place: String,
    /// What makes a message the same when it is sent again, where the service has that.
    pub id: Option<String>,
    pub body: Value,
}

/// What goes wrong with the next messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service has an error of its own.
    Status(u16),
    /// The message is taken, and the answer is lost.
    LostAnswer,
}

#[derive(Default)]
struct Memory {
    places: HashMap<String, Place>,
    told: Vec<Told>,
    refused: Vec<String>,
    times: HashMap<String, Vec<Instant>>,
    faults: Vec<Fault>,
    /// Incidents by their keys: whether they are open.
    incidents: HashMap<String, bool>,
}

type Shared = Arc<Mutex<Memory>>;

/// A running server.
pub struct FarEnd {
    pub address: SocketAddr,
    memory: Shared,
    _runtime: Runtime,
}

impl FarEnd {
    /// Starts it on a free port of this machine.
    pub fn start() -> Result<FarEnd> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let memory = Shared::default();
        let routes = Router::new()
            .route("/robot/send", post(chats::dingtalk))
            .route("/open-apis/bot/v2/hook/{token}", post(chats::feishu))
            .route("/cgi-bin/webhook/send", post(chats::wecom))
            .route("/services/T1/B1/{token}", post(chats::slack))
            .route("/v2/enqueue", post(pagers::pagerduty))
            .route("/hook/{name}", post(pagers::webhook))
            .layer(middleware::from_fn_with_state(memory.clone(), faults))
            .with_state(memory.clone());
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Ok(FarEnd { address, memory, _runtime: runtime })
    }

    /// Its address, with a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Opens a place, or changes what it insists on.
    pub fn open(&self, name: &str, place: Place) {
        lock(&self.memory).places.insert(name.to_owned(), place);
    }

    /// What goes wrong next, in this order.
    pub fn fails(&self, faults: &[Fault]) {
        lock(&self.memory).faults.extend(faults.iter().rev());
    }

    /// What a place was told.
    pub fn told(&self, place: &str) -> Vec<Told> {
        lock(&self.memory).told.iter().filter(|told| told.place == place).cloned().collect()
    }

    /// Why it took no message, each time it did not.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.memory).refused.clone()
    }

    /// Whether an incident is open.
    pub fn incident(&self, key: &str) -> Option<bool> {
        lock(&self.memory).incidents.get(key).copied()
    }

    /// Waits until a place was told so much.
    pub fn wait_for_told(&self, place: &str, count: usize) -> Result<Vec<Told>> {
        wait_for("the far end to be told", SOON, || self.told(place).len() >= count).with_context(|| {
            format!("{place} was told {} of {count}; refused: {:?}", self.told(place).len(), self.refused())
        })?;
        Ok(self.told(place))
    }
}

fn lock(memory: &Shared) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    /// Whether a place has room for one more message in this minute, which is then counted.
    fn has_room(&mut self, name: &str) -> bool {
        let most = self.places.get(name).and_then(|place| place.per_minute).unwrap_or(usize::MAX);
        let times = self.times.entry(name.to_owned()).or_default();
        times.retain(|time| time.elapsed() < Duration::from_mins(1));
        times.push(Instant::now());
        times.len() <= most
    }

    fn tell(&mut self, place: &str, id: Option<String>, body: Value) {
        self.told.push(Told { place: place.to_owned(), id, body });
    }

    fn refuse(&mut self, why: &str) {
        self.refused.push(why.to_owned());
    }
}

async fn faults(State(memory): State<Shared>, request: Request, next: Next) -> Response {
    let fault = lock(&memory).faults.pop();
    match fault {
        Some(Fault::Status(status)) => {
            lock(&memory).refuse(&format!("status {status}"));
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
        Some(Fault::LostAnswer) => {
            let _ = next.run(request).await;
            let broken =
                futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("the connection breaks")) });
            Body::from_stream(broken).into_response()
        }
        None => next.run(request).await,
    }
}

/// HMAC-SHA256, in base64.
fn hmac(key: &[u8], text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// Whether a time is near ours, within seconds.
fn is_near(seconds: i64, tolerance: i64) -> bool {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.as_secs());
    (seconds - i64::try_from(now).unwrap_or(0)).abs() <= tolerance
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("application/json"))
}
