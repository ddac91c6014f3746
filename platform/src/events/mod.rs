//! Events: what SDKs report. From the queue into the database ([`process`]), and from there onto pages.

pub mod api;
mod beside;
mod body;
mod cpu;
pub mod pages;
mod process;
mod rejected;
pub mod save;
mod sections;
pub mod store;

use std::borrow::Cow;

use anyhow::Result;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    issues::IssueId,
    projects::ProjectId,
    protocol::{EventId, filter::Reason, sent::Sent},
    queue::message,
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
    /// What the request said of its sending.
    pub sent: Box<Sent>,
    /// The JSON, as the SDK sent it.
    pub body: Bytes,
}

const VERSION: u8 = 2;

/// The head of a message: everything but the body.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    project: i64,
    id: Uuid,
    #[serde(with = "chrono::serde::ts_microseconds")]
    received_at: DateTime<Utc>,
    sent: Cow<'a, Sent>,
}

impl Received {
    /// The message for the queue.
    pub fn encode(&self) -> Bytes {
        let (project, id) = (self.project.0, self.id.0);
        let head = Head { project, id, received_at: self.received_at, sent: Cow::Borrowed(&self.sent) };
        message::write(VERSION, &head, &self.body)
    }

    /// Reads what [`Received::encode`] wrote.
    pub fn decode(message: &Bytes) -> Result<Received> {
        let (Head { project, id, received_at, sent }, body) = message::read(VERSION, message)?;
        Ok(Received {
            project: ProjectId(project),
            id: EventId(id),
            received_at,
            sent: Box::new(sent.into_owned()),
            body,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let at = |micros| DateTime::from_timestamp_micros(micros).unwrap();
        let sent = Box::new(Sent {
            at: Some(at(-1)),
            from: "2001:db8::7".parse().ok(),
            by: Some("sentry.python/2.9.0".into()),
            headers: vec![("user-agent".into(), "Firefox".into())],
        });
        let (project, id, received_at) = (ProjectId(7), EventId::random(), at(1_700_000_000_000_001));
        let told = Received { project, id, received_at, sent, body: Bytes::from_static(b"{\"a\":\"\0\"}") };
        let silent = Received { sent: Box::default(), body: Bytes::new(), ..told.clone() };
        for received in [told, silent] {
            let message = received.encode();
            assert_eq!(Received::decode(&message).unwrap(), received);
            for cut in 0..message.len() - received.body.len() {
                assert!(Received::decode(&message.slice(..cut)).is_err(), "{cut} bytes are no event");
            }
        }
    }

    #[test]
    fn a_message_of_another_version_says_so() {
        let error = Received::decode(&Bytes::from_static(b"\x01and the rest")).unwrap_err();
        assert_eq!(error.to_string(), "the message is of version 1, this worker reads 2");
    }
}
