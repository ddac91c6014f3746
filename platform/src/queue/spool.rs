//! The spool: a queue in one file of this machine, for `picket standalone`.
//!
//! A transactional store (redb) holds a table per topic, keyed by a growing number. One thread makes all changes: those that
//! arrive together share one commit and its one `fsync`, and whoever asked for one is answered after it. There is one reader
//! per topic, in the same process; what it had taken and not finished when the process died is simply still there.
//!
//! Not here: a count of deliveries. A message that kills the process is taken again by the next one.

use std::{path::Path, sync::Arc, thread::JoinHandle, time::Duration};

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
        let (requests, inbox) = mpsc::channel(WAITING_CHANGES);
        let writer = Writer { db: db.clone(), next: last + 1, commits: 0, arrived: arrived.clone() };
        let writer = std::thread::Builder::new()
            .name("spool".into())
            .spawn(move || writer.run(inbox))
            .context("starting the spool")?;
        Ok(Spool { db, requests: Some(requests), writer: Some(writer), arrived })
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
        let numbers = ids.iter().map(number).collect::<Result<_>>()?;
        self.spool.ask(Change::Forget { topic: self.topic, numbers }).await
    }

    pub(super) async fn bury(&mut self, message: &Message, reason: &str) -> Result<()> {
        let (number, body) = (number(&message.id)?, message.body.clone());
        self.spool.ask(Change::Bury { topic: self.topic, number, body, reason: reason.to_owned() }).await
    }
}

