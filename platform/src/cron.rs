//! What happens by the clock, as a table: name, how often, what.
//!
//! A task belongs to the cron that takes its lease, for as long as until the task is due again: several replicas do not do the
//! same work, and one that dies is replaced by the next. Every task is safe to run twice all the same.

mod store;

use std::{future::Future, pin::Pin, time::Duration};

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

use crate::{app::App, attachments, auth, channels, issues, monitors, projects, retention, upgrade};

type Task = for<'a> fn(&'a App) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 'a>>;

const HALF_MINUTE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// How often a replica looks whether a task is due.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How soon a task that failed is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// Name, how often, what.
const SCHEDULE: &[(&str, Duration, Task)] = &[
    ("make the partitions of the next days", HOUR, |app| Box::pin(make_partitions(app))),
    ("open ignored issues whose time has come", LOOK_EVERY, |app| Box::pin(issues::wake(app))),
    ("let events follow their issues", LOOK_EVERY, |app| Box::pin(issues::moving::move_all(app))),
    ("resolve issues that are silent", LOOK_EVERY, |app| Box::pin(issues::resolve_silent(app))),
    ("delete what is older than is kept", DAY, |app| Box::pin(retention::clean_by_settings(app))),
    ("look for tasks that did not begin or end in time", HALF_MINUTE, |app| Box::pin(monitors::look(app))),
    ("forget actions that cannot be undone any more", HOUR, |app| Box::pin(issues::undo::forget_old(app))),
    ("follow the directories that people sign in by", HOUR, |app| Box::pin(auth::ldap::sync(app))),
    ("delete what deleted projects have", LOOK_EVERY, |app| Box::pin(projects::removal::finish_all(app))),
    ("bring the channels of the configuration up to date", LOOK_EVERY, |app| {
        Box::pin(channels::configured::follow(app))
    }),
    ("remove files that nothing names", DAY, |app| Box::pin(attachments::sweep(app))),
];

/// Runs the schedule until told to stop.
pub async fn run(app: App, stop: CancellationToken) -> Result<()> {
    // Before any task, since a list that cannot be read would look like one that is empty.
    channels::configured::read(&app.config)?;
    if let Err(error) = channels::configured::follow(&app).await {
        tracing::warn!("the channels of the configuration wait for the next minute: {error:#}");
    }
    let tasks = SCHEDULE.iter().map(|(name, every, task)| {
        let (app, stop) = (app.clone(), stop.clone());
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(LOOK_EVERY.min(*every));
            tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !stop.is_cancelled() {
                tokio::select! { _ = tick.tick() => (), () = stop.cancelled() => return }
                if let Err(error) = run_when_due(&app, name, *every, *task).await {
                    tracing::error!("cron could not {name}: {error:#}; it tries again in {TRY_AGAIN:?}");
                    tick.reset_after(TRY_AGAIN);
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await?;
    }
    Ok(())
}

/// A task that failed gives its lease back, for itself or another replica to try again.
async fn run_when_due(app: &App, name: &str, every: Duration, task: Task) -> Result<()> {
    if !store::take_lease(&app.db, name, every).await.context("taking the lease")? {
        return Ok(());
    }
    let done = task(app).await;
    if done.is_err() {
        store::give_lease_back(&app.db, name).await.context("giving the lease back")?;
    }
    done
}

async fn make_partitions(app: &App) -> Result<()> {
    upgrade::make_partitions(&app.db, app.now().date_naive()).await
}
