//! Bodies of the legacy store endpoint: JSON as it is, or base64 of JSON or of zlib-compressed JSON.

use std::io::Read;

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use flate2::read::ZlibDecoder;
use thiserror::Error;

/// Why a store body cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    #[error("empty request body")]
    Empty,
    #[error("invalid request body")]
    Invalid,
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
    let decoded = BASE64_STANDARD.decode(packed).map_err(|_| StoreError::Invalid)?;
    if decoded.first() == Some(&b'{') {
        return Ok(decoded.into());
    }
    let mut json = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    ZlibDecoder::new(&decoded[..]).take(limit).read_to_end(&mut json).map_err(|_| StoreError::Invalid)?;
    if json.len() > most { Err(StoreError::TooLarge) } else { Ok(json.into()) }
}
