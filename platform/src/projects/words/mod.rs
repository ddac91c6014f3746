//! What the pages about projects say, once per language. A word that a language lacks does not compile.

mod en;
mod zh;

use super::settings::wrong::Wrong;
use crate::{protocol::grouping::Version, ui::Language};

/// A name, and a sentence about what it names.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub label: &'static str,
    pub text: &'static str,
}

const fn said(label: &'static str, text: &'static str) -> Said {
    Said { label, text }
}

/// The words, by what they are for.
#[derive(Debug)]
#[expect(missing_docs, reason = "a word is its own explanation")]
pub struct Words {
    // The pages of the settings.
    pub general: &'static str,
    pub general_text: &'static str,
    pub keys: &'static str,
    pub keys_text: &'static str,
    pub environments: &'static str,
    pub environments_text: &'static str,
    pub filters: &'static str,
    pub filters_text: &'static str,
    pub privacy: &'static str,
    pub privacy_text: &'static str,
    pub grouping: &'static str,
    pub grouping_text: &'static str,
    pub quotas: &'static str,
    pub quotas_text: &'static str,
    pub alerts: &'static str,
    pub alerts_text: &'static str,
    pub channels: &'static str,
    pub channels_text: &'static str,
    pub read_only: &'static str,
    pub save: &'static str,
    pub saved: &'static str,
    pub not_saved: &'static str,
    pub demanded: &'static str,
    pub newest: &'static str,
    pub other: &'static str,
    pub wrong: fn(&Wrong) -> String,

    // General.
    pub identity: Said,
    pub name: Said,
    pub slug: Said,
    pub platform: Said,
    pub behaviour: Said,
    pub origins: Said,
    pub resolve_age: Said,

    // Inbound filters.
    pub noise: Said,
    pub browser_extensions: Said,
    pub web_crawlers: Said,
    pub localhost: Said,
    pub hydration_errors: Said,
    pub chunk_load_errors: Said,
    pub health_checks: Said,
    pub legacy_browsers: Said,
    pub browsers: Said,
    pub usual_browsers: &'static str,
    pub own_filters: Said,
    pub error_messages: Said,
    pub releases: Said,
    pub client_ips: Said,
    pub csp_sources: Said,

    // Privacy.
    pub scrubbing: Said,
    pub scrub_data: Said,
    pub scrub_defaults: Said,
    pub scrub_addresses: Said,
    pub scrubbed_fields: Said,
    pub sensitive_fields: Said,
    pub safe_fields: Said,
    pub advanced: Said,
    pub advanced_rules: Said,

    // Grouping.
    pub version: Said,
    pub versions: Said,
    pub version_changes: fn(Version) -> &'static str,
    pub rules: Said,
    pub fingerprint_rules: Said,
    pub stack_rules: Said,

    // Keys.
    pub key_created: &'static str,
    pub keys_rotated: &'static str,
    pub key_renamed: &'static str,
    pub key_enabled: &'static str,
    pub key_disabled: &'static str,
    pub key_label: &'static str,
    pub created: &'static str,
    pub works: &'static str,
    pub works_until: &'static str,
    pub ended: &'static str,
    pub disabled: &'static str,
    pub disable: &'static str,
    pub enable: &'static str,
    pub rename: &'static str,
    pub limits: &'static str,
    pub new_key: Said,
    pub create_key: &'static str,
    pub rotate: Said,
    pub rotate_keys: &'static str,
    pub overlap: &'static str,
    pub overlaps: [&'static str; 5],
    pub no_label: &'static str,
    /// `1.2k errors taken, 3 filtered, 10 over a quota`, of the last 24 hours
    pub key_usage: fn(&str, &str, &str) -> String,
    pub key_unused: &'static str,
    pub key_removed: &'static str,
    pub sent_24_hours: &'static str,

    // Environments.
    pub environment: &'static str,
    pub environment_hidden: &'static str,
    pub environment_shown: &'static str,
    pub no_environments: &'static str,
    pub hidden: &'static str,
    pub shown: &'static str,
    pub hide_it: &'static str,
    pub show_it: &'static str,
    pub change: &'static str,

    // Deleting a project.
    pub remove_project: &'static str,
    pub removal: Said,
    pub removal_means: [&'static str; 3],
    /// `Type shop to confirm`
    pub type_slug: fn(&str) -> String,
    pub wrong_slug: &'static str,
    pub project_deleted: &'static str,

    // Quotas.
    pub quota_set: &'static str,
    pub quota_removed: &'static str,
    pub rule_saved: &'static str,
    pub rule_muted: &'static str,
    pub rule_woken: &'static str,
    pub rule_removed: &'static str,
    pub channel_saved: &'static str,
    pub channel_removed: &'static str,
    pub used: Said,
    pub nothing_sent: &'static str,
    pub category: &'static str,
    pub accepted: &'static str,
    pub filtered: &'static str,
    pub limited: &'static str,
    pub invalid: &'static str,
    pub not_sent: &'static str,
    pub reasons: &'static str,
    pub quotas_set: Said,
    pub no_quotas: &'static str,
    pub whose: &'static str,
    pub whole_installation: &'static str,
    pub whole_organization: &'static str,
    pub whole_project: &'static str,
    pub one_key: &'static str,
    pub at_most: &'static str,
    pub most_text: &'static str,
    pub in_time: &'static str,
    pub all_categories: &'static str,
    pub remove: &'static str,
    pub set_elsewhere: &'static str,
    pub new_quota: Said,
    pub set_quota: &'static str,
    /// `minutes`, `hours`, `days`
    pub units: [&'static str; 3],
    pub wrong_most: &'static str,
    pub wrong_window: &'static str,
    pub wrong_owner: &'static str,
    pub category_name: fn(&str) -> &str,
    /// `5 minutes`, of seconds
    pub window: fn(i64) -> String,

    // Setting up.
    pub setup_heading: &'static str,
    pub setup_text: &'static str,
    pub platforms: &'static str,
    pub older_sdks: &'static str,
    pub install: &'static str,
    pub configure: &'static str,
    pub send: &'static str,
    pub send_text: &'static str,
    pub waiting: &'static str,
    pub waiting_text: &'static str,
    pub received: &'static str,
    pub received_text: &'static str,
    pub see_issues: &'static str,
    pub no_key: &'static str,

    // The overview.
    pub unresolved_issues: &'static str,
    pub events_24_hours: &'static str,
    pub events_14_days: &'static str,
    pub errors_14_days: &'static str,
    pub never_reported: &'static str,
    pub set_up: &'static str,
    pub no_projects_here: &'static str,
}

impl Words {
    /// The words of a language.
    pub fn of(language: Language) -> &'static Words {
        match language {
            Language::English => &en::EN,
            Language::Chinese => &zh::ZH,
        }
    }
}
