//! Tags and their values: of an issue, a project, an organisation.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderName, StatusCode, header},
};
use axum_extra::extract::Query;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    super::{
        Issue,
        tags::{self, Key, ProjectKey},
    },
    Scope, timestamp,
};
use crate::{
    access::{IssueAccess, Membership, ProjectAccess},
    app::App,
    ui,
    web::Error,
};

/// Values a key is shown with.
const TOP: i64 = 10;
const MOST_KEYS: i64 = 1000;
const PAGE_SIZE: i64 = 100;

#[derive(Deserialize)]
pub(super) struct TagPath {
    tag: String,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    query: String,
    #[serde(default)]
    cursor: String,
    #[serde(default)]
    project: Vec<i64>,
}

pub(super) async fn of_issue(State(app): State<App>, found: IssueAccess) -> Result<Json<Value>, Error> {
    keys(&app, &found.issue).await.map(Json)
}

/// The keys of an issue, each with its most frequent values.
pub(super) async fn keys(app: &App, issue: &Issue) -> Result<Value, Error> {
    let mut written = Vec::new();
    for key in tags::keys_of_issue(&app.db, issue).await? {
        let top = tags::values_of_issue(&app.db, issue, &key.key, (0, TOP)).await?;
        written.push(of_key(&key, &top));
    }
    Ok(Value::Array(written))
}

pub(super) async fn one_of_issue(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<TagPath>,
) -> Result<Json<Value>, Error> {
    let keys = tags::keys_of_issue(&app.db, &found.issue).await?;
    let key = keys.into_iter().find(|key| key.key == path.tag).ok_or(Error::NotFound)?;
    let top = tags::values_of_issue(&app.db, &found.issue, &key.key, (0, TOP)).await?;
    Ok(Json(of_key(&key, &top)))
}

pub(super) async fn values_of_issue(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<TagPath>,
    Query(asked): Query<Asked>,
) -> Result<([(HeaderName, String); 1], Json<Value>), Error> {
    // Sentry's own cursors here are an offset too: 0:100:0.
    let skip = asked.cursor.split(':').nth(1).and_then(|skip| skip.parse().ok()).unwrap_or(0_i64).clamp(0, 100_000);
    let mut values = tags::values_of_issue(&app.db, &found.issue, &path.tag, (skip, PAGE_SIZE + 1)).await?;
    let page = usize::try_from(PAGE_SIZE)?;
    let (is_first, is_last) = (skip == 0, values.len() <= page);
    values.truncate(page);
    let url = app.config.site.url(&format!("/api/0/issues/{}/tags/{}/values/", found.issue.id.0, encoded(&path.tag)));
    let link = |rel: &str, skip: i64, results: bool| {
        let cursor = format!("0:{skip}:{}", u8::from(rel == "previous"));
        format!(r#"<{url}?cursor={cursor}>; rel="{rel}"; results="{results}"; cursor="{cursor}""#)
    };
    let links = [link("previous", (skip - PAGE_SIZE).max(0), !is_first), link("next", skip + PAGE_SIZE, !is_last)];
    let values = values.iter().map(|value| of_value(&path.tag, value)).collect();
    Ok(([(header::LINK, links.join(", "))], Json(values)))
}

pub(super) async fn of_project(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    let keys = tags::keys_of_projects(&app.db, &[access.project.id.0], "", MOST_KEYS).await?;
    Ok(Json(keys.iter().map(of_project_key).collect()))
}

pub(super) async fn one_of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<TagPath>,
) -> Result<Json<Value>, Error> {
    let keys = tags::keys_of_projects(&app.db, &[access.project.id.0], &path.tag, MOST_KEYS).await?;
    keys.iter().find(|key| key.key == path.tag).map(|key| Json(of_project_key(key))).ok_or(Error::NotFound)
}

pub(super) async fn delete_of_project(
    State(app): State<App>,
    access: crate::access::ProjectAdmin,
    Path(path): Path<TagPath>,
) -> Result<StatusCode, Error> {
    let deleted = tags::delete_key(&app.db, access.0.project.id, &path.tag).await?;
    if deleted == 0 { Err(Error::NotFound) } else { Ok(StatusCode::NO_CONTENT) }
}

pub(super) async fn values_of_project(
    State(app): State<App>,
    access: ProjectAccess,
    Path(path): Path<TagPath>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    values(&app, &access.into(), &path.tag, &asked).await
}

pub(super) async fn of_organization(
    State(app): State<App>,
    access: Membership,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let scope = Scope::from(access).narrowed(&asked.project)?;
    let keys = tags::keys_of_projects(&app.db, &scope.numbers(), "", MOST_KEYS).await?;
    let written = |key: &ProjectKey| json!({ "key": key.key, "name": label(&key.key), "totalValues": key.values });
    Ok(Json(keys.iter().map(written).collect()))
}

pub(super) async fn values_of_organization(
    State(app): State<App>,
    access: Membership,
    Path(path): Path<TagPath>,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let scope = Scope::from(access).narrowed(&asked.project)?;
    values(&app, &scope, &path.tag, &asked).await
}

async fn values(app: &App, scope: &Scope, key: &str, asked: &Asked) -> Result<Json<Value>, Error> {
    let values = tags::values_of_projects(&app.db, &scope.numbers(), key, &asked.query, PAGE_SIZE).await?;
    Ok(Json(values.iter().map(|value| of_value(key, value)).collect()))
}

fn of_key(key: &Key, top: &[tags::Value]) -> Value {
    let top: Vec<Value> = top.iter().map(|value| of_value(&key.key, value)).collect();
    json!({
        "key": key.key, "name": label(&key.key), "totalValues": key.events, "uniqueValues": key.values, "topValues": top,
        "canDelete": can_delete(&key.key),
    })
}

fn of_project_key(key: &ProjectKey) -> Value {
    json!({ "key": key.key, "name": label(&key.key), "uniqueValues": key.values, "canDelete": can_delete(&key.key) })
}

fn of_value(key: &str, value: &tags::Value) -> Value {
    let mut written = json!({
        "key": key, "name": value.value, "value": value.value, "count": value.events,
        "firstSeen": timestamp(value.first_seen), "lastSeen": timestamp(value.last_seen),
    });
    if key == "user" {
        for (name, known) in
            [("id", &value.user_id), ("email", &value.email), ("username", &value.username), ("ipAddress", &value.ip)]
        {
            written[name] = json!(known);
        }
        written["query"] = json!(format!("user:{:?}", value.value));
    }
    written
}

/// `server_name` is called Server Name.
fn label(key: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    };
    key.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

/// What events say themselves is always there.
fn can_delete(key: &str) -> bool {
    !matches!(key, "level" | "logger" | "environment" | "release" | "dist" | "user" | "transaction")
}

fn encoded(text: &str) -> String {
    ui::query(&[("", Some(text))]).trim_start_matches("?=").replace('+', "%20")
}
