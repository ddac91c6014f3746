//! Browsers' own reports, made events: by their keys a policy, certificates or a failed request.
//!
//! A report says nothing of the browser, so that is read from the request's headers. Its version and environment stand in the
//! address to report to, which the site wrote.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    super::{
        json::{Object, text},
        sent::Sent,
    },
    csp, nel,
};

/// What the address to report to adds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Additions {
    pub release: Option<String>,
    pub environment: Option<String>,
}

impl Additions {
    /// What stands in the address, by its names there.
    pub const NAMES: [&str; 2] = ["sentry_release", "sentry_environment"];

    /// As an item's headers carry them.
    pub fn of_item(headers: &Object) -> Additions {
        let [release, environment] = Additions::NAMES.map(|name| text(headers.get(name)));
        Additions { release, environment }
    }
}

/// Why a report is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It lacks what it is about.
    Report,
    /// Nobody knows what it is.
    Type,
    /// The Reporting API carries much more than violations.
    OtherKind,
}

/// Which endpoint it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Security,
    Nel,
}

/// A report about certificates.
struct Policy {
    /// The key of what it holds, or of one thing it holds.
    sign: &'static str,
    interface: &'static str,
    message: &'static str,
    tags: &'static [&'static str],
}

const POLICIES: [Policy; 3] = [
    Policy {
        sign: "expect-ct-report",
        interface: "expectct",
        message: "Expect-CT failed",
        tags: &["hostname", "port", "failure_mode"],
    },
    Policy {
        sign: "expect-staple-report",
        interface: "expectstaple",
        message: "Expect-Staple failed",
        tags: &["hostname", "port", "response_status", "cert_status"],
    },
    Policy {
        sign: "known-pins",
        interface: "hpkp",
        message: "Public key pinning validation failed",
        tags: &["hostname", "port", "include_subdomains"],
    },
];

/// Makes an event of a report.
pub fn event(
    report: &Object,
    endpoint: Endpoint,
    (sent, received_at): (&Sent, DateTime<Utc>),
    additions: &Additions,
) -> Result<Object, Unusable> {
    let mut event = match endpoint {
        Endpoint::Nel => nel::event(report)?,
        Endpoint::Security => security(report)?,
    };
    event.entry("logger").or_insert("csp".into());
    // The Reporting API sends late, and says by how many milliseconds.
    let age =
        report.get("age").and_then(Value::as_u64).and_then(|age| TimeDelta::try_milliseconds(age.try_into().ok()?));
    if let Some(at) = age.and_then(|age| received_at.checked_sub_signed(age)) {
        event.insert("timestamp".into(), at.to_rfc3339().into());
    }
    event.extend(additions.release.clone().map(|release| ("release".into(), release.into())));
    event.extend(additions.environment.clone().map(|environment| ("environment".into(), environment.into())));
    event.insert("user".into(), json!({"ip_address": "{{auto}}"}));
    of_browser(&mut event, sent);
    Ok(event)
}

fn security(report: &Object) -> Result<Object, Unusable> {
    if let Some(csp) = report.get("csp-report") {
        return csp::event(csp.as_object().ok_or(Unusable::Report)?);
    }
    match (report.get("type").and_then(Value::as_str), report.get("body")) {
        (Some("csp-violation"), body) => return csp::event(body.and_then(Value::as_object).ok_or(Unusable::Report)?),
        (Some(_), Some(Value::Object(_))) => return Err(Unusable::OtherKind),
        _ => {}
    }
    let policy = POLICIES.iter().find(|policy| report.contains_key(policy.sign)).ok_or(Unusable::Type)?;
    policy.event(match policy.sign {
        "known-pins" => report,
        sign => report.get(sign).and_then(Value::as_object).ok_or(Unusable::Report)?,
    })
}

impl Policy {
    fn event(&self, report: &Object) -> Result<Object, Unusable> {
        let known: Object = report.iter().map(|(key, value)| (key.replace('-', "_"), value.clone())).collect();
        let host = known.get("hostname").and_then(Value::as_str).map(str::trim).filter(|host| !host.is_empty());
        let host = host.ok_or(Unusable::Report)?.to_owned();
        let tags: Vec<Value> = self
            .tags
            .iter()
            .filter_map(|name| known.get(*name).filter(|value| !value.is_null()).map(|value| (name, value)))
            .map(|(name, value)| json!([name.replace('_', "-"), written(value)]))
            .collect();
        let port = known.get("port").and_then(Value::as_u64).filter(|port| *port != 443);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let mut event = Object::new();
        event.insert("message".into(), json!({"formatted": format!("{} for '{host}'", self.message)}));
        event.insert("culprit".into(), host.clone().into());
        event.insert("tags".into(), tags.into());
        event.insert("request".into(), json!({"url": format!("https://{host}{port}/")}));
        event.extend(known.get("date_time").cloned().map(|at| ("timestamp".into(), at)));
        event.insert(self.interface.into(), known.into());
        Ok(event)
    }
}

/// As tags hold it.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Adds what the request says of the browser to what the report says of the page.
fn of_browser(event: &mut Object, sent: &Sent) {
    let request = event.entry("request").or_insert_with(|| json!({}));
    let Some(request) = request.as_object_mut() else { return };
    let headers = request.entry("headers").or_insert_with(|| json!([]));
    let Some(headers) = headers.as_array_mut() else { return };
    let has = |headers: &[Value], name: &str| {
        headers.iter().any(|header| header[0].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name)))
    };
    for (name, value) in &sent.headers {
        if !has(headers, name) {
            headers.push(json!([name, value]));
        }
    }
}
