//! Comments in PostgreSQL: they are part of an issue's history.

use serde_json::json;
use sqlx::{PgExecutor, query, query_as};

use super::Comment;
use crate::{
    auth::UserId,
    issues::{By, Issue},
};

/// Saves a comment.
pub(super) async fn insert(db: impl PgExecutor<'_>, by: By, issue: &Issue, text: &str) -> sqlx::Result<Comment> {
    query_as!(
        Comment,
        r#"with new as (
               insert into issue_activity (project_id, issue_id, at, kind, user_id, data) values ($1, $2, $3, 'note', $4, $5)
               returning id, at, user_id, data
           )
           select new.id, new.at, new.user_id as "user: UserId", u.email as "email?", new.data
           from new left join users u on u.id = new.user_id"#,
        issue.project_id.0,
        issue.id.0,
        by.at,
        by.user.0,
        json!({ "text": text }),
    )
    .fetch_one(db)
    .await
}

/// The comments of an issue, the latest first.
pub async fn list(db: impl PgExecutor<'_>, issue: &Issue) -> sqlx::Result<Vec<Comment>> {
    query_as!(
        Comment,
        r#"select a.id, a.at, a.user_id as "user: UserId", u.email as "email?", a.data
           from issue_activity a left join users u on u.id = a.user_id
           where a.project_id = $1 and a.issue_id = $2 and a.kind = 'note' order by a.id desc limit 1000"#,
        issue.project_id.0,
        issue.id.0,
    )
    .fetch_all(db)
    .await
}

/// Writes a comment anew, if it is there.
pub async fn edit(db: impl PgExecutor<'_>, issue: &Issue, comment: i64, text: &str) -> sqlx::Result<Option<Comment>> {
    query_as!(
        Comment,
        r#"with changed as (
               update issue_activity set data = data || $4
               where project_id = $1 and issue_id = $2 and id = $3 and kind = 'note'
               returning id, at, user_id, data
           )
           select c.id as "id!", c.at as "at!", c.user_id as "user: UserId", u.email as "email?", c.data as "data!"
           from changed c left join users u on u.id = c.user_id"#,
        issue.project_id.0,
        issue.id.0,
        comment,
        json!({ "text": text }),
    )
    .fetch_optional(db)
    .await
}

/// Deletes a comment.
pub async fn remove(db: impl PgExecutor<'_>, issue: &Issue, comment: i64) -> sqlx::Result<()> {
    query!(
        "delete from issue_activity where project_id = $1 and issue_id = $2 and id = $3 and kind = 'note'",
        issue.project_id.0,
        issue.id.0,
        comment,
    )
    .execute(db)
    .await?;
    Ok(())
}
