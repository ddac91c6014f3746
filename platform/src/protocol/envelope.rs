//! Envelopes: one header line, then items, each a header line and a payload.
//!
//! The format is <https://develop.sentry.dev/sdk/data-model/envelopes/>: a payload is as long as its header says, or runs to
//! the next newline. Item headers are JSON values, so a reader must not look for the newline first.
//!
//! Payloads are not looked into here: an item that is broken inside does not fail its envelope.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;
use thiserror::Error;

use super::{EventId, auth::Dsn, json::Object};

/// Items beyond it would cost more memory than the body they stand in.
const MOST_ITEMS: usize = 1_000;

/// A parsed envelope; payloads are slices of the body, not copies.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// The envelope's event id, where it has one.
    pub event_id: Option<EventId>,
    /// The DSN, which may be the only thing that says who sends.
    pub dsn: Option<Dsn>,
    /// When the sender says it sent it.
    pub sent_at: Option<DateTime<Utc>>,
    /// In the order they stand in.
    pub items: Vec<Item>,
}

/// One item.
#[derive(Clone, Debug)]
pub struct Item {
    /// `event`, `session`, `attachment` …: an open set.
    pub kind: String,
    /// All of them, `type` included.
    pub headers: Object,
    /// As it was sent.
    pub payload: Bytes,
}

/// Why an envelope as a whole cannot be read. The texts are those that Sentry answers with.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EnvelopeError {
    /// There is nothing.
    #[error("missing envelope header")]
    MissingHeader,
    /// The first line is no JSON object, or an id, a time or a DSN in it is none.
    #[error("invalid envelope header")]
    InvalidHeader,
    /// The line before a payload is no JSON object with a type.
    #[error("invalid item header")]
    InvalidItemHeader,
    /// A payload is shorter than its length.
    #[error("unexpected end of file")]
    UnexpectedEnd,
    /// A payload is longer than its length, or something stands behind a header.
    #[error("missing newline after header or payload")]
    MissingNewline,
    /// The DSN names something else than the request: `project id` or `public key`.
    #[error("{0} header mismatch between envelope and request")]
    Mismatch(&'static str),
    /// More items than an SDK ever puts together.
    #[error("an envelope may hold {MOST_ITEMS} items")]
    TooManyItems,
}

impl Envelope {
    /// Splits a body into its items.
    pub fn parse(body: &Bytes) -> Result<Envelope, EnvelopeError> {
        let (mut envelope, mut at) = head(body)?;
        loop {
            at += body[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if at == body.len() {
                return Ok(envelope);
            }
            if envelope.items.len() == MOST_ITEMS {
                return Err(EnvelopeError::TooManyItems);
            }
            let (item, next) = item(body, at)?;
            envelope.items.push(item);
            at = next;
        }
    }

    /// Refuses an envelope whose DSN contradicts what the request was authorised for.
    pub fn agrees_with(&self, public_key: &str, project: i64) -> Result<(), EnvelopeError> {
        match &self.dsn {
            Some(dsn) if dsn.project.parse() != Ok(project) => Err(EnvelopeError::Mismatch("project id")),
            Some(dsn) if dsn.public_key != public_key => Err(EnvelopeError::Mismatch("public key")),
            _ => Ok(()),
        }
    }
}

/// Reads the DSN in an envelope's header line, the only thing that names the sender of a tunnelled envelope.
pub fn sender(body: &Bytes) -> Option<Dsn> {
    head(body).ok()?.0.dsn
}

/// Reads the header line; the envelope has no items yet.
fn head(body: &Bytes) -> Result<(Envelope, usize), EnvelopeError> {
    if body.is_empty() {
        return Err(EnvelopeError::MissingHeader);
    }
    let (header, at): (Header<'_>, _) = header(body, 0).map_err(|e| e.unwrap_or(EnvelopeError::InvalidHeader))?;
    let event_id = header.event_id.map(|id| id.parse()).transpose().map_err(|_| EnvelopeError::InvalidHeader)?;
    let dsn = header.dsn.map(|dsn| Dsn::parse(&dsn)).transpose().map_err(|_| EnvelopeError::InvalidHeader)?;
    let sent_at = header.sent_at.map(|at| DateTime::parse_from_rfc3339(&at));
    let sent_at = sent_at.transpose().map_err(|_| EnvelopeError::InvalidHeader)?.map(|at| at.to_utc());
    Ok((Envelope { event_id, dsn, sent_at, items: Vec::new() }, at))
}

/// What we read of an envelope's header; the rest, such as the trace it belongs to, is passed over.
#[derive(Default)]
struct Header<'a> {
    event_id: Text<'a>,
    dsn: Text<'a>,
    sent_at: Text<'a>,
}

type Text<'a> = Option<Cow<'a, str>>;

impl<'de> Deserialize<'de> for Header<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Header<'de>, D::Error> {
        deserializer.deserialize_map(HeaderVisitor)
    }
}

/// Text that is not copied, unless something in it was escaped.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

