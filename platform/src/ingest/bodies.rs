//! How much memory the bodies of all requests under way may take together.
//!
//! A body counts from its first piece until the last that was made of it is dropped. Where there is no room left, the body that
//! has been arriving longest gives way: slow senders of much must not take the place of everybody else's events.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use tokio::sync::Notify;

/// Three of the largest bodies at once, or thousands of usual ones.
const MOST_BYTES: usize = 64 << 20;
/// Beyond it nobody waits for those who were told to give way.
const MOST_BYTES_EVER: usize = 96 << 20;

/// The memory that all bodies share.
#[derive(Clone, Debug, Default)]
pub struct Bodies(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicUsize,
    /// Bodies that are not here as a whole, in the order they came in, and how each is told to give way.
    arriving: Mutex<Arriving>,
}

#[derive(Debug, Default)]
struct Arriving {
    last: u64,
    bodies: BTreeMap<u64, Arc<Notify>>,
}

/// What one body takes of it.
#[derive(Debug)]
pub struct Room {
    bodies: Bodies,
    bytes: usize,
    arriving: Option<(u64, Arc<Notify>)>,
}

impl Bodies {
    /// Room for a body of which nothing has arrived.
    pub fn room(&self) -> Room {
        Room { bodies: self.clone(), bytes: 0, arriving: None }
    }

    fn arriving(&self) -> MutexGuard<'_, Arriving> {
        self.0.arriving.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Room {
    /// Takes as much as the body has grown to; none where there is no more.
    pub fn grow(&mut self, bytes: usize) -> Option<()> {
        let more = bytes.saturating_sub(self.bytes);
        self.bytes += more;
        // What is taken too much is given back when this is dropped.
        let taken = self.bodies.0.bytes.fetch_add(more, Ordering::Relaxed) + more;
        if taken <= MOST_BYTES {
            return Some(());
        }
        (self.makes_another_leave() && taken <= MOST_BYTES_EVER).then_some(())
    }

    /// Waits to be told to give way to others. Bodies that come in one piece never wait, so only the others are asked.
    pub async fn told_to_leave(&mut self) {
        let bodies = &self.bodies;
        let (_, told) = self.arriving.get_or_insert_with(|| {
            let told = Arc::new(Notify::new());
            let mut arriving = bodies.arriving();
            arriving.last += 1;
            let number = arriving.last;
            arriving.bodies.insert(number, told.clone());
            (number, told)
        });
        told.notified().await;
    }

    /// The body, which takes its room until the last part of it is dropped.
    pub fn keep(mut self, body: Vec<u8>) -> Bytes {
        // What a decoder yields only at its end is counted, too late to be refused.
        let _ = self.grow(body.len());
        self.has_arrived();
        Bytes::from_owner(Kept { body, _room: self })
    }

    /// The one that has been arriving longest, unless that is this one.
    fn makes_another_leave(&self) -> bool {
        let mut arriving = self.bodies.arriving();
        let own = self.arriving.as_ref().map(|(number, _)| *number);
        match arriving.bodies.first_entry().filter(|oldest| Some(*oldest.key()) != own) {
            Some(oldest) => {
                oldest.remove().notify_one();
                true
            }
            None => false,
        }
    }

    fn has_arrived(&mut self) {
        if let Some((number, _)) = self.arriving.take() {
            self.bodies.arriving().bodies.remove(&number);
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.has_arrived();
        self.bodies.0.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

struct Kept {
    body: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[test]
    fn bodies_take_their_room_until_the_last_part_is_gone() {
        let bodies = Bodies::default();
        let mut room = bodies.room();
        assert!(room.grow(MOST_BYTES - 1).is_some() && room.grow(10).is_some(), "it has grown already");
        let part = room.keep(vec![0; 10]).slice(2..3);
        assert!(bodies.room().grow(1).is_some());
        assert!(bodies.room().grow(2).is_none());
        drop(part);
        assert!(bodies.room().grow(MOST_BYTES).is_some(), "what was refused took nothing");
    }

    #[test]
    fn where_there_is_no_room_who_has_been_arriving_longest_gives_way() {
        let bodies = Bodies::default();
        let [mut first, mut second, mut third] = [bodies.room(), bodies.room(), bodies.room()];
        for room in [&mut first, &mut second] {
            assert!(room.grow(MOST_BYTES / 2).is_some());
            assert_eq!(room.told_to_leave().now_or_never(), None);
        }
        assert!(third.grow(1).is_some());
        assert_eq!(first.told_to_leave().now_or_never(), Some(()));
        assert_eq!(second.told_to_leave().now_or_never(), None);
        assert!(second.grow(MOST_BYTES).is_none(), "it is the oldest now, and goes itself");
        drop(second);
        assert!(third.grow(2 * MOST_BYTES).is_none(), "there is a bound to waiting for the others");
    }
}
