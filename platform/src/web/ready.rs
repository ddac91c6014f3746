//! `/_health/`: the process lives. `/_ready/`: it can serve, or the reason in words why it cannot.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::{
    app::App,
    upgrade::{MIGRATIONS, newest_migration},
};

/// Longer than this, whoever probes has given up.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The routes a cluster's probes ask.
pub fn routes() -> Router<App> {
    Router::new().route("/_health/", get(|| async { "ok" })).route("/_ready/", get(ready))
}

async fn ready(State(app): State<App>) -> (StatusCode, String) {
    match tokio::time::timeout(TIMEOUT, check(&app)).await {
        Ok(Ok(())) => (StatusCode::OK, "ok".into()),
        Ok(Err(error)) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error:#}")),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("PostgreSQL or the queue did not answer within {TIMEOUT:?}"))
        }
    }
}

async fn check(app: &App) -> Result<()> {
    let has = newest_migration(&app.db).await.context("asking PostgreSQL for its schema's version")?;
    let needs = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if has < needs {
        bail!("the database is at migration {has} and this version needs {needs}: run `picket upgrade`");
    }
    app.queue.probe().await.context("asking the queue")?;
    Ok(())
}
