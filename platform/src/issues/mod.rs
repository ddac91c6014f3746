//! Issues: what people see of a bug, its status, and how often it happened.

pub mod api;
mod changing;
pub mod comments;
pub mod lifecycle;
pub mod merging;
pub mod moving;
pub mod pages;
pub mod paging;
pub mod people;
pub mod removal;
pub mod saved;
pub mod search;
pub mod store;
pub mod tags;
pub mod undo;
pub mod words;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::{PgPool, types::Json};

use crate::{app::App, auth::UserId, projects::ProjectId, protocol::Level};
use lifecycle::Decision;

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
    /// None where the status says it all.
    pub decision: Option<Json<Decision>>,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub times_seen: i64,
    pub users_seen: i64,
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

/// Who did something, and when.
#[derive(Clone, Copy, Debug)]
pub struct By {
    pub user: UserId,
    pub at: DateTime<Utc>,
}

/// Something that happened to an issue.
#[derive(Clone, Debug)]
pub struct Activity {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// Sentry's word for it.
    pub kind: String,
    pub user: Option<UserId>,
    pub email: Option<String>,
    pub data: serde_json::Value,
}

/// Writes down what somebody decided about issues of a project. Those that are gone are left out.
pub async fn decide(db: &PgPool, by: By, project: ProjectId, issues: &[IssueId], decision: &Decision) -> Result<()> {
    store::set_decision(db, by, project, issues, decision).await.context("saving what was decided about issues")
}

/// Whether a project has had any event yet.
pub async fn any(db: &PgPool, project: ProjectId) -> Result<bool> {
    store::any(db, project).await.context("looking for an issue")
}

/// Opens ignored issues whose time has come.
pub async fn wake(app: &App) -> Result<()> {
    while store::wake(&app.db, app.now()).await.context("opening ignored issues")? > 0 {}
    Ok(())
}

/// Resolves issues that were silent for as long as their projects wait.
pub async fn resolve_silent(app: &App) -> Result<()> {
    while store::resolve_silent(&app.db, app.now()).await.context("resolving silent issues")? > 0 {}
    Ok(())
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
            decision: None,
            first_seen: seen,
            last_seen: seen,
            times_seen: 1,
            users_seen: 0,
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
