//! `/api/{project}/cron/{slug}[/{key}]`: periodic tasks say that they ran, with nothing but `curl`.

use axum::{
    body::Body,
    extract::{RawPathParams, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
};

use super::{
    Rejection, accept, body,
    sender::{Sender, text},
};
use crate::{
    app::App,
    protocol::{check_in, json::Object},
};

/// Takes a check-in. What could not be counted is answered like what could: these clients cannot wait.
pub async fn take(
    State(app): State<App>,
    sender: Sender,
    path: RawPathParams,
    (RawQuery(query), headers): (RawQuery, HeaderMap),
    body: Body,
) -> Result<StatusCode, Rejection> {
    let body =
        body::read(&app.bodies, body, text(&headers, &header::CONTENT_ENCODING), body::MOST_REPORT_BYTES).await?;
    let is_json = text(&headers, &header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/json"));
    let body = if is_json { &body[..] } else { &[] };
    let slug = path.iter().find(|(name, _)| *name == "slug").map(|(_, slug)| slug).unwrap_or_default();
    let check_in = check_in::payload(slug, &query.unwrap_or_default(), body)?;
    let payload = serde_json::to_vec(&check_in).map_err(Rejection::Json)?;
    accept::items(&app, &sender, None, vec![accept::item("check_in", Object::new(), payload.into())]).await?;
    Ok(StatusCode::ACCEPTED)
}
