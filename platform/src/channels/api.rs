//! The Web API of channels, of projects and of organisations. It never answers with a secret.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Channel, ChannelId, KINDS,
    configured::CONFIGURED,
    explain, kind, schema,
    setup::{self, Asked},
    store::{self, Owner},
};
use crate::{
    access::{Membership, OrganizationAdmin, ProjectAccess, ProjectAdmin, Visitor},
    app::App,
    auth::UserId,
    ui::Language,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let router = api_route(Router::new(), "/api/0/channel-kinds/", get(kinds));
    let of_project = "/api/0/projects/{org}/{project}/channels/";
    let router = api_route(router, of_project, get(list).post(create));
    let router = api_route(router, &format!("{of_project}{{channel}}/"), get(one).put(update).delete(remove));
    let router = api_route(router, &format!("{of_project}{{channel}}/test/"), post(test));
    let of_organization = "/api/0/organizations/{org}/channels/";
    let router = api_route(router, of_organization, get(list_shared).post(create_shared));
    let router = api_route(
        router,
        &format!("{of_organization}{{channel}}/"),
        get(one_shared).put(update_shared).delete(remove_shared),
    );
    api_route(router, &format!("{of_organization}{{channel}}/test/"), post(test_shared))
}

/// What is sent to set one up.
#[derive(Deserialize)]
struct Sent {
    #[serde(default)]
    kind: String,
    name: Option<String>,
    #[serde(default)]
    config: Map<String, Value>,
}

#[derive(Deserialize)]
struct Named {
    channel: i64,
}

impl Sent {
    fn asked(self, before: Option<&Channel>) -> Asked {
        let name = self.name.or_else(|| before.map(|channel| channel.name.clone())).unwrap_or_default();
        Asked { kind: self.kind, name, values: schema::texts(&self.config) }
    }
}

async fn kinds(_: Visitor) -> Json<Value> {
    let describe = |kind: &&dyn super::Kind| {
        json!({
            "id": kind.id(), "name": kind.label().en, "help": kind.text().en, "perMinute": kind.per_minute(),
            "fields": kind.fields().iter().map(schema::Field::describe).collect::<Vec<_>>(),
        })
    };
    Json(KINDS.iter().map(describe).collect())
}

/// As clients see it: of secrets only that they are set.
pub fn shown(channel: &Channel) -> Value {
    let secrets = kind(&channel.kind).map(super::Kind::fields).unwrap_or_default().iter();
    let secrets: Vec<&str> = secrets.filter(|field| field.input.is_secret()).map(|field| field.name).collect();
    json!({
        "id": channel.id.0.to_string(), "kind": channel.kind, "name": channel.name, "config": channel.config.0,
        "secrets": secrets, "isShared": channel.project_id.is_none(), "isConfigured": channel.is_configured,
        "status": if channel.paused_at.is_some() { "paused" } else { "active" },
        "pausedBecause": channel.paused_at.map(|_| explain(&channel.kind, &channel.paused_code).en),
        "pausedSaid": channel.paused_said,
        "dateCreated": channel.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    })
}

fn of(access: &ProjectAccess) -> Owner {
    Owner { organization: access.organization.id, project: Some(access.project.id) }
}

fn shared(access: &Membership) -> Owner {
    Owner { organization: access.organization.id, project: None }
}

async fn all(app: &App, owner: Owner) -> Result<Json<Value>, Error> {
    Ok(Json(store::usable(&app.db, owner).await?.iter().map(shown).collect()))
}

/// A channel that the owner may use.
pub async fn find(app: &App, owner: Owner, id: i64) -> Result<Channel, Error> {
    let usable = store::usable(&app.db, owner).await?;
    usable.into_iter().find(|channel| channel.id == ChannelId(id)).ok_or(Error::NotFound)
}

/// One of the owner's very own.
async fn own(app: &App, owner: Owner, id: i64) -> Result<Channel, Error> {
    let channel = find(app, owner, id).await?;
    if channel.is_configured {
        return Err(Error::Invalid(CONFIGURED.en.to_owned()));
    }
    if channel.project_id == owner.project { Ok(channel) } else { Err(Error::Forbidden) }
}

