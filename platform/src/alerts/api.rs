//! Sentry's Web API v0 of alert rules, and what Sentry has no endpoint for: trying one, and its history.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    By, Kept, RuleId, change, create,
    preview::{Preview, preview},
    rules::{Action, Rule, Term, Wrong, action_sentence, term_sentence},
    store,
    tries::try_rule,
    usable,
};
use crate::{
    access::{ProjectAccess, ProjectAdmin},
    app::App,
    channels::{Channel, explain},
    ui::Language,
    web::{Error, api_route},
};

/// What a rule is made of; the rest that clients send is theirs.
const FIELDS: [&str; 9] =
    ["name", "actionMatch", "filterMatch", "conditions", "filters", "actions", "frequency", "environment", "owner"];
/// What a history shows.
const MOST_SHOWN: i64 = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let rules = "/api/0/projects/{org}/{project}/rules/";
    let router = api_route(Router::new(), rules, get(list).post(add));
    let router = api_route(router, &format!("{rules}preview/"), post(preview_of));
    let router = api_route(router, &format!("{rules}{{rule}}/"), get(one).put(update).delete(remove));
    let router = api_route(router, &format!("{rules}{{rule}}/preview/"), get(preview_one));
    let router = api_route(router, &format!("{rules}{{rule}}/test/"), post(test));
    let router = api_route(router, &format!("{rules}{{rule}}/snooze/"), post(snooze).delete(wake));
    let router = api_route(router, &format!("{rules}{{rule}}/history/"), get(history));
    api_route(router, &format!("{rules}{{rule}}/history/{{delivery}}/replay/"), post(replay))
}

#[derive(Deserialize)]
struct Named {
    rule: i64,
}

#[derive(Deserialize)]
struct Delivered {
    rule: i64,
    delivery: Uuid,
}

/// A rule of the project.
pub(super) async fn find(app: &App, access: &ProjectAccess, id: i64) -> Result<Kept, Error> {
    let rules = store::rules(&app.db, &[access.project.id]).await?;
    rules.into_iter().find(|kept| kept.id == RuleId(id)).ok_or(Error::NotFound)
}

fn refused(wrong: Vec<Wrong>) -> Error {
    Error::Fields(wrong)
}

/// Only what a rule is made of.
pub(super) fn fields(sent: Map<String, Value>) -> Map<String, Value> {
    let mut kept: Map<String, Value> = sent.into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str())).collect();
    for list in ["conditions", "filters", "actions"] {
        for entry in kept.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(entry) = entry.as_object_mut() {
                entry.shift_remove("name");
            }
        }
    }
    kept
}

async fn shown(app: &App, access: &ProjectAccess, rules: &[Kept]) -> Result<Vec<Value>, Error> {
    let fired = store::last_fired(&app.db, access.project.id).await?;
    let channels = usable(app, &access.project).await?;
    let last = |kept: &Kept| fired.iter().find(|(rule, _)| *rule == kept.id).map(|(_, at)| *at);
    Ok(rules.iter().map(|kept| rule(access, kept, last(kept), (&channels, app.now()))).collect())
}

fn rule(
    access: &ProjectAccess,
    kept: &Kept,
    last: Option<DateTime<Utc>>,
    (channels, now): (&[Channel], DateTime<Utc>),
) -> Value {
    let mut json = kept.json();
    let name = |id: i64| channels.iter().find(|channel| channel.id.0 == id).map(|channel| channel.name.clone());
    let say = |list: &str, entry: &Value| match list {
        "actions" => Action::read(entry).ok().map(|action| action_sentence(&action, Language::English, name)),
        _ => Term::read(entry).ok().map(|term| term_sentence(&term, Language::English)),
    };
    for list in ["conditions", "filters", "actions"] {
        let entries = json.entry(list).or_insert_with(|| json!([]));
        for entry in entries.as_array_mut().into_iter().flatten() {
            let said = say(list, entry);
            entry["name"] = json!(said);
        }
    }
    for (field, usual) in [
        ("actionMatch", json!("all")),
        ("filterMatch", json!("all")),
        ("frequency", json!(30)),
        ("environment", json!(null)),
        ("owner", json!(null)),
    ] {
        json.entry(field).or_insert(usual);
    }
    json.insert("id".into(), json!(kept.id.0.to_string()));
    json.insert("projects".into(), json!([access.project.slug]));
    json.insert("dateCreated".into(), json!(time(kept.created_at)));
    json.insert("createdBy".into(), json!(null));
    json.insert("status".into(), json!("active"));
    json.insert("snooze".into(), json!(kept.muted_until.is_some_and(|until| until > now)));
    json.insert("snoozeUntil".into(), json!(kept.muted_until.filter(|until| *until > now).map(time)));
    json.insert("lastTriggered".into(), json!(last.map(time)));
    Value::Object(json)
}

fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

async fn list(State(app): State<App>, access: ProjectAccess) -> Result<Json<Vec<Value>>, Error> {
    let rules = store::rules(&app.db, &[access.project.id]).await?;
    Ok(Json(shown(&app, &access, &rules).await?))
}

