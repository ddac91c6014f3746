//! Which events a project does not want, and why: noise of browsers' extensions, robots, its own machines, and what it names.
//!
//! Asked in Sentry's order; the first reason stands. Events are normalised before and not yet scrubbed.

mod browsers;
mod crawlers;
mod extensions;
mod noise;
pub mod origin;
mod sessions;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use self::browsers::Legacy;
use super::{
    event::Event,
    glob::{Glob, any_matches},
    security::Report,
    title, user_agent,
};

/// What a project does not want.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Filters {
    /// What React says when a page came from the server otherwise than it was made in the browser.
    pub hydration_errors: bool,
    /// Parts of a page that a newer deployment took away.
    pub chunk_load_errors: bool,
    /// Sites whose violations of policies are nobody's business: as allowed domains are written.
    pub csp_sources: Vec<String>,
    pub client_ips: Vec<IpRange>,
    pub releases: Vec<Glob>,
    pub error_messages: Vec<Glob>,
    pub localhost: bool,
    pub browser_extensions: bool,
    pub legacy_browsers: Vec<Legacy>,
    pub web_crawlers: bool,
    /// Transactions by name; [`health_checks`] are the usual ones.
    pub transactions: Vec<Glob>,
}

/// Why an event is not wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    HydrationError,
    ChunkLoadError,
    InvalidCsp,
    ClientIp,
    Release,
    ErrorMessage,
    Localhost,
    BrowserExtensions,
    LegacyBrowsers,
    WebCrawlers,
    Transaction,
}

impl Reason {
    /// Sentry's word for it, as outcomes carry it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::HydrationError => "react-hydration-errors",
            Reason::ChunkLoadError => "chunk-load-error",
            Reason::InvalidCsp => "invalid-csp",
            Reason::ClientIp => "ip-address",
            Reason::Release => "release-version",
            Reason::ErrorMessage => "error-message",
            Reason::Localhost => "localhost",
            Reason::BrowserExtensions => "browser-extensions",
            Reason::LegacyBrowsers => "legacy-browsers",
            Reason::WebCrawlers => "web-crawlers",
            Reason::Transaction => "filtered-transaction",
        }
    }
}

impl Filters {
    /// Why nothing of a request is wanted, as far as its head tells.
    pub fn reason_of_request(&self, client_ip: Option<IpAddr>, agent: Option<&str>) -> Option<Reason> {
        if client_ip.is_some_and(|ip| self.client_ips.iter().any(|range| range.contains(ip))) {
            return Some(Reason::ClientIp);
        }
        // Nearly every request is of an SDK that says so, and then there is nothing to look for.
        let agent =
            agent.filter(|agent| self.web_crawlers && !agent.starts_with("sentry.") && !agent.starts_with("raven"));
        agent.is_some_and(crawlers::is_crawler).then_some(Reason::WebCrawlers)
    }

    /// Why an event is not wanted, if it is not.
    pub fn reason(&self, event: &Event, client_ip: Option<IpAddr>) -> Option<Reason> {
        let agent = header(event, "User-Agent");
        let is_legacy = || {
            let browser = agent.and_then(|agent| user_agent::parse(agent).browser);
            browser.is_some_and(|(name, version)| self.legacy_browsers.iter().any(|legacy| legacy.is(&name, &version)))
        };
        let is_transaction = || title::kind(event) == "transaction";
        let checks: [(Reason, &dyn Fn() -> bool); 11] = [
            (Reason::HydrationError, &|| self.hydration_errors && noise::is_hydration_error(event)),
            (Reason::ChunkLoadError, &|| self.chunk_load_errors && noise::is_chunk_load_error(event)),
            (Reason::InvalidCsp, &|| is_unwanted_report(&self.csp_sources, event)),
            (Reason::ClientIp, &|| client_ip.is_some_and(|ip| self.client_ips.iter().any(|range| range.contains(ip)))),
            (Reason::Release, &|| event.release.as_deref().is_some_and(|release| any_matches(&self.releases, release))),
            (Reason::ErrorMessage, &|| is_unwanted_message(&self.error_messages, event)),
            (Reason::Localhost, &|| self.localhost && is_localhost(event)),
            (Reason::BrowserExtensions, &|| self.browser_extensions && extensions::caused(event)),
            (Reason::LegacyBrowsers, &|| !self.legacy_browsers.is_empty() && is_legacy()),
            (Reason::WebCrawlers, &|| self.web_crawlers && agent.is_some_and(crawlers::is_crawler)),
            (Reason::Transaction, &|| {
                is_transaction()
                    && event.transaction.as_deref().is_some_and(|name| any_matches(&self.transactions, name))
            }),
        ];
        checks.iter().find(|(_, holds)| holds()).map(|(reason, _)| *reason)
    }
}

