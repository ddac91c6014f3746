//! The threads that answer requests: one for each processor, each with a runtime of its own.
//!
//! A connection stays on one thread, and so does the queue's connection that its requests use (see `queue::redis`): an event is
//! read, queued and answered without waking any other thread, which took half of the time on a runtime that all threads share.
//! What computes or asks the database for longer is for that runtime, so that no event waits behind a page.

use std::{
    cell::Cell,
    future::pending,
    io,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use tokio::runtime::{Builder, Handle};

thread_local! {
    static SEAT: Cell<usize> = const { Cell::new(0) };
}

/// How many threads answer requests.
pub fn size() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Which of them this is, from 1; 0 is every other thread.
pub fn seat() -> usize {
    SEAT.get()
}

/// The threads at work. They end with the process: what was opened on one of them is of use to others until then.
pub struct Crew(Vec<Member>);

struct Member {
    runtime: Handle,
    tasks: Arc<AtomicUsize>,
}

impl Crew {
    /// Starts as many threads as there are processors.
    pub fn start() -> io::Result<Crew> {
        (1..=size()).map(Member::start).collect::<io::Result<_>>().map(Crew)
    }

    /// Gives a task to whoever has fewest.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Some(member) = self.0.iter().min_by_key(|member| member.tasks.load(Ordering::Relaxed)) else { return };
        let task_of = Task::of(&member.tasks);
        member.runtime.spawn(async move {
            task.await;
            drop(task_of);
        });
    }
}

impl Member {
    fn start(seat: usize) -> io::Result<Member> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        thread::Builder::new().name(format!("requests-{seat}")).spawn(move || {
            SEAT.set(seat);
            runtime.block_on(pending::<()>());
        })?;
        Ok(Member { runtime: handle, tasks: Arc::default() })
    }
}

/// A task that counts until this is dropped.
struct Task(Arc<AtomicUsize>);

impl Task {
    fn of(tasks: &Arc<AtomicUsize>) -> Task {
        tasks.fetch_add(1, Ordering::Relaxed);
        Task(tasks.clone())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::mpsc};

    use super::*;

    #[test]
    fn tasks_that_last_are_spread_over_all_threads() {
        let crew = Crew::start().unwrap();
        let (send, receive) = mpsc::channel();
        for _ in 0..2 * size() {
            let send = send.clone();
            crew.spawn(async move {
                send.send(seat()).unwrap();
                pending::<()>().await;
            });
        }
        let seats: Vec<usize> = receive.iter().take(2 * size()).collect();
        assert_eq!(seats.iter().collect::<BTreeSet<_>>().len(), size());
        assert!(seats.iter().all(|seat| seats.iter().filter(|other| *other == seat).count() == 2));
        assert_eq!(seat(), 0, "this thread is none of them");
    }
}
