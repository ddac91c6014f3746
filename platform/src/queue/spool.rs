//! The spool: a queue in one file of this machine, for `picket standalone`, and for when Redis is away.
//!
//! A transactional store (redb) holds a table per topic, keyed by a growing number. Pushes that arrive together share one
//! commit and its one `fsync`; a push returns after it. There is one reader per topic, in the same process; what it had taken
//! and not finished when the process died is simply still there.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Message, MessageId, PushError, Topic};

/// Memory the store may keep of its file.
const CACHE_BYTES: usize = 8 << 20;
/// Pushes that may wait for a commit; beyond it, pushing waits.
const WAITING_PUSHES: usize = 1024;
/// What a reader takes at a time, in bytes, unless one message is larger.
const MOST_READ: usize = 16 << 20;
const READ_WAIT: Duration = Duration::from_millis(500);

/// Told when a topic has something new, by its number.
type Arrived = [Arc<Notify>; Topic::ALL.len()];

type Table = TableDefinition<'static, u64, &'static [u8]>;

const fn table(topic: Topic) -> Table {
    match topic {
        Topic::Events => TableDefinition::new("events"),
        Topic::Items => TableDefinition::new("items"),
        Topic::Jobs => TableDefinition::new("jobs"),
    }
}

const DEAD: TableDefinition<u64, (&str, &str, &[u8])> = TableDefinition::new("dead");

struct Push {
    messages: Vec<(Topic, Bytes)>,
    answer: oneshot::Sender<Result<()>>,
}

/// The open file.
pub struct Spool {
    db: Arc<Database>,
    pushes: mpsc::Sender<Push>,
    arrived: Arrived,
    /// Bytes of messages that wait.
    bytes: AtomicU64,
    most: u64,
}

impl Spool {
    /// The name of the file.
    pub const FILE: &str = "spool.redb";

    /// Opens or creates the file in a folder and repairs it if the last process was killed; `most` bounds its messages, in bytes.
    pub fn open(dir: &Path, most: u64) -> Result<Spool> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let path = dir.join(Spool::FILE);
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .with_context(|| format!("opening the spool {}", path.display()))?;
        let (last, bytes) = prepare(&db)?;
        let db = Arc::new(db);
        let arrived = Arrived::default();
        let (pushes, inbox) = mpsc::channel(WAITING_PUSHES);
        let writer = Writer { db: db.clone(), next: AtomicU64::new(last + 1), arrived: arrived.clone() };
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .context("starting the spool")?;
        Ok(Spool { db, pushes, arrived, bytes: AtomicU64::new(bytes), most })
    }

    pub(super) async fn push(&self, messages: Vec<(Topic, Bytes)>) -> Result<(), PushError> {
        let size = messages.iter().map(|(_, body)| body.len() as u64).sum();
        if self.bytes.fetch_add(size, Ordering::Relaxed) + size > self.most {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(PushError::Full);
        }
        let pushed = self.commit(messages).await;
        if pushed.is_err() {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
        }
        pushed.map_err(PushError::Unavailable)
    }

    async fn commit(&self, messages: Vec<(Topic, Bytes)>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let push = Push { messages, answer };
        self.pushes.send(push).await.map_err(|_| anyhow!("the spool has stopped"))?;
        answered.await.context("waiting for the spool")?
    }

    pub(super) fn depth(&self, topic: Topic) -> Result<u64> {
        Ok(self.db.begin_read()?.open_table(table(topic))?.len()?)
    }
}

/// Creates the tables and returns the highest number in use, and how many bytes wait.
fn prepare(db: &Database) -> Result<(u64, u64)> {
    let write = db.begin_write()?;
    let (mut last, mut bytes) = (0, 0);
    for topic in Topic::ALL {
        let table = write.open_table(table(topic))?;
        last = last.max(table.last()?.map_or(0, |(number, _)| number.value()));
        for entry in table.iter()? {
            bytes += entry?.1.value().len() as u64;
        }
    }
    write.open_table(DEAD)?;
    write.commit()?;
    Ok((last, bytes))
}

