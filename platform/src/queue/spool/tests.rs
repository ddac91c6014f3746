//! What the spool keeps, forgets and gives out again, on a real file.

use std::path::PathBuf;

use super::*;

const MOST: u64 = 1_000;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        Folder(std::env::temp_dir().join(format!("picket-spool-{}", uuid::Uuid::new_v4().simple())))
    }

    fn open(&self) -> Arc<Spool> {
        Arc::new(Spool::open(&self.0, MOST, Duration::ZERO).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Pushes messages of one topic.
async fn push(spool: &Spool, topic: Topic, bodies: Vec<Bytes>) -> Result<(), PushError> {
    spool.push_all(bodies.into_iter().map(|body| (topic, body)).collect()).await
}

fn bodies(words: &[&'static str]) -> Vec<Bytes> {
    words.iter().map(|word| Bytes::from_static(word.as_bytes())).collect()
}

async fn take(reader: &mut Reader, most: usize) -> (Vec<MessageId>, Vec<Bytes>) {
    reader.take(most, Wait::ALittle).await.unwrap().into_iter().map(|message| (message.id, message.body)).unzip()
}

/// What was buried: topic, reason and body.
fn dead(spool: &Spool) -> Vec<String> {
    let told =
        |(topic, reason, body): (&str, &str, &[u8])| format!("{topic} {reason}: {}", String::from_utf8_lossy(body));
    let read = spool.file.with(|db| Ok(db.begin_read()?.open_table(DEAD)?)).unwrap();
    read.iter().unwrap().map(|entry| told(entry.unwrap().1.value())).collect()
}

#[tokio::test]
async fn after_an_error_of_the_disk_it_goes_on_with_what_was_synced() {
    let folder = Folder::new();
    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["a"])).await.unwrap();
    spool.file.open_again().unwrap();
    push(&spool, Topic::Events, bodies(&["b"])).await.unwrap();
    assert_eq!(take(&mut Reader::new(spool, Topic::Events), 10).await.1, bodies(&["a", "b"]));
}

#[tokio::test]
async fn what_waits_is_seen_from_outside_unless_somebody_holds_it() {
    let folder = Folder::new();
    let spool = Spool::open(&folder.0.join("overflow/0"), MOST, Duration::ZERO).unwrap();
    push(&spool, Topic::Events, bodies(&["a"])).await.unwrap();
    push(&spool, Topic::Items, bodies(&["bc"])).await.unwrap();
    assert!(matches!(look(&folder.0)[..], [(_, Look::Held { size: 1.. })]));
    drop(spool);
    assert_eq!(look(&folder.0)[0].1, Look::Left { messages: 2, bytes: 3 });
}

#[tokio::test]
async fn what_was_pushed_is_there_after_opening_again_in_order() {
    let folder = Folder::new();
    push(&folder.open(), Topic::Events, bodies(&["a", "b"])).await.unwrap();
    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["c"])).await.unwrap();
    push(&spool, Topic::Jobs, bodies(&["job"])).await.unwrap();
    assert_eq!(take(&mut Reader::new(spool.clone(), Topic::Events), 10).await.1, bodies(&["a", "b", "c"]));
    assert_eq!(take(&mut Reader::new(spool.clone(), Topic::Jobs), 10).await.1, bodies(&["job"]));
    assert_eq!(spool.depth(Topic::Events).unwrap(), 3);
}

#[tokio::test]
async fn what_is_done_is_gone_also_after_opening_again() {
    let folder = Folder::new();
    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["a", "b"])).await.unwrap();
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
    push(&spool, Topic::Events, bodies(&["a", "b", "c"])).await.unwrap();
    let mut reader = Reader::new(spool.clone(), Topic::Events);
    assert_eq!(take(&mut reader, 2).await.1, bodies(&["a", "b"]));
    assert_eq!(take(&mut reader, 2).await.1, bodies(&["c"]), "news come before what failed");
    assert_eq!(take(&mut reader, 10).await.1, bodies(&["a", "b", "c"]));
    drop((reader, spool));
    assert_eq!(take(&mut Reader::new(folder.open(), Topic::Events), 10).await.1, bodies(&["a", "b", "c"]));
}

