//! The versions of the algorithm.
//!
//! A project keeps the one it was made with until a person upgrades it. For a while after that, events whose new group nobody
//! knows are looked for by the old version too, so that their issues go on. A new version is a new line here, and its own module
//! beside `current`; one that a project may still have is never changed.

use serde::{Deserialize, Serialize};

/// A version of the algorithm, as projects store it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Version {
    /// As Sentry 9.1 groups: texts with their parameters, every frame's own name, no groups of exceptions.
    Legacy,
    /// The default is what a project has that does not say: it was made when this was the newest, and keeps it.
    #[default]
    Picket1,
}

impl Version {
    /// What new projects get.
    pub const NEWEST: Version = Version::Picket1;
    /// The oldest first.
    pub const ALL: [Version; 2] = [Version::Legacy, Version::Picket1];

    /// Its name, in the way of Sentry's.
    pub fn id(self) -> &'static str {
        match self {
            Version::Legacy => "legacy:2019-03-12",
            Version::Picket1 => "picket:2026-11-25",
        }
    }

    /// The version of this name.
    pub fn named(id: &str) -> Option<Version> {
        Version::ALL.into_iter().find(|version| version.id() == id)
    }

    /// What it does, for whoever chooses one.
    pub fn changes(self) -> &'static str {
        match self {
            Version::Legacy => "Groups as Sentry 9.1 does, messages by their whole text.",
            Version::Picket1 => {
                "Leaves parameters out of messages, and generated names, wrappers of runtimes and recursion out of stack traces."
            }
        }
    }
}

/// A name that nobody knows is of a program that is newer than this one.
impl From<String> for Version {
    fn from(id: String) -> Version {
        Version::named(&id).unwrap_or_default()
    }
}

impl From<Version> for String {
    fn from(version: Version) -> String {
        version.id().to_owned()
    }
}
