//! Sentry's Web API v0 of events: the list of a project, and one in full.
//!
//! Field names and shapes are those of Sentry's `SimpleEventSerializer` and `EventSerializer`.

mod entries;
mod of_issue;
mod shared;

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{HeaderName, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    grouping, sections,
    store::{self, End, Neighbours, Stored},
};
use crate::{
    access::{IssueAccess, Membership, ProjectAccess},
    app::App,
    issues::paging::Cursor,
    protocol::{
        EventId,
        event::{self, Event},
        json::Object,
        title,
    },
    reports,
    web::{Error, api_route},
};

const PAGE_SIZE: usize = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/projects/{org}/{project}/events/", get(list));
    let router = api_route(router, "/api/0/projects/{org}/{project}/events/{event}/", get(one));
    let router = ["/api/0/issues/{issue}/events/", "/api/0/organizations/{org}/issues/{issue}/events/"].iter().fold(
        router,
        |router, path| {
            let router = api_route(router, path, get(of_issue::list));
            api_route(router, &format!("{path}{{event}}/"), get(one_of_issue))
        },
    );
    let router = api_route(router, "/api/0/shared/issues/{share}/", get(shared::one));
    let router = api_route(router, "/api/0/projects/{org}/{project}/events/{event}/json/", get(raw));
    let router = api_route(router, "/api/0/organizations/{org}/eventids/{event}/", get(by_id));
    api_route(router, "/api/0/projects/{org}/{project}/events/{event}/grouping-info/", get(grouping_info))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    cursor: String,
}

#[derive(Deserialize)]
struct Named {
    event: String,
}

async fn list(
    State(app): State<App>,
    access: ProjectAccess,
    Query(asked): Query<Asked>,
) -> Result<([(HeaderName, String); 1], Json<Vec<EventJson>>), Error> {
    let found = store::list(&app.db, access.project.id, Cursor::parse(&asked.cursor), PAGE_SIZE).await?;
    let path = format!("/api/0/projects/{}/{}/events/", access.organization.slug, access.project.slug);
    let link = found.link_header(&app.config.site.url(&path));
    let events = found.rows.iter().map(|stored| Ok(Read::new(stored)?.summary())).collect::<Result<_, Error>>()?;
    Ok(([(header::LINK, link)], Json(events)))
}

async fn one(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<FullEventJson>, Error> {
    let id = named.event.parse().map_err(|_| Error::NotFound)?;
    let stored = store::find(&app.db, access.project.id, id).await?.ok_or(Error::NotFound)?;
    full(&app, &stored).await
}

async fn one_of_issue(
    State(app): State<App>,
    IssueAccess { access, issue }: IssueAccess,
    Path(named): Path<Named>,
) -> Result<Json<FullEventJson>, Error> {
    let stored = match named.event.as_str() {
        "latest" => store::at_end(&app.db, &issue, End::Latest).await?,
        "oldest" => store::at_end(&app.db, &issue, End::Oldest).await?,
        id => store::find(&app.db, access.project.id, id.parse().map_err(|_| Error::NotFound)?).await?,
    };
    let stored = stored.filter(|stored| stored.issue_id == issue.id).ok_or(Error::NotFound)?;
    full(&app, &stored).await
}

/// What is stored of it.
async fn raw(State(app): State<App>, access: ProjectAccess, Path(named): Path<Named>) -> Result<Response, Error> {
    let id = named.event.parse().map_err(|_| Error::NotFound)?;
    let stored = store::find(&app.db, access.project.id, id).await?.ok_or(Error::NotFound)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], stored.json()?).into_response())
}

/// In whichever of the projects that somebody sees it is.
async fn by_id(State(app): State<App>, membership: Membership, Path(named): Path<Named>) -> Result<Json<Value>, Error> {
    let id = named.event.parse().map_err(|_| Error::NotFound)?;
    let projects: Vec<i64> = membership.projects.iter().map(|project| project.id.0).collect();
    let found = store::project_of(&app.db, &projects, id).await?.ok_or(Error::NotFound)?;
    let stored = store::find(&app.db, found, id).await?.ok_or(Error::NotFound)?;
    let project = membership.projects.iter().find(|project| project.id == found).ok_or(Error::NotFound)?;
    Ok(Json(json!({
        "organizationSlug": membership.organization.slug, "projectSlug": project.slug,
        "groupId": stored.issue_id.0.to_string(), "eventId": stored.id.simple().to_string(),
        "event": full(&app, &stored).await?.0,
    })))
}