#[tokio::test]
async fn what_fails_too_often_is_buried() {
    let folder = Folder::new();
    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["a"])).await.unwrap();
    let mut reader = Reader::new(spool.clone(), Topic::Events);
    for _ in 0..Topic::Events.most_deliveries() {
        assert_eq!(take(&mut reader, 10).await.1, bodies(&["a"]));
    }
    assert!(take(&mut reader, 10).await.1.is_empty());
    assert_eq!(spool.depth(Topic::Events).unwrap(), 0);
    assert_eq!(dead(&spool).len(), 1);
}

#[tokio::test]
async fn what_failed_is_left_alone_for_a_while() {
    let folder = Folder::new();
    let spool = Arc::new(Spool::open(&folder.0, MOST, Duration::from_hours(1)).unwrap());
    push(&spool, Topic::Jobs, bodies(&["a"])).await.unwrap();
    let mut reader = Reader::new(spool.clone(), Topic::Jobs);
    assert_eq!(take(&mut reader, 10).await.1, bodies(&["a"]));
    assert!(take(&mut reader, 10).await.1.is_empty());
    assert_eq!(take(&mut Reader::new(spool, Topic::Jobs), 10).await.1, bodies(&["a"]), "a new reader starts over");
}

#[tokio::test]
async fn a_reader_wakes_when_something_arrives_and_returns_when_nothing_does() {
    let folder = Folder::new();
    let spool = folder.open();
    let mut reader = Reader::new(spool.clone(), Topic::Jobs);
    assert!(take(&mut reader, 10).await.1.is_empty());
    let (taken, pushed) = tokio::join!(take(&mut reader, 10), push(&spool, Topic::Jobs, bodies(&["a"])));
    pushed.unwrap();
    assert_eq!(taken.1, bodies(&["a"]));
}

#[tokio::test]
async fn what_is_buried_keeps_its_reason_and_its_number() {
    let folder = Folder::new();
    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["bad"])).await.unwrap();
    let mut reader = Reader::new(spool.clone(), Topic::Events);
    let message = reader.take(10, Wait::ALittle).await.unwrap().remove(0);
    reader.bury(&message, "no JSON").await.unwrap();
    drop((reader, spool));

    let spool = folder.open();
    push(&spool, Topic::Events, bodies(&["good"])).await.unwrap();
    let mut reader = Reader::new(spool.clone(), Topic::Events);
    let message = reader.take(10, Wait::ALittle).await.unwrap().remove(0);
    reader.bury(&message, "no JSON either").await.unwrap();
    assert_eq!(dead(&spool), ["events no JSON: bad", "events no JSON either: good"]);
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
            let change = Change::Push { messages: vec![(Topic::Events, Bytes::from_static(b"a"))] };
            requests.try_send(Request { change, answer }).ok().unwrap();
            answered
        })
        .collect();
    drop(requests);
    let writer =
        Writer { file: spool.file.clone(), next: 1, commits: 0, arrived: spool.arrived.clone(), bytes: Arc::default() };
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
            tokio::spawn(async move { push(&spool, Topic::Events, vec![number.to_string().into()]).await })
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

#[tokio::test]
async fn no_more_waits_than_may_wait() {
    let folder = Folder::new();
    let spool = folder.open();
    let half = || vec![Bytes::from_static(&[b'x'; 500])];
    push(&spool, Topic::Events, half()).await.unwrap();
    push(&spool, Topic::Items, half()).await.unwrap();
    assert!(matches!(push(&spool, Topic::Jobs, bodies(&["a"])).await, Err(PushError::Full)));
    drop(spool);
    let spool = folder.open();
    assert!(matches!(push(&spool, Topic::Jobs, bodies(&["a"])).await, Err(PushError::Full)), "it is counted again");
    let mut reader = Reader::new(spool.clone(), Topic::Events);
    let (ids, _) = take(&mut reader, 1).await;
    reader.done(&ids).await.unwrap();
    push(&spool, Topic::Jobs, half()).await.unwrap();
}
