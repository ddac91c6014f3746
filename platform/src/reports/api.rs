//! Sentry's Web API v0 of what users wrote: of a project, and of an issue.
//!
//! It is written at the edge: `ingest` takes the same path's POST.

use axum::{Json, Router, extract::State, routing::get};
use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::{Kept, store};
use crate::{
    access::{IssueAccess, ProjectAccess},
    app::App,
    issues,
    web::{Error, api_route},
};

const PAGE_SIZE: i64 = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let names = ["user-feedback", "user-reports"];
    names.into_iter().fold(Router::new(), |router, name| {
        let router = api_route(router, &format!("/api/0/projects/{{org}}/{{project}}/{name}/"), get(of_project));
        let router = api_route(router, &format!("/api/0/issues/{{issue}}/{name}/"), get(of_issue));
        api_route(router, &format!("/api/0/organizations/{{org}}/issues/{{issue}}/{name}/"), get(of_issue))
    })
}

async fn of_project(State(app): State<App>, access: ProjectAccess) -> Result<Json<Vec<Value>>, Error> {
    let kept = store::list(&app.db, access.project.id, None, PAGE_SIZE).await?;
    Ok(Json(kept.iter().map(|kept| shown(&app, &access, kept)).collect()))
}

async fn of_issue(
    State(app): State<App>,
    IssueAccess { access, issue }: IssueAccess,
) -> Result<Json<Vec<Value>>, Error> {
    let kept = store::list(&app.db, access.project.id, Some(issue.id), PAGE_SIZE).await?;
    Ok(Json(kept.iter().map(|kept| shown(&app, &access, kept)).collect()))
}

/// What a user wrote, as an event shows it.
pub fn summary(kept: &Kept) -> Value {
    let event = kept.event_id.or(kept.own_event_id).map(|id| id.simple().to_string());
    json!({
        "id": kept.id.simple().to_string(), "eventID": event, "name": kept.name, "email": kept.email,
        "comments": kept.comments, "dateCreated": kept.received_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "user": null, "url": kept.url,
    })
}

/// As Sentry's `UserReportSerializer` shows it; the id of the event only where it is there.
fn shown(app: &App, access: &ProjectAccess, kept: &Kept) -> Value {
    let event = kept.event_id.or(kept.own_event_id).map(|id| id.simple().to_string());
    let issue = kept.issue_id.map(|issue| {
        let path = issues::path(&access.organization.slug, &access.project.slug, issue);
        json!({"id": issue.0.to_string(), "permalink": app.config.site.url(&path)})
    });
    let mut shown = summary(kept);
    shown["event"] = json!({"id": kept.issue_id.and(event.clone()), "eventID": event});
    shown["issue"] = json!(issue);
    shown
}
