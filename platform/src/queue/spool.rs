//! The spool: a queue in one file of this machine, for `picket standalone`.
//!
//! A transactional store (redb) holds a table per topic, keyed by a growing number. One thread makes all changes: those that
//! arrive together share one commit and its one `fsync`, and whoever asked for one is answered after it. There is one reader
//! per topic, in the same process; what it had taken and not finished when the process died is simply still there. What fails
//! is taken again at intervals, and buried when it fails too often.
//!
//! Not here: a count of deliveries that survives the process. A message that kills it is taken again by the next one.

use std::{
    collections::HashMap,
    path::Path,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
use bytes::Bytes;
use redb::{
    Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use tokio::sync::{Notify, mpsc, oneshot};

use super::{Message, MessageId, Topic};

/// Memory the store may keep of its file.
const CACHE_BYTES: usize = 8 << 20;
/// Changes that may wait for a commit; beyond it, asking waits.
const WAITING_CHANGES: usize = 1024;
const READ_WAIT: Duration = Duration::from_millis(500);

type Table = TableDefinition<'static, u64, &'static [u8]>;

const fn table(topic: Topic) -> Table {
    match topic {
        Topic::Events => TableDefinition::new("events"),
        Topic::Jobs => TableDefinition::new("jobs"),
    }
}

/// Topic, reason and body of what was buried.
const DEAD: TableDefinition<u64, (&str, &str, &[u8])> = TableDefinition::new("dead");

enum Change {
    Push { topic: Topic, bodies: Vec<Bytes> },
    Forget { topic: Topic, numbers: Vec<u64> },
    Bury { topic: Topic, number: u64, body: Bytes, reason: String },
}

struct Request {
    change: Change,
    /// The number of the commit it became part of.
    answer: oneshot::Sender<Result<u64>>,
}

/// The open file.
pub struct Spool {
    db: Arc<Database>,
    /// None only while this is dropped.
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
    arrived: [Arc<Notify>; 2],
    retry_after: Duration,
}

impl Spool {
    /// Opens or creates `DIR/spool.redb` and repairs it if the last process was killed. What fails is taken again after a while.
    pub fn open(dir: &Path, retry_after: Duration) -> Result<Spool> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let path = dir.join("spool.redb");
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .with_context(|| format!("opening the spool {}", path.display()))?;
        let last = prepare(&db)?;
        let db = Arc::new(db);
        let arrived = [Arc::new(Notify::new()), Arc::new(Notify::new())];
        let (requests, inbox) = mpsc::channel(WAITING_CHANGES);
        let writer = Writer { db: db.clone(), next: last + 1, commits: 0, arrived: arrived.clone() };
        let writer = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .context("starting the spool")?;
        Ok(Spool { db, requests: Some(requests), writer: Some(writer), arrived, retry_after })
    }

    pub(super) async fn push(&self, topic: Topic, bodies: Vec<Bytes>) -> Result<()> {
        self.ask(Change::Push { topic, bodies }).await
    }

    pub(super) fn depth(&self, topic: Topic) -> Result<u64> {
        Ok(self.db.begin_read()?.open_table(table(topic))?.len()?)
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

/// Creates the tables and returns the highest number in use.
fn prepare(db: &Database) -> Result<u64> {
    let write = db.begin_write()?;
    // What was buried keeps its number, which must not be given away again.
    let mut last = write.open_table(DEAD)?.last()?.map_or(0, |(number, _)| number.value());
    for topic in [Topic::Events, Topic::Jobs] {
        let table = write.open_table(table(topic))?;
        last = last.max(table.last()?.map_or(0, |(number, _)| number.value()));
    }
    write.commit()?;
    Ok(last)
}

/// The one writer: commits everything that waits together.
struct Writer {
    db: Arc<Database>,
    next: u64,
    commits: u64,
    arrived: [Arc<Notify>; 2],
}

impl Writer {
    fn run(mut self, mut inbox: mpsc::Receiver<Request>) {
        let mut waiting = Vec::new();
        while inbox.blocking_recv_many(&mut waiting, WAITING_CHANGES) > 0 {
            self.commits += 1;
            let committed = self.commit(&waiting).map_err(|error| format!("{error:#}"));
            for Request { change, answer } in waiting.drain(..) {
                if let Change::Push { topic, .. } = change {
                    self.arrived[topic as usize].notify_one();
                }
                // Whoever asked may be gone; the change is made all the same.
                let _ = answer.send(committed.clone().map(|()| self.commits).map_err(|error| anyhow!(error)));
            }
        }
    }

    fn commit(&mut self, requests: &[Request]) -> Result<()> {
        let mut write = self.db.begin_write()?;
        if requests.iter().all(|request| matches!(request.change, Change::Forget { .. })) {
            // Forgetting need not be synced: what comes back after a crash is stored once all the same.
            write.set_durability(Durability::None)?;
        }
        for request in requests {
            self.apply(&write, &request.change)?;
        }
        write.commit().context("syncing the spool")
    }

    fn apply(&mut self, write: &WriteTransaction, change: &Change) -> Result<()> {
        match change {
            Change::Push { topic, bodies } => {
                let mut table = write.open_table(table(*topic))?;
                for body in bodies {
                    table.insert(self.next, &body[..])?;
                    self.next += 1;
                }
            }
            Change::Forget { topic, numbers } => {
                let mut table = write.open_table(table(*topic))?;
                for number in numbers {
                    table.remove(number)?;
                }
            }
            Change::Bury { topic, number, body, reason } => {
                write.open_table(DEAD)?.insert(number, (topic.name(), reason.as_str(), &body[..]))?;
                write.open_table(table(*topic))?.remove(number)?;
            }
        }
        Ok(())
    }
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

    pub(super) async fn take(&mut self, most: usize) -> Result<Vec<Message>> {
        let arrived = self.spool.arrived[self.topic as usize].clone();
        let messages = self.next_unless_tired(most).await?;
        if !messages.is_empty() {
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

    fn next(&mut self, most: usize) -> Result<Vec<Message>> {
        let read = self.spool.db.begin_read()?;
        let table = read.open_table(table(self.topic))?;
        let mut messages = Vec::new();
        for entry in table.range(self.taken + 1..)?.take(most) {
            let (number, body) = entry?;
            self.taken = number.value();
            let body = Bytes::copy_from_slice(body.value());
            messages.push(Message { id: MessageId(number.value().to_string()), body });
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
