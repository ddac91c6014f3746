//! Which events are the same bug.
//!
//! The strategies, first match wins: the SDK's own fingerprint; the exceptions' stack traces, frames of the application if
//! there are any; the exceptions' types and values; the message. Line numbers never count, numbers inside texts do not either.

use std::sync::LazyLock;

use regex_lite::Regex;
use sha2::{Digest, Sha256};

use super::{
    event::{Event, Exception},
    stacktrace::{Frame, Stacktrace},
};

/// A group's identity: the first 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 16]);

/// Collects what makes an event what it is; parts are separated, so that `a|bc` is not `ab|c`.
struct Parts(Sha256);

impl Parts {
    fn add(&mut self, part: &str) {
        self.0.update(part.as_bytes());
        self.0.update([0]);
    }
}

/// Computes an event's group.
pub fn fingerprint(event: &Event) -> Fingerprint {
    let mut parts = Parts(Sha256::new());
    if event.fingerprint.is_empty() {
        default(event, &mut parts);
    }
    for part in &event.fingerprint {
        match part.trim_matches(['{', '}', ' ']) {
            "default" if part.starts_with("{{") => default(event, &mut parts),
            _ => parts.add(part),
        }
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&parts.0.finalize()[..16]);
    Fingerprint(bytes)
}

fn default(event: &Event, parts: &mut Parts) {
    let traced: Vec<&Exception> = event.exceptions.iter().filter(|e| e.stacktrace.is_some()).collect();
    if !traced.is_empty() {
        for exception in traced {
            parts.add(exception.kind.as_deref().unwrap_or_default());
            exception.stacktrace.iter().for_each(|stacktrace| frames(stacktrace, parts));
        }
    } else if !event.exceptions.is_empty() {
        for exception in &event.exceptions {
            parts.add(exception.kind.as_deref().unwrap_or_default());
            parts.add(&without_parameters(exception.value.as_deref().unwrap_or_default()));
        }
    } else if let Some(stacktrace) = &event.stacktrace {
        frames(stacktrace, parts);
        parts.add(&without_parameters(event.message.as_deref().unwrap_or_default()));
    } else {
        parts.add(&without_parameters(event.message.as_deref().unwrap_or_default()));
    }
}

fn frames(stacktrace: &Stacktrace, parts: &mut Parts) {
    let any_in_app = stacktrace.frames.iter().any(|frame| frame.in_app);
    for frame in stacktrace.frames.iter().filter(|frame| frame.in_app || !any_in_app) {
        parts.add(&frame_identity(frame));
    }
}

/// Module or file, and the function; where there is no function, the line's text stands in for it.
fn frame_identity(frame: &Frame) -> String {
    let what = frame.function.as_deref().or(frame.context_line.as_deref().map(str::trim)).unwrap_or("?");
    format!("{}\u{1}{what}", frame.place())
}

/// A message without what changes from one occurrence to the next: addresses, ids, numbers.
fn without_parameters(text: &str) -> String {
    static PARAMETER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?i)0x[0-9a-f]+|\b[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\b|\b[0-9a-f]{16,}\b|\d+")
            .expect("the pattern is a constant")
    });
    PARAMETER.replace_all(text, "*").into_owned()
}
