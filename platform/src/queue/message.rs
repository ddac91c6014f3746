//! What a message looks like: a byte for its version, a compact head, and the body as it is.
//!
//! The version lets a rolling upgrade change the rest: a worker that does not know it leaves the message to the dead letters.

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};

/// Heads are about as large as this; longer ones only cost a copy.
const USUAL_HEAD: usize = 128;

/// Writes a message.
///
/// # Panics
/// When the head has a type that names itself only when it is written, such as a JSON value.
pub fn write(version: u8, head: &impl Serialize, body: &[u8]) -> Bytes {
    let mut message = Vec::with_capacity(USUAL_HEAD + body.len());
    message.push(version);
    let mut message = postcard::to_extend(head, message).expect("a head has no type that cannot be written");
    message.extend_from_slice(body);
    message.into()
}

/// Reads what [`write`] wrote; the body is a slice of the message, not a copy.
pub fn read<H: DeserializeOwned>(version: u8, message: &Bytes) -> Result<(H, Bytes)> {
    let found = *message.first().context("the message is empty")?;
    ensure!(found == version, "the message is of version {found}, this worker reads {version}");
    let (head, body) = postcard::take_from_bytes(&message[1..]).context("reading the head of the message")?;
    Ok((head, message.slice_ref(body)))
}
