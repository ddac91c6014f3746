//! Comments of an issue: Markdown, kept as it was written. In Sentry's words also notes.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        By,
        comments::{self, Comment, LONGEST},
    },
    timestamp,
};
use crate::{access::IssueAccess, app::App, web::Error};

#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    text: String,
}

impl Written {
    fn text(&self) -> Result<&str, Error> {
        match self.text.trim() {
            "" => Err(Error::field("text", "This field may not be blank.")),
            text if text.chars().count() > LONGEST => {
                Err(Error::field("text", format!("Ensure this field has no more than {LONGEST} characters.")))
            }
            text if text.contains('\0') => Err(Error::field("text", "Null characters are not allowed.")),
            text => Ok(text),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct CommentPath {
    comment: i64,
}

pub(super) async fn list(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let written = comments::list(&app.db, &found.issue).await?;
    Ok(Json(written.iter().map(|comment| json(&found, comment)).collect()))
}

pub(super) async fn write(
    State(app): State<App>,
    found: IssueAccess,
    Json(written): Json<Written>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let by = By { user: found.access.user.id, at: app.now() };
    let comment = comments::write(&app.db, by, (found.access.organization.id, &found.issue), written.text()?).await?;
    Ok((StatusCode::CREATED, Json(json(&found, &comment))))
}

pub(super) async fn edit(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<CommentPath>,
    Json(written): Json<Written>,
) -> Result<Json<Value>, Error> {
    own(&app, &found, path.comment).await?;
    let edited = comments::edit(&app.db, &found.issue, path.comment, written.text()?).await?;
    edited.map(|comment| Json(json(&found, &comment))).ok_or(Error::NotFound)
}

pub(super) async fn remove(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<CommentPath>,
) -> Result<StatusCode, Error> {
    own(&app, &found, path.comment).await?;
    comments::remove(&app.db, &found.issue, path.comment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A comment may be changed by whoever wrote it, and by a superuser.
pub async fn own(app: &App, found: &IssueAccess, comment: i64) -> Result<(), Error> {
    let written = comments::list(&app.db, &found.issue).await?;
    let comment = written.iter().find(|other| other.id == comment).ok_or(Error::NotFound)?;
    let user = &found.access.user;
    if user.is_superuser || comment.user == Some(user.id) { Ok(()) } else { Err(Error::Forbidden) }
}

fn json(found: &IssueAccess, comment: &Comment) -> Value {
    let user =
        comment.user.map(|user| json!({ "id": user.0.to_string(), "email": comment.email, "name": comment.email }));
    json!({
        "id": comment.id.to_string(), "type": "note", "user": user, "data": comment.data, "dateCreated": timestamp(comment.at),
        "issue": found.issue.id.0.to_string(),
    })
}
