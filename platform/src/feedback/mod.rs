//! What people say of an error they ran into, told where it happened: through the crash-report dialog that an SDK opens, or
//! through an application's own form and the Web API.
//!
//! Both become a `user_report` item that goes the way of an envelope's: the same key, quota, queue and answer. Not here: what
//! becomes of reports, and those that SDKs send in envelopes.

mod api;
mod dialog;
mod store;
mod words;

use axum::{
    Json, Router,
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use serde_json::{Value, json};

use crate::{
    app::App,
    ingest::{self, Rejection, Sender},
    protocol::{
        feedback::{self, FieldErrors, Report},
        json::Object,
    },
    web::Error,
};

/// The routes of this slice: open to strangers, like ingest.
pub fn routes(app: &App) -> Router<App> {
    ingest::open(Router::new().merge(api::routes()).merge(dialog::routes()), app)
}

/// Takes a report in; it is durable when this returns.
async fn submit(app: &App, sender: &Sender, report: &Report) -> Result<(), Rejection> {
    let payload = report.payload().to_string().into();
    let item = ingest::item("user_report", Object::new(), payload);
    ingest::items(app, sender, Some(report.event), vec![item]).await?.unless_limited().map(|_| ())
}

/// The fields of a body, as a form or as JSON.
async fn fields(app: &App, headers: &HeaderMap, body: Body) -> Result<Object, Rejection> {
    let encoding = ingest::text(headers, &header::CONTENT_ENCODING);
    let body = ingest::read_body(&app.bodies, body, encoding, ingest::MOST_REPORT_BYTES).await?;
    let content_type = ingest::text(headers, &header::CONTENT_TYPE).unwrap_or_default();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        return Ok(feedback::form(&body));
    }
    serde_json::from_slice(&body).map_err(Rejection::Json)
}

/// Why a report is not taken.
#[derive(Debug)]
enum Refusal {
    /// As everything that is sent may be.
    Rejected(Rejection),
    /// The project is not this visitor's, or nobody is signed in.
    Denied(Error),
    /// Fields are missing or wrong; the answer has them as they are.
    Fields(FieldErrors),
    /// The same, for the dialog.
    Form(FieldErrors),
    /// The address of the dialog lacks what it needs.
    Parameter(&'static str),
}

impl From<Rejection> for Refusal {
    fn from(rejection: Rejection) -> Refusal {
        Refusal::Rejected(rejection)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Denied(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let wrong = |body: Value| (StatusCode::BAD_REQUEST, Json(body)).into_response();
        match self {
            Refusal::Rejected(rejection) => rejection.into_response(),
            Refusal::Denied(error) => error.into_response(),
            Refusal::Fields(errors) => wrong(json!(errors)),
            Refusal::Form(errors) => wrong(json!({ "errors": errors })),
            Refusal::Parameter(name) => wrong(json!({ name: "Missing or invalid parameter." })),
        }
    }
}
