//! Which fields each page asks for.

use super::{
    fields::{Choice, FieldSpec, GroupSpec, Kind},
    frame::Section,
};
use crate::{
    projects::{
        setup::guides,
        words::{Said, Words},
    },
    protocol::{filter::Legacy, grouping::Version},
};

/// The fields of a page, in groups.
pub fn groups(section: Section, words: &'static Words) -> Vec<GroupSpec> {
    let group = |said: Said, fields: Vec<FieldSpec>| GroupSpec { words, said, fields };
    match section {
        Section::General => vec![group(words.identity, identity(words)), group(words.behaviour, behaviour(words))],
        Section::Filters => vec![
            group(words.noise, noise(words)),
            group(
                words.legacy_browsers,
                vec![field("filters:legacy-browsers", words.browsers, Kind::Many(browsers(words)))],
            ),
            group(words.own_filters, own_filters(words)),
        ],
        Section::Privacy => vec![
            group(words.scrubbing, scrubbing(words)),
            group(words.scrubbed_fields, scrubbed_fields(words)),
            group(words.advanced, vec![field("sentry:relay_pii_config", words.advanced_rules, Kind::Code)]),
        ],
        Section::Grouping => vec![
            group(words.version, vec![field("sentry:grouping_config", words.versions, Kind::One(versions(words)))]),
            group(words.rules, rules(words)),
        ],
        // They are no forms of fields.
        Section::Keys
        | Section::Environments
        | Section::Alerts
        | Section::Channels
        | Section::Quotas
        | Section::Removal => Vec::new(),
    }
}

fn field(name: &'static str, said: Said, kind: Kind) -> FieldSpec {
    FieldSpec { name, said, kind }
}

fn identity(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("name", words.name, Kind::Line),
        field("slug", words.slug, Kind::Line),
        field("platform", words.platform, Kind::Select(platforms(words))),
    ]
}

fn behaviour(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("sentry:origins", words.origins, Kind::Lines),
        field("sentry:resolve_age", words.resolve_age, Kind::Number),
    ]
}

fn noise(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("filters:browser-extensions", words.browser_extensions, Kind::Switch),
        field("filters:web-crawlers", words.web_crawlers, Kind::Switch),
        field("filters:localhost", words.localhost, Kind::Switch),
        field("filters:react-hydration-errors", words.hydration_errors, Kind::Switch),
        field("filters:chunk-load-error", words.chunk_load_errors, Kind::Switch),
        field("filters:filtered-transaction", words.health_checks, Kind::Switch),
    ]
}

fn own_filters(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("filters:error_messages", words.error_messages, Kind::Lines),
        field("filters:releases", words.releases, Kind::Lines),
        field("filters:blacklisted_ips", words.client_ips, Kind::Lines),
        field("sentry:csp_ignored_sources", words.csp_sources, Kind::Lines),
    ]
}

fn scrubbing(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("sentry:scrub_data", words.scrub_data, Kind::Switch),
        field("sentry:scrub_defaults", words.scrub_defaults, Kind::Switch),
        field("sentry:scrub_ip_address", words.scrub_addresses, Kind::Switch),
    ]
}

fn scrubbed_fields(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("sentry:sensitive_fields", words.sensitive_fields, Kind::Lines),
        field("sentry:safe_fields", words.safe_fields, Kind::Lines),
    ]
}

fn rules(words: &Words) -> Vec<FieldSpec> {
    vec![
        field("sentry:fingerprinting_rules", words.fingerprint_rules, Kind::Code),
        field("sentry:grouping_enhancements", words.stack_rules, Kind::Code),
    ]
}

fn choice(value: &'static str, label: impl Into<String>, text: impl Into<String>) -> Choice {
    Choice { value: value.to_owned(), label: label.into(), text: text.into(), is_chosen: false }
}

fn platforms(words: &Words) -> Vec<Choice> {
    let guides = guides::current().map(|guide| choice(guide.id, guide.name, ""));
    guides.chain([choice("other", words.other, "")]).collect()
}

fn browsers(words: &Words) -> Vec<Choice> {
    let mut choices = vec![choice("default", words.usual_browsers, "")];
    for (name, label) in Legacy::choices() {
        // Sentry has two names for the same old versions of Android.
        if choices.iter().all(|known| known.label != label) {
            choices.push(choice(name, label, ""));
        }
    }
    choices
}

fn versions(words: &Words) -> Vec<Choice> {
    Version::ALL
        .iter()
        .rev()
        .map(|version| choice(version.id(), version.id(), (words.version_changes)(*version)))
        .collect()
}
