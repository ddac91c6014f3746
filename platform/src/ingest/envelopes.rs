//! `/api/{project}/envelope/`: what SDKs have spoken since 2020.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use serde::Serialize;

use super::{
    Rejection, accept,
    body::{self, Arrived},
    packed,
    quotas::{self, Limit},
    rejection::RATE_LIMITS,
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

/// What an SDK is answered: the event's id, where there is one, and what it need not send.
pub struct Accepted {
    id: Option<EventId>,
    disabled: Option<Limit>,
}

#[derive(Serialize)]
struct Answer {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl From<EventId> for Accepted {
    fn from(id: EventId) -> Accepted {
        Accepted { id: Some(id), disabled: None }
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let told = self.disabled.and_then(|limit| HeaderValue::from_str(&quotas::header(&[limit])).ok());
        let answer = Answer { id: self.id.map(|id| id.to_string()) };
        (told.map(|told| [(RATE_LIMITS, told)]), Json(answer)).into_response()
    }
}

/// Takes an envelope in.
pub async fn take(State(app): State<App>, head: Head, headers: HeaderMap, body: Body) -> Result<Accepted, Rejection> {
    let content_encoding = text(&headers, &header::CONTENT_ENCODING);
    let body = body::arrive(&app.bodies, body, content_encoding, body::MOST_BYTES).await?;
    let sender = match head.sender {
        Some(sender) => sender,
        None => tunnelled(&app, &body.unpacked, &head.claim).await?,
    };
    open(&app, sender, &body).await
}

/// Splits an envelope and accepts what is in it.
pub async fn open(app: &App, mut sender: Sender, body: &Arrived) -> Result<Accepted, Rejection> {
    if body.unpacked.is_empty() {
        return Err(Rejection::Empty);
    }
    let envelope = Envelope::parse(&body.unpacked).map_err(Rejection::Envelope)?;
    envelope.agrees_with(&sender.public_key, sender.project.0).map_err(Rejection::Envelope)?;
    sender.sent.at = envelope.sent_at;
    let packed = packed::only(body, &envelope.items);
    let taken = accept::items_packed(app, &sender, envelope.event_id, (envelope.items, packed)).await?;
    let disabled = taken.disabled.clone();
    Ok(Accepted { id: taken.unless_limited()?, disabled })
}

/// The sender of an envelope that a browser sent through its application's own server: only the envelope names it.
async fn tunnelled(app: &App, body: &Bytes, claim: &Claim) -> Result<Sender, Rejection> {
    if body.is_empty() {
        return Err(Rejection::Auth(AuthError::Missing));
    }
    let dsn = envelope::sender(body).ok_or(AuthError::BadDsn)?;
    Sender::check(app, Auth { public_key: dsn.public_key, client: None }, claim).await
}
