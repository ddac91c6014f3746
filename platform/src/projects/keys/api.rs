//! Sentry's Web API v0 of a project's client keys.

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::get,
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Key, LONGEST_LABEL, Limit, Wanted, is_label};
use crate::{
    access::{Membership, ProjectAccess, ProjectAdmin},
    app::App,
    outcomes,
    projects::{Project, ProjectId, api::seconds, dsn},
    web::{Error, api_route},
};

/// The routes of keys.
pub fn routes() -> Router<App> {
    let keys = "/api/0/projects/{org}/{project}/keys/";
    let router = api_route(Router::new(), keys, get(list).post(create));
    let router = api_route(router, &format!("{keys}{{key}}/"), get(one).put(update).delete(remove));
    let router = api_route(router, &format!("{keys}{{key}}/stats/"), get(stats));
    api_route(router, "/api/0/organizations/{org}/project-keys/", get(of_organization))
}

#[derive(Default, Deserialize)]
struct Asked {
    /// `active` or `inactive`; all when missing.
    #[serde(default)]
    status: String,
}

impl Asked {
    fn wants(&self, key: &Key, now: DateTime<Utc>) -> bool {
        match self.status.as_str() {
            "active" => key.works(now),
            "inactive" => !key.works(now),
            _ => true,
        }
    }
}

async fn list(State(app): State<App>, access: ProjectAccess, Query(asked): Query<Asked>) -> Result<Json<Value>, Error> {
    let keys = super::of(&app.db, access.project.id).await?;
    Ok(Json(
        keys.iter().filter(|key| asked.wants(key, app.now())).map(|key| written(&app, &access.project, key)).collect(),
    ))
}

/// Those of every project that somebody sees.
async fn of_organization(
    State(app): State<App>,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let ids: Vec<ProjectId> = membership.projects.iter().map(|project| project.id).collect();
    let keys = super::of_all(&app.db, &ids).await?;
    let shown = keys.iter().filter(|(_, key)| asked.wants(key, app.now())).filter_map(|(project, key)| {
        let project = membership.projects.iter().find(|one| one.id == *project)?;
        Some(written(&app, project, key))
    });
    Ok(Json(shown.collect()))
}

#[derive(Deserialize)]
struct OfKey {
    key: String,
}

async fn find(app: &App, access: &ProjectAccess, key: &str) -> Result<Key, Error> {
    let keys = super::of(&app.db, access.project.id).await?;
    keys.into_iter().find(|one| one.public_key == key).ok_or(Error::NotFound)
}

async fn one(State(app): State<App>, access: ProjectAccess, Path(path): Path<OfKey>) -> Result<Json<Value>, Error> {
    let key = find(&app, &access, &path.key).await?;
    Ok(Json(written(&app, &access.project, &key)))
}

/// What is to be of a key; what is missing stays.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    name: Option<String>,
    is_active: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    rate_limit: Wish<SentLimit>,
}

/// What is to be of something that may be taken away.
#[derive(Clone, Copy, Default)]
enum Wish<T> {
    /// Nothing is said.
    #[default]
    Stays,
    /// Null is.
    Goes,
    Is(T),
}

/// Either may be missing or 0: there is no limit then.
#[derive(Clone, Copy, Default, Deserialize)]
struct SentLimit {
    count: Option<i64>,
    window: Option<i32>,
}

/// Null is not the same as nothing.
fn given<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Wish<SentLimit>, D::Error> {
    Ok(Option::deserialize(value)?.map_or(Wish::Goes, Wish::Is))
}

impl Fields {
    fn label(&self) -> Result<Option<&str>, Error> {
        let Some(name) = self.name.as_deref().map(str::trim) else { return Ok(None) };
        let why = || Error::field("name", format!("A name has between 1 and {LONGEST_LABEL} characters."));
        is_label(name).then_some(Some(name)).ok_or_else(why)
    }

    fn limit(&self) -> Result<Wish<Limit>, Error> {
        let sent = match self.rate_limit {
            Wish::Stays => return Ok(Wish::Stays),
            Wish::Goes => return Ok(Wish::Goes),
            Wish::Is(sent) => sent,
        };
        match (sent.count.unwrap_or(0), sent.window.unwrap_or(0)) {
            (0, _) | (_, 0) => Ok(Wish::Goes),
            (count, window) if count > 0 && window > 0 => Ok(Wish::Is(Limit { count, window })),
            _ => Err(Error::field("rateLimit", "count and window are whole numbers above 0; window is in seconds.")),
        }
    }
}