async fn one(State(app): State<App>, access: ProjectAccess, Path(named): Path<Named>) -> Result<Json<Value>, Error> {
    answer(&app, &access, named.rule).await
}

async fn answer(app: &App, access: &ProjectAccess, id: i64) -> Result<Json<Value>, Error> {
    let kept = find(app, access, id).await?;
    shown(app, access, &[kept]).await?.pop().map(Json).ok_or(Error::NotFound)
}

async fn add(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Json(sent): Json<Map<String, Value>>,
) -> Result<Json<Value>, Error> {
    let by = By { user: access.user.id, at: app.now() };
    let id = create(&app, &access.project, by, &fields(sent)).await?.map_err(refused)?;
    answer(&app, &access, id.0).await
}

/// As Sentry 9 does, what is not sent stays.
async fn update(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
    Json(sent): Json<Map<String, Value>>,
) -> Result<Json<Value>, Error> {
    let mut json = find(&app, &access, named.rule).await?.json();
    json.extend(fields(sent));
    let changed = change(&app, &access.project, RuleId(named.rule), &json).await?.map_err(refused)?;
    if changed { answer(&app, &access, named.rule).await } else { Err(Error::NotFound) }
}

/// Sentry answers 202.
async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<StatusCode, Error> {
    let removed = store::delete(&app.db, access.project.id, RuleId(named.rule)).await?;
    if removed { Ok(StatusCode::ACCEPTED) } else { Err(Error::NotFound) }
}

async fn preview_of(
    State(app): State<App>,
    access: ProjectAccess,
    Json(sent): Json<Map<String, Value>>,
) -> Result<Json<Value>, Error> {
    let mut json = fields(sent);
    json.entry("name").or_insert_with(|| json!("preview"));
    let rule = Rule::read(RuleId(0), access.project.id, &json).map_err(refused)?;
    Ok(Json(previewed(&preview(&app, rule).await?)))
}

async fn preview_one(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let rule = find(&app, &access, named.rule).await?.rule().map_err(refused)?;
    Ok(Json(previewed(&preview(&app, rule).await?)))
}

fn previewed(preview: &Preview) -> Value {
    json!({
        "since": time(preview.since), "times": preview.times, "events": preview.events, "isPartial": preview.is_partial,
        "issues": preview.issues.iter().map(|line| json!({
            "id": line.issue.to_string(), "shortId": line.short_id, "title": line.title, "times": line.times,
            "lastTriggered": time(line.last),
        })).collect::<Vec<_>>(),
    })
}

async fn test(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let rule = find(&app, &access, named.rule).await?.rule().map_err(refused)?;
    let tried = try_rule(&app, &access, &rule).await?;
    Ok(Json(
        tried
            .iter()
            .map(|one| match &one.outcome {
                Ok(()) => json!({"to": one.whom, "kind": one.kind, "sent": true}),
                Err(failure) => json!({
                    "to": one.whom, "kind": one.kind, "sent": false, "code": failure.code, "said": failure.said,
                    "explanation": explain(&one.kind, &failure.code).en,
                }),
            })
            .collect(),
    ))
}

/// What Sentry's endpoint takes; who else is not told is not distinguished here.
#[derive(Default, Deserialize)]
struct Snooze {
    until: Option<DateTime<Utc>>,
}

async fn snooze(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
    Json(sent): Json<Snooze>,
) -> Result<(StatusCode, Json<Value>), Error> {
    let until = sent.until.unwrap_or(store::FOR_GOOD);
    if !store::mute(&app.db, access.project.id, RuleId(named.rule), Some(until)).await? {
        return Err(Error::NotFound);
    }
    let until = sent.until.map(time);
    Ok((StatusCode::CREATED, Json(json!({"ruleId": named.rule, "userId": "everyone", "until": until}))))
}

async fn wake(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<StatusCode, Error> {
    let woken = store::mute(&app.db, access.project.id, RuleId(named.rule), None).await?;
    if woken { Ok(StatusCode::NO_CONTENT) } else { Err(Error::NotFound) }
}

async fn history(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let kept = find(&app, &access, named.rule).await?;
    let told = store::history(&app.db, (access.project.id, kept.id), MOST_SHOWN).await?;
    Ok(Json(told.iter().map(|told| json!({
        "id": told.id, "issue": told.issue.to_string(), "title": told.title, "to": told.channel.as_ref().or(told.email.as_ref()),
        "kind": told.kind.as_deref().unwrap_or("mail"), "state": told.state.name(), "attempts": told.attempts,
        "dateCreated": time(told.created_at), "dateFinished": told.finished_at.map(time), "code": told.code,
        "said": told.said, "isPaused": told.is_paused,
        "explanation": (!told.code.is_empty()).then(|| explain(told.kind.as_deref().unwrap_or("mail"), &told.code).en),
    })).collect()))
}

async fn replay(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Delivered>,
) -> Result<StatusCode, Error> {
    let rule = (access.project.id, RuleId(named.rule));
    let replayed = store::replay(&app.db, rule, named.delivery, app.now()).await?;
    if replayed { Ok(StatusCode::ACCEPTED) } else { Err(Error::NotFound) }
}
