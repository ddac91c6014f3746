//! Sentry's Web API v0 of what somebody sees: organisations and projects; and what was sent to a project.

use std::collections::HashMap;

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    routing::get,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::{Project, ProjectId, create, exists, slugify, store};
use crate::{
    access::{Membership, ProjectAccess, Visitor},
    app::App,
    audit::{self, Entry},
    organizations::{self, Organization},
    outcomes::{self, Fate},
    teams::{self, TeamId},
    web::{Error, api_route},
};

/// The routes of these lists.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/organizations/", get(organizations_seen));
    let router = api_route(router, "/api/0/projects/", get(projects_seen));
    let router = api_route(router, "/api/0/organizations/{org}/projects/", get(of_organization).post(add));
    api_route(router, "/api/0/projects/{org}/{project}/stats/", get(stats))
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn organizations_seen(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Error> {
    let seen = organizations::store::all_visible(&app.db, &visitor.user).await?;
    let ids: Vec<i64> = seen.iter().map(|one| one.id.0).collect();
    let began = store::organizations_began(&app.db, &ids).await?;
    let organization = |one: &Organization| {
        json!({
            "id": one.id.0.to_string(), "slug": one.slug, "name": one.name,
            "dateCreated": began.get(&one.id.0).copied().map(timestamp),
            "status": {"id": "active", "name": "active"},
            "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
            "isEarlyAdopter": false, "require2FA": false, "requireEmailVerification": false, "features": [],
            "links": {
                "organizationUrl": app.config.site.url(&format!("/{}/", one.slug)), "regionUrl": app.config.site.url(""),
            },
        })
    };
    Ok(Json(seen.iter().map(organization).collect()))
}

/// Of every organisation of theirs.
async fn projects_seen(State(app): State<App>, visitor: Visitor) -> Result<Json<Value>, Error> {
    let seen = store::all_visible(&app.db, &visitor.user).await?;
    let began = store::began(&app.db, &seen.iter().map(|(_, project)| project.id).collect::<Vec<_>>()).await?;
    let project = |(organization, one): &(Organization, Project)| {
        let mut shown = brief(one, &began, &[]);
        shown["organization"] = json!({
            "id": organization.id.0.to_string(), "slug": organization.slug, "name": organization.name,
        });
        shown
    };
    Ok(Json(seen.iter().map(project).collect()))
}

async fn of_organization(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    let projects = &membership.projects;
    let began = store::began(&app.db, &projects.iter().map(|project| project.id).collect::<Vec<_>>()).await?;
    let links = teams::store::of_projects(&app.db, membership.organization.id).await?;
    Ok(Json(projects.iter().map(|project| brief(project, &began, &links)).collect()))
}

/// What is wanted of a new project.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    name: String,
    slug: Option<String>,
    platform: Option<String>,
}

/// A project of no team: whoever may make one sees to it.
async fn add(
    State(app): State<App>,
    membership: Membership,
    Json(wanted): Json<Wanted>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let name = wanted.name.trim();
    if name.is_empty() {
        return Err(Error::field("name", "This field is required."));
    }
    let slug = wanted.slug.or_else(|| slugify(name)).filter(|slug| slugify(slug).as_ref() == Some(slug));
    let why = "A slug is of lower-case letters, digits, - and _, at most 50. Nothing of the name can stand in one: give a slug.";
    let slug = slug.ok_or_else(|| Error::field("slug", why))?;
    let organization = membership.organization.id;
    if exists(&app.db, organization, &slug).await? {
        return Err(Error::field("slug", "Another project of the organisation has this slug."));
    }
    let platform = wanted.platform.as_deref().unwrap_or("other");
    let made = create(&app.db, organization, name, &slug, platform).await?.project;
    let entry = Entry { organization: Some(organization), event: "project.create", target: &slug, data: json!({}) };
    audit::record(&app.db, &membership.visitor.actor(), entry).await?;
    let began = store::began(&app.db, &[made.id]).await?;
    Ok((StatusCode::CREATED, Json(brief(&made, &began, &[]))))
}

