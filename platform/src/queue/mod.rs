//! The queue between web and the workers: an enum of real queues, no trait.
//!
//! Web pushes; a worker opens a [`Consumer`], takes batches and says `done` when their effects are committed. What is taken and
//! never done (a killed worker) is taken over by another worker, so a message may be seen twice and everything downstream is
//! idempotent. What keeps failing is buried: kept beside the queue, with its reason, for a person to look at.

pub mod message;
mod overflow;
mod patience;
mod redis;
mod spool;

use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use self::{
    redis::{client, connection_info},
    spool::{Look, look},
};
use crate::config::{Config, QueueKind};

/// What a message is about: each topic is a queue of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// Events as SDKs sent them, one message each.
    Events,
    /// What else SDKs sent, kept as it is.
    Items,
    /// Everything else a worker is asked to do.
    Jobs,
}

impl Topic {
    /// Every topic there is, in the order of their numbers.
    pub const ALL: [Topic; 3] = [Topic::Events, Topic::Items, Topic::Jobs];

    /// Its name in Redis, and for people.
    pub fn name(self) -> &'static str {
        match self {
            Topic::Events => "events",
            Topic::Items => "items",
            Topic::Jobs => "jobs",
        }
    }

    /// How often a message may be taken before it is buried. An event fails only by killing its worker, which must not go on
    /// for long; an item and a job also fail while the server they need is down, and then wait the better part of an hour for it.
    fn most_deliveries(self) -> usize {
        match self {
            Topic::Events => 5,
            Topic::Items | Topic::Jobs => 100,
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

/// How it stands with a topic.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backlog {
    /// Messages waiting or being worked on.
    pub waiting: u64,
    /// When the oldest of them came; a spool does not know.
    pub oldest: Option<DateTime<Utc>>,
    /// Messages that were set aside.
    pub buried: u64,
}

/// A message that was set aside.
#[derive(Clone, Debug)]
pub struct Buried {
    /// When; a spool does not know.
    pub at: Option<DateTime<Utc>>,
    /// Why.
    pub reason: String,
    /// How long it is.
    pub bytes: usize,
}

/// Why the queue did not take a message.
#[derive(Debug, Error)]
pub enum PushError {
    /// Nobody knows whether it is in; the sender must send it again.
    #[error("the queue is not reachable")]
    Unavailable(#[source] anyhow::Error),
    /// Workers have fallen behind by as many bytes as may wait.
    #[error("the queue is full")]
    Full,
}

/// The producing side.
#[derive(Clone)]
pub enum Queue {
    /// Redis Streams with one consumer group, and in web a spool for when Redis is away.
    Redis(Arc<overflow::Overflow>),
    /// A file on this machine, synced before a push returns.
    Spool(Arc<spool::Spool>),
}

impl Queue {
    /// Opens the queue that the settings name. Redis need not be reachable yet.
    pub fn open(config: &Config) -> Result<Queue> {
        Ok(match config.queue.kind {
            QueueKind::Redis => Queue::Redis(Arc::new(overflow::Overflow::new(
                redis::RedisQueue::open(config)?,
                &config.queue.filestore_dir,
                config.queue.most_spooled_bytes,
                config.queue.most_queued_bytes,
            ))),
            QueueKind::Spool => Queue::Spool(Arc::new(spool::Spool::open(
                &config.queue.filestore_dir,
                config.queue.most_spooled_bytes,
                config.queue.reclaim_after(),
            )?)),
        })
    }

    /// Returns when every message is durable: in Redis, or synced to disk.
    pub async fn push(&self, topic: Topic, bodies: Vec<Bytes>) -> Result<(), PushError> {
        self.push_all(bodies.into_iter().map(|body| (topic, body)).collect()).await
    }

    /// Like [`Queue::push`], for several topics at once.
    pub async fn push_all(&self, messages: Vec<(Topic, Bytes)>) -> Result<(), PushError> {
        match self {
            Queue::Redis(queue) => queue.push(messages).await,
            Queue::Spool(spool) => spool.push_all(messages).await,
        }
    }

    /// Keeps a spool beside Redis, and moves it there, until told to stop: what the process that pushes for SDKs does.
    pub async fn keep_overflow(&self, stop: &CancellationToken) {
        if let Queue::Redis(queue) = self {
            queue.keep(stop).await;
        }
    }

    /// The connection to Redis, for what is counted there; none where the queue is a spool.
    pub fn redis(&self) -> Option<::redis::aio::ConnectionManager> {
        match self {
            Queue::Redis(queue) => Some(queue.redis().connection()),
            Queue::Spool(_) => None,
        }
    }

    /// Messages in the spool of this process that wait for Redis.
    pub fn overflow_depth(&self) -> u64 {
        match self {
            Queue::Redis(queue) => queue.spooled(),
            Queue::Spool(_) => 0,
        }
    }

    /// Fails when a push would: neither Redis nor a spool is there.
    pub async fn probe(&self) -> Result<()> {
        match self {
            Queue::Redis(queue) => queue.probe().await,
            Queue::Spool(_) => Ok(()),
        }
    }

    /// Messages waiting or being worked on.
    pub async fn depth(&self, topic: Topic) -> Result<u64> {
        match self {
            Queue::Redis(queue) => queue.redis().depth(topic).await,
            Queue::Spool(spool) => spool.depth(topic),
        }
    }

    /// How it stands with a topic.
    pub async fn backlog(&self, topic: Topic) -> Result<Backlog> {
        match self {
            Queue::Redis(queue) => queue.redis().backlog(topic).await,
            Queue::Spool(spool) => spool.backlog(topic),
        }
    }

    /// The messages that were set aside, the newest first.
    pub async fn buried(&self, topic: Topic, most: usize) -> Result<Vec<Buried>> {
        match self {
            Queue::Redis(queue) => queue.redis().buried(topic, most).await,
            Queue::Spool(spool) => spool.buried(topic, most),
        }
    }

    /// Lets workers try once more what was set aside, and says how many messages that are.
    pub async fn dig_up(&self, topic: Topic) -> Result<u64> {
        match self {
            Queue::Redis(queue) => queue.redis().dig_up(topic).await,
            Queue::Spool(spool) => spool.dig_up(topic).await,
        }
    }

    /// The version of Redis; none where the queue is a spool.
    pub async fn version(&self) -> Result<Option<String>> {
        match self {
            Queue::Redis(queue) => queue.redis().version().await.map(Some),
            Queue::Spool(_) => Ok(None),
        }
    }

    /// Starts to consume a topic, with a connection of its own.
    pub async fn consumer(&self, topic: Topic) -> Result<Consumer> {
        Ok(match self {
            Queue::Redis(queue) => Consumer::Redis(queue.redis().consumer(topic).await?),
            Queue::Spool(spool) => Consumer::Spool(spool::Reader::new(spool.clone(), topic)),
        })
    }
}

/// How long to wait for messages where there are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    ALittle,
    NotAtAll,
}

/// The consuming side of one topic.
pub enum Consumer {
    /// A member of the consumer group.
    Redis(redis::Reader),
    /// The one reader of a spool.
    Spool(spool::Reader),
}

impl Consumer {
    /// Takes up to `most` messages, or none. Who waits a little also takes over what others left unfinished, and so must have
    /// nothing under way itself.
    pub async fn take(&mut self, most: usize, wait: Wait) -> Result<Vec<Message>> {
        match self {
            Consumer::Redis(reader) => reader.take(most, wait).await,
            Consumer::Spool(reader) => reader.take(most, wait).await,
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

    /// Gives messages back that could not be worked on for no fault of theirs: they are taken again at once, by whoever comes
    /// first, and this time does not count.
    pub async fn hand_back(&mut self, ids: &[MessageId]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        match self {
            Consumer::Redis(reader) => reader.hand_back(ids).await,
            // The next reader starts over, and counts from nothing.
            Consumer::Spool(_) => Ok(()),
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
