//! What a process counts, and the small server every process answers `/metrics` and `/_health/` on.

use std::sync::Mutex;

use anyhow::{Context, Result};
use axum::{Router, extract::State, http::header, routing::get};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::App;

/// What became of something.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Outcome {
    pub outcome: &'static str,
}

/// What became of items of a kind, and why.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Item {
    pub category: &'static str,
    pub outcome: &'static str,
    pub reason: &'static str,
}

/// Every metric there is. Families are registered once, in `default`.
pub struct Metrics {
    registry: Mutex<Registry>,
    /// Requests of SDKs that web answered: `accepted`, `invalid`, `forbidden`, `unavailable` …
    pub ingest: Family<Outcome, Counter>,
    /// What was sent, by category, outcome and reason; bytes for attachments.
    pub items: Family<Item, Counter>,
    /// Events a worker finished: `stored`, `duplicate`, `invalid`.
    pub events: Family<Outcome, Counter>,
    /// Jobs a worker ran: `done`, `nothing_to_do`, `failed`, `buried`.
    pub jobs: Family<Outcome, Counter>,
    /// Alerts that were told or tried: `told`, `told_together`, `later`, `broken`, `given_up`.
    pub deliveries: Family<Outcome, Counter>,
    /// Batches that could not be stored at first and are tried again.
    pub retries: Counter,
    /// Passwords that were hashed to be compared: one for each sign-in that no directory lets in, whoever it is.
    pub password_checks: Counter,
    /// Messages in the queue, taken or not.
    pub queue_depth: Gauge,
    /// Connections to web that are open.
    pub connections: Gauge,
    /// Connections closed because others wanted their seat.
    pub connections_cut: Counter,
    /// Messages on this machine that wait for Redis to be back.
    pub spool_depth: Gauge,
}

impl Default for Metrics {
    fn default() -> Metrics {
        let metrics = Metrics {
            registry: Mutex::new(Registry::with_prefix("picket")),
            ingest: Family::default(),
            items: Family::default(),
            events: Family::default(),
            jobs: Family::default(),
            deliveries: Family::default(),
            retries: Counter::default(),
            password_checks: Counter::default(),
            queue_depth: Gauge::default(),
            connections: Gauge::default(),
            connections_cut: Counter::default(),
            spool_depth: Gauge::default(),
        };
        {
            let mut registry = metrics.registry.lock().expect("nothing panics while it registers");
            registry.register(
                "ingest_requests",
                "Requests of SDKs that web answered, by outcome",
                metrics.ingest.clone(),
            );
            registry.register("items", "Items that were sent, by category, outcome and reason", metrics.items.clone());
            registry.register("events", "Events a worker finished, by outcome", metrics.events.clone());
            registry.register("jobs", "Jobs a worker ran, by outcome", metrics.jobs.clone());
            registry.register(
                "alert_deliveries",
                "Alerts that were told or tried, by outcome",
                metrics.deliveries.clone(),
            );
            registry.register("batch_retries", "Batches that were tried again", metrics.retries.clone());
            registry.register(
                "password_checks",
                "Passwords that were hashed to be compared",
                metrics.password_checks.clone(),
            );
            registry.register("queue_depth", "Messages in the event queue", metrics.queue_depth.clone());
            registry.register("connections", "Connections to web that are open", metrics.connections.clone());
            registry.register(
                "connections_cut",
                "Connections closed because others wanted their seat",
                metrics.connections_cut.clone(),
            );
            registry.register("spool_depth", "Messages that wait for Redis to be back", metrics.spool_depth.clone());
        }
        metrics
    }
}

/// Serves `/metrics` and `/_health/` until told to stop.
pub async fn serve(app: App, stop: CancellationToken) -> Result<()> {
    let address = app.config.web.metrics_listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening for metrics on {address}"))?;
    let routes = Router::new().route("/metrics", get(show)).route("/_health/", get(|| async { "ok" })).with_state(app);
    axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await.context("serving metrics")
}

async fn show(State(app): State<App>) -> ([(header::HeaderName, &'static str); 1], String) {
    if let Ok(depth) = app.queue.depth(crate::queue::Topic::Events).await {
        app.metrics.queue_depth.set(i64::try_from(depth).unwrap_or(i64::MAX));
    }
    app.metrics.spool_depth.set(i64::try_from(app.queue.overflow_depth()).unwrap_or(i64::MAX));
    let mut text = String::new();
    let registry = app.metrics.registry.lock().expect("nothing panics while it reads");
    // Writing to a String cannot fail.
    let _ = encode(&mut text, &registry);
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}
