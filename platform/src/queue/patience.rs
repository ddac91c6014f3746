//! How long pushes wait for Redis, by one clock for all of them.
//!
//! A timer for each push would wake the thread that sleeps until the next one, a thousand times a second for nothing: nearly all
//! answers come within a millisecond.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// How often the clock ticks, and so how much later than asked for a wait may end.
const TICK: Duration = Duration::from_millis(20);

/// Ticks while [`Clock::run`] runs.
pub struct Clock(watch::Sender<()>);

impl Clock {
    /// Stands still.
    pub fn new() -> Clock {
        Clock(watch::Sender::new(()))
    }

    /// Ticks for ever.
    pub async fn run(&self) {
        let mut ticks = tokio::time::interval(TICK);
        loop {
            ticks.tick().await;
            self.0.send_replace(());
        }
    }

    /// The answer, or none where it takes longer than that.
    pub async fn within<T>(&self, patience: Duration, answer: impl Future<Output = T>) -> Option<T> {
        let (mut ticks, end) = (self.0.subscribe(), Instant::now() + patience);
        let too_late = async {
            while Instant::now() < end {
                // The sender is ours, so it is there.
                let _ = ticks.changed().await;
            }
        };
        tokio::select! {
            biased;
            answer = answer => Some(answer),
            () = too_late => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn an_answer_is_waited_for_until_patience_ends() {
        let clock = Clock::new();
        assert_eq!(clock.within(Duration::ZERO, ready(1)).await, Some(1));
        let waits = clock.within(Duration::from_millis(1), pending::<()>());
        tokio::select! {
            answer = waits => assert_eq!(answer, None),
            () = clock.run() => unreachable!("it ticks for ever"),
        }
    }
}