/// Sets or takes away the limit of a key, as far as anything is said of it.
async fn keep_limit(app: &App, access: &ProjectAccess, key: &str, wish: Wish<Limit>) -> Result<(), Error> {
    let limit = match wish {
        Wish::Stays => return Ok(()),
        Wish::Goes => None,
        Wish::Is(limit) => Some(limit),
    };
    Ok(super::limit(&app.db, &access.actor, &access.project, (key, limit)).await?)
}

async fn create(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Json(fields): Json<Fields>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let (label, limit) = (fields.label()?.unwrap_or(super::DEFAULT_LABEL), fields.limit()?);
    let key = super::add(&app.db, &access.actor, &access.project, label).await?;
    keep_limit(&app, &access, &key, limit).await?;
    let key = find(&app, &access, &key).await?;
    Ok((StatusCode::CREATED, Json(written(&app, &access.project, &key))))
}

async fn update(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(path): Path<OfKey>,
    Json(fields): Json<Fields>,
) -> Result<Json<Value>, Error> {
    let (label, limit) = (fields.label()?, fields.limit()?);
    let (actor, project) = (&access.actor, &access.project);
    let known = find(&app, &access, &path.key).await?;
    if let Some(label) = label {
        super::rename(&app.db, actor, project, (&known.public_key, label)).await?;
    }
    if let Some(active) = fields.is_active {
        let wanted = if active { Wanted::Enabled } else { Wanted::Disabled };
        super::switch(&app.db, actor, Some(project.id), (&known.public_key, wanted)).await?;
    }
    keep_limit(&app, &access, &known.public_key, limit).await?;
    let key = find(&app, &access, &path.key).await?;
    Ok(Json(written(&app, &access.project, &key)))
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(path): Path<OfKey>,
) -> Result<StatusCode, Error> {
    let is_known = super::remove(&app.db, &access.actor, &access.project, &path.key).await?;
    is_known.then_some(StatusCode::NO_CONTENT).ok_or(Error::NotFound)
}

#[derive(Default, Deserialize)]
struct Span {
    /// Seconds since 1970.
    since: Option<f64>,
    until: Option<f64>,
}

/// How many errors were sent with it, by the hour; of the last 30 days where nothing is said.
async fn stats(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<OfKey>,
    Query(span): Query<Span>,
) -> Result<Json<Value>, Error> {
    let key = find(&app, &access, &path.key).await?;
    let until = seconds(span.until)?.unwrap_or_else(|| app.now());
    let since = seconds(span.since)?.unwrap_or(until - TimeDelta::days(30));
    let hours = outcomes::of_key(&app.db, &key.public_key, since).await?;
    let hour = |one: &outcomes::KeyHour| {
        let outcomes::KeyHour { hour, accepted, filtered, dropped } = one;
        json!({
            "ts": hour.timestamp(), "total": accepted + filtered + dropped, "accepted": accepted, "filtered": filtered,
            "dropped": dropped,
        })
    };
    Ok(Json(hours.iter().filter(|one| one.hour <= until).map(hour).collect()))
}

/// What Sentry's `ProjectKeySerializer` gives. There is no secret any more: what stands in its place lets old SDKs start.
fn written(app: &App, project: &Project, key: &Key) -> Value {
    let prefix = app.config.site.url_prefix.trim_end_matches('/');
    let public = dsn(prefix, &key.public_key, project.id);
    let id = project.id.0;
    let of = |path: &str| format!("{prefix}/api/{id}/{path}/?sentry_key={}", key.public_key);
    json!({
        "id": key.public_key,
        "name": key.label,
        "label": key.label,
        "public": key.public_key,
        "secret": key.public_key,
        "projectId": id,
        "isActive": key.works(app.now()),
        "rateLimit": key.limit().map(|limit| json!({"count": limit.count, "window": limit.window})),
        "dsn": {
            "public": public,
            "secret": public.replacen('@', &format!(":{}@", key.public_key), 1),
            "csp": of("csp-report"), "security": of("security"), "minidump": of("minidump"), "nel": of("nel"),
            "unreal": format!("{prefix}/api/{id}/unreal/{}/", key.public_key),
            "crons": format!("{prefix}/api/{id}/cron/___MONITOR_SLUG___/{}/", key.public_key),
            "cdn": format!("{prefix}/js-sdk-loader/{}.min.js", key.public_key),
            "playstation": "", "integration": "", "otlp_traces": "", "otlp_logs": "",
        },
        "browserSdkVersion": "latest",
        "browserSdk": {"choices": [["latest", "latest"]]},
        "dateCreated": key.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
        "dateExpires": key.expires_at.map(|end| end.to_rfc3339_opts(SecondsFormat::Micros, true)),
        "dynamicSdkLoaderOptions": {
            "hasReplay": false, "hasPerformance": false, "hasDebug": false, "hasFeedback": false, "hasLogsAndMetrics": false,
        },
    })
}
