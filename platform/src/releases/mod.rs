//! Releases: the versions of an application that reported. One comes to be with its first event, in the event's transaction.
//!
//! They belong to projects, like everything that grows with events; an organisation's release is the one of this name in each
//! of its projects.

pub mod order;
pub mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A release, as far as its place among the others goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    pub version: String,
    pub created_at: DateTime<Utc>,
}