/// The one writer: commits all waiting pushes together.
struct Writer {
    db: Arc<Database>,
    next: AtomicU64,
    arrived: Arrived,
}

impl Writer {
    fn run(self, mut inbox: mpsc::Receiver<Push>) {
        let mut waiting = Vec::new();
        while inbox.blocking_recv_many(&mut waiting, WAITING_PUSHES) > 0 {
            let committed = self.commit(&waiting).map_err(|e| format!("{e:#}"));
            for push in waiting.drain(..) {
                push.messages.iter().for_each(|(topic, _)| self.arrived[*topic as usize].notify_one());
                // The pusher may be gone; what it pushed is kept all the same.
                let _ = push.answer.send(committed.clone().map_err(|e| anyhow!(e)));
            }
        }
    }

    fn commit(&self, pushes: &[Push]) -> Result<()> {
        let write = self.db.begin_write()?;
        for topic in Topic::ALL {
            let mut table = write.open_table(table(topic))?;
            let messages = pushes.iter().flat_map(|push| &push.messages);
            for (_, body) in messages.filter(|(of, _)| *of == topic) {
                table.insert(self.next.fetch_add(1, Ordering::Relaxed), &body[..])?;
            }
        }
        write.commit().context("syncing the spool")
    }
}

/// The one reader of a topic.
pub struct Reader {
    spool: Arc<Spool>,
    topic: Topic,
    /// Everything up to this number has been taken.
    taken: u64,
}

impl Reader {
    pub(super) fn new(spool: Arc<Spool>, topic: Topic) -> Reader {
        Reader { spool, topic, taken: 0 }
    }

    pub(super) async fn take(&mut self, most: usize) -> Result<Vec<Message>> {
        let arrived = self.spool.arrived[self.topic as usize].clone();
        let messages = self.next(most)?;
        if !messages.is_empty() {
            return Ok(messages);
        }
        // Nothing new: what failed earlier is tried again, from the start.
        self.taken = 0;
        let _ = tokio::time::timeout(READ_WAIT, arrived.notified()).await;
        self.next(most)
    }

    /// What is there, without waiting.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<Message>> {
        let read = self.spool.db.begin_read()?;
        let table = read.open_table(table(self.topic))?;
        let mut messages = Vec::new();
        let mut size = 0;
        for entry in table.range(self.taken + 1..)?.take(most) {
            let (number, body) = entry?;
            self.taken = number.value();
            let body = Bytes::copy_from_slice(body.value());
            size += body.len();
            messages.push(Message { id: MessageId(number.value().to_string()), body });
            if size >= MOST_READ {
                break;
            }
        }
        Ok(messages)
    }

    pub(super) async fn done(&mut self, ids: &[MessageId]) -> Result<()> {
        self.forget(ids, |_| Ok(()))
    }

    pub(super) async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        let number: u64 = message.id.0.parse()?;
        let topic = self.topic.name();
        self.forget(std::slice::from_ref(&message.id), |write| {
            write.open_table(DEAD)?.insert(number, (topic, reason, &message.body[..]))?;
            Ok(())
        })
    }

    fn forget(&mut self, ids: &[MessageId], and: impl FnOnce(&redb::WriteTransaction) -> Result<()>) -> Result<()> {
        let mut bytes = 0;
        self.write(|write| {
            let mut table = write.open_table(table(self.topic))?;
            for id in ids {
                bytes += table.remove(id.0.parse::<u64>()?)?.map_or(0, |body| body.value().len() as u64);
            }
            drop(table);
            and(write)
        })?;
        self.spool.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Forgetting need not be synced: what comes back after a crash is stored once all the same.
    fn write(&self, change: impl FnOnce(&redb::WriteTransaction) -> Result<()>) -> Result<()> {
        let mut write = self.spool.db.begin_write()?;
        write.set_durability(Durability::None)?;
        change(&write)?;
        write.commit().context("writing the spool")
    }
}
