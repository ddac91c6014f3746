//! Spreads pure work over all cores, off the threads that wait for the network.

use std::num::NonZero;

use anyhow::{Context, Result};
use tokio::task::JoinSet;

/// Pieces of work that run side by side, at most one for each core: more would only take memory.
pub struct Cores<T> {
    running: JoinSet<T>,
    most: usize,
    done: Vec<T>,
}

impl<T: Send + 'static> Cores<T> {
    /// Without work.
    pub fn idle() -> Cores<T> {
        let most = std::thread::available_parallelism().map_or(1, NonZero::get);
        Cores { running: JoinSet::new(), most, done: Vec::new() }
    }

    /// Starts a piece of work, once a core is free.
    pub async fn start(&mut self, work: impl FnOnce() -> T + Send + 'static) -> Result<()> {
        while self.running.len() >= self.most {
            self.finish_one().await?;
        }
        self.running.spawn_blocking(work);
        Ok(())
    }

    /// What came of all of it, in no particular order.
    pub async fn finish(mut self) -> Result<Vec<T>> {
        while !self.running.is_empty() {
            self.finish_one().await?;
        }
        Ok(self.done)
    }

    async fn finish_one(&mut self) -> Result<()> {
        if let Some(finished) = self.running.join_next().await {
            self.done.push(finished.context("preparing events")?);
        }
        Ok(())
    }
}