fn wrong(wrong: Vec<schema::Wrong>) -> Error {
    Error::Fields(wrong.into_iter().map(|(name, why)| (name, why.en.to_owned())).collect())
}

async fn add(app: &App, owner: Owner, user: UserId, sent: Sent) -> Result<(StatusCode, Json<Value>), Error> {
    let id = setup::create(app, owner, user, &sent.asked(None)).await?.map_err(wrong)?;
    Ok((StatusCode::CREATED, Json(shown(&find(app, owner, id.0).await?))))
}

async fn alter(app: &App, owner: Owner, id: i64, sent: Sent) -> Result<Json<Value>, Error> {
    let channel = own(app, owner, id).await?;
    setup::change(app, &channel, &sent.asked(Some(&channel))).await?.map_err(wrong)?;
    Ok(Json(shown(&find(app, owner, id).await?)))
}

async fn delete(app: &App, owner: Owner, id: i64) -> Result<StatusCode, Error> {
    own(app, owner, id).await?;
    store::delete(&app.db, owner, ChannelId(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn tried(app: &App, channel: &Channel, organization: &str, project: &str) -> Result<Json<Value>, Error> {
    Ok(Json(match setup::test(app, channel, organization, project).await? {
        Ok(()) => json!({"sent": true}),
        Err(failure) => json!({
            "sent": false, "code": failure.code, "said": failure.said, "explanation": explain(&channel.kind, &failure.code).of(Language::English),
        }),
    }))
}

async fn list(State(app): State<App>, access: ProjectAccess) -> Result<Json<Value>, Error> {
    all(&app, of(&access)).await
}

async fn create(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Json(sent): Json<Sent>,
) -> Result<(StatusCode, Json<Value>), Error> {
    add(&app, of(&access), access.user.id, sent).await
}

async fn one(State(app): State<App>, access: ProjectAccess, Path(named): Path<Named>) -> Result<Json<Value>, Error> {
    Ok(Json(shown(&find(&app, of(&access), named.channel).await?)))
}

async fn update(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Error> {
    alter(&app, of(&access), named.channel, sent).await
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<StatusCode, Error> {
    delete(&app, of(&access), named.channel).await
}

async fn test(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let channel = find(&app, of(&access), named.channel).await?;
    tried(&app, &channel, &access.organization.slug, &access.project.slug).await
}

async fn list_shared(State(app): State<App>, access: Membership) -> Result<Json<Value>, Error> {
    all(&app, shared(&access)).await
}

async fn create_shared(
    State(app): State<App>,
    OrganizationAdmin(access): OrganizationAdmin,
    Json(sent): Json<Sent>,
) -> Result<(StatusCode, Json<Value>), Error> {
    add(&app, shared(&access), access.visitor.user.id, sent).await
}

async fn one_shared(
    State(app): State<App>,
    access: Membership,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    Ok(Json(shown(&find(&app, shared(&access), named.channel).await?)))
}

async fn update_shared(
    State(app): State<App>,
    OrganizationAdmin(access): OrganizationAdmin,
    Path(named): Path<Named>,
    Json(sent): Json<Sent>,
) -> Result<Json<Value>, Error> {
    alter(&app, shared(&access), named.channel, sent).await
}

async fn remove_shared(
    State(app): State<App>,
    OrganizationAdmin(access): OrganizationAdmin,
    Path(named): Path<Named>,
) -> Result<StatusCode, Error> {
    delete(&app, shared(&access), named.channel).await
}

async fn test_shared(
    State(app): State<App>,
    OrganizationAdmin(access): OrganizationAdmin,
    Path(named): Path<Named>,
) -> Result<Json<Value>, Error> {
    let channel = find(&app, shared(&access), named.channel).await?;
    tried(&app, &channel, &access.organization.slug, "").await
}
