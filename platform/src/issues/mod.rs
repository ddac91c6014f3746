//! Issues: what people see of a bug, its status, and how often it happened.

use chrono::{DateTime, Utc};

use crate::{projects::ProjectId, protocol::Level};

/// An issue's number, unique in the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct IssueId(pub i64);

/// What people decided about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[repr(i16)]
pub enum Status {
    Unresolved = 0,
    Resolved = 1,
    Ignored = 2,
}

impl Status {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        match self {
            Status::Unresolved => "unresolved",
            Status::Resolved => "resolved",
            Status::Ignored => "ignored",
        }
    }
}

/// A bug, as its events describe it.
#[derive(Clone, Debug)]
pub struct Issue {
    pub project_id: ProjectId,
    pub id: IssueId,
    /// `7` of `SHOP-7`.
    pub short_id: i64,
    pub title: String,
    pub culprit: String,
    /// `error` or `default`.
    pub kind: String,
    pub level: Level,
    pub platform: String,
    pub status: Status,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub times_seen: i64,
}
