//! Events: what SDKs report. From the queue into the database ([`Preparing`], [`keep`]), and from there onto pages.

pub mod api;
mod beside;
mod body;
mod cpu;
mod curl;
mod grouping;
pub mod pages;
mod prepare;
mod process;
mod rejected;
pub mod save;
mod sections;
mod sent_as;
pub mod store;
mod text;
mod trial;

use std::{borrow::Cow, io::Read, ops::Range};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use flate2::bufread::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    projects::ProjectId,
    protocol::{EventId, encoding, filter::Reason, item::Category, sent::Sent},
    queue::message,
};

pub use body::unpack as unpack_body;
pub use process::{Batch, Preparing, keep};
pub use rejected::{ListRejected, Replay, print_rejected, replay, try_again};
pub use sent_as::SentAs;
pub use trial::{Try, try_event};

/// An event as web put it in the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    pub project: ProjectId,
    pub id: EventId,
    /// By our clock, to the microsecond.
    pub received_at: DateTime<Utc>,
    /// What the request said of its sending.
    pub sent: Box<Sent>,
    /// What the body is.
    pub sent_as: SentAs,
    /// The JSON, as the SDK sent it.
    pub body: Bytes,
}

/// A gzipped body that an event stands in, which may travel in the event's place: it is a tenth as large.
#[derive(Clone, Debug, PartialEq)]
pub struct Packed {
    pub gzip: Bytes,
    /// Where the event stands in the unpacked body.
    pub place: Range<usize>,
}

const VERSION: u8 = 2;
/// Of what is no event's JSON: its head is followed by what it is. An older worker leaves only these to the dead letters.
const VERSION_SENT_AS: u8 = 3;

/// The head of a message: everything but the body.
#[derive(Serialize, Deserialize)]
struct Head<'a> {
    project: i64,
    id: Uuid,
    #[serde(with = "chrono::serde::ts_microseconds")]
    received_at: DateTime<Utc>,
    sent: Cow<'a, Sent>,
    /// Where the event stands in what the body unpacks to; none where the body is the event.
    packed: Option<(u32, u32)>,
}

impl Received {
    /// The message for the queue.
    pub fn encode(&self) -> Bytes {
        match &self.sent_as {
            SentAs::Event => message::write(VERSION, &self.head(None), &self.body),
            sent_as => message::write(VERSION_SENT_AS, &(self.head(None), sent_as), &self.body),
        }
    }

    /// The same, with the body still packed.
    pub fn encode_packed(&self, packed: &Packed) -> Bytes {
        let place = (u32::try_from(packed.place.start), u32::try_from(packed.place.end));
        match place {
            (Ok(start), Ok(end)) if self.sent_as == SentAs::Event => {
                message::write(VERSION, &self.head(Some((start, end))), &packed.gzip)
            }
            _ => self.encode(),
        }
    }

    /// What became of it.
    fn judged(&self, outcome: Outcome) -> Judged {
        Judged { project: self.project, category: self.sent_as.category(), outcome }
    }

    fn head(&self, packed: Option<(u32, u32)>) -> Head<'_> {
        let (project, id, sent) = (self.project.0, self.id.0, Cow::Borrowed(&*self.sent));
        Head { project, id, received_at: self.received_at, sent, packed }
    }

    /// Reads what [`Received::encode`] or [`Received::encode_packed`] wrote.
    pub fn decode(message: &Bytes) -> Result<Received> {
        let ((Head { project, id, received_at, sent, packed }, sent_as), body) = match message.first() {
            Some(&VERSION_SENT_AS) => message::read(VERSION_SENT_AS, message)?,
            _ => message::read(VERSION, message).map(|(head, body)| ((head, SentAs::Event), body))?,
        };
        let body = match packed {
            Some(place) => unpack(&body, place).context("unpacking the event")?,
            None => body,
        };
        let sent = Box::new(sent.into_owned());
        Ok(Received { project: ProjectId(project), id: EventId(id), received_at, sent, sent_as, body })
    }
}

