//! Bodies of the legacy store endpoint: JSON as it is, or base64 of JSON or of zlib-compressed JSON.

use std::io::{self, Read};

use base64::{DecodeError, Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::read::ZlibDecoder;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{EventId, repair::repair};

/// Why a store body cannot be read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is nothing but white space.
    #[error("empty request body")]
    Empty,
    /// Neither JSON nor base64.
    #[error("{0}")]
    Base64(#[from] DecodeError),
    /// base64, but neither of JSON nor of a zlib stream.
    #[error("{0}")]
    Zlib(#[from] io::Error),
    /// More than the endpoint takes.
    #[error("the decompressed body is too large")]
    TooLarge,
}

/// Undoes the legacy encodings; `most` bounds what decompression may yield, in bytes.
pub fn decode(body: &Bytes, most: usize) -> Result<Bytes, StoreError> {
    let start = body.iter().position(|byte| !byte.is_ascii_whitespace()).ok_or(StoreError::Empty)?;
    if body[start] == b'{' {
        return Ok(body.slice(start..));
    }
    let packed: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let decoded = BASE64_STANDARD.decode(packed)?;
    if decoded.first() == Some(&b'{') {
        return Ok(decoded.into());
    }
    let mut json = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    ZlibDecoder::new(&decoded[..]).take(limit).read_to_end(&mut json)?;
    if json.len() > most { Err(StoreError::TooLarge) } else { Ok(json.into()) }
}

/// The little that web reads of an event: its id, so that it can answer with it, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where it has one.
    pub event_id: Option<EventId>,
    /// `default`, `error`, `transaction`, `csp` …: an open set.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct RawHead {
    event_id: Option<Value>,
    r#type: Option<Value>,
}

impl Head {
    /// Reads an event's head without building the event, and repairs the event if that is what it takes.
    pub fn read(payload: Bytes) -> Result<(Head, Bytes), serde_json::Error> {
        if let Ok(raw) = serde_json::from_slice(&payload) {
            return Ok((Head::checked(raw)?, payload));
        }
        let repaired = Bytes::from(repair(&payload).into_owned());
        Ok((Head::checked(serde_json::from_slice(&repaired)?)?, repaired))
    }

    fn checked(raw: RawHead) -> Result<Head, serde_json::Error> {
        let kind = raw.r#type.as_ref().and_then(Value::as_str).map(str::to_owned);
        let event_id = match raw.event_id {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(
                text.parse()
                    .map_err(|_| serde::de::Error::custom(format_args!("{text:?}: expected an event identifier")))?,
            ),
            Some(_) => return Err(serde::de::Error::custom("expected an event identifier")),
        };
        Ok(Head { event_id, kind })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const EVENT: &str = r#"{"message":"hi"}"#;

    fn zlib(bytes: &[u8]) -> Bytes {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        BASE64_STANDARD.encode(encoder.finish().unwrap()).into()
    }

    #[test]
    fn a_body_is_json_or_base64_of_json_or_of_zlib() {
        for body in [format!("  {EVENT}").into(), BASE64_STANDARD.encode(EVENT).into(), zlib(EVENT.as_bytes())] {
            assert_eq!(decode(&body, 100).unwrap(), EVENT);
        }
    }

    #[test]
    fn a_body_that_is_neither_says_why() {
        assert!(matches!(decode(&Bytes::from(" \n"), 100), Err(StoreError::Empty)));
        assert!(matches!(decode(&Bytes::from("not base64!"), 100), Err(StoreError::Base64(_))));
        assert!(matches!(decode(&Bytes::from("[1]"), 100), Err(StoreError::Base64(_))));
        assert!(matches!(decode(&Bytes::from("aGVsbG8="), 100), Err(StoreError::Zlib(_))));
        assert!(matches!(decode(&zlib(&[b' '; 200]), 100), Err(StoreError::TooLarge)));
    }

    #[test]
    fn a_head_is_read_even_where_numbers_are_pythons() {
        let (head, payload) = Head::read(Bytes::from(r#"{"type":"error","extra":{"ratio":NaN}}"#)).unwrap();
        assert_eq!(head, Head { event_id: None, kind: Some("error".into()) });
        assert_eq!(payload, r#"{"type":"error","extra":{"ratio":null}}"#);
        let wrong = Head::read(Bytes::from(r#"{"event_id":"no id"}"#)).unwrap_err();
        assert!(wrong.to_string().contains("expected an event identifier"));
        assert!(Head::read(Bytes::from("[]")).is_err() && Head::read(Bytes::from("{")).is_err());
    }
}