/// The names that health checks usually have.
pub fn health_checks() -> Vec<Glob> {
    let names = [
        "*healthcheck*",
        "*heartbeat*",
        "*/health{/,}",
        "*/healthy{/,}",
        "*/healthz{/,}",
        "*/live{/,}",
        "*/livez{/,}",
        "*/ready{/,}",
        "*/readyz{/,}",
        "*/ping{/,}",
        "*/up{/,}",
    ];
    names.iter().map(|name| Glob::text(name)).collect()
}

/// The globs of a setting; what is none is ignored, as Sentry does.
pub fn globs<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Vec<Glob> {
    patterns.into_iter().filter(|pattern| Glob::is_well_formed(pattern)).map(Glob::text).collect()
}

/// An address, or all that share its first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    address: IpAddr,
    bits: u8,
}

impl IpRange {
    /// Reads `192.0.2.0/24`, or one address.
    pub fn parse(text: &str) -> Option<IpRange> {
        let (address, bits) =
            text.trim().split_once('/').map_or((text.trim(), None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(IpRange { address, bits })
    }

    /// Whether an address is in it.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.bits);
                own.to_bits().checked_shr(shift).unwrap_or(0) == ip.to_bits().checked_shr(shift).unwrap_or(0)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.bits);
                own.to_bits().checked_shr(shift).unwrap_or(0) == ip.to_bits().checked_shr(shift).unwrap_or(0)
            }
            _ => false,
        }
    }
}

fn header<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    let headers = &event.request.as_ref()?.headers;
    headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn is_unwanted_report(sources: &[String], event: &Event) -> bool {
    match &event.report {
        Some(Report::Csp { addresses, .. }) if !sources.is_empty() => {
            addresses.iter().any(|address| super::origin::allows(sources, address))
        }
        _ => false,
    }
}

fn is_unwanted_message(globs: &[Glob], event: &Event) -> bool {
    if globs.is_empty() {
        return false;
    }
    let named = event.exceptions.iter().filter_map(|exception| match (&exception.kind, &exception.value) {
        (Some(kind), Some(value)) => Some(format!("{kind}: {value}")),
        (kind, value) => kind.clone().or_else(|| value.clone()),
    });
    event.message.clone().into_iter().chain(named).any(|text| any_matches(globs, &text))
}

fn is_localhost(event: &Event) -> bool {
    let is_local = |host: &str| {
        let host = host.split(':').next().unwrap_or_default();
        ["localhost", "127.0.0.1"]
            .iter()
            .any(|local| host == *local || host.strip_suffix(local).is_some_and(|sub| sub.ends_with('.')))
    };
    let url = event.request.as_ref().and_then(|request| request.url.as_deref()).unwrap_or_default();
    let of_url = match url.split_once("://") {
        Some(("file", _)) => return true,
        Some((_, rest)) => rest.split(['/', '?', '#']).next().map(|host| host.rsplit('@').next().unwrap_or(host)),
        None => None,
    };
    let own_address =
        event.user.iter().any(|(key, value)| key == "ip_address" && matches!(value.as_str(), "127.0.0.1" | "::1"));
    let hosts = [of_url, header(event, "Host"), header(event, "X-Forwarded-Host")];
    own_address || hosts.into_iter().flatten().any(is_local)
}
