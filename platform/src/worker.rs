//! The worker: takes batches of events, items and jobs from the queue until it is told to stop.
//!
//! A batch is acknowledged only after its effects are committed. While the database is away nothing is acknowledged: the batch
//! is tried again, with a growing pause, and the queue keeps the rest.

mod stored;

use std::time::Duration;

use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::{
    alerts,
    app::App,
    items::{self, Item},
    job::Job,
    metrics::Outcome,
    outcomes,
    queue::{Consumer, Message, Topic, Wait},
};

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Items taken at a time: each may be as large as a request.
const ITEMS_AT_A_TIME: usize = 32;
/// Jobs taken at a time; each is done for itself.
const JOBS_AT_A_TIME: usize = 20;

/// Works until told to stop; what was taken is finished first.
pub async fn run(app: App, stop: CancellationToken) -> Result<()> {
    let (consumed, (), ()) = tokio::join!(
        async {
            tokio::try_join!(
                consume(&app, Topic::Events, &stop, stored::store_events),
                consume(&app, Topic::Items, &stop, keep_items),
                consume(&app, Topic::Jobs, &stop, run_jobs)
            )
        },
        outcomes::keep(&app, &stop),
        alerts::delivery::run(&app, &stop)
    );
    outcomes::flush_or_warn(&app).await;
    consumed.map(|_| ())
}

async fn consume<F>(app: &App, topic: Topic, stop: &CancellationToken, work: F) -> Result<()>
where
    F: AsyncFn(&App, &mut Consumer, &CancellationToken) -> Result<()>,
{
    let mut consumer = None;
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let worked = async {
            let consumer = match &mut consumer {
                Some(consumer) => consumer,
                none => none.insert(app.queue.consumer(topic).await?),
            };
            work(app, consumer, stop).await
        };
        match worked.await {
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

/// One batch of items: decode, store, acknowledge.
async fn keep_items(app: &App, consumer: &mut Consumer, _: &CancellationToken) -> Result<()> {
    let messages = consumer.take(ITEMS_AT_A_TIME, Wait::ALittle).await?;
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
async fn run_jobs(app: &App, consumer: &mut Consumer, _: &CancellationToken) -> Result<()> {
    for message in consumer.take(JOBS_AT_A_TIME, Wait::ALittle).await? {
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
