//! Rules of a project that decide over grouping: fingerprint rules and stack trace rules, one a line.
//!
//! The language is Sentry's: <https://docs.sentry.io/concepts/data-management/event-grouping/>. `error.type:Timeout -> timeouts`
//! names a group; `stack.module:vendor.** -app` says what is in the application and what counts. A line that cannot be read is
//! refused with its spot when a project saves it. Rules of one project never see another's events.

mod cursor;
pub mod fingerprint;
pub mod matcher;
pub mod stack;

use thiserror::Error;

/// Where a rule cannot be read, and why; both count from one, columns in characters.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {problem}")]
pub struct RuleError {
    pub line: usize,
    pub column: usize,
    pub problem: String,
}

/// The rules of a project.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub fingerprint: Vec<fingerprint::Rule>,
    pub stack: Vec<stack::Rule>,
}

impl Rules {
    /// Reads both texts, as a project keeps them.
    pub fn parse(fingerprint_rules: &str, stack_rules: &str) -> Result<Rules, RuleError> {
        Ok(Rules { fingerprint: fingerprint::parse(fingerprint_rules)?, stack: stack::parse(stack_rules)? })
    }
}
