//! Sentry's Web API v0 of a project: what it is, and what it decides about its events.

mod lists;
mod organization;

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, put},
};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) use lists::seconds;

use super::{
    Changed, Changes, change, environments, keys, removal,
    settings::{
        options::{self, Known},
        wanted,
        wrong::Wrong,
    },
    store::{self, Details},
};
use crate::{
    access::{Membership, ProjectAccess, ProjectAdmin, Visitor},
    app::App,
    protocol::grouping::Version,
    teams,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/projects/{org}/{project}/", get(one).put(update).delete(delete));
    let router = api_route(router, "/api/0/projects/{org}/{project}/filters/", get(filters));
    let router = api_route(router, "/api/0/projects/{org}/{project}/filters/{filter}/", put(switch_filter));
    let router = api_route(router, "/api/0/grouping-configs/", get(grouping_configs));
    let router = api_route(router, "/api/0/organizations/{org}/grouping-configs/", get(grouping_configs_here));
    router
        .merge(lists::routes())
        .merge(organization::routes())
        .merge(keys::api::routes())
        .merge(environments::api::routes())
}

/// The versions of the grouping, the newest first.
async fn grouping_configs(_: Visitor) -> Json<Value> {
    let config = |version: &Version| {
        json!({
            "id": version.id(), "base": null, "strategies": [], "delegates": [], "changelog": version.changes(), "risk": 1,
            "hidden": false, "latest": *version == Version::NEWEST,
        })
    };
    Json(Version::ALL.iter().rev().map(config).collect())
}

async fn grouping_configs_here(Membership { visitor, .. }: Membership) -> Json<Value> {
    grouping_configs(visitor).await
}

async fn one(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    let details = store::details(&app.db, access.project.id).await?.ok_or(Error::NotFound)?;
    Ok(Json(project(&access, &details, &teams_of(&app, &access).await?)))
}

/// Takes Sentry's fields and its `options`; what is not known is left alone, as Sentry does.
async fn update(
    State(app): State<App>,
    ProjectAdmin(mut access): ProjectAdmin,
    Json(wanted): Json<Map<String, Value>>,
) -> Result<Json<Value>, Error> {
    let details = store::details(&app.db, access.project.id).await?.ok_or(Error::NotFound)?;
    let before = details.settings.grouping.clone();
    let mut changes = wanted::read(details.settings, &wanted).map_err(refused)?;
    changes.settings.grouping.follow(&before, app.now());
    let details = save(&app, &mut access, changes).await?;
    Ok(Json(project(&access, &details, &teams_of(&app, &access).await?)))
}

/// It is gone at once; what it has follows.
async fn delete(State(app): State<App>, ProjectAdmin(access): ProjectAdmin) -> Result<StatusCode, Error> {
    removal::delete(&app, &access.actor, &access.project).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn save(app: &App, access: &mut ProjectAccess, changes: Changes) -> Result<Details, Error> {
    match change(&app.db, &access.actor, &access.project, changes).await? {
        Changed::Done(project, details) => {
            access.project = project;
            Ok(*details)
        }
        Changed::NoSlug => Err(Error::field("slug", Wrong::NoSlug.to_string())),
        Changed::SlugTaken => Err(Error::field("slug", Wrong::SlugTaken.to_string())),
        Changed::Gone => Err(Error::NotFound),
    }
}

fn refused(wrong: Vec<(String, Wrong)>) -> Error {
    Error::Fields(wrong.into_iter().map(|(name, why)| (name, why.to_string())).collect())
}

async fn filters(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    let details = store::details(&app.db, access.project.id).await?.ok_or(Error::NotFound)?;
    Ok(Json(options::filters(&details.settings.filters)))
}

#[derive(Deserialize)]
struct Switched {
    active: Option<bool>,
    /// Browsers, of the filter of old ones.
    subfilters: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct FilterPath {
    filter: String,
}

async fn switch_filter(
    State(app): State<App>,
    ProjectAdmin(mut access): ProjectAdmin,
    Path(FilterPath { filter }): Path<FilterPath>,
    Json(wanted): Json<Switched>,
) -> Result<StatusCode, Error> {
    let mut details = store::details(&app.db, access.project.id).await?.ok_or(Error::NotFound)?;
    let value = match (wanted.subfilters, wanted.active) {
        (Some(names), _) => json!(names),
        (None, Some(active)) => json!(active),
        (None, None) => return Err(Error::field("active", "This field is required.")),
    };
    // Terraform names it in the singular, as Sentry's documentation does.
    let filter = if filter == "legacy-browser" { "legacy-browsers" } else { &filter };
    match options::set_filter(&mut details.settings.filters, filter, &value) {
        Ok(Known::Yes) => (),
        Ok(Known::No) => return Err(Error::NotFound),
        Err(why) => return Err(Error::field("subfilters", why.to_string())),
    }
    let changes = Changes { settings: details.settings, ..Changes::default() };
    save(&app, &mut access, changes).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The teams of the project, as clients read them.
async fn teams_of(app: &App, access: &ProjectAccess) -> Result<Vec<Value>, Error> {
    let links = teams::store::of_projects(&app.db, access.organization.id).await?;
    Ok(links.iter().filter(|(project, ..)| *project == access.project.id).map(lists::team).collect())
}

/// What Sentry's `DetailedProjectSerializer` gives, as far as there is something to say.
fn project(ProjectAccess { organization, project, .. }: &ProjectAccess, details: &Details, teams: &[Value]) -> Value {
    let settings = &details.settings;
    let created = details.created_at.to_rfc3339_opts(SecondsFormat::Micros, true);
    let mut all = options::options(settings);
    all.insert("sentry:origins".into(), json!(details.origins));
    json!({
        "id": project.id.0.to_string(),
        "slug": project.slug,
        "name": project.name,
        "platform": project.platform,
        "platforms": [project.platform],
        "dateCreated": created,
        "status": "active",
        "isPublic": false,
        "isBookmarked": false,
        "isInternal": false,
        "isMember": true,
        "hasAccess": true,
        "color": "#3f6abf",
        "features": ["discard-groups", "custom-inbound-filters"],
        "team": teams.first(),
        "teams": teams,
        "organization": {
            "id": organization.id.0.to_string(), "slug": organization.slug, "name": organization.name,
        },
        "options": all,
        "resolveAge": settings.resolve_age,
        "dataScrubber": settings.privacy.scrub,
        "dataScrubberDefaults": settings.privacy.defaults,
        "scrubIPAddresses": settings.privacy.scrub_addresses,
        "sensitiveFields": settings.privacy.sensitive_fields,
        "safeFields": settings.privacy.safe_fields,
        "relayPiiConfig": Some(&settings.privacy.rules).filter(|rules| !rules.is_empty()),
        "fingerprintingRules": settings.grouping.fingerprint_rules,
        "groupingEnhancements": settings.grouping.stack_rules,
        "groupingConfig": settings.grouping.version.id(),
        "secondaryGroupingConfig": settings.grouping.former.map(Version::id),
        "secondaryGroupingExpiry": settings.grouping.former_until.map_or(0, |until| until.timestamp()),
        "allowedDomains": details.origins,
        "digestsMinDelay": 300,
        "digestsMaxDelay": 1800,
        "scrapeJavaScript": true,
        "verifySSL": true,
        "subjectPrefix": "",
        "subjectTemplate": "$shortID - $title",
        "securityToken": "",
        "securityTokenHeader": null,
    })
}
