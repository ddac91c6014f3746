//! An issue that somebody shared, for whoever knows its id: no account, and nothing about users, requests or the machine.

use axum::{
    Json,
    extract::{Path, State},
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::store::{self, End},
    Read, timestamp,
};
use crate::{
    app::App,
    issues::{self, people},
    web::Error,
};

/// What of an event anybody may read: Sentry's words for error and message.
const SHOWN: [&str; 2] = ["exception", "message"];

#[derive(Deserialize)]
pub(super) struct Named {
    share: String,
}

pub(super) async fn one(State(app): State<App>, Path(named): Path<Named>) -> Result<Json<Value>, Error> {
    let id = Uuid::try_parse(&named.share).map_err(|_| Error::NotFound)?;
    let shared = people::shared(&app.db, id).await?.ok_or(Error::NotFound)?;
    let issue = issues::store::find(&app.db, shared.project, shared.issue).await?.ok_or(Error::NotFound)?;
    let latest = match store::at_end(&app.db, &issue, End::Latest).await? {
        Some(stored) => Some(event(&Read::new(&stored)?)),
        None => None,
    };
    let path = issues::path(&shared.organization_slug, &shared.project_slug, issue.id);
    Ok(Json(json!({
        "id": issue.id.0.to_string(), "shareId": id.simple().to_string(), "shortId": issue.name(&shared.project_slug),
        "title": issue.title, "culprit": issue.culprit, "level": issue.level.name(), "type": issue.kind,
        "platform": issue.platform, "status": issue.status.name(), "isPublic": true,
        "permalink": app.config.site.url(&path), "count": issue.times_seen.to_string(), "userCount": issue.users_seen,
        "firstSeen": timestamp(issue.first_seen), "lastSeen": timestamp(issue.last_seen),
        "project": {
            "slug": shared.project_slug, "name": shared.project_name, "organization": {"slug": shared.organization_slug},
        },
        "latestEvent": latest,
    })))
}

fn event(read: &Read<'_>) -> Value {
    let summary = read.summary();
    let entries = super::entries::entries(&read.json, &read.event).into_iter();
    let shown = entries.filter(|entry| entry["type"].as_str().is_some_and(|kind| SHOWN.contains(&kind)));
    json!({
        "eventID": summary.event_id, "title": summary.title, "culprit": summary.culprit, "platform": summary.platform,
        "dateCreated": summary.date_created, "metadata": summary.metadata, "entries": shown.map(without_vars).collect::<Vec<_>>(),
    })
}

/// Local variables hold whatever the application held.
fn without_vars(mut entry: Value) -> Value {
    fn forget(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("vars");
                fields.values_mut().for_each(forget);
            }
            Value::Array(values) => values.iter_mut().for_each(forget),
            _ => (),
        }
    }
    forget(&mut entry);
    entry
}
