//! Reads a request's body, bounded before and after decompression.

use std::io::Read;

use axum::body::Body;
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};

use super::Rejection;

/// The largest body, in bytes, packed or unpacked: what the Sentry we replace took.
pub const MOST_BYTES: usize = 20 << 20;

/// Takes the whole body in and undoes its `Content-Encoding`s, the last one applied first.
pub async fn read(body: Body, content_encoding: Option<&str>) -> Result<Bytes, Rejection> {
    let packed = axum::body::to_bytes(body, MOST_BYTES).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(<dyn std::error::Error>::is::<http_body_util::LengthLimitError>);
        if too_large { Rejection::TooLarge(MOST_BYTES) } else { Rejection::Body(error.to_string()) }
    })?;
    let mut encodings = content_encoding.unwrap_or_default().split(',').map(str::trim).rev();
    let unpacked = encodings.try_fold(packed, decode)?;
    if unpacked.is_empty() { Err(Rejection::Empty) } else { Ok(unpacked) }
}

fn decode(body: Bytes, encoding: &str) -> Result<Bytes, Rejection> {
    match encoding.to_ascii_lowercase().as_str() {
        // Old Ruby and Java SDKs name a character set here.
        "" | "identity" | "utf-8" => Ok(body),
        "gzip" | "x-gzip" => unpack(MultiGzDecoder::new(&body[..])),
        "deflate" => unpack(ZlibDecoder::new(&body[..])),
        "br" => unpack(brotli::Decompressor::new(&body[..], 4096)),
        "zstd" => unpack(zstd::Decoder::new(&body[..]).map_err(|e| Rejection::Body(e.to_string()))?),
        other => Err(Rejection::Encoding(other.to_owned())),
    }
}

fn unpack(decoder: impl Read) -> Result<Bytes, Rejection> {
    let mut unpacked = Vec::new();
    let limit = MOST_BYTES as u64 + 1;
    decoder.take(limit).read_to_end(&mut unpacked).map_err(|error| Rejection::Body(error.to_string()))?;
    if unpacked.len() > MOST_BYTES { Err(Rejection::TooLarge(MOST_BYTES)) } else { Ok(unpacked.into()) }
}