/// Web has unpacked it before, so that its size is within bounds.
fn unpack(gzip: &[u8], (start, end): (u32, u32)) -> Result<Bytes> {
    let (start, end) = (usize::try_from(start)?, usize::try_from(end)?);
    let unpacked = encoding::at_once("gzip", gzip, usize::MAX).map_or_else(|| up_to(gzip, end), Ok)?;
    ensure!(start <= end && end <= unpacked.len(), "the event ends after {} of {end} bytes", unpacked.len());
    Ok(Bytes::from(unpacked).slice(start..end))
}

fn up_to(gzip: &[u8], end: usize) -> Result<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(end);
    MultiGzDecoder::new(gzip).take(u64::try_from(end)?).read_to_end(&mut unpacked)?;
    Ok(unpacked)
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

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stored,
    /// It was there already: a message delivered twice, or an SDK that sent again.
    Duplicate,
    /// Kept aside with its reason.
    Invalid,
    /// A report that says nothing one could keep, and why.
    Unusable(&'static str),
    /// Its project does not want it.
    Filtered(Reason),
    /// Its issue was discarded.
    Discarded,
    /// Its project was deleted meanwhile.
    ProjectGone,
}

/// What became of an event of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    pub project: ProjectId,
    /// What it is counted as.
    pub category: Category,
    pub outcome: Outcome,
}

impl Outcome {
    /// As it is counted.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Stored => "stored",
            Outcome::Duplicate => "duplicate",
            Outcome::Invalid | Outcome::Unusable(_) => "invalid",
            Outcome::Filtered(_) => "filtered",
            Outcome::Discarded => "discarded",
            Outcome::ProjectGone => "project_gone",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::security::incoming::Additions;

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
        let sent_as = SentAs::Event;
        let told = Received { project, id, received_at, sent, sent_as, body: Bytes::from_static(b"{\"a\":\"\0\"}") };
        let silent = Received { sent: Box::default(), body: Bytes::new(), ..told.clone() };
        let release = Additions { release: Some("shop@1".into()), environment: None };
        let report = Received { sent_as: SentAs::Report(release), ..told.clone() };
        for received in [told, silent, report] {
            let message = received.encode();
            assert_eq!(Received::decode(&message).unwrap(), received);
            for cut in 0..message.len() - received.body.len() {
                assert!(Received::decode(&message.slice(..cut)).is_err(), "{cut} bytes are no event");
            }
        }
    }

    #[test]
    fn a_packed_event_is_read_as_the_plain_one() {
        let envelope = b"{}\n{\"type\":\"event\"}\n{\"a\":1}\n";
        let mut packing = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packing, envelope).unwrap();
        let gzip = Bytes::from(packing.finish().unwrap());
        let (project, received_at) = (ProjectId(7), DateTime::from_timestamp_micros(7).unwrap());
        let body = Bytes::from_static(b"{\"a\":1}");
        let (id, sent, sent_as) = (EventId::random(), Box::default(), SentAs::Event);
        let plain = Received { project, id, received_at, sent, sent_as, body };
        let packed = |place| plain.encode_packed(&Packed { gzip: gzip.clone(), place });
        assert_eq!(Received::decode(&packed(20..27)).unwrap(), plain);
        for beyond in [20..99, Range { start: 27, end: 20 }] {
            assert!(Received::decode(&packed(beyond)).is_err());
        }
        let message = packed(20..27);
        assert!(Received::decode(&message.slice(..message.len() - 20)).is_err(), "a stream that breaks off");
    }

    #[test]
    fn a_message_of_another_version_says_so() {
        let error = Received::decode(&Bytes::from_static(b"\x01and the rest")).unwrap_err();
        assert_eq!(error.to_string(), "the message is of version 1, this worker reads 2");
    }
}
