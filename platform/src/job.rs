//! Everything a worker is asked to do besides taking in events, which travel in batches of their own.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{alerts, app::App, channels::ChannelId, issues, projects};

/// A job may run twice; each must be harmless then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
pub enum Job {
    /// Tells the members of a project about an event, by one of its rules: as workers of the version before queued it.
    Notify { project: i64, rule: i64, issue: i64, event: Uuid },
    /// Tells whoever set a channel up that it is paused.
    ChannelPaused { channel: i64 },
    /// Has events of a project follow their issues, which were merged, taken apart or deleted.
    MoveEvents { project: i64 },
    /// Deletes what a deleted project has.
    DeleteProject { project: i64 },
}

/// How a job ended. An error instead means: try again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    NothingToDo,
}

impl Outcome {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::NothingToDo => "nothing_to_do",
        }
    }
}

impl Job {
    /// Does it.
    pub async fn run(self, app: &App) -> Result<Outcome> {
        match self {
            Job::Notify { project, rule, event, .. } => alerts::adopt(app, project, rule, event).await,
            Job::ChannelPaused { channel } => alerts::delivery::tell_owner(app, ChannelId(channel)).await,
            Job::MoveEvents { project } => issues::moving::move_events(app, project).await,
            Job::DeleteProject { project } => projects::removal::finish(app, project).await,
        }
    }
}
