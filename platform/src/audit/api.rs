//! Sentry's Web API v0 of the audit log.

use axum::{
    Json, Router,
    extract::{Query, State},
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Row,
    store::{self, Filter},
};
use crate::{
    access::Membership,
    app::App,
    web::{Error, api_route},
};

/// Rows of one answer.
const PAGE: i64 = 100;

/// The routes of this slice.
pub fn routes() -> Router<App> {
    api_route(Router::new(), "/api/0/organizations/{org}/audit-logs/", get(list))
}

/// What may be asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub event: String,
    #[serde(default)]
    pub actor: String,
    pub start: Option<DateTime<Utc>>,
    pub end: Option<DateTime<Utc>>,
    pub before: Option<i64>,
}

impl From<Asked> for Filter {
    fn from(asked: Asked) -> Filter {
        Filter { event: asked.event, actor: asked.actor, since: asked.start, until: asked.end, before: asked.before }
    }
}

async fn list(
    State(app): State<App>,
    membership: Membership,
    Query(asked): Query<Asked>,
) -> Result<Json<Value>, Error> {
    let rows = store::list(&app.db, membership.organization.id, &asked.into(), PAGE).await?;
    Ok(Json(json!({"rows": rows.iter().map(row).collect::<Vec<_>>(), "options": super::EVENTS})))
}

fn row(row: &Row) -> Value {
    json!({
        "id": row.id.to_string(), "event": row.event, "ipAddress": row.address, "note": row.target, "data": row.data,
        "actor": {"id": row.actor_id.map(|id| id.to_string()), "name": row.actor, "email": row.actor},
        "targetUser": null,
        "dateCreated": row.at.to_rfc3339_opts(SecondsFormat::Micros, true),
    })
}
