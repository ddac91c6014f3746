//! A project's settings by the names that Sentry's API has for them, checked before they are taken.
//!
//! Most have two: a field of the project (`resolveAge`) and an option (`sentry:resolve_age`). Lists are taken as lists or as
//! lines of a text.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::{
    Demands, Settings, Unwanted,
    wrong::{Fault, Wrong},
};
use crate::protocol::{
    filter::{IpRange, Legacy},
    glob::Glob,
    grouping::{
        Version,
        rules::{RuleError, fingerprint, stack},
    },
    origin,
    scrub::advanced,
};

/// Longer texts of rules are refused.
const LONGEST_RULES: usize = 100_000;
/// Longer lists are refused.
const MOST_ENTRIES: usize = 1000;
/// A year; nobody waits longer.
const LONGEST_RESOLVE_AGE: u64 = 24 * 366;

/// The filters with a switch, as `/filters/` names them.
const SWITCHES: [&str; 6] = [
    "browser-extensions",
    "filtered-transaction",
    "localhost",
    "web-crawlers",
    "react-hydration-errors",
    "chunk-load-error",
];

/// Whether a name is one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    Yes,
    No,
}

/// Sets what a field or an option names. What is wrong with the value is said in words for the person who sent it.
pub fn set(settings: &mut Settings, name: &str, value: &Value) -> Result<Known, Wrong> {
    let privacy = &mut settings.privacy;
    match name {
        "resolveAge" | "sentry:resolve_age" => settings.resolve_age = hours(value)?,
        "dataScrubber" | "sentry:scrub_data" => privacy.scrub = switch(value)?,
        "dataScrubberDefaults" | "sentry:scrub_defaults" => privacy.defaults = switch(value)?,
        "scrubIPAddresses" | "sentry:scrub_ip_address" => privacy.scrub_addresses = switch(value)?,
        "sensitiveFields" | "sentry:sensitive_fields" => privacy.sensitive_fields = list(value)?,
        "safeFields" | "sentry:safe_fields" => privacy.safe_fields = list(value)?,
        "relayPiiConfig" | "sentry:relay_pii_config" => privacy.rules = privacy_rules(value)?,
        "fingerprintingRules" | "sentry:fingerprinting_rules" => {
            settings.grouping.fingerprint_rules = rules(value, |text| fingerprint::parse(text).map(drop))?;
        }
        "groupingEnhancements" | "sentry:grouping_enhancements" => {
            settings.grouping.stack_rules = rules(value, |text| stack::parse(text).map(drop))?;
        }
        "groupingConfig" | "sentry:grouping_config" => {
            settings.grouping.version = version(value)?.ok_or(Wrong::Missing)?;
        }
        "secondaryGroupingConfig" | "sentry:secondary_grouping_config" => settings.grouping.former = version(value)?,
        "secondaryGroupingExpiry" | "sentry:secondary_grouping_expiry" => settings.grouping.former_until = time(value)?,
        "filters:blacklisted_ips" | "sentry:blacklisted_ips" => {
            let is_range = |text: &str| IpRange::parse(text).is_some();
            settings.filters.client_ips = checked(list(value)?, is_range, Fault::NoAddress)?;
        }
        "filters:releases" | "sentry:releases" => settings.filters.releases = patterns(value)?,
        "sentry:csp_ignored_sources" => settings.filters.csp_sources = list(value)?,
        "filters:error_messages" | "sentry:error_messages" => settings.filters.error_messages = patterns(value)?,
        _ => match name.strip_prefix("filters:") {
            Some(filter) => return set_filter(&mut settings.filters, filter, value),
            None => return Ok(Known::No),
        },
    }
    Ok(Known::Yes)
}

/// Sets what a field names of what an organisation demands.
pub fn set_demand(demands: &mut Demands, name: &str, value: &Value) -> Result<Known, Wrong> {
    match name {
        "dataScrubber" => demands.scrub = switch(value)?,
        "dataScrubberDefaults" => demands.defaults = switch(value)?,
        "scrubIPAddresses" => demands.scrub_addresses = switch(value)?,
        "sensitiveFields" => demands.sensitive_fields = list(value)?,
        "safeFields" => demands.safe_fields = list(value)?,
        "relayPiiConfig" => demands.rules = privacy_rules(value)?,
        _ => return Ok(Known::No),
    }
    Ok(Known::Yes)
}

