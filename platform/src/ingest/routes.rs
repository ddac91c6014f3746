//! The endpoints and what all of them share: open to every origin, counted, with or without a slash at the end.

use axum::{
    Extension, Router,
    http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use tower::util::MapResponseLayer;

use super::{browser, check_ins, crashes, envelopes, legacy, rejection::Refused};
use crate::{app::App, metrics::Outcome};

/// What every answer says: pages of every origin may read it.
const OPEN: [(HeaderName, &str); 4] = [
    (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (header::ACCESS_CONTROL_EXPOSE_HEADERS, "x-sentry-error,x-sentry-rate-limits,retry-after"),
    (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    (header::SERVER, "picket"),
];
/// What a browser is told that asks before it sends; it may remember it for an hour.
const PREFLIGHT: [(HeaderName, &str); 3] = [
    (header::ACCESS_CONTROL_ALLOW_METHODS, "POST"),
    (
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        "x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,authentication,authorization,\
         content-encoding,transfer-encoding",
    ),
    (header::ACCESS_CONTROL_MAX_AGE, "3600"),
];

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
        let methods = with_preflight(methods);
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    });
    open(routes, app)
}

/// Opens routes to every origin, and counts what becomes of their requests. One layer without a future of its own, which says the
/// same to everybody: this is the way of every event, and a library's layer that weighs origins copies its lists for each.
pub fn open(routes: Router<App>, app: &App) -> Router<App> {
    let app = app.clone();
    routes.layer(MapResponseLayer::new(move |response| answer(&app, response)))
}

/// Tells a browser that asks with `OPTIONS` that it may send.
pub fn with_preflight(methods: MethodRouter<App>) -> MethodRouter<App> {
    methods.fallback(async |method: Method| match method {
        Method::OPTIONS => (Extension(Preflight), PREFLIGHT).into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    })
}

/// Nothing was sent yet, so nothing is counted.
#[derive(Clone, Copy)]
struct Preflight;

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

/// Counts what was answered, and adds the headers that every answer has.
fn answer(app: &App, mut response: Response) -> Response {
    for (name, value) in OPEN {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    if response.extensions().get::<Preflight>().is_none() {
        let refused = response.extensions().get::<Refused>().map(|refused| refused.0);
        let outcome = refused.unwrap_or(if response.status().is_success() { "accepted" } else { "invalid" });
        app.metrics.ingest.get_or_create(&Outcome { outcome }).inc();
    }
    response
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
