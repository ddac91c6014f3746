//! What people write about an issue: Markdown, kept as it was written.

mod store;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

use super::{By, Issue, people};
use crate::auth::UserId;

pub use store::{edit, list, remove};

/// What somebody wrote.
#[derive(Clone, Debug)]
pub struct Comment {
    pub id: i64,
    pub at: DateTime<Utc>,
    pub user: Option<UserId>,
    pub email: Option<String>,
    pub data: Value,
}

/// Writes a comment. Whoever wrote it is told of what happens to the issue.
pub async fn write(db: &PgPool, by: By, issue: &Issue, text: &str) -> Result<Comment> {
    let comment = store::insert(db, by, issue, text).await.context("saving a comment")?;
    people::subscribe(db, by, issue.project_id, &[issue.id], "comment").await?;
    Ok(comment)
}
