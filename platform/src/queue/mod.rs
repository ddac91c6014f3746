//! The queue between web and the workers: an enum of real queues, no trait.
//!
//! Web pushes; a worker opens a [`Consumer`], takes batches and says `done` when their effects are committed. What is taken and
//! never done (a killed worker) is taken over by another worker, so a message may be seen twice and everything downstream is
//! idempotent. What keeps failing is buried: kept beside the queue, with its reason, for a person to look at.

mod redis;
mod spool;

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use thiserror::Error;

pub use self::redis::connection_info;
use crate::config::{Config, QueueKind};

/// What a message is about: each topic is a queue of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Events as SDKs sent them, one message each.
    Events,
    /// Everything else a worker is asked to do.
    Jobs,
}

impl Topic {
    fn name(self) -> &'static str {
        match self {
            Topic::Events => "events",
            Topic::Jobs => "jobs",
        }
    }

    /// How often a message may be taken before it is buried. An event fails only by killing its worker, which must not go on
    /// for long; a job also fails while the server it needs is down, and then waits the better part of an hour for it.
    fn most_deliveries(self) -> usize {
        match self {
            Topic::Events => 5,
            Topic::Jobs => 100,
        }
    }
}

/// Names a taken message, so that it can be acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId(String);

/// A message that a worker has taken.
#[derive(Clone, Debug)]
pub struct Message {
    pub id: MessageId,
    pub body: Bytes,
}

/// Why the queue did not take a message.
#[derive(Debug, Error)]
pub enum PushError {
    /// Nobody knows whether it is in; the sender must send it again.
    #[error("the queue is not reachable")]
    Unavailable(#[source] anyhow::Error),
}

/// The producing side.
#[derive(Clone)]
pub enum Queue {
    /// Redis Streams with one consumer group.
    Redis(Box<redis::RedisQueue>),
    /// A file on this machine, synced before a push returns.
    Spool(Arc<spool::Spool>),
}

impl Queue {
    /// Opens the queue that the settings name. Redis need not be reachable yet.
    pub fn open(config: &Config) -> Result<Queue> {
        Ok(match config.queue.kind {
            QueueKind::Redis => Queue::Redis(Box::new(redis::RedisQueue::open(config)?)),
            QueueKind::Spool => {
                let retry_after = config.queue.reclaim_after();
                Queue::Spool(Arc::new(spool::Spool::open(&config.queue.filestore_dir, retry_after)?))
            }
        })
    }

    /// Returns when every message is durable: in Redis, or synced to disk.
    pub async fn push(&self, topic: Topic, bodies: Vec<Bytes>) -> Result<(), PushError> {
        match self {
            Queue::Redis(queue) => queue.push(topic, bodies).await.map_err(|e| PushError::Unavailable(e.into())),
            Queue::Spool(spool) => spool.push(topic, bodies).await.map_err(PushError::Unavailable),
        }
    }

    /// Messages waiting or being worked on.
    pub async fn depth(&self, topic: Topic) -> Result<u64> {
        match self {
            Queue::Redis(queue) => queue.depth(topic).await,
            Queue::Spool(spool) => spool.depth(topic),
        }
    }

    /// Starts to consume a topic, with a connection of its own.
    pub async fn consumer(&self, topic: Topic) -> Result<Consumer> {
        Ok(match self {
            Queue::Redis(queue) => Consumer::Redis(queue.consumer(topic).await?),
            Queue::Spool(spool) => Consumer::Spool(spool::Reader::new(spool.clone(), topic)),
        })
    }
}

/// The consuming side of one topic.
pub enum Consumer {
    /// A member of the consumer group.
    Redis(redis::Reader),
    /// The one reader of a spool.
    Spool(spool::Reader),
}

impl Consumer {
    /// Takes up to `most` messages; waits a little when there are none, and then returns none.
    pub async fn take(&mut self, most: usize) -> Result<Vec<Message>> {
        match self {
            Consumer::Redis(reader) => reader.take(most).await,
            Consumer::Spool(reader) => reader.take(most).await,
        }
    }

    /// Forgets messages whose effects are committed.
    pub async fn done(&mut self, ids: &[MessageId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        match self {
            Consumer::Redis(reader) => reader.done(ids).await,
            Consumer::Spool(reader) => reader.done(ids).await,
        }
    }

    /// Puts a message that can never be worked on aside, with its reason, and forgets it.
    pub async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        match self {
            Consumer::Redis(reader) => reader.bury(message, reason).await,
            Consumer::Spool(reader) => reader.bury(message, reason).await,
        }
    }
}
