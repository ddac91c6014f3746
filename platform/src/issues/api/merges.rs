//! Fingerprints that can be taken out of an issue, and issues that were discarded.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use axum_extra::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::{
        By, IssueId,
        merging::{self, Unmerged},
        removal,
    },
    timestamp,
};
use crate::{
    access::{IssueAccess, ProjectAccess},
    app::App,
    protocol::fingerprint::Fingerprint,
    web::Error,
};

pub(super) async fn hashes(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let hashes = merging::hashes(&app.db, found.access.project.id, found.issue.id).await?;
    let written = |hash: &merging::Hash| Uuid::from_bytes(hash.fingerprint.0).simple().to_string();
    Ok(Json(hashes.iter().map(|hash| json!({ "id": written(hash), "latestEvent": null })).collect()))
}

/// Fingerprints, as [`hashes`] lists them.
#[derive(Deserialize)]
pub(super) struct Named {
    #[serde(default)]
    id: Vec<Uuid>,
}

pub(super) async fn unmerge(
    State(app): State<App>,
    found: IssueAccess,
    Query(named): Query<Named>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let by = By { user: found.access.user.id, at: app.now() };
    let fingerprints: Vec<Fingerprint> = named.id.iter().map(|id| Fingerprint(*id.as_bytes())).collect();
    match merging::unmerge(&app, by, (found.access.project.id, found.issue.id), &fingerprints).await? {
        Unmerged::Into(issue) => Ok((StatusCode::ACCEPTED, Json(json!({ "destination": issue.0.to_string() })))),
        Unmerged::Nothing => Err(Error::field("id", "Name some of the issue's hashes, but not all of them.")),
    }
}

pub(super) async fn tombstones(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    let discarded = removal::discarded(&app.db, access.project.id).await?;
    let written = |issue: &removal::Discarded| {
        json!({
            "id": issue.id.0.to_string(), "message": issue.title, "culprit": issue.culprit, "level": issue.level.name(),
            "type": issue.kind, "dateCreated": timestamp(issue.discarded_at),
        })
    };
    Ok(Json(discarded.iter().map(written).collect()))
}

#[derive(Deserialize)]
pub(super) struct TombstonePath {
    tombstone: i64,
}

pub(super) async fn bring_back(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<TombstonePath>,
) -> Result<StatusCode, Error> {
    let is_there = removal::forget_discarded(&app.db, access.project.id, IssueId(path.tombstone)).await?;
    if is_there { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}
