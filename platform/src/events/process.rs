//! The life of a batch of events, top to bottom: prepare each (pure, on all cores), save all in one transaction, with whom they
//! are to be told.
//!
//! The batch may run twice: saving skips ids it already has, and what they were to tell was written down with them.

use std::collections::BTreeSet;

use anyhow::Result;

use super::{
    Judged, Received,
    cpu::Cores,
    prepare::{Prepared, Refused, Rejected, prepare},
    save,
};
use crate::{app::App, projects::ProjectId};

/// A batch on its way: events are prepared as soon as a core is free, while others are still to come.
pub struct Preparing {
    app: App,
    cores: Cores<Vec<Result<Prepared, Refused>>>,
}

/// Events with everything decided that can be decided without the database.
#[derive(Default)]
pub struct Batch {
    prepared: Vec<Prepared>,
    rejected: Vec<Rejected>,
    dropped: Vec<Judged>,
}

impl Preparing {
    /// Nothing yet.
    pub fn start(app: &App) -> Preparing {
        Preparing { app: app.clone(), cores: Cores::idle() }
    }

    /// Has one core prepare some events; waits for it to be free, so that what is being prepared stays little.
    pub async fn add(&mut self, events: Vec<Received>) -> Result<()> {
        let projects: BTreeSet<ProjectId> = events.iter().map(|received| received.project).collect();
        let policies = self.app.policies.of(projects.clone()).await?;
        let rules = self.app.rules.of(projects).await?;
        let retention = self.app.config.retention.of_events();
        let prepare_all = move || {
            let of = |project: ProjectId| (&*policies[&project], &rules[&project]);
            let prepare = |received: Received| prepare(of(received.project), retention, received);
            events.into_iter().map(prepare).collect::<Vec<_>>()
        };
        self.cores.start(prepare_all).await
    }

    /// Everything that was added, in no particular order.
    pub async fn finish(self) -> Result<Batch> {
        let mut batch = Batch::default();
        for result in self.cores.finish().await?.into_iter().flatten() {
            match result {
                Ok(event) => batch.prepared.push(event),
                Err(Refused::Invalid(event)) => batch.rejected.push(*event),
                Err(Refused::Dropped(judged)) => batch.dropped.push(judged),
            }
        }
        Ok(batch)
    }
}

/// Stores a batch with the alerts that it gives rise to. Outcomes are in no particular order.
pub async fn keep(app: &App, batch: Batch) -> Result<Vec<Judged>> {
    let Batch { prepared, rejected, mut dropped } = batch;
    let mut saved = save::save(app, prepared, rejected).await?;
    if saved.fired > 0 {
        app.deliveries.notify_one();
    }
    saved.outcomes.append(&mut dropped);
    Ok(saved.outcomes)
}
