//! The spool: a queue in one file of this machine, for `picket standalone`.
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

use super::{Message, MessageId, Topic};

/// Memory the store may keep of its file.
const CACHE_BYTES: usize = 8 << 20;
/// Pushes that may wait for a commit; beyond it, pushing waits.
const WAITING_PUSHES: usize = 1024;
const READ_WAIT: Duration = Duration::from_millis(500);

type Table = TableDefinition<'static, u64, &'static [u8]>;

const fn table(topic: Topic) -> Table {
    match topic {
        Topic::Events => TableDefinition::new("events"),
        Topic::Jobs => TableDefinition::new("jobs"),
    }
}

const DEAD: TableDefinition<u64, (&str, &str, &[u8])> = TableDefinition::new("dead");

struct Push {
    topic: Topic,
    bodies: Vec<Bytes>,
    answer: oneshot::Sender<Result<()>>,
}

/// The open file.
pub struct Spool {
    db: Arc<Database>,
    pushes: mpsc::Sender<Push>,
    arrived: [Arc<Notify>; 2],
}

impl Spool {
    /// Opens or creates `DIR/spool.redb` and repairs it if the last process was killed.
    pub fn open(dir: &Path) -> Result<Spool> {
        std::fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
        let path = dir.join("spool.redb");
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(&path)
            .with_context(|| format!("opening the spool {}", path.display()))?;
        let last = prepare(&db)?;
        let db = Arc::new(db);
        let arrived = [Arc::new(Notify::new()), Arc::new(Notify::new())];
        let (pushes, inbox) = mpsc::channel(WAITING_PUSHES);
        let writer = Writer { db: db.clone(), next: AtomicU64::new(last + 1), arrived: arrived.clone() };
        std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .context("starting the spool")?;
        Ok(Spool { db, pushes, arrived })
    }

    pub(super) async fn push(&self, topic: Topic, bodies: Vec<Bytes>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        self.pushes.send(Push { topic, bodies, answer }).await.map_err(|_| anyhow!("the spool has stopped"))?;
        answered.await.context("waiting for the spool")?
    }

    pub(super) fn depth(&self, topic: Topic) -> Result<u64> {
        Ok(self.db.begin_read()?.open_table(table(topic))?.len()?)
    }
}

/// Creates the tables and returns the highest number in use.
fn prepare(db: &Database) -> Result<u64> {
    let write = db.begin_write()?;
    let mut last = 0;
    for topic in [Topic::Events, Topic::Jobs] {
        let table = write.open_table(table(topic))?;
        last = last.max(table.last()?.map_or(0, |(number, _)| number.value()));
    }
    write.open_table(DEAD)?;
    write.commit()?;
    Ok(last)
}

/// The one writer: commits all waiting pushes together.
struct Writer {
    db: Arc<Database>,
    next: AtomicU64,
    arrived: [Arc<Notify>; 2],
}

impl Writer {
    fn run(self, mut inbox: mpsc::Receiver<Push>) {
        let mut waiting = Vec::new();
        while inbox.blocking_recv_many(&mut waiting, WAITING_PUSHES) > 0 {
            let committed = self.commit(&waiting).map_err(|e| format!("{e:#}"));
            for push in waiting.drain(..) {
                self.arrived[push.topic as usize].notify_one();
                // The pusher may be gone; what it pushed is kept all the same.
                let _ = push.answer.send(committed.clone().map_err(|e| anyhow!(e)));
            }
        }
    }

    fn commit(&self, pushes: &[Push]) -> Result<()> {
        let write = self.db.begin_write()?;
        for topic in [Topic::Events, Topic::Jobs] {
            let mut table = write.open_table(table(topic))?;
            for body in pushes.iter().filter(|push| push.topic == topic).flat_map(|push| &push.bodies) {
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
        self.write(|write| {
            let mut table = write.open_table(table(self.topic))?;
            for id in ids {
                table.remove(id.0.parse::<u64>()?)?;
            }
            Ok(())
        })
    }

    pub(super) async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        let number: u64 = message.id.0.parse()?;
        self.write(|write| {
            write.open_table(DEAD)?.insert(number, (self.topic.name(), reason, &message.body[..]))?;
            write.open_table(table(self.topic))?.remove(number)?;
            Ok(())
        })
    }

    /// Forgetting need not be synced: what comes back after a crash is stored once all the same.
    fn write(&self, change: impl FnOnce(&redb::WriteTransaction) -> Result<()>) -> Result<()> {
        let mut write = self.spool.db.begin_write()?;
        write.set_durability(Durability::None)?;
        change(&write)?;
        write.commit().context("writing the spool")
    }
}
