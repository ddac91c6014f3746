//! Web: one router, a line per slice, and what every request passes on its way.
//!
//! Pages and the Web API have the same layers but for one, which decides whether an error becomes a page or JSON. Ingest stays
//! outside of all of them: it is what SDKs talk to, at a thousand times the rate. Deliberately not here: any handler that knows
//! a feature.

mod connections;
mod error;
mod ready;

use std::{any::Any, time::Duration};

use anyhow::{Context, Result, anyhow};
use axum::{
    Router,
    extract::{OriginalUri, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Redirect, Response},
    routing::{MethodRouter, any},
};
use tokio::{net::TcpListener, runtime::Handle};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer, compression::CompressionLayer, csrf::CsrfLayer, set_header::SetResponseHeaderLayer,
    timeout::TimeoutLayer,
};

use connections::Seats;
pub use error::{Error, as_json};

use crate::{
    alerts, app::App, attachments, audit, auth, channels, config::Tongue, crew::Crew, events, feedback, health, ingest,
    issues, members, monitors, outcomes, overview, people, projects, quotas, reports, system, teams, ui,
};

/// How long requests that are under way may take to finish once we are told to stop.
const GRACE: Duration = Duration::from_secs(25);
/// After this a page is given up: whoever asked has reloaded by then.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// Everything from this host, nothing inline: what an SDK reports stays inert even where our escaping should fail.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Serves until told to stop, then finishes what is under way.
pub async fn run(app: App, stop: CancellationToken) -> Result<()> {
    let address = app.config.web.listen;
    let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
    tracing::info!("serving {} on {address}", app.config.site.url_prefix);
    tokio::spawn(ingest::keep(app.clone(), stop.clone()));
    let crew = Crew::start().context("starting the threads that answer requests")?;
    let seats = Seats::new(app.config.web.most_connections, app.metrics.clone());
    let too_late = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    // What a router is layered with comes after routing.
    let routes = ServiceBuilder::new().map_request(ingest::collapse_slashes).service(router(app.clone()));
    tokio::select! {
        () = connections::serve((listener, crew), routes, seats, stop.clone()) => (),
        () = too_late => tracing::warn!("some requests were not finished within {GRACE:?}"),
    }
    outcomes::flush_or_warn(&app).await;
    Ok(())
}

/// The Web API, a line per slice.
fn api() -> Router<App> {
    Router::new()
        .merge(auth::api::routes())
        .merge(projects::api::routes())
        .merge(teams::api::routes())
        .merge(members::api::routes())
        .merge(auth::tokens::api::routes())
        .merge(audit::api::routes())
        .merge(issues::api::routes())
        .merge(events::api::routes())
        .merge(attachments::api::routes())
        .merge(health::api::routes())
        .merge(monitors::api::routes())
        .merge(reports::api::routes())
        .merge(channels::api::routes())
        .merge(alerts::api::routes())
}

/// The pages, a line per slice.
fn pages() -> Router<App> {
    Router::new()
        .merge(auth::pages::routes())
        .merge(auth::reset::pages::routes())
        .merge(members::invitations::pages::routes())
        .merge(people::routes())
        .merge(overview::pages::routes())
        .merge(projects::pages::routes())
        .merge(quotas::pages::routes())
        .merge(alerts::pages::routes())
        .merge(channels::pages::routes())
        .merge(issues::pages::routes())
        .merge(events::pages::routes())
        .merge(system::pages::routes())
}

/// Every route of the web process.
fn router(app: App) -> Router {
    let tongue = app.config.site.language;
    let api = api().route("/api/0/{*unknown}", any(|| async { Error::NotFound }));
    let pages = pages().fallback(missing);
    let answers = ServiceBuilder::new()
        .layer(CompressionLayer::new())
        .layer(unless_set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY))
        .layer(unless_set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(unless_set(header::REFERRER_POLICY, "same-origin"))
        .layer(unless_set(header::CACHE_CONTROL, "private, no-cache"));
    Router::new()
        .merge(guarded(api, &app).layer(middleware::from_fn(error::as_json)))
        .merge(guarded(pages, &app).layer(middleware::from_fn(error::as_page)))
        .merge(ui::assets::routes())
        .layer(ServiceBuilder::new().map_request(move |request| in_language(tongue, request)))
        .layer(answers)
        .layer(middleware::from_fn_with_state(Handle::current(), on_shared_threads))
        .merge(ready::routes())
        .merge(ingest::routes(&app))
        .merge(feedback::routes(&app))
        .with_state(app)
}

/// Who asks for no language we speak is answered in the installation's.
fn in_language(tongue: Tongue, mut request: Request) -> Request {
    if tongue == Tongue::Zh {
        ui::Language::Chinese.prefer_at_last(request.headers_mut());
    }
    request
}

/// Answers on this runtime, which all threads share: a page may compute for longer than an event should wait behind it.
async fn on_shared_threads(State(runtime): State<Handle>, request: Request, next: Next) -> Result<Response, Error> {
    let answer = AbortOnDropHandle::new(runtime.spawn(next.run(request)));
    Ok(answer.await.context("answering on another thread")?)
}

/// A route of the Web API: Sentry's paths end in a slash, and some clients leave it out.
pub fn api_route(router: Router<App>, path: &str, methods: MethodRouter<App>) -> Router<App> {
    router.route(path.trim_end_matches('/'), methods.clone()).route(path, methods)
}

/// Refuses what another site made a browser send, and keeps panics and slow handlers from taking the connection with them.
fn guarded(routes: Router<App>, app: &App) -> Router<App> {
    // Where a proxy rewrites the host, the public address is still ours; an address that is no origin trusts nobody more.
    let public = app.config.site.url_prefix.trim_end_matches('/');
    let csrf = CsrfLayer::new().add_trusted_origin(public).unwrap_or_default();
    routes
        .layer(csrf)
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PAGE_TIMEOUT))
        .layer(CatchPanicLayer::custom(panicked))
}

fn unless_set(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the panic over")]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Internal(anyhow!("a handler panicked: {}", said.unwrap_or_default())).into_response()
}

/// Every page ends in a slash; who leaves it out is led there.
async fn missing(method: Method, OriginalUri(uri): OriginalUri) -> Result<Redirect, Error> {
    let path = uri.path();
    // A path of two slashes would be another host to a browser.
    if method != Method::GET || path.ends_with('/') || path.starts_with("//") {
        return Err(Error::NotFound);
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Redirect::permanent(&format!("{path}/{query}")))
}

#[cfg(test)]
mod tests;
