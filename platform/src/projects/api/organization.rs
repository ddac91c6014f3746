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
    audit::{self, Entry},
    organizations::{self, Joining},
    permissions::{NoRole, Role},
    teams,
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
    let joining = organizations::store::joining(&app.db, id).await?.ok_or(Error::NotFound)?;
    let joining = read_joining(joining, membership.most(), &wanted)?;
    let demands = read(&mut membership.organization.name, demands, &wanted)?;
    store::set_demands(&app.db, id, &membership.organization.name, &demands).await?;
    organizations::store::set_joining(&app.db, id, joining).await?;
    let fields: Vec<&String> = wanted.keys().collect();
    let slug = &membership.organization.slug;
    let entry = Entry { organization: Some(id), event: "org.edit", target: slug, data: json!({"fields": fields}) };
    audit::record(&app.db, &membership.visitor.actor(), entry).await?;
    shown(&app, &membership).await
}

/// Nobody makes newcomers more than they are themselves.
fn read_joining(before: Joining, most: Option<Role>, wanted: &Map<String, Value>) -> Result<Joining, Error> {
    let mut joining = before;
    if let Some(open) = wanted.get("openMembership") {
        joining.open_membership =
            open.as_bool().ok_or_else(|| Error::field("openMembership", "Enter true or false."))?;
    }
    if let Some(role) = wanted.get("defaultRole") {
        let named = role.as_str().unwrap_or_default().parse();
        joining.default_role = named.map_err(|e: NoRole| Error::field("defaultRole", e.to_string()))?;
        if most.is_none_or(|most| joining.default_role > most) {
            return Err(Error::field("defaultRole", "You cannot give a role above your own."));
        }
    }
    Ok(joining)
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
async fn shown(app: &App, membership: &Membership) -> Result<Json<Value>, Error> {
    let Membership { organization, projects, .. } = membership;
    let joining = organizations::store::joining(&app.db, organization.id).await?.ok_or(Error::NotFound)?;
    let teams = teams::store::list(&app.db, organization.id, membership.visitor.user.id).await?;
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
        "openMembership": joining.open_membership,
        "defaultRole": joining.default_role.name(),
        "teams": teams.iter().map(teams::api::json).collect::<Vec<_>>(),
        "access": membership.scopes.names(),
        "role": membership.role.map(Role::name),
    })))
}
