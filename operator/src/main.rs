//! `picket-operator run` reconciles instances; `picket-operator crd` prints what `kubectl apply` needs before that,
//! `picket-operator reference` the page about it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use kube::Client;
use picket_operator::context::Context;
use picket_operator::controller::{self, Scope};
use picket_operator::leader::Leadership;
use picket_operator::metrics::{self, Metrics};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

/// Picket's Kubernetes operator.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reconcile instances.
    Run(Run),
    /// Print the CRD, for `kubectl apply`.
    Crd,
    /// Print the page about the CRD's fields, as Markdown.
    Reference,
}

#[derive(clap::Args)]
struct Run {
    /// Look in this namespace only; in every one when absent.
    #[arg(long, env = "PICKET_NAMESPACE")]
    namespace: Option<String>,
    /// The image that `spec.version` is a tag of.
    #[arg(long, env = "PICKET_DEFAULT_IMAGE", default_value = "picket")]
    default_platform_image: String,
    /// The Lease that lets one replica write.
    #[arg(long, env = "PICKET_LEASE", default_value = "picket-operator")]
    lease: String,
    /// The namespace of the Lease.
    #[arg(long, env = "PICKET_LEASE_NAMESPACE", default_value = "default")]
    lease_namespace: String,
    /// What this replica calls itself in the Lease and in events.
    #[arg(long, env = "POD_NAME", default_value = "picket-operator")]
    identity: String,
    /// Where to serve /metrics and /healthz.
    #[arg(long, env = "PICKET_LISTEN", default_value = "0.0.0.0:9100")]
    listen: SocketAddr,
    /// What to log, as tracing's filter.
    #[arg(long, env = "PICKET_LOG", default_value = "info")]
    log: String,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Crd => print(picket_operator::crd_yaml()),
        Command::Reference => print(picket_operator::reference::page()),
        Command::Run(options) => run(options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("picket-operator: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(text: Result<String>) -> Result<()> {
    use std::io::Write as _;
    std::io::stdout().write_all(text?.as_bytes()).context("printing")
}

#[tokio::main]
async fn run(options: Run) -> Result<()> {
    tracing_subscriber::fmt().json().with_env_filter(EnvFilter::try_new(&options.log)?).init();
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tracing::debug!(first = installed.is_ok(), "crypto provider");
    let client = Client::try_default().await.context("connecting to the API server")?;
    let metrics = Metrics::default();
    tokio::select! {
        ended = metrics::serve(options.listen, metrics.clone()) => ended,
        ended = lead(options, client, metrics) => ended,
    }
}

/// Waits for the Lease, reconciles while it is ours, gives it back on SIGTERM.
async fn lead(options: Run, client: Client, metrics: Metrics) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    let Run { namespace, default_platform_image, lease, lease_namespace, identity, .. } = options;
    let leadership = Leadership::new(client.clone(), &lease, &lease_namespace, &identity);
    tokio::select! {
        () = leadership.acquire() => {}
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    }
    tracing::info!(%identity, "has the Lease");
    metrics.leads();
    let ctx = Arc::new(Context::new(client, default_platform_image, metrics, identity));
    let (stop, stopped) = oneshot::channel::<()>();
    let scope = namespace.map_or(Scope::Cluster, Scope::Namespace);
    let controllers = tokio::spawn(controller::run(ctx, scope, async {
        stopped.await.ok();
    }));
    tokio::select! {
        reason = leadership.hold() => return Err(reason),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    stop.send(()).ok();
    controllers.await.context("ending the controllers")?;
    leadership.release().await
}
