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
    let body = body::read(body, text(&headers, &header::CONTENT_ENCODING), body::MOST_BYTES).await?;
    let sender = match head.sender {
        Some(sender) => sender,
        None => tunnelled(&app, &body, &head.claim).await?,
    };
    let id = open(&app, sender, &body).await?;
    Ok(Json(id.into()))
}

/// Splits an envelope and accepts what is in it.
pub async fn open(app: &App, mut sender: Sender, body: &Bytes) -> Result<Option<EventId>, Rejection> {
    if body.is_empty() {
        return Err(Rejection::Empty);
    }
    let envelope = Envelope::parse(body).map_err(Rejection::Envelope)?;
    envelope.agrees_with(&sender.public_key, sender.project.0).map_err(Rejection::Envelope)?;
    sender.sent.at = envelope.sent_at;
    accept::items(app, &sender, envelope.event_id, envelope.items).await?.unless_limited()
}

/// The sender of an envelope that a browser sent through its application's own server: only the envelope names it.
async fn tunnelled(app: &App, body: &Bytes, claim: &Claim) -> Result<Sender, Rejection> {
    if body.is_empty() {
        return Err(Rejection::Auth(AuthError::Missing));
    }
    let dsn = envelope::sender(body).ok_or(AuthError::BadDsn)?;
    Sender::check(app, Auth { public_key: dsn.public_key, client: None }, claim).await
}
