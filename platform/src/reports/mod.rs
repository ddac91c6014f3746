//! What users wrote about an event, or of their own accord.
//!
//! A row names its event by id and is joined to it when it is read, so that it makes no difference which of the two came first,
//! and a merge of issues takes the reports along. A report is written once per event: another one replaces it.

pub mod api;
mod store;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    issues::IssueId,
    projects::ProjectId,
    protocol::{EventId, report::Report},
};

/// Feedback as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub project: ProjectId,
    /// Of its item.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// Where it is an event itself.
    pub own_event: Option<EventId>,
    pub report: Report,
}

/// Feedback that is kept, with the issue of its event, where that is there.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: Uuid,
    pub received_at: DateTime<Utc>,
    pub event_id: Option<Uuid>,
    pub own_event_id: Option<Uuid>,
    pub name: String,
    pub email: String,
    pub comments: String,
    pub url: Option<String>,
    pub issue_id: Option<IssueId>,
}

/// Keeps what a user wrote, in the transaction that keeps its item.
pub async fn keep(db: &mut PgConnection, received: &Received) -> sqlx::Result<()> {
    store::put(db, received).await
}

/// What users wrote about an event.
pub async fn about(db: &PgPool, project: ProjectId, event: EventId) -> sqlx::Result<Vec<Kept>> {
    store::about(db, project, event).await
}
