//! Sentry's protocol, purely: bytes in, values out. No clock, no client, nothing of ours is imported here.
//!
//! What SDKs send is trusted with nothing: a field of the wrong shape is dropped and the event survives, only what is not JSON
//! kills an event. The facts come from <https://develop.sentry.dev/sdk/>.

pub mod auth;
pub mod check_in;
pub mod client_report;
pub mod crash;
pub mod distinct;
pub mod encoding;
pub mod envelope;
pub mod event;
pub mod feedback;
pub mod filter;
pub mod fingerprint;
pub mod form;
pub mod function_name;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
pub mod glob;
pub mod grouping;
pub mod item;
pub mod json;
pub mod normalize;
pub mod origin;
pub mod remarks;
pub mod repair;
pub mod report;
pub mod schedule;
pub mod scrub;
pub mod security;
pub mod sent;
pub mod session;
pub mod stacktrace;
pub mod store;
#[cfg(test)]
mod suite;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod title;
pub mod trace;
pub mod traits;
pub mod user_agent;
mod words;

use std::{fmt, str::FromStr};

use uuid::Uuid;

/// An event's id: a UUID that SDKs write as 32 hex digits, with or without hyphens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A fresh one, for an event that came without.
    pub fn random() -> EventId {
        EventId(Uuid::new_v4())
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.simple())
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<EventId, uuid::Error> {
        text.trim().parse().map(EventId)
    }
}

/// How bad it is. The numbers are Python's, as Sentry stores them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[repr(i16)]
pub enum Level {
    Debug = 10,
    Info = 20,
    Warning = 30,
    Error = 40,
    Fatal = 50,
}

impl Level {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Reads a level as SDKs write it: a word, one of two old synonyms, or Python's number.
    pub fn parse(value: &serde_json::Value) -> Option<Level> {
        let named = match value {
            serde_json::Value::String(text) => text.as_str(),
            serde_json::Value::Number(number) => match number.as_i64()? {
                10 => "debug",
                20 => "info",
                30 => "warning",
                40 => "error",
                50 => "fatal",
                _ => return None,
            },
            _ => return None,
        };
        Some(match named {
            "debug" => Level::Debug,
            "info" | "log" => Level::Info,
            "warning" => Level::Warning,
            "error" => Level::Error,
            "fatal" | "critical" => Level::Fatal,
            _ => return None,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
