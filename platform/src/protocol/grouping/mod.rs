//! Which events are the same bug, and why.
//!
//! The first that is there decides: a fingerprint rule of the project; the SDK's own fingerprint; then by default a report's
//! directive and target, the exceptions, the stack trace, the crashed thread, the template, the message. Exceptions count by their
//! types and the application's frames, else by all frames, else by their texts without parameters. Line numbers never count.
//!
//! That is the newest of the [`Version`]s; whoever stores groups links those of a new version to those of an old one. No
//! sourcemaps or symbols are applied here: frames come as they are.

mod alike;
mod current;
mod data;
mod explain;
pub mod family;
mod files;
pub mod frames;
mod legacy;
mod libraries;
pub mod message;
mod names;
mod noise;
mod objects;
#[cfg(test)]
mod pairs;
pub mod rules;
mod shapes;
#[cfg(test)]
mod tests;
mod things;
mod variables;
mod version;
mod why;
mod wording;

use std::sync::LazyLock;

pub use self::{
    explain::{Explained, Explanation, explain},
    version::Version,
    why::Why,
};
use self::{frames::Frames, rules::Rules};
use super::{
    event::{Event, Exception},
    fingerprint::{Fingerprint, Hasher},
    security::Report,
};

/// An event's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub version: Version,
    pub fingerprint: Fingerprint,
    /// What a rule calls the issue.
    pub title: Option<String>,
    pub info: Info,
}

/// What made the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    pub source: Source,
    pub variant: Variant,
    /// The fingerprint, variables filled in; empty where the default is all there is.
    pub custom: Vec<String>,
    /// What was looked at by default, counted or not.
    pub parts: Vec<Part>,
}

/// Who decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Default,
    Sdk,
    /// A fingerprint rule, as it was written.
    Rule(String),
}

/// What the default is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// The fingerprint says it all.
    Custom,
    Report,
    /// The application's frames.
    App,
    /// All frames.
    System,
    /// The exceptions' types and texts.
    Value,
    Template,
    Message,
    Nothing,
}

impl Variant {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Custom => "custom fingerprint",
            Variant::Report => "security report",
            Variant::App => "in-app stack trace",
            Variant::System => "system stack trace",
            Variant::Value => "exception type and value",
            Variant::Template => "template",
            Variant::Message => "message",
            Variant::Nothing => "nothing",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// 0 for an exception's type, 1 for what is inside of it.
    pub depth: u8,
    /// `type`, `frame`, `value`, `message` …
    pub what: &'static str,
    pub text: String,
    pub counts: bool,
    /// Why it does not count.
    pub why: Why,
}

/// A stack trace and the exception it belongs to.
type Trace<'a> = (Option<&'a Exception>, Frames<'a>);

/// Computes an event's group.
pub fn group(event: &Event, rules: &Rules, version: Version) -> Grouping {
    let traces = traces(event, rules);
    let own = rules::fingerprint::find(&rules.fingerprint, event, &traces);
    let is_default = |parts: &[String]| parts.iter().all(|part| variables::is_default(part));
    let builtin = || rules::fingerprint::find(&BUILT_IN, event, &traces).filter(|_| is_default(&event.fingerprint));
    let rule = own.or_else(builtin);
    let (source, fingerprint) = match (rule, &event.checksum) {
        (Some(rule), _) => (Source::Rule(rule.text.clone()), rule.parts.as_slice()),
        (None, _) if !is_default(&event.fingerprint) => (Source::Sdk, event.fingerprint.as_slice()),
        (None, Some(checksum)) => (Source::Sdk, std::slice::from_ref(checksum)),
        (None, None) => (Source::Default, &[][..]),
    };
    let mut hasher = Hasher::new();
    let mut info = Info { source, variant: Variant::Custom, custom: Vec::new(), parts: Vec::new() };
    if fingerprint.is_empty() {
        (info.variant, info.parts) = by_default(version, event, &traces);
        add(version, &info.parts, &mut hasher);
    }
    for part in fingerprint {
        if variables::is_default(part) {
            (info.variant, info.parts) = by_default(version, event, &traces);
            add(version, &info.parts, &mut hasher);
            info.custom.push(part.clone());
        } else {
            let filled = variables::fill(part, event, &traces);
            hasher.add(&filled);
            info.custom.push(filled);
        }
    }
    Grouping { version, fingerprint: hasher.finish(), title: rule.and_then(|rule| rule.title.clone()), info }
}

