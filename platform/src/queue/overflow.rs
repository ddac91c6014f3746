//! What is pushed while Redis is away: into a spool on this machine, and from there into Redis when it is back.
//!
//! The first push that Redis does not answer in time opens the way to the spool; those after it do not wait for Redis again. One
//! task drains the spool in order and, when it is empty and Redis answers, closes the way. What Redis took although it seemed
//! not to is pushed twice; everything downstream is idempotent. Every web process has a spool of its own; one whose process is
//! gone is drained by whoever comes next.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    PushError, Topic,
    patience::Clock,
    redis::RedisQueue,
    spool::{Reader, Spool},
};

/// How long a push may wait for Redis before the spool takes it: 100 ms, a tick of the clock included.
const PATIENCE: Duration = Duration::from_millis(75);
/// How often the task looks after Redis and its backlog.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often it looks for spools of processes that are gone, in looks.
const ADOPT_EVERY: u32 = 60;
/// Processes that may share a folder.
const MOST_SPOOLS: usize = 32;
/// Messages moved at a time.
const AT_A_TIME: usize = 500;

/// Redis with a spool beside it, once a process has opened one.
pub struct Overflow {
    redis: RedisQueue,
    folder: PathBuf,
    most_spooled: u64,
    most_queued: u64,
    spool: OnceLock<Arc<Spool>>,
    away: AtomicBool,
    queued: AtomicU64,
    left: Notify,
    clock: Clock,
}

impl Overflow {
    /// Redis alone; `folder` is where a spool will be opened.
    pub fn new(redis: RedisQueue, folder: &Path, most_spooled: u64, most_queued: u64) -> Overflow {
        Overflow {
            redis,
            folder: folder.join("overflow"),
            most_spooled,
            most_queued,
            spool: OnceLock::new(),
            away: AtomicBool::new(false),
            queued: AtomicU64::new(0),
            left: Notify::new(),
            clock: Clock::new(),
        }
    }

    pub(super) fn redis(&self) -> &RedisQueue {
        &self.redis
    }

    /// Whether a push has somewhere to go.
    pub async fn probe(&self) -> Result<()> {
        match self.spool.get() {
            Some(_) => Ok(()),
            None => self.redis.ping().await.context("asking Redis, without a spool beside it"),
        }
    }

    /// Messages waiting in the spool of this process.
    pub fn spooled(&self) -> u64 {
        self.spool.get().map_or(0, |spool| Topic::ALL.iter().map(|topic| spool.depth(*topic).unwrap_or(0)).sum())
    }

    /// Returns when every message is in Redis or synced to disk.
    pub async fn push(&self, messages: Vec<(Topic, Bytes)>) -> Result<(), PushError> {
        if self.queued.load(Ordering::Relaxed) > self.most_queued {
            return Err(PushError::Full);
        }
        let Some(spool) = self.spool.get() else {
            return self.redis.push_patiently(&messages).await.map_err(PushError::Unavailable);
        };
        if !self.away.load(Ordering::Relaxed) {
            let cause = match self.clock.within(PATIENCE, self.redis.push(&messages)).await {
                Some(Ok(())) => return Ok(()),
                Some(Err(error)) => error.to_string(),
                None => format!("no answer within {PATIENCE:?}"),
            };
            if !self.away.swap(true, Ordering::Relaxed) {
                tracing::warn!("Redis does not take messages ({cause}): the spool takes them until it does");
            }
        }
        let pushed = spool.push_all(messages).await;
        self.left.notify_one();
        match pushed {
            Err(PushError::Full) => Err(PushError::Unavailable(anyhow::anyhow!("Redis is away and the spool is full"))),
            pushed => pushed,
        }
    }

    /// Opens a spool, and moves what is in it to Redis until told to stop; without a folder to write to there is no spool. Does
    /// not end.
    pub async fn keep(&self, stop: &CancellationToken) {
        match self.claim().await {
            Ok(spool) => drop(self.spool.set(spool)),
            Err(error) => tracing::warn!("there is no spool for when Redis is away: {error:#}"),
        }
        // Requests that are under way when we are told to stop still wait by the clock.
        tokio::join!(self.look_after(stop), self.clock.run());
    }

    async fn look_after(&self, stop: &CancellationToken) {
        let mut look = tokio::time::interval(LOOK_EVERY);
        let mut looks = 0_u32;
        while !stop.is_cancelled() {
            tokio::select! {
                _ = look.tick() => (),
                () = self.left.notified() => (),
                () = stop.cancelled() => return,
            }
            if let Err(error) = self.look(looks.is_multiple_of(ADOPT_EVERY)).await {
                tracing::debug!("looking after the queue: {error:#}");
                // Whoever pushes meanwhile must not make us ask again at once.
                look.tick().await;
            }
            looks = looks.wrapping_add(1);
        }
    }

    async fn look(&self, may_adopt: bool) -> Result<()> {
        self.redis.ping().await?;
        // Some servers do not let us ask; then nothing bounds the backlog but their own memory.
        self.queued.store(self.redis.bytes().await.unwrap_or(0), Ordering::Relaxed);
        if let Some(spool) = self.spool.get() {
            self.drain(spool).await?;
        }
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("Redis takes messages again");
        }
        if may_adopt { self.adopt().await } else { Ok(()) }
    }

    /// Moves everything, topic by topic, each in order.
    async fn drain(&self, spool: &Arc<Spool>) -> Result<()> {
        for topic in Topic::ALL {
            let mut reader = Reader::new(spool.clone(), topic);
            loop {
                let messages = reader.next(AT_A_TIME)?;
                if messages.is_empty() {
                    break;
                }
                let bodies: Vec<(Topic, Bytes)> =
                    messages.iter().map(|message| (topic, message.body.clone())).collect();
                self.redis.push_patiently(&bodies).await.context("moving the spool to Redis")?;
                let ids: Vec<_> = messages.into_iter().map(|message| message.id).collect();
                reader.done(&ids).await?;
            }
        }
        Ok(())
    }

    /// Drains the spools that no process holds.
    async fn adopt(&self) -> Result<()> {
        for number in 0..MOST_SPOOLS {
            let folder = self.folder.join(number.to_string());
            if !folder.join(Spool::FILE).exists() {
                continue;
            }
            let most = self.most_spooled;
            // One that is in use cannot be opened.
            if let Ok(spool) = tokio::task::spawn_blocking(move || Spool::open(&folder, most, Duration::ZERO)).await? {
                self.drain(&Arc::new(spool)).await?;
            }
        }
        Ok(())
    }

    /// Opens the first spool that no other process holds.
    async fn claim(&self) -> Result<Arc<Spool>> {
        let (folder, most) = (self.folder.clone(), self.most_spooled);
        let opened = tokio::task::spawn_blocking(move || {
            let mut result = Err(anyhow::anyhow!("no spool was tried"));
            for number in 0..MOST_SPOOLS {
                result = Spool::open(&folder.join(number.to_string()), most, Duration::ZERO);
                if result.is_ok() {
                    break;
                }
            }
            result
        });
        Ok(Arc::new(opened.await.context("opening a spool")??))
    }
}
