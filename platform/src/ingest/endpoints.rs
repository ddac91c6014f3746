//! The endpoints of the ingest edge: envelopes, and the store requests of older SDKs.

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    routing::post,
};
use bytes::Bytes;
use serde::Serialize;
use tower_http::{cors::CorsLayer, set_header::SetResponseHeaderLayer};

use super::{Rejection, body};
use crate::{
    app::App,
    events::Received,
    metrics::Outcome,
    projects::ProjectId,
    protocol::{
        EventId,
        auth::{self, Auth, AuthError},
        envelope::{self, Envelope, Item},
        store,
    },
    queue::Topic,
};

const X_SENTRY_AUTH: HeaderName = HeaderName::from_static("x-sentry-auth");

/// The ingest routes, open to every origin as Sentry's are.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/api/{project}/envelope/", post(take_envelope))
        .route("/api/{project}/envelope", post(take_envelope))
        .route("/api/{project}/store/", post(take_store))
        .route("/api/{project}/store", post(take_store))
        .layer(cors())
        .layer(SetResponseHeaderLayer::if_not_present(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        ))
}

/// What an SDK is answered: the event's id, where there is one.
#[derive(Serialize)]
struct Accepted {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

/// A request's parts that both endpoints read.
struct Request {
    project: String,
    query: Option<String>,
    headers: HeaderMap,
    body: Bytes,
}

impl Request {
    async fn read(
        project: String,
        query: Option<String>,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Request, Rejection> {
        let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").to_owned());
        Ok(Request { project, query, body: body::read(body, encoding.as_deref()).await?, headers })
    }

    fn auth(&self) -> Result<Auth, AuthError> {
        let header = |name: &HeaderName| self.headers.get(name).and_then(|value| value.to_str().ok());
        auth::find(header(&X_SENTRY_AUTH), header(&header::AUTHORIZATION), self.query.as_deref())
    }

    /// The project the key belongs to, which must be the one in the path.
    async fn project(&self, app: &App, auth: &Auth) -> Result<ProjectId, Rejection> {
        let named: i64 = self.project.parse().map_err(|_| Rejection::BadProject)?;
        match app.keys.project(&auth.public_key).await {
            Ok(Some(project)) if project.0 == named => Ok(project),
            Ok(_) => Err(Rejection::UnknownKey),
            Err(error) => {
                tracing::warn!("looking up a project key: {error:#}");
                Err(Rejection::Unavailable)
            }
        }
    }
}

async fn take_envelope(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Rejection> {
    let taken = match Request::read(project, query, headers, body).await {
        Ok(request) => accept_envelope(&app, &request).await,
        Err(rejection) => Err(rejection),
    };
    count(&app, taken)
}

async fn take_store(
    State(app): State<App>,
    Path(project): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Rejection> {
    let taken = match Request::read(project, query, headers, body).await {
        Ok(request) => accept_store(&app, &request).await,
        Err(rejection) => Err(rejection),
    };
    count(&app, taken)
}

fn count(app: &App, taken: Result<Option<EventId>, Rejection>) -> Result<Json<Accepted>, Rejection> {
    let outcome = taken.as_ref().map_or_else(Rejection::outcome, |_| "accepted");
    app.metrics.ingest.get_or_create(&Outcome { outcome }).inc();
    taken.map(|id| Json(Accepted { id: id.map(|id| id.to_string()) }))
}

async fn accept_envelope(app: &App, request: &Request) -> Result<Option<EventId>, Rejection> {
    let envelope = Envelope::parse(&request.body).map_err(Rejection::Envelope)?;
    let auth = match (request.auth(), &envelope.dsn) {
        (Err(AuthError::Missing), Some(dsn)) => auth::from_dsn(dsn)?,
        (auth, _) => auth?,
    };
    let project = request.project(app, &auth).await?;
    let Some(event) = envelope.items.iter().find(|item| item.kind == "event") else {
        for item in &envelope.items {
            skip(app, item);
        }
        return Ok(envelope.event_id);
    };
    for item in envelope.items.iter().filter(|item| !std::ptr::eq(*item, event)) {
        skip(app, item);
    }
    // A broken event is accepted: its id is answered, and the worker keeps it with the reason, where people can see it.
    let own_id = envelope::event_id(&event.payload).ok().flatten();
    let id = envelope.event_id.or(own_id).unwrap_or_else(EventId::random);
    enqueue(app, project, id, event.payload.clone()).await?;
    Ok(Some(id))
}

/// Items this version does not keep yet are counted, never an error.
fn skip(app: &App, item: &Item) {
    tracing::debug!(kind = item.kind, "an envelope item is not kept");
    app.metrics.ingest.get_or_create(&Outcome { outcome: "skipped_item" }).inc();
}

async fn accept_store(app: &App, request: &Request) -> Result<Option<EventId>, Rejection> {
    let auth = request.auth()?;
    let project = request.project(app, &auth).await?;
    let payload = store::decode(&request.body, body::MOST_BYTES).map_err(Rejection::Store)?;
    let id = envelope::event_id(&payload).map_err(Rejection::Json)?.unwrap_or_else(EventId::random);
    enqueue(app, project, id, payload).await?;
    Ok(Some(id))
}

async fn enqueue(app: &App, project: ProjectId, id: EventId, body: Bytes) -> Result<(), Rejection> {
    let received = Received { project, id, received_at: app.now(), body };
    app.queue.push(Topic::Events, vec![received.encode()]).await.map_err(|error| {
        tracing::warn!("queueing an event: {:#}", anyhow::Error::from(error));
        Rejection::Unavailable
    })
}

fn cors() -> CorsLayer {
    let allowed = [
        "x-sentry-auth",
        "x-requested-with",
        "x-forwarded-for",
        "origin",
        "referer",
        "accept",
        "content-type",
        "authentication",
        "authorization",
        "content-encoding",
        "transfer-encoding",
    ];
    let exposed = ["x-sentry-error", "x-sentry-rate-limits", "retry-after"];
    CorsLayer::new()
        .allow_origin(tower_http::cors::Any)
        .allow_methods([Method::POST])
        .allow_headers(allowed.map(HeaderName::from_static))
        .expose_headers(exposed.map(HeaderName::from_static))
        .max_age(std::time::Duration::from_hours(1))
}
