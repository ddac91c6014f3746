//! What goes wrong, and how the visitor is told.
//!
//! Handlers say what is wrong with an [`Error`]; one layer per router turns it, and every refusal of the framework's, into a
//! page or into the JSON that clients of Sentry's API read. What is our fault is logged once, here, under an id that the
//! visitor sees instead of the cause.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Json,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use serde::Serialize;
use uuid::Uuid;

use crate::ui::{self, Language, Page, Phrases, render};

/// Why a request is not answered as wished.
#[derive(Debug)]
pub enum Error {
    /// It is not there, or not for this visitor.
    NotFound,
    /// It is elsewhere now.
    Moved(String),
    /// Nobody is signed in.
    Unauthorized,
    /// The token is not one of ours.
    InvalidToken,
    /// Somebody else of the organisation may do it.
    Forbidden,
    /// The request makes no sense; the text says why.
    Invalid(String),
    /// Fields of it cannot be taken: their names, and why.
    Fields(Vec<(String, String)>),
    /// Our fault.
    Internal(anyhow::Error),
}

impl Error {
    /// One field cannot be taken.
    pub fn field(name: &str, why: impl Into<String>) -> Error {
        Error::Fields(vec![(name.to_owned(), why.into())])
    }
}

impl<E: Into<anyhow::Error>> From<E> for Error {
    fn from(error: E) -> Error {
        Error::Internal(error.into())
    }
}

/// What the layers know of an error.
#[derive(Clone, Debug)]
struct Failure {
    detail: String,
    fields: Vec<(String, String)>,
    /// Of the log line, when it is our fault.
    id: Option<Uuid>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, detail) = match &self {
            Error::Moved(path) => return Redirect::to(path).into_response(),
            Error::Fields(_) => (StatusCode::BAD_REQUEST, "Invalid request"),
            Error::Forbidden => (StatusCode::FORBIDDEN, "You do not have permission to perform this action."),
            Error::NotFound => (StatusCode::NOT_FOUND, "The requested resource does not exist"),
            Error::Unauthorized => (StatusCode::UNAUTHORIZED, "Authentication credentials were not provided."),
            Error::InvalidToken => (StatusCode::UNAUTHORIZED, "Invalid token"),
            Error::Invalid(why) => (StatusCode::BAD_REQUEST, why.as_str()),
            Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Error"),
        };
        let mut failure = Failure { detail: detail.to_owned(), fields: Vec::new(), id: None };
        if let Error::Internal(error) = &self {
            let id = Uuid::new_v4();
            tracing::error!(error.id = %id, "a request failed: {error:#}");
            failure.id = Some(id);
        }
        if let Error::Fields(fields) = self {
            failure.detail = fields.iter().map(|(name, why)| format!("{name}: {why}")).collect::<Vec<_>>().join(" ");
            failure.fields = fields;
        }
        let mut response = status.into_response();
        response.extensions_mut().insert(failure);
        response
    }
}

#[derive(Serialize)]
struct Told {
    detail: String,
    #[serde(rename = "errorId", skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    /// Sentry's forms answer a list of reasons under each field's name.
    #[serde(flatten)]
    fields: BTreeMap<String, [String; 1]>,
}

/// Every error as the JSON that clients of Sentry's API read.
pub async fn as_json(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some((status, failure)) = failure(&response).filter(|_| !is(response.headers(), "application/json")) else {
        return response;
    };
    let fields = failure.fields.into_iter().map(|(name, why)| (name, [why])).collect();
    let mut answer = (status, Json(Told { detail: failure.detail, id: failure.id, fields })).into_response();
    if status == StatusCode::UNAUTHORIZED {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"api\""));
    }
    answer
}

#[derive(Template)]
#[template(path = "ui/error.html")]
struct ErrorPage {
    page: Page,
    status: u16,
    heading: &'static str,
    text: &'static str,
    id: Option<Uuid>,
}

/// Every error as a page; who has to sign in is sent to the form and comes back after it.
pub async fn as_page(request: Request, next: Next) -> Response {
    let language = Language::of(request.headers());
    let back = request.uri().path_and_query().filter(|_| request.method() == Method::GET).map(ToString::to_string);
    let response = next.run(request).await;
    let Some((status, failure)) = failure(&response).filter(|_| !is(response.headers(), "text/html")) else {
        return response;
    };
    if status == StatusCode::UNAUTHORIZED {
        let back = back.filter(|back| back != "/").map(|back| ui::query(&[("next", Some(&back))])).unwrap_or_default();
        return Redirect::to(&format!("/auth/login/{back}")).into_response();
    }
    let (heading, text) = words(language.phrases(), status);
    let page = ErrorPage { page: Page::plain(language), status: status.as_u16(), heading, text, id: failure.id };
    match render(&page) {
        Ok(html) => (status, html).into_response(),
        Err(_) => status.into_response(),
    }
}

fn words(phrases: &'static Phrases, status: StatusCode) -> (&'static str, &'static str) {
    match status {
        StatusCode::NOT_FOUND => (phrases.not_found, phrases.not_found_text),
        StatusCode::FORBIDDEN => (phrases.refused, phrases.refused_text),
        status if status.is_client_error() => (phrases.bad_request, phrases.bad_request_text),
        StatusCode::SERVICE_UNAVAILABLE => (phrases.unavailable, phrases.unavailable_text),
        _ => (phrases.our_fault, phrases.our_fault_text),
    }
}

/// Of an error of ours, or of a refusal of the framework's.
fn failure(response: &Response) -> Option<(StatusCode, Failure)> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return None;
    }
    let known = response.extensions().get::<Failure>().cloned();
    let reason = || status.canonical_reason().unwrap_or("Error").to_owned();
    Some((status, known.unwrap_or_else(|| Failure { detail: reason(), fields: Vec::new(), id: None })))
}

/// Whether whoever answered has chosen this format already.
fn is(headers: &HeaderMap, format: &str) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(format.as_bytes()))
}
