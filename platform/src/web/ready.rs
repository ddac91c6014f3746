//! `/_health/`: the process lives. `/_ready/`: it can serve, or the reason in words why it cannot.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::{Router, extract::State, http::StatusCode, routing::get};

use crate::{app::App, upgrade::MIGRATIONS};

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
    let has = newest_migration(app).await.context("asking PostgreSQL for its schema's version")?;
    let needs = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if has < needs {
        bail!("the database is at migration {has} and this version needs {needs}: run `picket upgrade`");
    }
    app.queue.probe().await.context("asking the queue")?;
    Ok(())
}

/// The newest migration the database has; 0 when it is empty.
async fn newest_migration(app: &App) -> sqlx::Result<i64> {
    const UNDEFINED_TABLE: &str = "42P01";
    let newest = sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success");
    match newest.fetch_one(&app.db).await {
        Ok(newest) => Ok(newest.unwrap_or(0)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error),
    }
}
