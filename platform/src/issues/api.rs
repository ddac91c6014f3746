//! Sentry's Web API v0 of issues: the list of a project, and one.
//!
//! Field names and shapes are those of Sentry's `StreamGroupSerializer` and `GroupSerializer`; what we do not know yet is there
//! with the value Sentry gives where there is nothing.

mod changes;
mod merges;

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderName, header},
    routing::{delete, get},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Activity, Issue,
    paging::Cursor,
    search::{self, DEFAULT_QUERY, Misunderstood, Search},
    store::{self, Window},
};
use crate::{
    access::{IssueAccess, ProjectAccess},
    app::App,
    ui,
    web::{Error, api_route},
};

const PAGE_SIZE: usize = 25;
const MOST_PAGE_SIZE: usize = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let mut router = api_route(
        Router::new(),
        "/api/0/projects/{org}/{project}/issues/",
        get(list).put(changes::change_many).delete(changes::delete_many),
    );
    router = api_route(router, "/api/0/projects/{org}/{project}/tombstones/", get(merges::tombstones));
    router = api_route(router, "/api/0/projects/{org}/{project}/tombstones/{tombstone}/", delete(merges::bring_back));
    for issue in ["/api/0/issues/{issue}/", "/api/0/organizations/{org}/issues/{issue}/"] {
        router = api_route(router, issue, get(one).put(changes::change_one).delete(changes::delete_one));
        router = api_route(router, &format!("{issue}hashes/"), get(merges::hashes).delete(merges::unmerge));
        router = api_route(router, &format!("{issue}activities/"), get(activity));
    }
    router
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    query: Option<String>,
    stats_period: Option<String>,
    #[serde(default)]
    cursor: String,
    limit: Option<usize>,
}

impl Asked {
    /// The series each issue comes with; an empty period asks for none.
    fn window(&self) -> Result<Option<Window>, Error> {
        match self.stats_period.as_deref() {
            None | Some("24h") => Ok(Some(Window::Day)),
            Some("14d") => Ok(Some(Window::Fortnight)),
            Some("") => Ok(None),
            Some(_) => Err(Error::Invalid("Invalid stats_period. Valid choices are '', '24h', and '14d'".into())),
        }
    }
}

async fn list(
    State(app): State<App>,
    access: ProjectAccess,
    Query(asked): Query<Asked>,
) -> Result<([(HeaderName, String); 1], Json<Vec<IssueJson>>), Error> {
    let window = asked.window()?;
    let search = Search::parse(asked.query.as_deref().unwrap_or(DEFAULT_QUERY))
        .map_err(|Misunderstood(why)| Error::Invalid(format!("Error parsing search query: {why}")))?;
    let size = asked.limit.unwrap_or(PAGE_SIZE).clamp(1, MOST_PAGE_SIZE);
    let found = search::find(&app.db, access.project.id, &search, Cursor::parse(&asked.cursor), size).await?;
    let path = format!("/api/0/projects/{}/{}/issues/", access.organization.slug, access.project.slug);
    let limit = asked.limit.map(|limit| limit.to_string());
    let same = ui::query(&[
        ("query", asked.query.as_deref()),
        ("statsPeriod", asked.stats_period.as_deref()),
        ("limit", limit.as_deref()),
    ]);
    let link = found.link_header(&app.config.site.url(&format!("{path}{same}")));
    Ok(([(header::LINK, link)], Json(with_stats(&app, &access, &found.rows, window).await?)))
}

async fn one(State(app): State<App>, found: IssueAccess) -> Result<Json<IssueJson>, Error> {
    let IssueAccess { access, issue } = found;
    let mut issues = with_stats(&app, &access, &[issue], Some(Window::Day)).await?;
    issues.pop().map(Json).ok_or(Error::NotFound)
}

