//! Takes a request's body in, undoing its `Content-Encoding`s while it arrives, as far as it and the memory go.

use std::time::Duration;

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;

use super::{
    Rejection,
    bodies::{Bodies, Room},
};
use crate::protocol::encoding::{Unpacking, at_once};

/// The largest body, in bytes, packed or unpacked: what the Sentry we replace took.
pub const MOST_BYTES: usize = 20 << 20;
/// The largest body of endpoints that take one report.
pub const MOST_REPORT_BYTES: usize = 1 << 20;
/// Unpacked at a time.
const PIECE: usize = 64 << 10;
/// How long a sender may take for its body.
const PATIENCE: Duration = Duration::from_mins(1);
/// Larger ones are not kept packed beside what was packed in them.
const MOST_KEPT_PACKED: usize = 64 << 10;

/// A body that has arrived.
#[derive(Debug)]
pub struct Arrived {
    /// What was packed.
    pub unpacked: Bytes,
    /// As it came, where it is small, gzipped and came in one piece.
    pub packed: Option<Bytes>,
}

/// Takes the whole body in; `most` bounds it before and after decompression. An empty one is an answer too.
pub async fn read(
    bodies: &Bodies,
    body: Body,
    content_encoding: Option<&str>,
    most: usize,
) -> Result<Bytes, Rejection> {
    Ok(arrive(bodies, body, content_encoding, most).await?.unpacked)
}

/// The same, and keeps it as it came where that may pay.
pub async fn arrive(
    bodies: &Bodies,
    mut body: Body,
    content_encoding: Option<&str>,
    most: usize,
) -> Result<Arrived, Rejection> {
    let taken = async {
        let taken = take(&mut body, content_encoding.unwrap_or_default(), bodies.room(), most).await;
        if taken.as_ref().is_err_and(|rejection| !matches!(rejection, Rejection::TooSlow)) {
            drain(&mut body).await;
        }
        taken
    };
    tokio::time::timeout(PATIENCE, taken).await.unwrap_or(Err(Rejection::TooSlow))
}

async fn take(body: &mut Body, encodings: &str, mut room: Room, most: usize) -> Result<Arrived, Rejection> {
    let mut next = body.frame().await;
    if let Some(Ok(frame)) = &next
        && let Some(whole) = frame.data_ref().filter(|_| body.is_end_stream())
        && let Some(unpacked) = at_once(encodings, whole, most)
    {
        room.grow(unpacked.len()).ok_or(Rejection::Busy)?;
        let packed = (whole.len() <= MOST_KEPT_PACKED).then(|| whole.clone());
        return Ok(Arrived { unpacked: room.keep(unpacked), packed });
    }
    let mut unpacking = Unpacking::new(encodings, most)?;
    let mut packed = 0;
    while let Some(frame) = next {
        let frame = frame.map_err(|error| Rejection::Body(error.to_string()))?;
        if let Some(chunk) = frame.data_ref() {
            packed += chunk.len();
            if packed > most {
                return Err(Rejection::TooLarge(most));
            }
            unpacking.take(chunk)?;
            room.grow(unpacking.kept()).ok_or(Rejection::Busy)?;
        }
        if body.is_end_stream() {
            break;
        }
        next = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = room.told_to_leave() => return Err(Rejection::TooSlow),
        };
    }
    Ok(Arrived { unpacked: room.keep(unpacking.finish()?), packed: None })
}

/// Unpacks what was packed inside of a body.
pub fn unpack(bodies: &Bodies, packed: &Bytes, encoding: &str) -> Result<Bytes, Rejection> {
    let (mut unpacking, mut room) = (Unpacking::new(encoding, MOST_BYTES)?, bodies.room());
    for piece in packed.chunks(PIECE) {
        unpacking.take(piece)?;
        room.grow(unpacking.kept()).ok_or(Rejection::Busy)?;
    }
    Ok(room.keep(unpacking.finish()?))
}

/// Reads on without looking: a sender whose connection is closed while it still writes never sees why it was refused.
async fn drain(body: &mut Body) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > MOST_BYTES {
            return;
        }
    }
}
