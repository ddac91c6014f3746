//! What the operator counts, and the small server that tells: `/metrics` for Prometheus, `/healthz` for the kubelet.
//!
//! Replicas that wait for the Lease serve both, too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outcome {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Written {
    resource: String,
}

/// The operator's counters.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    reconciles: Family<Outcome, Counter>,
    durations: Histogram,
    writes: Family<Written, Counter>,
    leader: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("picket_operator");
        let reconciles = Family::default();
        let durations = Histogram::new(exponential_buckets(0.002, 2.0, 14));
        let writes = Family::default();
        let leader = Gauge::default();
        registry.register("reconciles", "Reconciles, by how they ended", reconciles.clone());
        registry.register("reconcile_duration_seconds", "How long reconciles took", durations.clone());
        registry.register("writes", "Requests that wrote to the API server, by resource", writes.clone());
        registry.register("leader", "1 while this replica has the Lease", leader.clone());
        Self { registry: Arc::new(registry), reconciles, durations, writes, leader }
    }
}

impl Metrics {
    /// Starts to time a reconcile.
    pub fn start_reconcile(&self) -> Timer<'_> {
        Timer { metrics: self, since: Instant::now() }
    }

    /// Counts a write of `resource`.
    pub fn wrote(&self, resource: &str) {
        self.writes.get_or_create(&Written { resource: resource.to_owned() }).inc();
    }

    /// Notes that this replica has the Lease.
    pub fn leads(&self) {
        self.leader.set(1);
    }

    fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// A reconcile that is being timed.
pub struct Timer<'a> {
    metrics: &'a Metrics,
    since: Instant,
}

impl Timer<'_> {
    /// Counts the reconcile as ended.
    pub fn finish<T, E>(self, outcome: &Result<T, E>) {
        let result = if outcome.is_ok() { "ok" } else { "error" };
        self.metrics.reconciles.get_or_create(&Outcome { result }).inc();
        self.metrics.durations.observe(self.since.elapsed().as_secs_f64());
    }
}

/// Serves `/metrics` and `/healthz` for as long as the process lives.
pub async fn serve(listen: SocketAddr, metrics: Metrics) -> Result<()> {
    let answer = move || {
        let text = metrics.text();
        async move { text.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR) }
    };
    let routes = Router::new().route("/metrics", get(answer)).route("/healthz", get(async || "ok\n"));
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    axum::serve(listener, routes).await.context("serving metrics")
}
