//! Events: what SDKs report. From the queue into the database ([`process`]), and from there onto pages.

pub mod api;
mod body;
mod cpu;
pub mod pages;
mod process;
mod rejected;
pub mod save;
mod sections;
pub mod store;

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    issues::IssueId,
    projects::ProjectId,
    protocol::{EventId, filter::Reason},
};

pub use process::process;
pub use rejected::{ListRejected, Replay, print_rejected, replay};

/// An event as web put it in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub project: ProjectId,
    pub id: EventId,
    /// By our clock, to the microsecond.
    pub received_at: DateTime<Utc>,
    /// The JSON, as the SDK sent it.
    pub body: Bytes,
}

/// The first byte of a message, so that a rolling upgrade can change the rest.
const VERSION: u8 = 1;
const HEAD: usize = 1 + 8 + 16 + 8;

impl Received {
    /// The message for the queue: a version, three fixed fields, the body.
    pub fn encode(&self) -> Bytes {
        let mut message = BytesMut::with_capacity(HEAD + self.body.len());
        message.put_u8(VERSION);
        message.put_i64(self.project.0);
        message.put_slice(self.id.0.as_bytes());
        message.put_i64(self.received_at.timestamp_micros());
        message.put_slice(&self.body);
        message.freeze()
    }

    /// Reads what [`Received::encode`] wrote.
    pub fn decode(message: &Bytes) -> Result<Received> {
        ensure!(message.len() >= HEAD, "the message is {} bytes short", HEAD - message.len());
        ensure!(message[0] == VERSION, "the message is of version {}, this worker reads {VERSION}", message[0]);
        let micros = i64::from_be_bytes(message[25..33].try_into()?);
        Ok(Received {
            project: ProjectId(i64::from_be_bytes(message[1..9].try_into()?)),
            id: EventId(Uuid::from_slice(&message[9..25])?),
            received_at: DateTime::from_timestamp_micros(micros).context("the message's time is out of range")?,
            body: message.slice(HEAD..),
        })
    }
}

/// What an event did to its issue; kept on its row, so that a second run decides the same alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[repr(i16)]
pub enum Effect {
    Counted = 0,
    CreatedIssue = 1,
    /// The issue was resolved, and happened again.
    Regressed = 2,
    /// The issue was ignored until now.
    Unignored = 3,
}

/// A stored event, as far as alerts care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    pub project: ProjectId,
    pub event: EventId,
    pub issue: IssueId,
    pub effect: Effect,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stored,
    /// It was there already: a message delivered twice, or an SDK that sent again.
    Duplicate,
    /// Kept aside with its reason.
    Invalid,
    /// Its project does not want it.
    Filtered(Reason),
    /// Its project was deleted meanwhile.
    ProjectGone,
}

impl Outcome {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::Duplicate => "duplicate",
            Outcome::Invalid => "invalid",
            Outcome::Filtered(_) => "filtered",
            Outcome::ProjectGone => "project_gone",
        }
    }
}
