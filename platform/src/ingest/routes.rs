//! The endpoints and what all of them share: open to every origin, counted, with or without a slash at the end.

use std::time::Duration;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, Method, Uri, header},
    middleware::{self, Next},
    response::Response,
    routing::{MethodRouter, get, post},
};
use tower_http::{cors::CorsLayer, set_header::SetResponseHeaderLayer};

use super::{browser, check_ins, crashes, envelopes, legacy, rejection::Refused};
use crate::{app::App, metrics::Outcome};

/// How long a browser may remember that it may send.
const CORS_AGE: Duration = Duration::from_hours(1);

/// The ingest routes.
pub fn routes(app: &App) -> Router<App> {
    let store = get(legacy::take_from_query).post(legacy::take);
    let cron = get(check_ins::take).post(check_ins::take);
    let endpoints: [(&str, MethodRouter<App>); 11] = [
        ("/api/{project}/envelope", post(envelopes::take)),
        ("/api/{project}/store", store.clone()),
        ("/api/store", store),
        ("/api/{project}/security", post(browser::take_security)),
        ("/api/{project}/csp-report", post(browser::take_security)),
        ("/api/{project}/nel", post(browser::take_nel)),
        ("/api/{project}/minidump", post(crashes::take_minidump)),
        ("/api/{project}/unreal/{key}", post(crashes::take_unreal)),
        ("/api/{project}/events/{event}/attachments", post(crashes::take_attachments)),
        ("/api/{project}/cron/{slug}", cron.clone()),
        ("/api/{project}/cron/{slug}/{key}", cron),
    ];
    let routes = endpoints.into_iter().fold(Router::new(), |router, (path, methods)| {
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    });
    open(routes, app)
}

/// Opens routes to every origin, and counts what becomes of their requests.
pub fn open(routes: Router<App>, app: &App) -> Router<App> {
    routes
        .layer(middleware::from_fn_with_state(app.clone(), count))
        .layer(cors())
        .layer(always(HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"))
        .layer(always(header::SERVER, "picket"))
}

/// Takes doubled slashes out of an ingest path, which SDKs make of a DSN that ends in one. Comes before routing.
pub fn collapse_slashes<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if let Some(uri) = collapsed(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn collapsed(uri: &Uri) -> Option<Uri> {
    if !uri.path().contains("//") {
        return None;
    }
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    if segments.first() != Some(&"api") {
        return None;
    }
    let slash = if uri.path().ends_with('/') { "/" } else { "" };
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(format!("/{}{slash}{query}", segments.join("/")).parse().ok()?);
    Uri::from_parts(parts).ok()
}

async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let refused = response.extensions().get::<Refused>().map(|refused| refused.0);
    let outcome = refused.unwrap_or(if response.status().is_success() { "accepted" } else { "invalid" });
    app.metrics.ingest.get_or_create(&Outcome { outcome }).inc();
    response
}

fn always(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
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
        .max_age(CORS_AGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubled_slashes_are_one_in_ingest_paths_only() {
        let cases = [
            ("//api//42/store//?a=//b", Some("/api/42/store/?a=//b")),
            ("/api/42//store", Some("/api/42/store")),
            ("/api/42/store/", None),
            ("//evil.example/api/", None),
        ];
        for (path, expected) in cases {
            let collapsed = collapsed(&path.parse().unwrap());
            assert_eq!(collapsed.map(|uri| uri.to_string()).as_deref(), expected, "{path}");
        }
    }
}