struct HeaderVisitor;

impl<'de> Visitor<'de> for HeaderVisitor {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    /// Where a name stands twice, the last one counts.
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Header<'de>, A::Error> {
        let mut header = Header::default();
        while let Some(Borrowed(name)) = entries.next_key()? {
            let place = match &*name {
                "event_id" => &mut header.event_id,
                "dsn" => &mut header.dsn,
                "sent_at" => &mut header.sent_at,
                _ => {
                    entries.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *place = entries.next_value::<Option<Borrowed<'de>>>()?.map(|Borrowed(text)| text);
        }
        Ok(header)
    }
}

fn item(body: &Bytes, at: usize) -> Result<(Item, usize), EnvelopeError> {
    let (headers, start): (Object, _) = header(body, at).map_err(|e| e.unwrap_or(EnvelopeError::InvalidItemHeader))?;
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
        None => memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |length| start + length),
    };
    let next = (end + 1).min(body.len());
    Ok((Item { kind, headers, payload: body.slice(start..end) }, next))
}

/// Reads one JSON object and the newline after it. `Err(None)` is broken JSON, which means something else in each place.
fn header<'a, T: Deserialize<'a>>(body: &'a [u8], at: usize) -> Result<(T, usize), Option<EnvelopeError>> {
    let mut values = serde_json::Deserializer::from_slice(&body[at..]).into_iter::<T>();
    let header = values.next().ok_or(None)?.map_err(|_| None)?;
    let end = at + values.byte_offset();
    match body.get(end) {
        None => Ok((header, end)),
        Some(b'\n') => Ok((header, end + 1)),
        Some(_) => Err(Some(EnvelopeError::MissingNewline)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "0123456789abcdef0123456789abcdef";

    fn parse(body: &str) -> Result<Envelope, EnvelopeError> {
        Envelope::parse(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn a_header_line_is_checked_in_what_it_says() {
        let cases = [
            r#"{"event_id":7}"#,
            r#"{"event_id":"no id"}"#,
            r#"{"sent_at":"yesterday"}"#,
            r#"{"dsn":"https://sentry.example/7"}"#,
            "[]",
        ];
        for header in cases {
            assert_eq!(parse(header).err(), Some(EnvelopeError::InvalidHeader), "{header}");
        }
        let taken = parse(r#"{"sent_at":"2026-01-02T03:04:05.678Z","trace":7,"unknown":[],"event_id":null}"#).unwrap();
        assert!(taken.items.is_empty() && taken.event_id.is_none());
    }

    #[test]
    fn of_a_name_that_stands_twice_the_last_counts() {
        let id = "0123456789abcdef0123456789abcdef";
        let taken = parse(&format!(r#"{{"event\u005fid":"no id","event_id":"{id}","sent_at":null}}"#)).unwrap();
        assert_eq!((taken.event_id.map(|id| id.to_string()).as_deref(), taken.sent_at), (Some(id), None));
    }

    #[test]
    fn a_dsn_must_agree_with_the_request() {
        let envelope = parse(&format!(r#"{{"dsn":"https://{KEY}@sentry.example/7"}}"#)).unwrap();
        assert_eq!(envelope.agrees_with(KEY, 7), Ok(()));
        assert_eq!(envelope.agrees_with(KEY, 8), Err(EnvelopeError::Mismatch("project id")));
        assert_eq!(envelope.agrees_with("other", 7), Err(EnvelopeError::Mismatch("public key")));
        assert_eq!(parse("{}").unwrap().agrees_with(KEY, 8), Ok(()));
    }

    #[test]
    fn lengths_newlines_and_ends_are_read_to_the_byte() {
        let kinds = |body: &str| parse(body).map(|e| e.items.iter().map(|i| i.payload.len()).collect::<Vec<_>>());
        assert_eq!(kinds("{}"), Ok(vec![]));
        assert_eq!(kinds("{}\n"), Ok(vec![]));
        assert_eq!(kinds("{}\n{\"type\":\"a\"}"), Ok(vec![0]));
        assert_eq!(kinds("{}\n{\"type\":\"a\"}\n\n"), Ok(vec![0]));
        assert_eq!(kinds("{}\n\n\n{\"type\":\"a\",\"length\":0}\n\n{\"type\":\"b\"}\nxy"), Ok(vec![0, 2]));
        assert_eq!(kinds("{}\n{\"type\":\"a\",\"length\":3}\nx\ny\n\n"), Ok(vec![3]));
        assert_eq!(kinds("{}\n{\"type\":\"a\"}\nx\r\n"), Ok(vec![2]), "a carriage return ends nothing");
        assert_eq!(kinds("{}\r\n"), Err(EnvelopeError::MissingNewline));
        let many = format!("{{}}\n{}", "{\"type\":\"a\"}\n\n".repeat(MOST_ITEMS + 1));
        assert_eq!(kinds(&many), Err(EnvelopeError::TooManyItems));
    }
}
