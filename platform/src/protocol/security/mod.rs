//! Reports that browsers send of themselves: of violated policies (CSP, Expect-CT, Expect-Staple, key pinning) and of failed
//! requests.
//!
//! [`incoming`] makes events of them; [`Report`] is what names, filters and groups such an event.

mod csp;
pub mod incoming;
mod nel;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde_json::{Value, value::RawValue};

use super::json::{Object, first, text};

/// Takes the list apart that the Reporting API sends: <https://www.w3.org/TR/reporting-1/>.
pub fn reports(body: &Bytes) -> Result<Vec<Bytes>, serde_json::Error> {
    let reports: Vec<&RawValue> = serde_json::from_slice(body)?;
    Ok(reports.into_iter().map(|report| body.slice_ref(report.get().as_bytes())).collect())
}

/// One report, by the policy it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A content security policy.
    Csp {
        /// `script-src`
        directive: String,
        /// What was blocked: a host, `self`, or a scheme.
        blocked: String,
        /// The addresses in the report as they are: what was blocked, by which file, on which page.
        addresses: Vec<String>,
    },
    /// Certificates: which policy, and the host.
    Host { policy: &'static str, hostname: String },
}

/// Reports with a host: our word, and the interface's names.
const HOSTS: [(&str, [&str; 2]); 3] = [
    ("hpkp", ["hpkp", "sentry.interfaces.Hpkp"]),
    ("expectct", ["expectct", "sentry.interfaces.ExpectCT"]),
    ("expectstaple", ["expectstaple", "sentry.interfaces.ExpectStaple"]),
];

impl Report {
    /// Finds the report an event carries.
    pub fn read(event: &Object) -> Option<Report> {
        if let Some(csp) = first(event, &["csp", "sentry.interfaces.Csp"]).and_then(Value::as_object) {
            return Some(Report::csp(csp));
        }
        HOSTS.iter().find_map(|(policy, names)| {
            let report = first(event, names)?.as_object()?;
            Some(Report::Host { policy, hostname: text(report.get("hostname")).unwrap_or_default() })
        })
    }

    /// Sentry's type of event for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Report::Csp { .. } => "csp",
            Report::Host { policy, .. } => policy,
        }
    }

    fn csp(csp: &Object) -> Report {
        let get = |name: &str| text(csp.get(name)).unwrap_or_default();
        let effective = get("effective_directive");
        let violated = get("violated_directive");
        let directive = if effective.is_empty() { violated } else { effective };
        let directive = directive.split_whitespace().next().unwrap_or_default().to_owned();
        let addresses = ["blocked_uri", "source_file", "document_uri"].map(get).into_iter();
        Report::Csp {
            directive,
            blocked: blocked(&get("blocked_uri"), &get("document_uri")),
            addresses: addresses.filter(|address| !address.is_empty()).collect(),
        }
    }
}

/// The part of a blocked URI that says who was blocked.
fn blocked(uri: &str, document: &str) -> String {
    if uri.is_empty() || uri == "self" || uri == "'self'" {
        return "self".into();
    }
    match uri.split_once("://") {
        Some(("http" | "https" | "ws" | "wss", rest)) => {
            let host = host(rest);
            let own = document.split_once("://").map(|(_, rest)| self::host(rest));
            if own == Some(host) { "self".into() } else { host.to_owned() }
        }
        _ => uri.split_once(':').map_or(uri, |(scheme, _)| scheme).to_owned(),
    }
}

fn host(after_scheme: &str) -> &str {
    after_scheme.split(['/', '?', '#']).next().unwrap_or_default()
}