/// Why the event is in its group, by the project's rules as they are now.
async fn grouping_info(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let id = named.event.parse().map_err(|_| Error::NotFound)?;
    let stored = store::find(&app.db, access.project.id, id).await?.ok_or(Error::NotFound)?;
    Ok(Json(grouping::Why::read(&app, &stored, &Read::new(&stored)?.event).await?.json()))
}

async fn full(app: &App, stored: &Stored) -> Result<Json<FullEventJson>, Error> {
    let neighbours = store::neighbours(&app.db, stored).await?;
    let written = reports::about(&app.db, stored.project_id, EventId(stored.id)).await?;
    let user_report = written.first().map(reports::api::summary);
    Ok(Json(FullEventJson { user_report, ..Read::new(stored)?.full(neighbours) }))
}

/// A stored event with its JSON read, as values and as types.
struct Read<'a> {
    stored: &'a Stored,
    json: Object,
    event: Event,
    size: usize,
}

impl<'a> Read<'a> {
    fn new(stored: &'a Stored) -> Result<Read<'a>, Error> {
        let body = stored.json()?;
        let json = event::object(&body)?;
        Ok(Read { stored, event: Event::read(&json), size: body.len(), json })
    }

    fn summary(&self) -> EventJson {
        let (stored, event) = (self.stored, &self.event);
        let id = stored.id.simple().to_string();
        EventJson {
            event_id: id.clone(),
            id,
            group_id: stored.issue_id.0.to_string(),
            project_id: stored.project_id.0.to_string(),
            event_type: title::kind(event),
            title: title::title(event),
            message: event.message.clone().unwrap_or_default(),
            culprit: title::culprit(event),
            location: entries::location(event),
            platform: event.platform.clone(),
            date_created: timestamp(stored.occurred_at),
            tags: sections::tags(event).into_iter().map(|(key, value)| Tag { key, value }).collect(),
            user: entries::user(&self.json),
            metadata: entries::metadata(event),
            crash_file: None,
        }
    }

    fn full(&self, neighbours: Neighbours) -> FullEventJson {
        let value = |name: &str| self.json.get(name).cloned().filter(|value| !value.is_null());
        let id = |id: Option<uuid::Uuid>| id.map(|id| id.simple().to_string());
        FullEventJson {
            summary: self.summary(),
            kind: title::kind(&self.event),
            date_received: timestamp(self.stored.received_at),
            entries: entries::entries(&self.json, &self.event),
            contexts: value("contexts").unwrap_or_else(|| json!({})),
            context: value("extra").unwrap_or_else(|| json!({})),
            packages: value("modules").unwrap_or_else(|| json!({})),
            sdk: value("sdk"),
            dist: value("dist"),
            size: self.size,
            errors: entries::errors(&self.json),
            meta: value("_meta").unwrap_or_else(|| json!({})),
            fingerprints: self.event.fingerprint.clone(),
            user_report: None,
            next_event_id: id(neighbours.next),
            previous_event_id: id(neighbours.previous),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventJson {
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "groupID")]
    group_id: String,
    #[serde(rename = "projectID")]
    project_id: String,
    #[serde(rename = "event.type")]
    event_type: &'static str,
    title: String,
    message: String,
    culprit: String,
    location: Option<String>,
    platform: String,
    date_created: String,
    tags: Vec<Tag>,
    user: Option<Value>,
    metadata: Value,
    crash_file: Option<String>,
}

#[derive(Serialize)]
struct Tag {
    key: String,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FullEventJson {
    #[serde(flatten)]
    summary: EventJson,
    #[serde(rename = "type")]
    kind: &'static str,
    date_received: String,
    entries: Vec<Value>,
    contexts: Value,
    /// What the SDK calls `extra`.
    context: Value,
    packages: Value,
    sdk: Option<Value>,
    dist: Option<Value>,
    size: usize,
    errors: Vec<Value>,
    /// What was changed, as a tree like the event's.
    #[serde(rename = "_meta")]
    meta: Value,
    fingerprints: Vec<String>,
    user_report: Option<Value>,
    #[serde(rename = "nextEventID")]
    next_event_id: Option<String>,
    #[serde(rename = "previousEventID")]
    previous_event_id: Option<String>,
}

/// Clients refuse an offset other than `Z`.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
