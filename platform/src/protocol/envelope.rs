//! Envelopes: one header line, then items, each a header line and a payload.
//!
//! The format is <https://develop.sentry.dev/sdk/data-model/envelopes/>: a payload is as long as its header says, or runs to
//! the next newline. Item headers are JSON values, so a reader must not look for the newline first.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{EventId, json::Object};

/// A parsed envelope; payloads are slices of the body, not copies.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The envelope's event id, where it has one.
    pub event_id: Option<EventId>,
    /// The DSN, which may be the only thing that says who sends.
    pub dsn: Option<String>,
    pub items: Vec<Item>,
}

/// One item.
#[derive(Clone, Debug)]
pub struct Item {
    /// `event`, `session`, `attachment` …: an open set.
    pub kind: String,
    pub headers: Object,
    pub payload: Bytes,
}

/// Why an envelope as a whole cannot be read. The texts are those that Sentry answers with.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvelopeError {
    #[error("missing envelope header")]
    MissingHeader,
    #[error("invalid envelope header")]
    InvalidHeader,
    #[error("invalid item header")]
    InvalidItemHeader,
    #[error("unexpected end of file")]
    UnexpectedEnd,
    #[error("missing newline after header or payload")]
    MissingNewline,
}

impl Envelope {
    /// Splits a body into its items.
    pub fn parse(body: &Bytes) -> Result<Envelope, EnvelopeError> {
        if body.is_empty() {
            return Err(EnvelopeError::MissingHeader);
        }
        let (header, mut at) = header(body, 0).map_err(|e| e.unwrap_or(EnvelopeError::InvalidHeader))?;
        let event_id = match header.get("event_id") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.parse().map_err(|_| EnvelopeError::InvalidHeader)?),
            Some(_) => return Err(EnvelopeError::InvalidHeader),
        };
        let dsn = header.get("dsn").and_then(Value::as_str).map(str::to_owned);
        let mut items = Vec::new();
        loop {
            at += body[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if at == body.len() {
                return Ok(Envelope { event_id, dsn, items });
            }
            let (item, next) = item(body, at)?;
            items.push(item);
            at = next;
        }
    }
}

fn item(body: &Bytes, at: usize) -> Result<(Item, usize), EnvelopeError> {
    let (headers, start) = header(body, at).map_err(|e| e.unwrap_or(EnvelopeError::InvalidItemHeader))?;
    let kind = headers.get("type").and_then(Value::as_str).ok_or(EnvelopeError::InvalidItemHeader)?.to_owned();
    let end = match headers.get("length").filter(|length| !length.is_null()) {
        Some(length) => {
            let length =
                length.as_u64().and_then(|n| usize::try_from(n).ok()).ok_or(EnvelopeError::InvalidItemHeader)?;
            let end = start.checked_add(length).filter(|end| *end <= body.len()).ok_or(EnvelopeError::UnexpectedEnd)?;
            if end < body.len() && body[end] != b'\n' {
                return Err(EnvelopeError::MissingNewline);
            }
            end
        }
        None => body[start..].iter().position(|byte| *byte == b'\n').map_or(body.len(), |length| start + length),
    };
    let next = (end + 1).min(body.len());
    Ok((Item { kind, headers, payload: body.slice(start..end) }, next))
}

/// Reads one JSON object and the newline after it. `Err(None)` is broken JSON, which means something else in each place.
fn header(body: &[u8], at: usize) -> Result<(Object, usize), Option<EnvelopeError>> {
    let mut values = serde_json::Deserializer::from_slice(&body[at..]).into_iter::<Object>();
    let header = values.next().ok_or(None)?.map_err(|_| None)?;
    let end = at + values.byte_offset();
    match body.get(end) {
        None => Ok((header, end)),
        Some(b'\n') => Ok((header, end + 1)),
        Some(_) => Err(Some(EnvelopeError::MissingNewline)),
    }
}

/// The little that web reads of an event: its id, so that it can answer with it.
#[derive(Deserialize)]
struct EventHead {
    event_id: Option<Value>,
}

/// Reads an event's id without building the event.
pub fn event_id(payload: &[u8]) -> Result<Option<EventId>, serde_json::Error> {
    let head: EventHead = serde_json::from_slice(payload)?;
    match head.event_id {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => text
            .parse()
            .map(Some)
            .map_err(|_| serde::de::Error::custom(format_args!("{text:?}: expected an event identifier"))),
        Some(_) => Err(serde::de::Error::custom("expected an event identifier")),
    }
}
