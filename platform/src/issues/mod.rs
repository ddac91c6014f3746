//! Issues: what people see of a bug, its status, and how often it happened.

pub mod api;
pub mod pages;
pub mod paging;
pub mod search;
pub mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::PgPool;

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

    /// Reads one of Sentry's words for it.
    pub fn parse(name: &str) -> Option<Status> {
        match name {
            "unresolved" => Some(Status::Unresolved),
            "resolved" => Some(Status::Resolved),
            "ignored" | "muted" => Some(Status::Ignored),
            _ => None,
        }
    }
}

/// A bug, as its events describe it.
#[derive(Clone, Debug, sqlx::FromRow)]
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

impl Issue {
    /// `SHOP-7`, as people say it.
    pub fn name(&self, project_slug: &str) -> String {
        format!("{}-{}", project_slug.to_uppercase(), self.short_id)
    }

    /// The title's two halves: `ZeroDivisionError` and `division by zero`; a message has no second one.
    pub fn headline(&self) -> (&str, Option<&str>) {
        match self.title.split_once(": ") {
            Some((kind, value)) if self.kind == "error" && !kind.contains(' ') => (kind, Some(value)),
            _ => (&self.title, None),
        }
    }
}

/// The path of an issue's page.
pub fn path(organization_slug: &str, project_slug: &str, issue: IssueId) -> String {
    format!("/{organization_slug}/{project_slug}/issues/{}/", issue.0)
}

/// Writes down what somebody decided about an issue.
pub async fn decide(db: &PgPool, issue: &Issue, status: Status) -> Result<()> {
    store::set_status(db, issue.project_id, issue.id, status).await.context("saving an issue's status")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(kind: &str, title: &str) -> Issue {
        let seen = crate::app::now();
        Issue {
            project_id: ProjectId(1),
            id: IssueId(1),
            short_id: 7,
            title: title.into(),
            culprit: String::new(),
            kind: kind.into(),
            level: Level::Error,
            platform: "python".into(),
            status: Status::Unresolved,
            first_seen: seen,
            last_seen: seen,
            times_seen: 1,
        }
    }

    #[test]
    fn an_error_has_two_halves_and_a_message_one() {
        assert_eq!(titled("error", "KeyError: 'sku: 7'").headline(), ("KeyError", Some("'sku: 7'")));
        assert_eq!(titled("error", "KeyError").headline(), ("KeyError", None));
        assert_eq!(titled("default", "cache: cold").headline(), ("cache: cold", None));
    }

    #[test]
    fn people_call_it_by_its_project() {
        assert_eq!(titled("error", "x").name("web-shop"), "WEB-SHOP-7");
    }
}
