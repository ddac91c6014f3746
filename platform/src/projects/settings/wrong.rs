//! What is wrong with a value that somebody wants: a case, so that it can be said in each language.
//!
//! The words of `Display` are those of the Web API; `words` has those of pages.

use std::fmt;

use crate::protocol::grouping::rules::RuleError;

/// Why a value cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    NoSwitch,
    /// Hours, at most so many.
    NoHours(u64),
    NoList,
    TooMany(usize),
    /// An entry of a list.
    Entry(String, Fault),
    UnknownVersion(String),
    NoTime,
    TooFar,
    Missing,
    NoText,
    TooLong(usize),
    HasNull,
    /// A rule about grouping, and its spot.
    Rule(RuleError),
    /// A rule about privacy.
    PrivacyRule(String),
    NoObject,
    /// Text that is no JSON, and the line where it stops to be.
    NoJson(usize, String),
    Blank,
    NoSlug,
    SlugTaken,
}

/// Why an entry cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    HasNull,
    NoAddress,
    NotClosed,
    NoBrowser,
    NoOrigin,
}

impl Wrong {
    /// The line it is about, where a text has lines.
    pub fn line(&self) -> Option<usize> {
        match self {
            Wrong::Rule(error) => Some(error.line),
            Wrong::NoJson(line, _) => Some(*line).filter(|line| *line > 0),
            _ => None,
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::NoSwitch => f.write_str("Must be a valid boolean."),
            Wrong::NoHours(most) => write!(f, "A number of hours is wanted, at most {most}; 0 is never."),
            Wrong::NoList => f.write_str("A list of texts is wanted."),
            Wrong::TooMany(most) => write!(f, "At most {most} entries can be kept."),
            Wrong::Entry(entry, fault) => write!(f, "{entry:?} {fault}."),
            Wrong::UnknownVersion(id) => write!(f, "Unknown grouping config {id:?}."),
            Wrong::NoTime => f.write_str("A number of seconds since 1970 is wanted."),
            Wrong::TooFar => f.write_str("That is too far away."),
            Wrong::Missing => f.write_str("This field may not be null."),
            Wrong::NoText => f.write_str("Not a valid string."),
            Wrong::TooLong(most) => write!(f, "At most {most} bytes can be kept."),
            Wrong::HasNull => f.write_str("Null characters are not allowed."),
            Wrong::Rule(error) => write!(f, "Invalid rule, {error}"),
            Wrong::PrivacyRule(problem) => write!(f, "Invalid rule, {problem}"),
            Wrong::NoObject => f.write_str("A JSON object is wanted."),
            Wrong::NoJson(_, problem) => write!(f, "Invalid JSON: {problem}"),
            Wrong::Blank => f.write_str("This field may not be blank."),
            Wrong::NoSlug => f.write_str("Lower-case letters, digits, - and _ only, at most 50."),
            Wrong::SlugTaken => f.write_str("Another project of this organization has this slug."),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::HasNull => "has a null character",
            Fault::NoAddress => "is neither an address nor a range",
            Fault::NotClosed => "has a bracket or brace that is not closed",
            Fault::NoBrowser => "is no browser to choose",
            Fault::NoOrigin => {
                "is no origin: *, shop.example, *.shop.example, https://shop.example:8443 and *:8443 are"
            }
        })
    }
}