/// Switches one of the filters that `/filters/` lists; that of browsers takes names too.
pub fn set_filter(filters: &mut Unwanted, id: &str, value: &Value) -> Result<Known, Wrong> {
    match id {
        "browser-extensions" => filters.browser_extensions = switch(value)?,
        "filtered-transaction" => filters.health_checks = switch(value)?,
        "localhost" => filters.localhost = switch(value)?,
        "web-crawlers" => filters.web_crawlers = switch(value)?,
        "react-hydration-errors" => filters.hydration_errors = switch(value)?,
        "chunk-load-error" => filters.chunk_load_errors = switch(value)?,
        "legacy-browsers" => {
            filters.legacy_browsers = match switch(value) {
                Ok(true) => vec!["default".to_owned()],
                Ok(false) => Vec::new(),
                Err(_) => checked(list(value)?, |name| !Legacy::named(name).is_empty(), Fault::NoBrowser)?,
            };
        }
        _ => return Ok(Known::No),
    }
    Ok(Known::Yes)
}

/// The filters, as `/filters/` lists them.
pub fn filters(filters: &Unwanted) -> Value {
    let is_active = |id: &str| match id {
        "browser-extensions" => filters.browser_extensions,
        "filtered-transaction" => filters.health_checks,
        "localhost" => filters.localhost,
        "react-hydration-errors" => filters.hydration_errors,
        "chunk-load-error" => filters.chunk_load_errors,
        _ => filters.web_crawlers,
    };
    let browsers = match filters.legacy_browsers.as_slice() {
        [] => json!(false),
        [name] if name == "default" => json!(true),
        names => json!(names),
    };
    let mut all: Vec<Value> = SWITCHES.iter().map(|id| json!({ "id": id, "active": is_active(id) })).collect();
    all.insert(2, json!({ "id": "legacy-browsers", "active": browsers }));
    Value::Array(all)
}

/// The settings as options.
pub fn options(settings: &Settings) -> Map<String, Value> {
    let Settings { filters, privacy, grouping, resolve_age } = settings;
    let options = json!({
        "sentry:resolve_age": resolve_age,
        "sentry:scrub_data": privacy.scrub,
        "sentry:scrub_defaults": privacy.defaults,
        "sentry:scrub_ip_address": privacy.scrub_addresses,
        "sentry:sensitive_fields": privacy.sensitive_fields,
        "sentry:safe_fields": privacy.safe_fields,
        "sentry:relay_pii_config": Some(&privacy.rules).filter(|rules| !rules.is_empty()),
        "sentry:fingerprinting_rules": grouping.fingerprint_rules,
        "sentry:grouping_enhancements": grouping.stack_rules,
        "sentry:grouping_config": grouping.version.id(),
        "sentry:secondary_grouping_config": grouping.former.map(Version::id),
        "sentry:secondary_grouping_expiry": grouping.former_until.map_or(0, |until| until.timestamp()),
        "sentry:csp_ignored_sources": filters.csp_sources.join("\n"),
        "filters:blacklisted_ips": filters.client_ips.join("\n"),
        "filters:releases": filters.releases.join("\n"),
        "filters:error_messages": filters.error_messages.join("\n"),
    });
    match options {
        Value::Object(options) => options,
        _ => Map::new(),
    }
}

fn switch(value: &Value) -> Result<bool, Wrong> {
    match value {
        Value::Bool(on) => Ok(*on),
        Value::String(text) if matches!(text.as_str(), "1" | "true") => Ok(true),
        Value::String(text) if matches!(text.as_str(), "0" | "false" | "") => Ok(false),
        Value::Null => Ok(false),
        _ => Err(Wrong::NoSwitch),
    }
}

fn hours(value: &Value) -> Result<u32, Wrong> {
    let hours = match value {
        Value::Null => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_u64(),
    };
    let hours = hours.filter(|hours| *hours <= LONGEST_RESOLVE_AGE).and_then(|hours| u32::try_from(hours).ok());
    hours.ok_or(Wrong::NoHours(LONGEST_RESOLVE_AGE))
}

