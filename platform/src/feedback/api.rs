//! `POST /api/0/projects/{org}/{project}/user-feedback/`: an application's own form, sent with a token or with the DSN.
//!
//! Cookies count for nothing here: browsers send from every site, and what a visitor may do is not theirs to borrow.

use axum::{
    Json, RequestPartsExt, Router,
    body::Body,
    extract::{FromRequestParts, Path, State},
    http::{HeaderMap, header, request::Parts},
    middleware,
    routing::post,
};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Refusal, fields, store, submit};
use crate::{
    access::ProjectAccess,
    app::App,
    ingest::{self, Rejection, Sender},
    projects,
    protocol::{
        EventId,
        auth::Dsn,
        feedback::{Report, Said},
    },
    web::{self, Error, api_route},
};

/// The routes of this file.
pub fn routes() -> Router<App> {
    api_route(Router::new(), "/api/0/projects/{org}/{project}/user-feedback/", ingest::with_preflight(post(create)))
        .layer(middleware::from_fn(web::as_json))
}

/// A report as Sentry's API shows one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportJson {
    /// An event has one report, so its id is the report's.
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    name: String,
    email: String,
    comments: String,
    date_created: String,
    event: EventJson,
    issue: Option<Value>,
    user: Option<Value>,
}

#[derive(Serialize)]
struct EventJson {
    id: Option<String>,
    #[serde(rename = "eventID")]
    event_id: String,
}

impl ReportJson {
    fn new(event: EventId, said: Said, date_created: String) -> ReportJson {
        let Said { name, email, comments } = said;
        let id = event.to_string();
        let event = EventJson { id: None, event_id: id.clone() };
        ReportJson { id: id.clone(), event_id: id, name, email, comments, date_created, event, issue: None, user: None }
    }
}

/// Takes a report. Which issue it belongs to is known once its event is stored.
async fn create(
    State(app): State<App>,
    Reporter(sender): Reporter,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<ReportJson>, Refusal> {
    let report = Report::read(&fields(&app, &headers, body).await?).map_err(Refusal::Fields)?;
    submit(&app, &sender, &report).await?;
    let now = app.now().to_rfc3339_opts(SecondsFormat::Micros, true);
    Ok(Json(ReportJson::new(report.event, report.said, now)))
}

/// Who may report to the project in the path, by its DSN or by a token.
struct Reporter(Sender);

#[derive(Deserialize)]
struct Named {
    org: String,
    project: String,
}

impl FromRequestParts<App> for Reporter {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Reporter, Refusal> {
        let authorization = ingest::text(&parts.headers, &header::AUTHORIZATION).ok_or(Error::Unauthorized)?;
        let dsn = authorization.trim().split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("dsn"));
        let Some(dsn) = dsn.map(|(_, dsn)| dsn.trim().to_owned()) else {
            let access = parts.extract_with_state::<ProjectAccess, App>(app).await?;
            return Ok(Reporter(of_project(app, &access, parts).await?));
        };
        let Path(named) = parts.extract::<Path<Named>>().await.map_err(|_| Error::NotFound)?;
        let dsn = Dsn::parse(&dsn).map_err(Rejection::Auth)?;
        let sender = Sender::of_dsn(app, dsn, parts).await?;
        let project = store::project(&app.db, &named.org, &named.project).await.map_err(Error::from)?;
        if project.is_none_or(|project| project != sender.project) {
            return Err(Rejection::UnknownKey.into());
        }
        Ok(Reporter(sender))
    }
}

/// Whoever may see a project reports with its key: the same quotas hold.
async fn of_project(app: &App, access: &ProjectAccess, head: &Parts) -> Result<Sender, Refusal> {
    let key = projects::store::active_key(&app.db, access.project.id).await.map_err(Error::from)?;
    let dsn = Dsn { public_key: key.ok_or(Rejection::UnknownKey)?, project: access.project.id.0.to_string() };
    Ok(Sender::of_dsn(app, dsn, head).await?)
}
