//! The spool: a queue in one file of this machine, for `picket standalone`, and for when Redis is away.
//!
//! A transactional store (redb) holds a table per topic, keyed by a growing number. One thread makes all changes: those that
//! arrive together share one commit and its one `fsync`, and whoever asked for one is answered after it. There is one reader
//! per topic, in the same process; what it had taken and not finished when the process died is simply still there. What fails
//! is taken again at intervals, and buried when it fails too often.
//!
//! A disk that is full or fails costs what was not synced, nothing else: pushes are refused before the last room is taken, and
//! the file is opened again after an error.
//!
//! Not here: a count of deliveries that survives the process. A message that kills it is taken again by the next one.

mod buried;
mod file;
mod look;

use std::{
    collections::HashMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use tokio::sync::{Notify, mpsc, oneshot};

use self::file::File;
pub use self::look::{Look, look};
use super::{Message, MessageId, PushError, Topic, Wait};

/// Changes that may wait for a commit; beyond it, asking waits.
const WAITING_CHANGES: usize = 1024;
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

/// Topic, reason and body of what was buried.
const DEAD: TableDefinition<u64, (&str, &str, &[u8])> = TableDefinition::new("dead");

enum Change {
    Push { messages: Vec<(Topic, Bytes)> },
    Forget { topic: Topic, numbers: Vec<u64> },
    Bury { topic: Topic, number: u64, body: Bytes, reason: String },
    DigUp { topic: Topic },
}

struct Request {
    change: Change,
    /// The number of the commit it became part of.
    answer: oneshot::Sender<Result<u64>>,
}

/// The open file.
pub struct Spool {
    file: Arc<File>,
    /// None only while this is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    arrived: Arrived,
    retry_after: Duration,
    /// Bytes of messages that wait.
    bytes: Arc<AtomicU64>,
    /// Bytes of messages that are being pushed.
    coming: Arc<AtomicU64>,
    most: u64,
}

/// What a push takes of the bound until it is answered, or given up.
struct Coming(Arc<AtomicU64>, u64);

impl Drop for Coming {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl Spool {
    /// The name of the file.
    pub const FILE: &str = "spool.redb";

    /// Opens or creates the file in a folder and repairs it if the last process was killed. Messages of at most so many bytes
    /// may wait in it; what fails is taken again after a while.
    pub fn open(dir: &Path, most: u64, retry_after: Duration) -> Result<Spool> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let file = Arc::new(File::open(dir.join(Spool::FILE))?);
        let (last, bytes) = file.with(prepare)?;
        let arrived = Arrived::default();
        let bytes = Arc::new(AtomicU64::new(bytes));
        let (requests, inbox) = mpsc::channel(WAITING_CHANGES);
        let writer =
            Writer { file: file.clone(), next: last + 1, commits: 0, arrived: arrived.clone(), bytes: bytes.clone() };
        let writer = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .context("starting the spool")?;
        let (requests, writer) = (Some(requests), Some(writer));
        Ok(Spool { file, requests, writer, arrived, retry_after, bytes, coming: Arc::default(), most })
    }

    /// Returns when every message is synced.
    pub(super) async fn push_all(&self, messages: Vec<(Topic, Bytes)>) -> Result<(), PushError> {
        let size = messages.iter().map(|(_, body)| body.len() as u64).sum();
        let coming = self.coming.fetch_add(size, Ordering::Relaxed) + size;
        let _coming = Coming(self.coming.clone(), size);
        if self.bytes.load(Ordering::Relaxed) + coming > self.most {
            return Err(PushError::Full);
        }
        self.ask(Change::Push { messages }).await.map_err(PushError::Unavailable)
    }

    pub(super) fn depth(&self, topic: Topic) -> Result<u64> {
        self.file.with(|db| Ok(db.begin_read()?.open_table(table(topic))?.len()?))
    }

    /// Returns when the change is committed.
    async fn ask(&self, change: Change) -> Result<()> {
        let stopped = || anyhow!("the spool has stopped");
        let (answer, answered) = oneshot::channel();
        let requests = self.requests.as_ref().with_context(stopped)?;
        requests.send(Request { change, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?.map(|_| ())
    }
}

/// Waits for the writer, so that the file is closed in order and need not be repaired.
impl Drop for Spool {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so by itself.
            let _ = writer.join();
        }
    }
}

/// Creates the tables and returns the highest number in use, and how many bytes wait.
fn prepare(db: &Database) -> Result<(u64, u64)> {
    let write = db.begin_write()?;
    // What was buried keeps its number, which must not be given away again.
    let mut last = write.open_table(DEAD)?.last()?.map_or(0, |(number, _)| number.value());
    let mut bytes = 0;
    for topic in Topic::ALL {
        let table = write.open_table(table(topic))?;
        last = last.max(table.last()?.map_or(0, |(number, _)| number.value()));
        for entry in table.iter()? {
            bytes += entry?.1.value().len() as u64;
        }
    }
    write.commit()?;
    Ok((last, bytes))
}

/// The one writer: commits everything that waits together.
struct Writer {
    file: Arc<File>,
    next: u64,
    commits: u64,
    arrived: Arrived,
    bytes: Arc<AtomicU64>,
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut waiting = Vec::new();
        while inbox.blocking_recv_many(&mut waiting, WAITING_CHANGES) > 0 {
            self.commits += 1;
            let refused = if self.has_room_for(&waiting) { Vec::new() } else { take_pushes(&mut waiting) };
            let committed = self.commit(&waiting).map_err(|error| format!("{error:#}"));
            if let Err(error) = &committed {
                self.open_again(error);
            }
            for Request { change, answer } in waiting.drain(..) {
                match change {
                    Change::Push { messages } => {
                        for (topic, _) in messages {
                            self.arrived[topic as usize].notify_one();
                        }
                    }
                    Change::DigUp { topic } => self.arrived[topic as usize].notify_one(),
                    Change::Forget { .. } | Change::Bury { .. } => (),
                }
                // Whoever asked may be gone; the change is made all the same.
                let _ = answer.send(committed.clone().map(|()| self.commits).map_err(|error| anyhow!(error)));
            }
            for Request { answer, .. } in refused {
                let _ = answer.send(Err(anyhow!("the disk of the spool is full")));
            }
        }
    }

    fn has_room_for(&self, requests: &[Request]) -> bool {
        let pushed = requests.iter().map(|request| match &request.change {
            Change::Push { messages } => messages.iter().map(|(_, body)| body.len() as u64).sum(),
            Change::Forget { .. } | Change::Bury { .. } | Change::DigUp { .. } => 0,
        });
        let bytes: u64 = pushed.sum();
        bytes == 0 || self.file.has_room_for(bytes)
    }

    fn commit(&mut self, requests: &[Request]) -> Result<()> {
        if requests.is_empty() {
            return Ok(());
        }
        let file = self.file.clone();
        let (pushed, forgotten) = file.with(|db| {
            let mut write = db.begin_write()?;
            if requests.iter().all(|request| matches!(request.change, Change::Forget { .. })) {
                // Forgetting need not be synced: what comes back after a crash is stored once all the same.
                write.set_durability(Durability::None)?;
            }
            let mut sum = (0, 0);
            for request in requests {
                let (pushed, forgotten) = self.apply(&write, &request.change)?;
                sum = (sum.0 + pushed, sum.1 + forgotten);
            }
            write.commit().context("syncing the spool")?;
            Ok(sum)
        })?;
        self.bytes.fetch_add(pushed, Ordering::Relaxed);
        self.bytes.fetch_sub(forgotten, Ordering::Relaxed);
        Ok(())
    }

    /// Makes a change and returns how many bytes of messages it pushed, and forgot.
    fn apply(&mut self, write: &WriteTransaction, change: &Change) -> Result<(u64, u64)> {
        let (mut pushed, mut forgotten) = (0, 0);
        match change {
            Change::Push { messages } => {
                for (topic, body) in messages {
                    write.open_table(table(*topic))?.insert(self.next, &body[..])?;
                    self.next += 1;
                    pushed += body.len() as u64;
                }
            }
            Change::Forget { topic, numbers } => {
                let mut table = write.open_table(table(*topic))?;
                for number in numbers {
                    forgotten += forget(&mut table, *number)?;
                }
            }
            Change::Bury { topic, number, body, reason } => {
                write.open_table(DEAD)?.insert(number, (topic.name(), reason.as_str(), &body[..]))?;
                forgotten += forget(&mut write.open_table(table(*topic))?, *number)?;
            }
            Change::DigUp { topic } => pushed += buried::dig_up(write, *topic, &mut self.next)?,
        }
        Ok((pushed, forgotten))
    }

    /// The store takes nothing more after an error of the disk; opened again, it has what was synced.
    fn open_again(&mut self, cause: &str) {
        tracing::warn!("writing the spool: {cause}; its file is opened again");
        match self.file.open_again().and_then(|()| self.file.with(prepare)) {
            Ok((last, bytes)) => {
                self.next = self.next.max(last + 1);
                self.bytes.store(bytes, Ordering::Relaxed);
            }
            Err(error) => tracing::error!("opening the spool again: {error:#}"),
        }
    }
}

