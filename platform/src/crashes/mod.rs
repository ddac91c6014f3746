//! Native crashes on their way from web to a worker: one message names the event and all parts it is made of.
//!
//! Small parts travel in the message; large ones lie in the file store, as the attachments they are, and the worker fetches
//! them just before the event is made. A part that is gone or cannot be fetched costs the event that part, never the event:
//! a file store that is away must not hold up everything else.

use anyhow::{Result, ensure};
use bytes::{Bytes, BytesMut};
use chrono::NaiveDate;
use futures_util::{StreamExt, pin_mut};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    files::{Files, Key},
    projects::ProjectId,
    protocol::{
        crash::{self, What},
        json::Object,
    },
};

/// What web takes at most in one request.
const MOST_BYTES: usize = 20 << 20;

/// What a crash is made of. The body of its message is the event of the SDK, then the parts that lie there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Bytes of the SDK's event; 0 where there is none.
    pub event: u32,
    pub parts: Vec<Part>,
}

/// A part of a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub what: What,
    pub place: Place,
    /// Fetched, or why it was not.
    #[serde(skip)]
    content: Option<Result<Bytes, String>>,
}

/// Where a part lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In the message, so many bytes.
    Here(u32),
    /// In the file store.
    Filed { day: NaiveDate, id: Uuid },
}

impl Part {
    /// A part that is not fetched.
    pub fn new(what: What, place: Place) -> Part {
        Part { what, place, content: None }
    }
}

impl Crash {
    /// Fetches what does not lie in the message.
    pub async fn fetch(&mut self, files: &Files, project: ProjectId) {
        for part in &mut self.parts {
            if let Place::Filed { day, id } = part.place {
                let content = read(files, Key { day, project, id }).await;
                part.content = Some(content.map_err(|error| {
                    tracing::warn!("a part of a crash cannot be fetched: {error:#}");
                    format!("it cannot be read from the file store: {error:#}")
                }));
            }
        }
    }

    /// Gives back what was fetched.
    pub fn forget(&mut self) {
        self.parts.iter_mut().for_each(|part| part.content = None);
    }

    /// The SDK's event out of the body, which may be nothing.
    pub fn sdk_event<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(..self.event_size()).unwrap_or_default()
    }

    /// The event.
    pub fn event(&self, sdk_event: Object, body: &[u8]) -> Object {
        let mut at = self.event_size();
        let mut parts: Vec<crash::Part<'_>> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let content = match (&part.place, &part.content) {
                (Place::Here(size), _) => {
                    let end = at.saturating_add(usize::try_from(*size).unwrap_or(usize::MAX));
                    let content = body.get(at..end).ok_or("it is not in the message");
                    at = end;
                    content
                }
                (_, Some(Ok(content))) => Ok(&content[..]),
                (_, Some(Err(reason))) => Err(reason.as_str()),
                (_, None) => Err("nobody fetched it"),
            };
            parts.push((part.what, content));
        }
        crash::event(sdk_event, &parts)
    }

    fn event_size(&self) -> usize {
        usize::try_from(self.event).unwrap_or(usize::MAX)
    }
}

async fn read(files: &Files, key: Key) -> Result<Bytes> {
    let found = files.get(key).await?;
    ensure!(found.is_some(), "it is gone");
    let pieces = futures_util::stream::iter(found).flatten();
    pin_mut!(pieces);
    let mut content = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        content.extend_from_slice(&piece?);
        ensure!(content.len() <= MOST_BYTES, "it is larger than {MOST_BYTES} bytes");
    }
    Ok(content.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_the_body_behind_the_event() {
        let texts = br#"[["sentry[release]","shop@2"],["guid","7"]]"#;
        let here = |bytes: &[u8]| Place::Here(u32::try_from(bytes.len()).unwrap());
        let filed = Place::Filed { day: NaiveDate::MIN, id: Uuid::nil() };
        let event = br#"{"release":"shop@1","tags":{"a":"b"}}"#;
        let parts = vec![Part::new(What::Dump, filed), Part::new(What::Texts, here(texts))];
        let crash = Crash { event: u32::try_from(event.len()).unwrap(), parts };
        let body = [&event[..], &texts[..]].concat();
        assert_eq!(crash.sdk_event(&body), event);
        let made = crash.event(serde_json::from_slice(crash.sdk_event(&body)).unwrap(), &body);
        assert_eq!(
            (&made["release"], &made["tags"]["a"], &made["extra"]["guid"]),
            (&"shop@2".into(), &"b".into(), &"7".into())
        );
        assert_eq!(made["errors"][0]["reason"], "nobody fetched it");
        let cut = crash.event(Object::new(), &body[..body.len() - 1]);
        assert_eq!(cut["errors"][1]["reason"], "it is not in the message");
    }
}