fn number(id: &MessageId) -> Result<u64> {
    id.0.parse().with_context(|| format!("{:?} is no message of the spool", id.0))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// A folder that goes away with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Folder {
            Folder(std::env::temp_dir().join(format!("picket-spool-{}", uuid::Uuid::new_v4().simple())))
        }

        fn open(&self) -> Arc<Spool> {
            Arc::new(Spool::open(&self.0).unwrap())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn bodies(words: &[&'static str]) -> Vec<Bytes> {
        words.iter().map(|word| Bytes::from_static(word.as_bytes())).collect()
    }

    async fn take(reader: &mut Reader, most: usize) -> (Vec<MessageId>, Vec<Bytes>) {
        reader.take(most).await.unwrap().into_iter().map(|message| (message.id, message.body)).unzip()
    }

    #[tokio::test]
    async fn what_was_pushed_is_there_after_opening_again_in_order() {
        let folder = Folder::new();
        folder.open().push(Topic::Events, bodies(&["a", "b"])).await.unwrap();
        let spool = folder.open();
        spool.push(Topic::Events, bodies(&["c"])).await.unwrap();
        spool.push(Topic::Jobs, bodies(&["job"])).await.unwrap();
        assert_eq!(take(&mut Reader::new(spool.clone(), Topic::Events), 10).await.1, bodies(&["a", "b", "c"]));
        assert_eq!(take(&mut Reader::new(spool.clone(), Topic::Jobs), 10).await.1, bodies(&["job"]));
        assert_eq!(spool.depth(Topic::Events).unwrap(), 3);
    }

    #[tokio::test]
    async fn what_is_done_is_gone_also_after_opening_again() {
        let folder = Folder::new();
        let spool = folder.open();
        spool.push(Topic::Events, bodies(&["a", "b"])).await.unwrap();
        let mut reader = Reader::new(spool.clone(), Topic::Events);
        let (ids, _) = take(&mut reader, 1).await;
        reader.done(&ids).await.unwrap();
        assert_eq!(spool.depth(Topic::Events).unwrap(), 1);
        drop((reader, spool));
        assert_eq!(take(&mut Reader::new(folder.open(), Topic::Events), 10).await.1, bodies(&["b"]));
    }

    #[tokio::test]
    async fn what_was_taken_and_not_finished_is_taken_again() {
        let folder = Folder::new();
        let spool = folder.open();
        spool.push(Topic::Events, bodies(&["a", "b", "c"])).await.unwrap();
        let mut reader = Reader::new(spool.clone(), Topic::Events);
        assert_eq!(take(&mut reader, 2).await.1, bodies(&["a", "b"]));
        assert_eq!(take(&mut reader, 2).await.1, bodies(&["c"]), "news come before what failed");
        assert_eq!(take(&mut reader, 10).await.1, bodies(&["a", "b", "c"]));
        drop((reader, spool));
        assert_eq!(take(&mut Reader::new(folder.open(), Topic::Events), 10).await.1, bodies(&["a", "b", "c"]));
    }

    #[tokio::test]
    async fn a_reader_wakes_when_something_arrives_and_returns_when_nothing_does() {
        let folder = Folder::new();
        let spool = folder.open();
        let mut reader = Reader::new(spool.clone(), Topic::Jobs);
        assert!(take(&mut reader, 10).await.1.is_empty());
        let (taken, pushed) = tokio::join!(take(&mut reader, 10), spool.push(Topic::Jobs, bodies(&["a"])));
        pushed.unwrap();
        assert_eq!(taken.1, bodies(&["a"]));
    }

    #[tokio::test]
    async fn what_is_buried_keeps_its_reason_and_its_number() {
        let folder = Folder::new();
        let spool = folder.open();
        spool.push(Topic::Events, bodies(&["bad"])).await.unwrap();
        let mut reader = Reader::new(spool.clone(), Topic::Events);
        let message = reader.take(10).await.unwrap().remove(0);
        reader.bury(&message, "no JSON").await.unwrap();
        drop((reader, spool));

        let spool = folder.open();
        spool.push(Topic::Events, bodies(&["good"])).await.unwrap();
        let mut reader = Reader::new(spool.clone(), Topic::Events);
        let message = reader.take(10).await.unwrap().remove(0);
        reader.bury(&message, "no JSON either").await.unwrap();
        let dead = spool.db.begin_read().unwrap().open_table(DEAD).unwrap();
        let dead: Vec<_> = dead.iter().unwrap().map(|entry| entry.unwrap().1).collect();
        let dead: Vec<_> = dead.iter().map(redb::AccessGuard::value).collect();
        assert_eq!(dead, [("events", "no JSON", &b"bad"[..]), ("events", "no JSON either", &b"good"[..])]);
        assert_eq!(spool.depth(Topic::Events).unwrap(), 0);
    }

    #[tokio::test]
    async fn changes_that_wait_together_share_a_commit() {
        let folder = Folder::new();
        let spool = folder.open();
        let (requests, inbox) = mpsc::channel(WAITING_CHANGES);
        let answers: Vec<_> = (0..100)
            .map(|_| {
                let (answer, answered) = oneshot::channel();
                let change = Change::Push { topic: Topic::Events, bodies: bodies(&["a"]) };
                requests.try_send(Request { change, answer }).ok().unwrap();
                answered
            })
            .collect();
        drop(requests);
        let writer = Writer { db: spool.db.clone(), next: 1, commits: 0, arrived: spool.arrived.clone() };
        std::thread::spawn(move || writer.run(inbox)).join().unwrap();
        for answered in answers {
            assert_eq!(answered.await.unwrap().unwrap(), 1);
        }
        assert_eq!(spool.depth(Topic::Events).unwrap(), 100);
    }

    #[tokio::test]
    async fn many_at_once_are_all_kept() {
        let folder = Folder::new();
        let spool = folder.open();
        let pushes: Vec<_> = (0..200)
            .map(|number: u64| {
                let spool = spool.clone();
                tokio::spawn(async move { spool.push(Topic::Events, vec![number.to_string().into()]).await })
            })
            .collect();
        for push in pushes {
            push.await.unwrap().unwrap();
        }
        let (_, mut kept) = take(&mut Reader::new(spool, Topic::Events), 1000).await;
        kept.sort();
        kept.dedup();
        assert_eq!(kept.len(), 200);
    }
}