/// Which team may see which project, as its store tells it.
pub(super) type Link = (ProjectId, TeamId, String, String);

/// A team beside a project.
pub(super) fn team((_, id, slug, name): &Link) -> Value {
    json!({"id": id.0.to_string(), "slug": slug, "name": name})
}

/// What Sentry's `ProjectSummarySerializer` gives, as far as there is something to say.
fn brief(project: &Project, began: &HashMap<ProjectId, DateTime<Utc>>, links: &[Link]) -> Value {
    let teams: Vec<Value> = links.iter().filter(|(of, ..)| *of == project.id).map(team).collect();
    json!({
        "id": project.id.0.to_string(), "slug": project.slug, "name": project.name, "platform": project.platform,
        "platforms": [project.platform], "dateCreated": began.get(&project.id).copied().map(timestamp),
        "status": "active", "isPublic": false, "isBookmarked": false, "isInternal": false, "isMember": true,
        "hasAccess": true, "color": "#3f6abf", "features": ["discard-groups", "custom-inbound-filters"],
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": null}, "team": teams.first(), "teams": teams,
    })
}

/// What was sent to a project: `stat` is `received`, `rejected`, `blacklisted` or `generated`.
#[derive(Default, Deserialize)]
struct Span {
    #[serde(default)]
    stat: String,
    since: Option<f64>,
    until: Option<f64>,
    #[serde(default)]
    resolution: String,
}

/// `[[time, errors], …]`, by the hour or, with `resolution=1d`, by the day.
async fn stats(
    State(app): State<App>,
    access: ProjectAccess,
    Query(span): Query<Span>,
) -> Result<Json<Vec<(i64, i64)>>, Error> {
    let fates: &[Fate] = match span.stat.as_str() {
        "" | "received" => &[Fate::Accepted, Fate::Filtered, Fate::RateLimited, Fate::Invalid, Fate::Abuse],
        "generated" => &[Fate::Accepted],
        "rejected" => &[Fate::RateLimited, Fate::Invalid, Fate::Abuse],
        "blacklisted" => &[Fate::Filtered],
        _ => return Err(Error::Invalid("stat is one of received, rejected, blacklisted and generated".into())),
    };
    let step = match span.resolution.as_str() {
        "" | "10s" | "1h" => 3_600,
        "1d" => 86_400,
        _ => return Err(Error::Invalid("resolution is 1h or 1d".into())),
    };
    let until = seconds(span.until)?.unwrap_or_else(|| app.now());
    let since = seconds(span.since)?.unwrap_or(until - TimeDelta::days(if step == 3_600 { 1 } else { 30 }));
    let (first, last) = (since.timestamp().div_euclid(step) * step, until.timestamp().div_euclid(step) * step);
    if (last - first) / step > MOST_STEPS {
        return Err(Error::Invalid("That is too long a time for this resolution.".into()));
    }
    let begin = DateTime::from_timestamp(first, 0).unwrap_or(since);
    let hours = outcomes::errors(&app.db, access.project.id, (fates, begin)).await?;
    let mut series: Vec<(i64, i64)> = (0..=(last - first) / step).map(|nth| (first + nth * step, 0)).collect();
    for (hour, events) in hours {
        let nth = usize::try_from((hour.timestamp() - first) / step).unwrap_or(usize::MAX);
        if let Some((_, sum)) = series.get_mut(nth) {
            *sum += events;
        }
    }
    Ok(Json(series))
}

/// Points of a series.
const MOST_STEPS: i64 = 10_000;

/// A time in seconds since 1970, as Sentry's clients write it, with or without a fraction.
pub(in crate::projects) fn seconds(given: Option<f64>) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(given) = given else { return Ok(None) };
    #[expect(clippy::cast_possible_truncation, reason = "a number that is too large is no time, and refused")]
    let time = DateTime::from_timestamp(given as i64, 0);
    time.map(Some).ok_or_else(|| Error::Invalid("That is no time in seconds since 1970.".into()))
}