fn forget(table: &mut redb::Table<'_, u64, &'static [u8]>, number: u64) -> Result<u64> {
    Ok(table.remove(number)?.map_or(0, |body| body.value().len() as u64))
}

/// Takes the pushes out of what waits.
fn take_pushes(waiting: &mut Vec<Request>) -> Vec<Request> {
    let (pushes, others) = waiting.drain(..).partition(|request| matches!(request.change, Change::Push { .. }));
    *waiting = others;
    pushes
}

/// The one reader of a topic.
pub struct Reader {
    spool: Arc<Spool>,
    topic: Topic,
    /// Everything up to this number has been taken.
    taken: u64,
    /// How often each message was taken that is not finished.
    deliveries: HashMap<u64, usize>,
    started_over: Instant,
}

impl Reader {
    pub(super) fn new(spool: Arc<Spool>, topic: Topic) -> Reader {
        Reader { spool, topic, taken: 0, deliveries: HashMap::new(), started_over: Instant::now() }
    }

    pub(super) async fn take(&mut self, most: usize, wait: Wait) -> Result<Vec<Message>> {
        let arrived = self.spool.arrived[self.topic as usize].clone();
        let messages = self.next_unless_tired(most).await?;
        if !messages.is_empty() || wait == Wait::NotAtAll {
            return Ok(messages);
        }
        if self.started_over.elapsed() >= self.spool.retry_after {
            self.taken = 0;
            self.started_over = Instant::now();
        }
        let _ = tokio::time::timeout(READ_WAIT, arrived.notified()).await;
        self.next_unless_tired(most).await
    }