/// Which frames of an event's stack traces are the application's by the rules: per exception, or of the one other trace.
pub fn in_app(event: &Event, rules: &Rules) -> Vec<Vec<bool>> {
    traces(event, rules).iter().map(|(_, frames)| frames.in_app().collect()).collect()
}

/// Rules for errors that every project has and no frame tells apart: they come from the network or from the framework.
static BUILT_IN: LazyLock<Vec<rules::fingerprint::Rule>> = LazyLock::new(|| {
    let rules = r#"
        family:javascript type:"ChunkLoadError" -> chunk-load-error
        family:javascript value:"Loading chunk * failed*" -> chunk-load-error
        family:javascript value:"Loading CSS chunk * failed*" -> chunk-load-error
        family:javascript value:"*{Failed to fetch,error loading} dynamically imported module*" -> chunk-load-error
        family:javascript value:"Importing a module script failed*" -> chunk-load-error
        family:javascript value:"Unable to preload CSS for *" -> chunk-load-error
        family:javascript value:"Hydration failed because*" -> hydration-error
        family:javascript value:"There was an error while hydrating*" -> hydration-error
        family:javascript value:"Text content does not match server-rendered HTML*" -> hydration-error
        family:javascript value:"*Minified React error #{418,419,422,423,425}*" -> hydration-error
    "#;
    rules::fingerprint::parse(rules).expect("the rules are a constant, and a test reads them")
});

fn traces<'a>(event: &'a Event, rules: &Rules) -> Vec<Trace<'a>> {
    let mark = |exception, stacktrace| (exception, Frames::mark(stacktrace, exception, &event.platform, rules));
    let of_exceptions = event.exceptions.iter().filter_map(|e| Some(mark(Some(e), e.stacktrace.as_ref()?)));
    let traces: Vec<Trace<'a>> = of_exceptions.collect();
    if !event.exceptions.is_empty() {
        return traces;
    }
    let of_thread = || event.main_thread().and_then(|thread| thread.stacktrace.as_ref());
    event.stacktrace.as_ref().or_else(of_thread).map(|stacktrace| mark(None, stacktrace)).into_iter().collect()
}

fn add(version: Version, parts: &[Part], hasher: &mut Hasher) {
    for part in parts.iter().filter(|part| part.counts) {
        hasher.add(part.what);
        match version {
            Version::Picket1 if matches!(part.what, "value" | "message") => hasher.add(&alike::alike(&part.text)),
            _ => hasher.add(&part.text),
        }
    }
}

/// What a version makes of an event without a fingerprint.
fn by_default(version: Version, event: &Event, traces: &[Trace<'_>]) -> (Variant, Vec<Part>) {
    match version {
        Version::Legacy => legacy::default(event, traces),
        Version::Picket1 => current::default(event, traces),
    }
}

fn of_report(report: &Report) -> Vec<Part> {
    match report {
        Report::Csp { directive, blocked, .. } => {
            vec![Part::new("directive", directive.clone()), Part::new("blocked", blocked.clone())]
        }
        Report::Host { policy, hostname } => {
            vec![Part::new("policy", (*policy).to_owned()), Part::new("host", hostname.clone())]
        }
    }
}

impl Part {
    fn new(what: &'static str, text: String) -> Part {
        Part { depth: 0, what, text, counts: true, why: Why::Counts }
    }
}
