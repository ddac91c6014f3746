//! The worker: takes batches of events and jobs from the queue until it is told to stop.
//!
//! A batch is acknowledged only after its effects are committed. While the database is away nothing is acknowledged: the batch
//! is tried again, with a growing pause, and the queue keeps the rest.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    events::{self, Received},
    items::{self, Item},
    job::Job,
    metrics::Outcome,
    outcomes::{self, Fate},
    projects::ProjectId,
    protocol::item::Category,
    queue::{Consumer, Message, Topic},
};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Items taken at a time: each may be as large as a request.
const ITEMS_AT_A_TIME: usize = 32;
/// Jobs taken at a time; each is done for itself.
const JOBS_AT_A_TIME: usize = 20;

/// Works until told to stop; what was taken is finished first.
pub async fn run(app: App, stop: CancellationToken) -> Result<()> {
    let (consumed, ()) = tokio::join!(
        async {
            tokio::try_join!(
                consume(&app, Topic::Events, &stop, store_batch),
                consume(&app, Topic::Items, &stop, keep_items),
                consume(&app, Topic::Jobs, &stop, run_jobs)
            )
        },
        outcomes::keep(&app, &stop)
    );
    outcomes::flush_or_warn(&app).await;
    consumed.map(|_| ())
}

async fn consume<F>(app: &App, topic: Topic, stop: &CancellationToken, work: F) -> Result<()>
where
    F: AsyncFn(&App, &mut Consumer) -> Result<()>,
{
    let mut consumer = None;
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        match work_once(app, topic, &mut consumer, &work).await {
            Ok(()) => pause = FIRST_PAUSE,
            Err(error) => {
                app.metrics.retries.inc();
                tracing::warn!("{topic:?}: {error:#}; trying again in {pause:?}");
                consumer = None;
                let _ = tokio::time::timeout(pause, stop.cancelled()).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
    Ok(())
}

async fn work_once<F>(app: &App, topic: Topic, consumer: &mut Option<Consumer>, work: &F) -> Result<()>
where
    F: AsyncFn(&App, &mut Consumer) -> Result<()>,
{
    if consumer.is_none() {
        *consumer = Some(app.queue.consumer(topic).await?);
    }
    match consumer {
        Some(consumer) => work(app, consumer).await,
        None => Ok(()),
    }
}

/// One batch of events: decode, process, acknowledge.
async fn store_batch(app: &App, consumer: &mut Consumer) -> Result<()> {
    let messages = consumer.take(app.config.queue.worker_batch).await?;
    if messages.is_empty() {
        return Ok(());
    }
    let mut batch = Vec::with_capacity(messages.len());
    for message in &messages {
        match Received::decode(&message.body) {
            Ok(received) => batch.push(received),
            Err(error) => bury(app, consumer, message, &error).await?,
        }
    }
    let ids: Vec<_> = messages.into_iter().map(|message| message.id).collect();
    let stored = match events::process(app, batch).await.context("storing a batch of events") {
        Ok(stored) => stored,
        Err(error) => {
            consumer.hand_back(&ids).await?;
            return Err(error);
        }
    };
    for (project, outcome) in stored {
        app.metrics.events.get_or_create(&Outcome { outcome: outcome.name() }).inc();
        count(app, project, outcome);
    }
    consumer.done(&ids).await
}

/// Counts what became of an event; one that came twice was counted the first time.
fn count(app: &App, project: ProjectId, outcome: events::Outcome) {
    let (fate, reason) = match outcome {
        events::Outcome::Stored => (Fate::Accepted, ""),
        events::Outcome::Invalid => (Fate::Invalid, "payload"),
        events::Outcome::Filtered(reason) => (Fate::Filtered, reason.name()),
        events::Outcome::ProjectGone => (Fate::Invalid, "project_id"),
        events::Outcome::Duplicate => return,
    };
    let counted = outcomes::Outcome { project, category: Category::Error, fate, reason: reason.into(), quantity: 1 };
    outcomes::count(app, counted);
}

/// One batch of items: decode, store, acknowledge.
async fn keep_items(app: &App, consumer: &mut Consumer) -> Result<()> {
    let messages = consumer.take(ITEMS_AT_A_TIME).await?;
    let mut batch = Vec::with_capacity(messages.len());
    for message in &messages {
        match Item::decode(&message.body) {
            Ok(item) => batch.push(item),
            Err(error) => bury(app, consumer, message, &error).await?,
        }
    }
    let kept = items::keep(app, batch).await?;
    app.metrics.events.get_or_create(&Outcome { outcome: "kept_item" }).inc_by(kept);
    let ids: Vec<_> = messages.into_iter().map(|message| message.id).collect();
    consumer.done(&ids).await
}

/// Jobs one after the other; one that fails stays in the queue and does not hold up the others.
async fn run_jobs(app: &App, consumer: &mut Consumer) -> Result<()> {
    for message in consumer.take(JOBS_AT_A_TIME).await? {
        let job: Job = match serde_json::from_slice(&message.body) {
            Ok(job) => job,
            Err(error) => {
                bury(app, consumer, &message, &error.into()).await?;
                continue;
            }
        };
        let counted = match job.clone().run(app).await {
            Ok(outcome) => {
                consumer.done(&[message.id]).await?;
                outcome.name()
            }
            Err(error) => {
                tracing::warn!("{job:?}: {error:#}; it stays in the queue");
                "failed"
            }
        };
        app.metrics.jobs.get_or_create(&Outcome { outcome: counted }).inc();
    }
    Ok(())
}

async fn bury(app: &App, consumer: &mut Consumer, message: &Message, reason: &anyhow::Error) -> Result<()> {
    tracing::error!("a message cannot be read: {reason:#}; it is kept in the dead letters");
    app.metrics.events.get_or_create(&Outcome { outcome: "buried" }).inc();
    consumer.bury(message, &format!("{reason:#}")).await
}
