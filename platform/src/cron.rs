//! What happens by the clock, as a table: name, how often, what.
//!
//! Every task is safe to run twice, and in two replicas at once.

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{app::App, attachments, monitors, upgrade};

type Task = for<'a> fn(&'a App) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// Name, how often, what.
const SCHEDULE: &[(&str, Duration, Task)] = &[
    ("make the event partitions of the next days", HOUR, |app| Box::pin(make_partitions(app))),
    ("look for tasks that did not begin or end in time", MINUTE, |app| Box::pin(monitors::look(app))),
    ("remove files that nothing names", HOUR, |app| Box::pin(attachments::sweep(app))),
];

/// Runs the schedule until told to stop.
pub async fn run(app: App, stop: CancellationToken) -> Result<()> {
    let tasks = SCHEDULE.iter().map(|(name, every, task)| {
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(*every);
            while !stop.is_cancelled() {
                tokio::select! { _ = tick.tick() => (), () = stop.cancelled() => return }
                if let Err(error) = task(&app).await {
                    tracing::error!("cron could not {name}: {error:#}; it tries again in {every:?}");
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await?;
    }
    Ok(())
}

async fn make_partitions(app: &App) -> Result<()> {
    upgrade::make_partitions(&app.db, app.now().date_naive()).await
}