/// A list, or the lines of a text. Empty entries are left out.
pub fn list(value: &Value) -> Result<Vec<String>, Wrong> {
    let entries: Option<Vec<&str>> = match value {
        Value::Null => Some(Vec::new()),
        Value::String(text) => Some(text.lines().collect()),
        Value::Array(values) => values.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let entries = entries.ok_or(Wrong::NoList)?;
    let entries: Vec<String> =
        entries.into_iter().map(str::trim).filter(|e| !e.is_empty()).map(str::to_owned).collect();
    if entries.len() > MOST_ENTRIES {
        return Err(Wrong::TooMany(MOST_ENTRIES));
    }
    checked(entries, |entry| !entry.contains('\0'), Fault::HasNull)
}

/// The sites that may send.
pub fn origins(value: &Value) -> Result<Vec<String>, Wrong> {
    checked(list(value)?, origin::is_pattern, Fault::NoOrigin)
}

fn checked(entries: Vec<String>, holds: impl Fn(&str) -> bool, otherwise: Fault) -> Result<Vec<String>, Wrong> {
    match entries.iter().find(|entry| !holds(entry)) {
        Some(entry) => Err(Wrong::Entry(entry.clone(), otherwise)),
        None => Ok(entries),
    }
}

/// A version of the grouping, by its name; none where nothing is said.
fn version(value: &Value) -> Result<Option<Version>, Wrong> {
    match text(value)? {
        "" => Ok(None),
        id => Version::named(id).map(Some).ok_or_else(|| Wrong::UnknownVersion(id.to_owned())),
    }
}

/// Seconds since 1970; 0 is no time.
fn time(value: &Value) -> Result<Option<DateTime<Utc>>, Wrong> {
    let seconds = match value {
        Value::Null => Some(0),
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    };
    let seconds = seconds.filter(|seconds| *seconds >= 0).ok_or(Wrong::NoTime)?;
    let time = DateTime::from_timestamp_secs(seconds).ok_or(Wrong::TooFar)?;
    Ok(Some(time).filter(|_| seconds > 0))
}

fn patterns(value: &Value) -> Result<Vec<String>, Wrong> {
    checked(list(value)?, Glob::is_well_formed, Fault::NotClosed)
}

fn text(value: &Value) -> Result<&str, Wrong> {
    let text = match value {
        Value::Null => "",
        Value::String(text) => text,
        _ => return Err(Wrong::NoText),
    };
    match text.len() {
        length if length > LONGEST_RULES => Err(Wrong::TooLong(LONGEST_RULES)),
        _ if text.contains('\0') => Err(Wrong::HasNull),
        _ => Ok(text),
    }
}

/// The text of rules that can all be read; the error says which line cannot, and why.
fn rules(value: &Value, read: impl Fn(&str) -> Result<(), RuleError>) -> Result<String, Wrong> {
    let text = text(value)?;
    read(text).map_err(Wrong::Rule)?;
    Ok(text.to_owned())
}

/// Scrubbing rules come as JSON inside of a text; nothing and `{}` are none.
fn privacy_rules(value: &Value) -> Result<String, Wrong> {
    let text = text(value)?.trim();
    if text.is_empty() {
        return Ok(String::new());
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(rules)) if rules.is_empty() => Ok(String::new()),
        Ok(Value::Object(_)) => {
            advanced::Rules::parse(text).map_err(Wrong::PrivacyRule)?;
            Ok(text.to_owned())
        }
        Ok(_) => Err(Wrong::NoObject),
        Err(error) => Err(Wrong::NoJson(error.line(), error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_names_of_a_setting_mean_the_same() {
        let mut by_field = Settings::default();
        let mut by_option = Settings::default();
        set(&mut by_field, "sensitiveFields", &json!(["ticket", " "])).unwrap();
        set(&mut by_option, "sentry:sensitive_fields", &json!("ticket\n")).unwrap();
        assert_eq!(by_field, by_option);
        assert_eq!(by_field.privacy.sensitive_fields, ["ticket"]);
    }

    #[test]
    fn a_rule_that_cannot_be_read_is_refused_with_its_line() {
        let mut settings = Settings::default();
        let wrong = json!("error.type:Gone -> gone\nerror.type:Lost gone");
        let why = set(&mut settings, "fingerprintingRules", &wrong).unwrap_err().to_string();
        assert!(why.contains("line 2") && why.contains("expected"), "{why}");
        assert_eq!(settings, Settings::default());
        let why = set(&mut settings, "groupingEnhancements", &json!("family:native +nothing")).unwrap_err().to_string();
        assert!(why.contains("line 1") && why.contains("+nothing"), "{why}");
    }

    #[test]
    fn what_filters_cannot_use_is_refused() {
        let mut settings = Settings::default();
        for (name, value, word) in [
            ("filters:blacklisted_ips", json!("10.0.0.0/8\n10.0.0.300"), "10.0.0.300"),
            ("filters:releases", json!("1.[2"), "not closed"),
            ("filters:legacy-browsers", json!(["netscape"]), "netscape"),
            ("filters:localhost", json!(7), "boolean"),
            ("resolveAge", json!(-1), "hours"),
            ("relayPiiConfig", json!(r#"{"applications": {"$colour": ["@ip"]}}"#), "$colour"),
        ] {
            let why = set(&mut settings, name, &value).unwrap_err().to_string();
            assert!(why.contains(word), "{name}: {why}");
        }
        assert_eq!(set(&mut settings, "digestsMinDelay", &json!(60)), Ok(Known::No));
    }

    #[test]
    fn every_filter_that_is_listed_can_be_switched() {
        let mut unwanted = Unwanted::default();
        for filter in filters(&unwanted.clone()).as_array().unwrap() {
            let id = filter["id"].as_str().unwrap();
            for active in [true, false] {
                assert_eq!(set_filter(&mut unwanted, id, &json!(active)), Ok(Known::Yes));
                let listed = filters(&unwanted);
                let listed = listed.as_array().unwrap().iter().find(|listed| listed["id"] == id).unwrap();
                assert_eq!(listed["active"], active, "{id}");
            }
        }
    }
}
