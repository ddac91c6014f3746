//! `/api/{project}/store/` and `/api/store/`: one event per request, as SDKs sent them before envelopes, and still do.
//!
//! Old browsers send the event in the query of a GET and are answered a picture.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderName, header},
    response::IntoResponse,
};
use bytes::Bytes;

use super::{
    Rejection, accept, body,
    envelopes::{self, Accepted},
    sender::{Sender, text},
};
use crate::{
    app::App,
    protocol::{
        EventId,
        store::{self, StoreError},
    },
};

/// One transparent pixel.
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\xf0\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";
const X_SENTRY_ID: HeaderName = HeaderName::from_static("x-sentry-id");

/// Takes one event in.
pub async fn take(
    State(app): State<App>,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<Accepted, Rejection> {
    let body =
        body::arrive(&app.bodies, body, text(&headers, &header::CONTENT_ENCODING), body::MOST_REPORT_BYTES).await?;
    let content_type = text(&headers, &header::CONTENT_TYPE).unwrap_or_default();
    if content_type.starts_with("application/x-sentry-envelope") {
        return envelopes::open(&app, sender, &body).await;
    }
    Ok(accept(&app, &sender, &body.unpacked).await?.into())
}

/// Takes one event out of the query and answers a picture.
pub async fn take_from_query(
    State(app): State<App>,
    sender: Sender,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Rejection> {
    let query = query.unwrap_or_default();
    let data = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "sentry_data").map(|(_, data)| data);
    // A plus of base64 that was not escaped has become a space.
    let data = data.map(|data| if data.starts_with('{') { data.into_owned() } else { data.replace(' ', "+") });
    let id = accept(&app, &sender, &data.unwrap_or_default().into()).await?;
    Ok(([(header::CONTENT_TYPE, "image/gif".to_owned()), (X_SENTRY_ID, id.to_string())], PIXEL))
}

async fn accept(app: &App, sender: &Sender, body: &Bytes) -> Result<EventId, Rejection> {
    let payload = store::decode(body, body::MOST_REPORT_BYTES).map_err(|error| match error {
        StoreError::Empty => Rejection::Empty,
        error => Rejection::Store(error),
    })?;
    let (head, payload) = store::Head::read(payload).map_err(Rejection::Json)?;
    accept::event(app, sender, head, payload).await
}