async fn activity(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    let activity = store::activity(&app.db, found.access.project.id, found.issue.id).await?;
    let one = |activity: &Activity| {
        let user = activity.user.map(|user| json!({ "id": user.0.to_string(), "email": activity.email }));
        json!({
            "id": activity.id.to_string(), "type": activity.kind, "user": user, "data": activity.data,
            "dateCreated": timestamp(activity.at),
        })
    };
    Ok(Json(json!({ "activity": activity.iter().map(one).collect::<Vec<_>>() })))
}

async fn with_stats(
    app: &App,
    access: &ProjectAccess,
    issues: &[Issue],
    window: Option<Window>,
) -> Result<Vec<IssueJson>, Error> {
    let Some(window) = window else {
        return Ok(issues.iter().map(|issue| IssueJson::new(app, access, issue, None)).collect());
    };
    let now = app.now();
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let mut series = store::series(&app.db, access.project.id, &ids, window, now).await?;
    let starts = window.starts(now);
    let json = |issue: &Issue| {
        let counts = series.remove(&issue.id).unwrap_or_default();
        let points = starts.iter().map(DateTime::timestamp).zip(counts).collect();
        IssueJson::new(app, access, issue, Some(HashMap::from([(window.name(), points)])))
    };
    Ok(issues.iter().map(json).collect())
}

/// Seconds since 1970, and how many.
type Points = Vec<(i64, i64)>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "the fields are Sentry's")]
struct IssueJson {
    id: String,
    short_id: String,
    share_id: Option<String>,
    title: String,
    culprit: String,
    permalink: String,
    logger: Option<String>,
    level: &'static str,
    status: &'static str,
    status_details: Value,
    is_public: bool,
    platform: String,
    project: ProjectJson,
    #[serde(rename = "type")]
    kind: String,
    metadata: Value,
    num_comments: i64,
    assigned_to: Option<String>,
    is_bookmarked: bool,
    is_subscribed: bool,
    subscription_details: Option<Value>,
    has_seen: bool,
    annotations: Vec<Value>,
    is_unhandled: bool,
    count: String,
    user_count: i64,
    first_seen: String,
    last_seen: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    stats: Option<HashMap<&'static str, Points>>,
}

#[derive(Serialize)]
struct ProjectJson {
    id: String,
    name: String,
    slug: String,
    platform: String,
}

impl IssueJson {
    fn new(
        app: &App,
        ProjectAccess { organization, project, .. }: &ProjectAccess,
        issue: &Issue,
        stats: Option<HashMap<&'static str, Points>>,
    ) -> IssueJson {
        IssueJson {
            id: issue.id.0.to_string(),
            short_id: issue.name(&project.slug),
            share_id: None,
            title: issue.title.clone(),
            culprit: issue.culprit.clone(),
            permalink: app.config.site.url(&super::path(&organization.slug, &project.slug, issue.id)),
            logger: None,
            level: issue.level.name(),
            status: issue.status.name(),
            status_details: issue.decision.as_ref().map_or_else(|| json!({}), |decision| decision.details()),
            is_public: false,
            platform: issue.platform.clone(),
            project: ProjectJson {
                id: project.id.0.to_string(),
                name: project.name.clone(),
                slug: project.slug.clone(),
                platform: project.platform.clone(),
            },
            kind: issue.kind.clone(),
            metadata: metadata(issue),
            num_comments: 0,
            assigned_to: None,
            is_bookmarked: false,
            is_subscribed: false,
            subscription_details: None,
            has_seen: false,
            annotations: Vec::new(),
            is_unhandled: false,
            count: issue.times_seen.to_string(),
            user_count: 0,
            first_seen: timestamp(issue.first_seen),
            last_seen: timestamp(issue.last_seen),
            stats,
        }
    }
}

/// `{"type", "value"}` of an error, `{"title"}` of a message.
fn metadata(issue: &Issue) -> Value {
    if issue.kind != "error" {
        return json!({ "title": issue.title });
    }
    let (kind, value) = issue.headline();
    json!({ "type": kind, "value": value.unwrap_or_default() })
}

/// Clients refuse an offset other than `Z`.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