    /// The next messages; those that were taken too often are buried.
    async fn next_unless_tired(&mut self, most: usize) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        for message in self.next(most)? {
            let deliveries = self.deliveries.entry(number(&message.id)?).or_default();
            *deliveries += 1;
            if *deliveries > self.topic.most_deliveries() {
                self.bury(&message, "taken too often without ever being finished").await?;
            } else {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    /// What is there, without waiting.
    pub(super) fn next(&mut self, most: usize) -> Result<Vec<Message>> {
        let file = self.spool.file.clone();
        file.with(|db| self.read(db, most))
    }

    fn read(&mut self, db: &Database, most: usize) -> Result<Vec<Message>> {
        let read = db.begin_read()?;
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
        let numbers = ids.iter().map(number).collect::<Result<Vec<_>>>()?;
        for number in &numbers {
            self.deliveries.remove(number);
        }
        self.spool.ask(Change::Forget { topic: self.topic, numbers }).await
    }

    pub(super) async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        let (number, body) = (number(&message.id)?, message.body.clone());
        self.deliveries.remove(&number);
        self.spool.ask(Change::Bury { topic: self.topic, number, body, reason: reason.to_owned() }).await
    }
}

fn number(id: &MessageId) -> Result<u64> {
    id.0.parse().with_context(|| format!("{:?} is no message of the spool", id.0))
}

#[cfg(test)]
mod tests;
