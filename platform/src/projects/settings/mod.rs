//! What a project decides about its events: what it does not want, what must not be kept, what is the same bug, and how long
//! an issue may be silent.
//!
//! [`Settings`] are kept as people wrote them; a [`Policy`] is made of them, ready to be applied to every event. Settings are
//! checked when they are saved (`options`), so that a policy leaves out only what an older version took.

pub mod options;
pub mod pages;
mod policies;
pub mod wanted;
pub mod wrong;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::protocol::{
    filter::{Filters, IpRange, Legacy, globs, health_checks},
    grouping::{
        Version,
        rules::{Rules, fingerprint, stack},
    },
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
    /// What React says of pages that the server made otherwise.
    pub hydration_errors: bool,
    /// Parts of pages that a newer deployment took away.
    pub chunk_load_errors: bool,
    /// Sites whose violations of policies are not wanted.
    pub csp_sources: Vec<String>,
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
            hydration_errors: false,
            chunk_load_errors: false,
            csp_sources: Vec::new(),
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
    pub version: Version,
    /// The version before it.
    pub former: Option<Version>,
    /// How long events whose group nobody knows are looked for by the former version.
    pub former_until: Option<DateTime<Utc>>,
}

/// How long a version's groups are looked for after an upgrade, unless somebody says otherwise: after that, an issue that was
/// never heard of begins anew.
const TRANSITION: TimeDelta = TimeDelta::days(90);

impl Grouping {
    /// What the project's own rules say.
    pub fn rules(&self) -> Rules {
        Rules {
            fingerprint: fingerprint::parse(&self.fingerprint_rules).unwrap_or_default(),
            stack: stack::parse(&self.stack_rules).unwrap_or_default(),
        }
    }

    /// After another version was chosen, its groups are linked to those of the one before.
    pub(in crate::projects) fn follow(&mut self, before: &Grouping, now: DateTime<Utc>) {
        if self.version != before.version && self.former == before.former {
            self.former = Some(before.version);
        }
        if self.former != before.former && self.former_until == before.former_until {
            self.former_until = Some(now + TRANSITION);
        }
        if self.former.is_none() || self.former == Some(self.version) {
            (self.former, self.former_until) = (None, None);
        }
    }

    /// The former version, as long as it matters.
    pub fn former_at(&self, now: DateTime<Utc>) -> Option<Version> {
        self.former.filter(|_| self.former_until.is_some_and(|until| now < until))
    }
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
    pub grouping: Grouping,
}

impl Settings {
    /// Those of a project that is being made.
    pub fn of_new_project() -> Settings {
        Settings { grouping: Grouping { version: Version::NEWEST, ..Grouping::default() }, ..Settings::default() }
    }

    /// Makes a policy of them, under an organisation's demands.
    pub fn policy(&self, demands: &Demands) -> Policy {
        let privacy = self.privacy.under(demands);
        let addresses = if privacy.scrub_addresses { Addresses::Scrub } else { Addresses::Keep };
        Policy {
            filters: self.filters.filters(),
            scrubbing: privacy.scrubbing(addresses, demands),
            addresses,
            rules: self.grouping.rules(),
            grouping: self.grouping.clone(),
        }
    }
}

impl Unwanted {
    /// Ready to be applied.
    pub fn filters(&self) -> Filters {
        let patterns = |texts: &[String]| globs(texts.iter().map(String::as_str));
        Filters {
            hydration_errors: self.hydration_errors,
            chunk_load_errors: self.chunk_load_errors,
            csp_sources: self.csp_sources.clone(),
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
