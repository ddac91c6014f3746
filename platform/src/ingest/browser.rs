//! What browsers report by themselves: violations of a site's policies (`/security/`, `/csp-report/`) and network errors (`/nel/`).
//!
//! The formats are those of the W3C: <https://www.w3.org/TR/CSP3/>, <https://www.w3.org/TR/reporting-1/>. Reports are kept as they are.

use axum::{
    body::Body,
    extract::{RawQuery, State},
    http::{HeaderMap, header},
};
use bytes::Bytes;
use serde_json::value::RawValue;

use super::{
    Rejection, accept, body,
    sender::{Sender, text},
};
use crate::{
    app::App,
    protocol::{envelope::Item, json::Object, sent},
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
/// What the site's address in the policy may add.
const ADDITIONS: &[&str] = &["sentry_release", "sentry_environment"];

/// Takes a report about a policy.
pub async fn take_security(
    State(app): State<App>,
    mut sender: Sender,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<(), Rejection> {
    let reports = read(&headers, body, SECURITY).await?;
    sender.sent.headers = of_browser(&headers);
    let additions = additions(&query.unwrap_or_default());
    let reports = match list(&reports) {
        Some(reports) => reports,
        None => vec![reports],
    };
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
    let body = read(&headers, body, NEL).await?;
    sender.sent.headers = of_browser(&headers);
    let reports: Vec<&RawValue> = serde_json::from_slice(&body).map_err(Rejection::Json)?;
    let item = |report: &&RawValue| accept::item("nel", Object::new(), Bytes::copy_from_slice(report.get().as_bytes()));
    let items: Vec<Item> = reports.iter().map(item).collect();
    accept::items(&app, &sender, None, items).await?.unless_all_limited().map(|_| ())
}

/// Checks the type before the body is taken in.
async fn read(headers: &HeaderMap, body: Body, types: &[&str]) -> Result<Bytes, Rejection> {
    let content_type = text(headers, &header::CONTENT_TYPE).ok_or(Rejection::NoContentType)?;
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !types.contains(&essence.as_str()) {
        return Err(Rejection::ContentType);
    }
    let body = body::read(body, text(headers, &header::CONTENT_ENCODING), body::MOST_REPORT_BYTES).await?;
    if body.is_empty() { Err(Rejection::Empty) } else { Ok(body) }
}

/// The reports of the Reporting API come as an array.
fn list(body: &Bytes) -> Option<Vec<Bytes>> {
    let reports: Vec<&RawValue> = serde_json::from_slice(body).ok()?;
    Some(reports.into_iter().map(|report| Bytes::copy_from_slice(report.get().as_bytes())).collect())
}

/// The report itself does not say which browser made it.
fn of_browser(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = sent::OF_BROWSERS.iter().filter_map(|name| Some((*name, headers.get(*name)?.to_str().ok()?)));
    named.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn additions(query: &str) -> Object {
    let pairs = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| ADDITIONS.contains(&name.as_ref()));
    pairs.map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect()
}
