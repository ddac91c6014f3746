//! Spreads pure work over all cores, off the threads that wait for the network.

use std::{num::NonZero, sync::Arc};

use anyhow::{Context, Result};

/// Maps every item, in order, on as many threads as there are cores.
pub async fn map<T, U>(items: Vec<T>, work: impl Fn(T) -> U + Send + Sync + 'static) -> Result<Vec<U>>
where
    T: Send + 'static,
    U: Send + 'static,
{
    let work = Arc::new(work);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let share = items.len().div_ceil(cores).max(1);
    let mut items = items.into_iter();
    let mut running = Vec::with_capacity(cores);
    loop {
        let chunk: Vec<T> = items.by_ref().take(share).collect();
        if chunk.is_empty() {
            break;
        }
        let work = work.clone();
        running.push(tokio::task::spawn_blocking(move || chunk.into_iter().map(|item| work(item)).collect::<Vec<U>>()));
    }
    let mut results = Vec::new();
    for chunk in running {
        results.extend(chunk.await.context("preparing events")?);
    }
    Ok(results)
}
