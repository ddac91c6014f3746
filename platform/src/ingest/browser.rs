//! What browsers report by themselves: violations of a site's policies (`/security/`, `/csp-report/`) and network errors (`/nel/`).
//!
//! The formats are those of the W3C: <https://www.w3.org/TR/CSP3/>, <https://www.w3.org/TR/reporting-1/>. A worker makes
//! events of them.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
};
use bytes::Bytes;

use super::{
    Rejection, accept, body,
    sender::{Sender, text},
};
use crate::{
    app::App,
    protocol::{
        json::Object,
        security::{self, incoming::Additions},
        sent,
    },
};

/// What a site's policies are reported as, newest first.
const SECURITY: &[&str] = &[
    "application/reports+json",
    "application/csp-report",
    "application/json",
    "application/expect-ct-report",
    "application/expect-ct-report+json",
    "application/expect-staple-report",
    "application/hpkp-report",
];
const NEL: &[&str] = &["application/reports+json", "application/json"];

/// Takes a report about a policy.
pub async fn take_security(
    State(app): State<App>,
    mut sender: Sender,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Rejection> {
    let reports = read(&app, &headers, body, SECURITY).await?;
    sender.sent.headers = of_browser(&headers);
    let additions = additions(&query.unwrap_or_default());
    let reports = security::reports(&reports).unwrap_or_else(|_| vec![reports]);
    // Each report is an event of its own.
    for report in reports {
        let item = accept::item("raw_security", additions.clone(), report);
        accept::items(&app, &sender, None, vec![item]).await?.unless_all_limited()?;
    }
    Ok(())
}

/// Takes a list of network errors.
pub async fn take_nel(
    State(app): State<App>,
    mut sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Rejection> {
    let body = read(&app, &headers, body, NEL).await?;
    sender.sent.headers = of_browser(&headers);
    let reports = security::reports(&body).map_err(Rejection::Json)?;
    let items = reports.into_iter().map(|report| accept::item("nel", Object::new(), report)).collect();
    accept::items(&app, &sender, None, items).await?.unless_all_limited().map(|_| ())
}

/// Checks the type before the body is taken in.
async fn read(app: &App, headers: &HeaderMap, body: Body, types: &[&str]) -> Result<Bytes, Rejection> {
    let content_type = text(headers, &header::CONTENT_TYPE).ok_or(Rejection::NoContentType)?;
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !types.contains(&essence.as_str()) {
        return Err(Rejection::ContentType);
    }
    let body = body::read(&app.bodies, body, text(headers, &header::CONTENT_ENCODING), body::MOST_REPORT_BYTES).await?;
    if body.is_empty() { Err(Rejection::Empty) } else { Ok(body) }
}

/// The report itself does not say which browser made it.
fn of_browser(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = sent::OF_BROWSERS.iter().filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?)));
    named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn additions(query: &str) -> Object {
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| Additions::NAMES.contains(&name.as_ref()));
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}
