//! Sentry's Web API v0 of an organisation: what it is, and what it demands of its projects' privacy.

use axum::{Json, Router, extract::State, routing::get};
use chrono::SecondsFormat;
use serde_json::{Map, Value, json};

use super::{
    super::{
        settings::{
            Demands,
            options::{self, Known},
            wanted,
        },
        store,
    },
    refused,
};
use crate::{
    access::{Membership, OrganizationAdmin},
    app::App,
    web::{Error, api_route},
};

/// The routes of organisations.
pub fn routes() -> Router<App> {
    api_route(Router::new(), "/api/0/organizations/{org}/", get(one).put(update))
}

async fn one(State(app): State<App>, membership: Membership) -> Result<Json<Value>, Error> {
    shown(&app, &membership).await
}

/// Takes Sentry's fields; what is not known is left alone, as Sentry does.
async fn update(
    State(app): State<App>,
    OrganizationAdmin(mut membership): OrganizationAdmin,
    Json(wanted): Json<Map<String, Value>>,
) -> Result<Json<Value>, Error> {
    let id = membership.organization.id;
    let (_, demands) = store::demands(&app.db, id).await?.ok_or(Error::NotFound)?;
    let demands = read(&mut membership.organization.name, demands, &wanted)?;
    store::set_demands(&app.db, id, &membership.organization.name, &demands).await?;
    shown(&app, &membership).await
}

fn read(name: &mut String, mut demands: Demands, wanted: &Map<String, Value>) -> Result<Demands, Error> {
    let mut wrong = Vec::new();
    for (field, value) in wanted {
        let taken = match field.as_str() {
            "name" => wanted::words(value).map(|wanted| *name = wanted),
            field => options::set_demand(&mut demands, field, value).map(|_: Known| ()),
        };
        if let Err(why) = taken {
            wrong.push((field.clone(), why));
        }
    }
    if wrong.is_empty() { Ok(demands) } else { Err(refused(wrong)) }
}

/// What Sentry's `DetailedOrganizationSerializer` gives, as far as there is something to say.
async fn shown(app: &App, Membership { organization, projects, .. }: &Membership) -> Result<Json<Value>, Error> {
    let (created, demands) = store::demands(&app.db, organization.id).await?.ok_or(Error::NotFound)?;
    let project = |project: &super::super::Project| {
        json!({
            "id": project.id.0.to_string(), "slug": project.slug, "name": project.name, "platform": project.platform,
        })
    };
    Ok(Json(json!({
        "id": organization.id.0.to_string(),
        "slug": organization.slug,
        "name": organization.name,
        "dateCreated": created.to_rfc3339_opts(SecondsFormat::Micros, true),
        "status": {"id": "active", "name": "active"},
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": null},
        "isDefault": false,
        "isEarlyAdopter": false,
        "require2FA": false,
        "features": [],
        "links": {
            "organizationUrl": app.config.site.url(&format!("/{}/", organization.slug)),
            "regionUrl": app.config.site.url(""),
        },
        "dataScrubber": demands.scrub,
        "dataScrubberDefaults": demands.defaults,
        "scrubIPAddresses": demands.scrub_addresses,
        "sensitiveFields": demands.sensitive_fields,
        "safeFields": demands.safe_fields,
        "relayPiiConfig": Some(&demands.rules).filter(|rules| !rules.is_empty()),
        "scrapeJavaScript": true,
        "projects": projects.iter().map(project).collect::<Vec<_>>(),
        "teams": [],
    })))
}
