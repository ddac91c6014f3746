//! Why a request is refused, in the statuses and words that SDKs know.
//!
//! Sentry answers most refusals as JSON, and those its HTTP library makes as plain text; clients were seen to tell them apart.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use thiserror::Error;

use super::quotas::{self, Limit};
use crate::{
    protocol::{
        auth::AuthError, check_in::CheckInError, encoding::EncodingError, envelope::EnvelopeError, form::FormError,
        store::StoreError,
    },
    queue::PushError,
};

/// A refusal. Its text is the answer's `detail`.
#[derive(Debug, Error)]
pub enum Rejection {
    /// Nobody knows who sends.
    #[error("{0}")]
    Auth(#[from] AuthError),
    /// The project in the path is no number.
    #[error("bad project path parameter")]
    BadProject,
    /// No such key, or not an active one, or one of another project.
    #[error("event submission rejected with_reason: ProjectId")]
    UnknownKey,
    /// The project does not want to hear from this site.
    #[error("event submission rejected with_reason: Cors")]
    Origin,
    /// More was sent than a quota allows.
    #[error(
        "Sentry dropped data due to a quota or internal rate limit being reached. This will not affect your application."
    )]
    RateLimited(Vec<Limit>),
    /// There is no body.
    #[error("empty request body")]
    Empty,
    /// An envelope that cannot be split.
    #[error("invalid event envelope")]
    Envelope(#[source] EnvelopeError),
    /// A body of the store endpoint that cannot be unpacked.
    #[error("invalid request body")]
    Store(#[source] StoreError),
    /// A body of the store endpoint that is no event.
    #[error("invalid JSON data")]
    Json(#[source] serde_json::Error),
    /// The body broke off, or its compression is broken.
    #[error("the request body could not be read: {0}")]
    Body(String),
    /// The body trickles.
    #[error("the request body took too long")]
    TooSlow,
    /// The body is larger than the endpoint takes.
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    /// One kind of item takes more room than it may.
    #[error("envelope exceeded size limits for type '{0}'")]
    ItemTooLarge(&'static str),
    /// An item that only servers of Sentry's may send.
    #[error("envelope contains internal items")]
    Internal,
    /// A browser's report without a `Content-Type`.
    #[error("mime parse error")]
    NoContentType,
    /// A browser's report of a type we do not know.
    #[error("unsupported content type")]
    ContentType,
    /// A check-in without a status, or with a body that is none.
    #[error("{0}")]
    CheckIn(#[from] CheckInError),
    /// A form that cannot be taken apart.
    #[error("invalid multipart data")]
    Form(String),
    /// The event in the path is no id.
    #[error("bad event id path parameter")]
    BadEventId,
    /// A form without a dump.
    #[error("missing minidump")]
    MissingMinidump,
    /// What should be a dump does not begin like one.
    #[error("invalid minidump")]
    InvalidMinidump,
    /// A `Content-Encoding` nobody uses.
    #[error("unsupported content encoding {0:?}")]
    Encoding(String),
    /// Bodies under way take all the memory they may.
    #[error("too much is being sent at once")]
    Busy,
    /// Workers are too far behind.
    #[error("the queue is full: too many events wait to be stored")]
    Backlog,
    /// Neither queue could take it; the sender must send it again.
    #[error("failed to queue envelope")]
    Unavailable,
}

/// Seconds after which a sender may try again.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// What SDKs read with any status.
pub const RATE_LIMITS: HeaderName = HeaderName::from_static("x-sentry-rate-limits");
/// The same for all categories, in the header SDKs read.
const BACKLOG: HeaderValue = HeaderValue::from_static("10::organization:backlog");

impl Rejection {
    fn status(&self) -> StatusCode {
        match self {
            Rejection::Auth(AuthError::Missing | AuthError::Several | AuthError::Malformed | AuthError::BadDsn) => {
                StatusCode::UNAUTHORIZED
            }
            Rejection::UnknownKey | Rejection::Origin => StatusCode::FORBIDDEN,
            Rejection::TooLarge(_) | Rejection::ItemTooLarge(_) | Rejection::Store(StoreError::TooLarge) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Rejection::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Rejection::Encoding(_) | Rejection::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Rejection::Backlog | Rejection::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Rejection::Busy | Rejection::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// As it is counted.
    pub fn outcome(&self) -> &'static str {
        match self {
            Rejection::Auth(_) => "unauthorized",
            Rejection::UnknownKey | Rejection::Origin => "forbidden",
            Rejection::TooLarge(_) | Rejection::ItemTooLarge(_) => "too_large",
            Rejection::Backlog | Rejection::RateLimited(_) => "rate_limited",
            Rejection::Busy => "busy",
            Rejection::Unavailable => "unavailable",
            _ => "invalid",
        }
    }

    /// When the sender may try again, in both headers SDKs read.
    fn pause(&self) -> Vec<(HeaderName, HeaderValue)> {
        match self {
            Rejection::Busy | Rejection::Unavailable => vec![(header::RETRY_AFTER, RETRY_AFTER)],
            Rejection::Backlog => vec![(header::RETRY_AFTER, RETRY_AFTER), (RATE_LIMITS, BACKLOG)],
            Rejection::RateLimited(limits) => {
                let longest = limits.iter().map(|limit| limit.seconds).max().unwrap_or_default();
                let told = HeaderValue::from_str(&quotas::header(limits)).ok().map(|told| (RATE_LIMITS, told));
                told.into_iter().chain([(header::RETRY_AFTER, longest.into())]).collect()
            }
            _ => Vec::new(),
        }
    }

    fn is_plain_text(&self) -> bool {
        matches!(self, Rejection::Body(_) | Rejection::TooLarge(_) | Rejection::CheckIn(_))
    }

    /// The texts of the errors below this one that say something new.
    fn causes(&self) -> Vec<String> {
        let mut said = vec![self.to_string()];
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = cause.to_string();
            if said.last() != Some(&text) {
                said.push(text);
            }
            next = cause.source();
        }
        if let Rejection::Form(cause) = self {
            said.push(cause.clone());
        }
        said.split_off(1)
    }
}

impl From<EncodingError> for Rejection {
    fn from(error: EncodingError) -> Rejection {
        match error {
            EncodingError::Unknown(encodings) => Rejection::Encoding(encodings),
            EncodingError::Broken(error) => Rejection::Body(error.to_string()),
            EncodingError::TooLarge(most) => Rejection::TooLarge(most),
        }
    }
}

impl From<FormError> for Rejection {
    fn from(error: FormError) -> Rejection {
        Rejection::Form(error.to_string())
    }
}

impl From<PushError> for Rejection {
    fn from(error: PushError) -> Rejection {
        match error {
            PushError::Full => Rejection::Backlog,
            PushError::Unavailable(error) => {
                tracing::warn!("queueing items: {error:#}");
                Rejection::Unavailable
            }
        }
    }
}

/// What a refused request is counted as; travels on the response to whoever counts.
#[derive(Clone, Copy, Debug)]
pub struct Refused(pub &'static str);

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let detail = self.to_string();
        let status = self.status();
        let mut response = match (&self, self.causes()) {
            (Rejection::ContentType, _) => status.into_response(),
            _ if self.is_plain_text() => (status, detail.clone()).into_response(),
            (_, causes) if causes.is_empty() => (status, Json(json!({ "detail": detail }))).into_response(),
            (_, causes) => (status, Json(json!({ "detail": detail, "causes": causes }))).into_response(),
        };
        if let Ok(value) = HeaderValue::from_str(&detail) {
            response.headers_mut().insert("x-sentry-error", value);
        }
        response.headers_mut().extend(self.pause());
        response.extensions_mut().insert(Refused(self.outcome()));
        response
    }
}
