//! What a project decides about its events: what it does not want, what must not be kept, what is the same bug, and how long
//! an issue may be silent.
//!
//! [`Settings`] are kept as people wrote them; a [`Policy`] is made of them, ready to be applied to every event. Settings are
//! checked when they are saved (`options`), so that a policy leaves out only what an older version took.

pub mod options;
mod policies;

use serde::{Deserialize, Serialize};

use crate::protocol::{
    filter::{Filters, IpRange, Legacy, globs, health_checks},
    grouping::rules::Rules,
    normalize::Addresses,
    scrub::{self, advanced::Rules as Rewrites},
};

pub use policies::Policies;

/// A project's settings, as they are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub filters: Unwanted,
    pub privacy: Privacy,
    pub grouping: Grouping,
    /// Hours without an event after which an issue counts as resolved; 0 is never.
    pub resolve_age: u32,
}

/// Inbound filters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Unwanted {
    /// Addresses or ranges of clients.
    pub client_ips: Vec<String>,
    pub releases: Vec<String>,
    pub error_messages: Vec<String>,
    pub localhost: bool,
    pub browser_extensions: bool,
    /// By Sentry's names: `default`, `ie9`, `safari` …
    pub legacy_browsers: Vec<String>,
    pub web_crawlers: bool,
    /// Transactions of health checks.
    pub health_checks: bool,
}

impl Default for Unwanted {
    /// As a new project of Sentry's has it.
    fn default() -> Unwanted {
        Unwanted {
            client_ips: Vec::new(),
            releases: Vec::new(),
            error_messages: Vec::new(),
            localhost: false,
            browser_extensions: false,
            legacy_browsers: Vec::new(),
            web_crawlers: true,
            health_checks: true,
        }
    }
}

/// What must not be kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Privacy {
    /// Whether anything is scrubbed at all.
    pub scrub: bool,
    /// Whether the default rules apply too.
    pub defaults: bool,
    pub scrub_addresses: bool,
    pub sensitive_fields: Vec<String>,
    pub safe_fields: Vec<String>,
    /// Rules with selectors, as the JSON text that was saved; empty is none.
    pub rules: String,
}

impl Default for Privacy {
    fn default() -> Privacy {
        Privacy {
            scrub: true,
            defaults: true,
            scrub_addresses: false,
            sensitive_fields: Vec::new(),
            safe_fields: Vec::new(),
            rules: String::new(),
        }
    }
}

/// Which events are the same bug.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Grouping {
    /// Fingerprint rules, one a line.
    pub fingerprint_rules: String,
    /// Stack trace rules, one a line.
    pub stack_rules: String,
}

/// What an organisation demands of all its projects' privacy; a project can only add to it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Demands {
    pub scrub: bool,
    pub defaults: bool,
    pub scrub_addresses: bool,
    pub sensitive_fields: Vec<String>,
    pub safe_fields: Vec<String>,
    pub rules: String,
}

/// A project's settings, ready to be applied.
#[derive(Debug, Default)]
pub struct Policy {
    pub filters: Filters,
    pub scrubbing: scrub::Settings,
    pub addresses: Addresses,
    pub rules: Rules,
}

impl Settings {
    /// Makes a policy of them, under an organisation's demands.
    pub fn policy(&self, demands: &Demands) -> Policy {
        let privacy = self.privacy.under(demands);
        let addresses = if privacy.scrub_addresses { Addresses::Scrub } else { Addresses::Keep };
        Policy {
            filters: self.filters.filters(),
            scrubbing: privacy.scrubbing(addresses, demands),
            addresses,
            rules: Rules {
                fingerprint: crate::protocol::grouping::rules::fingerprint::parse(&self.grouping.fingerprint_rules)
                    .unwrap_or_default(),
                stack: crate::protocol::grouping::rules::stack::parse(&self.grouping.stack_rules).unwrap_or_default(),
            },
        }
    }
}

impl Unwanted {
    /// Ready to be applied.
    pub fn filters(&self) -> Filters {
        let patterns = |texts: &[String]| globs(texts.iter().map(String::as_str));
        Filters {
            client_ips: self.client_ips.iter().filter_map(|text| IpRange::parse(text)).collect(),
            releases: patterns(&self.releases),
            error_messages: patterns(&self.error_messages),
            localhost: self.localhost,
            browser_extensions: self.browser_extensions,
            legacy_browsers: self.legacy_browsers.iter().flat_map(|name| Legacy::named(name)).collect(),
            web_crawlers: self.web_crawlers,
            transactions: if self.health_checks { health_checks() } else { Vec::new() },
        }
    }
}

impl Privacy {
    /// The project's wishes and the organisation's demands, whichever is stricter. Safe fields are what both call safe or
    /// what one of them calls so: an organisation that lists any means them for all its projects.
    fn under(&self, demands: &Demands) -> Privacy {
        let both = |own: &[String], theirs: &[String]| own.iter().chain(theirs).cloned().collect();
        Privacy {
            scrub: self.scrub || demands.scrub,
            defaults: self.defaults || demands.defaults,
            scrub_addresses: self.scrub_addresses || demands.scrub_addresses,
            sensitive_fields: both(&self.sensitive_fields, &demands.sensitive_fields),
            safe_fields: both(&self.safe_fields, &demands.safe_fields),
            rules: self.rules.clone(),
        }
    }

    /// What is scrubbed; rules with selectors apply whether or not the rest does, the organisation's first.
    fn scrubbing(self, addresses: Addresses, demands: &Demands) -> scrub::Settings {
        let rules = |text: &str| Rewrites::parse(text).unwrap_or_default();
        let own = |names: Vec<String>| if self.scrub { names } else { Vec::new() };
        scrub::Settings {
            defaults: self.scrub && self.defaults,
            addresses,
            rules: rules(&demands.rules).and(rules(&self.rules)),
            sensitive_fields: own(self.sensitive_fields),
            safe_fields: own(self.safe_fields),
        }
    }
}
