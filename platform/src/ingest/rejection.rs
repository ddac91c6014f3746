//! Why a request is refused, in the statuses and words that SDKs know.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use thiserror::Error;

use crate::protocol::{auth::AuthError, envelope::EnvelopeError, store::StoreError};

/// A refusal. Its text is the answer's `detail`.
#[derive(Debug, Error)]
pub enum Rejection {
    #[error("{0}")]
    Auth(#[from] AuthError),
    #[error("bad project path parameter")]
    BadProject,
    #[error("event submission rejected with_reason: ProjectId")]
    UnknownKey,
    #[error("empty request body")]
    Empty,
    #[error("invalid event envelope")]
    Envelope(#[source] EnvelopeError),
    #[error("invalid request body")]
    Store(#[source] StoreError),
    #[error("invalid JSON data")]
    Json(#[source] serde_json::Error),
    #[error("the request body could not be read: {0}")]
    Body(String),
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("unsupported content encoding {0:?}")]
    Encoding(String),
    #[error("failed to queue envelope")]
    Unavailable,
}

/// Seconds after which a sender may try again when nothing could take its event.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

impl Rejection {
    fn status(&self) -> StatusCode {
        match self {
            Rejection::Auth(AuthError::Missing | AuthError::Several | AuthError::Malformed | AuthError::BadDsn) => {
                StatusCode::UNAUTHORIZED
            }
            Rejection::UnknownKey => StatusCode::FORBIDDEN,
            Rejection::TooLarge(_) | Rejection::Store(StoreError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Rejection::Encoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// As it is counted.
    pub fn outcome(&self) -> &'static str {
        match self {
            Rejection::Auth(_) => "unauthorized",
            Rejection::UnknownKey => "forbidden",
            Rejection::TooLarge(_) => "too_large",
            Rejection::Unavailable => "unavailable",
            _ => "invalid",
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        let cause = std::error::Error::source(&self).map(ToString::to_string).filter(|cause| *cause != detail);
        let body = match cause {
            Some(cause) => json!({ "detail": detail, "causes": [cause] }),
            None => json!({ "detail": detail }),
        };
        let mut response = (self.status(), Json(body)).into_response();
        if let Ok(value) = HeaderValue::from_str(&detail) {
            response.headers_mut().insert("x-sentry-error", value);
        }
        if matches!(self, Rejection::Unavailable) {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
