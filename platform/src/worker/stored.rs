//! Events from the queue: while one batch is saved, the next is taken and prepared. A batch is acknowledged when it is committed.
//!
//! A batch is what waits: one event when little comes, hundreds when much does, and never more bytes than memory has room for.

use anyhow::{Context, Result};
use tokio_util::sync::CancellationToken;

use super::bury;
use crate::{
    app::App,
    events::{self, Batch, Judged, Preparing, Received},
    metrics::Outcome,
    outcomes::{self, Fate},
    queue::{Consumer, MessageId, Wait},
};

/// Messages taken at a time and prepared by one core: each may be as large as a request.
const AT_A_TIME: usize = 16;
/// Bytes of messages in a batch; there are two batches at the most.
const MOST_BYTES: usize = 8 << 20;
/// After so many batches none is taken ahead: what silent workers left is looked for while nothing of ours is under way.
const MOST_IN_A_ROW: usize = 64;

/// What was taken from the queue, and what was made of it.
#[derive(Default)]
struct Taken {
    ids: Vec<MessageId>,
    events: Batch,
}

/// Stores what waits, batch after batch.
pub async fn store_events(app: &App, consumer: &mut Consumer, stop: &CancellationToken) -> Result<()> {
    let mut batch = Box::pin(take(app, consumer, Wait::ALittle)).await?;
    let mut left = MOST_IN_A_ROW;
    while !batch.ids.is_empty() {
        left -= 1;
        let take_next = async {
            let goes_on = left > 0 && !stop.is_cancelled();
            if goes_on { take(app, consumer, Wait::NotAtAll).await } else { Ok(Taken::default()) }
        };
        let (kept, next) = tokio::join!(Box::pin(events::keep(app, batch.events)), Box::pin(take_next));
        match kept.context("storing a batch of events") {
            Ok(outcomes) => {
                for judged in outcomes {
                    count(app, judged);
                }
                consumer.done(&batch.ids).await?;
            }
            Err(error) => {
                let ahead = next.map(|next| next.ids).unwrap_or_default();
                consumer.hand_back(&[batch.ids, ahead].concat()).await?;
                return Err(error);
            }
        }
        batch = next?;
    }
    Ok(())
}

/// Takes what waits, up to a batch, a few messages at a time that are prepared while the next few are fetched.
async fn take(app: &App, consumer: &mut Consumer, wait: Wait) -> Result<Taken> {
    let mut ids = Vec::new();
    let events = take_into(app, consumer, wait, &mut ids).await;
    match events {
        Ok(events) => Ok(Taken { ids, events }),
        Err(error) => {
            consumer.hand_back(&ids).await?;
            Err(error)
        }
    }
}

async fn take_into(app: &App, consumer: &mut Consumer, wait: Wait, ids: &mut Vec<MessageId>) -> Result<Batch> {
    let most = app.config.queue.worker_batch;
    let mut preparing = Preparing::start(app);
    let (mut bytes, mut wait) = (0, wait);
    while ids.len() < most && bytes < MOST_BYTES {
        let messages = consumer.take(AT_A_TIME.min(most - ids.len()), wait).await?;
        let is_all = messages.is_empty();
        let mut received = Vec::with_capacity(messages.len());
        for message in messages {
            match Received::decode(&message.body) {
                Ok(mut event) => {
                    bytes += message.body.len();
                    ids.push(message.id);
                    if event.is_in_parts() {
                        // Alone: dumps are large, and only as many are here as there are cores.
                        event.fetch(&app.files).await;
                        preparing.add(vec![event]).await?;
                    } else {
                        received.push(event);
                    }
                }
                Err(error) => bury(app, consumer, &message, &error).await?,
            }
        }
        if is_all {
            break;
        }
        preparing.add(received).await?;
        wait = Wait::NotAtAll;
    }
    preparing.finish().await
}

/// Counts what became of an event; one that came twice was counted the first time.
fn count(app: &App, Judged { project, category, outcome }: Judged) {
    app.metrics.events.get_or_create(&Outcome { outcome: outcome.name() }).inc();
    let (fate, reason) = match outcome {
        events::Outcome::Stored => (Fate::Accepted, ""),
        events::Outcome::Invalid => (Fate::Invalid, "payload"),
        events::Outcome::Unusable(reason) => (Fate::Invalid, reason),
        events::Outcome::Discarded => (Fate::Filtered, "discarded-hash"),
        events::Outcome::Filtered(reason) => (Fate::Filtered, reason.name()),
        events::Outcome::ProjectGone => (Fate::Invalid, "project_id"),
        events::Outcome::Duplicate => return,
    };
    let counted = outcomes::Outcome { project, category, fate, reason: reason.into(), quantity: 1 };
    outcomes::count(app, counted);
}
