//! `/api/{project}/envelope/`: what SDKs have spoken since 2020.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use serde::Serialize;

use super::{
    Rejection, accept, body,
    packed::{self, Kept},
    sender::{Claim, Head, Sender, text},
};
use crate::{
    app::App,
    protocol::{
        EventId,
        auth::{Auth, AuthError},
        envelope::{self, Envelope},
    },
};

/// What an SDK is answered: the event's id, where there is one.
#[derive(Serialize)]
pub struct Accepted {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl From<Option<EventId>> for Accepted {
    fn from(id: Option<EventId>) -> Accepted {
        Accepted { id: id.map(|id| id.to_string()) }
    }
}

/// Takes an envelope in.
pub async fn take(
    State(app): State<App>,
    head: Head,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Rejection> {
    let content_encoding = text(&headers, &header::CONTENT_ENCODING);
    let (body, kept) = packed::keep(body, content_encoding);
    let body = body::read(&app.bodies, body, content_encoding, body::MOST_BYTES).await?;
    let sender = match head.sender {
        Some(sender) => sender,
        None => tunnelled(&app, &body, &head.claim).await?,
    };
    let id = open_packed(&app, sender, &body, kept).await?;
    Ok(Json(id.into()))
}

/// Splits an envelope and accepts what is in it.
pub async fn open(app: &App, sender: Sender, body: &Bytes) -> Result<Option<EventId>, Rejection> {
    open_packed(app, sender, body, None).await
}

async fn open_packed(
    app: &App,
    mut sender: Sender,
    body: &Bytes,
    kept: Option<Kept>,
) -> Result<Option<EventId>, Rejection> {
    if body.is_empty() {
        return Err(Rejection::Empty);
    }
    let envelope = Envelope::parse(body).map_err(Rejection::Envelope)?;
    envelope.agrees_with(&sender.public_key, sender.project.0).map_err(Rejection::Envelope)?;
    sender.sent.at = envelope.sent_at;
    let packed = kept.and_then(|kept| kept.only(body, &envelope.items));
    accept::items_packed(app, &sender, envelope.event_id, (envelope.items, packed)).await?.unless_limited()
}

/// The sender of an envelope that a browser sent through its application's own server: only the envelope names it.
async fn tunnelled(app: &App, body: &Bytes, claim: &Claim) -> Result<Sender, Rejection> {
    if body.is_empty() {
        return Err(Rejection::Auth(AuthError::Missing));
    }
    let dsn = envelope::sender(body).ok_or(AuthError::BadDsn)?;
    Sender::check(app, Auth { public_key: dsn.public_key, client: None }, claim).await
}
