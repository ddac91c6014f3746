//! Which events are the same bug, and why.
//!
//! The first that is there decides: a fingerprint rule of the project; the SDK's own fingerprint; then by default a report's
//! directive and target, the exceptions, the stack trace, the crashed thread, the template, the message. Exceptions count by their
//! types and the application's frames, else by all frames, else by their texts without parameters. Line numbers never count.
//!
//! [`VERSION`] changes with the algorithm, so that whoever stores groups can link new ones to old ones. No sourcemaps or symbols
//! are applied here: frames come as they are.

mod data;
pub mod family;
mod files;
pub mod frames;
mod libraries;
pub mod message;
mod names;
mod noise;
#[cfg(test)]
mod pairs;
pub mod rules;
mod shapes;
#[cfg(test)]
mod tests;
mod variables;

use std::sync::LazyLock;

use self::{
    frames::{Frames, Scope, Strength},
    message::without_parameters,
    rules::Rules,
};
use super::{
    event::{Event, Exception},
    fingerprint::{Fingerprint, Hasher},
    security::Report,
};

/// The version of the algorithm.
pub const VERSION: u32 = 1;

/// An event's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub version: u32,
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
    pub why: &'static str,
}

/// A stack trace and the exception it belongs to.
type Trace<'a> = (Option<&'a Exception>, Frames<'a>);

/// Computes an event's group.
pub fn group(event: &Event, rules: &Rules) -> Grouping {
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
        (info.variant, info.parts) = default(event, &traces);
        add(&info.parts, &mut hasher);
    }
    for part in fingerprint {
        if variables::is_default(part) {
            (info.variant, info.parts) = default(event, &traces);
            add(&info.parts, &mut hasher);
            info.custom.push(part.clone());
        } else {
            let filled = variables::fill(part, event, &traces);
            hasher.add(&filled);
            info.custom.push(filled);
        }
    }
    Grouping { version: VERSION, fingerprint: hasher.finish(), title: rule.and_then(|rule| rule.title.clone()), info }
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

fn add(parts: &[Part], hasher: &mut Hasher) {
    for part in parts.iter().filter(|part| part.counts) {
        hasher.add(part.what);
        hasher.add(&part.text);
    }
}

fn default(event: &Event, traces: &[Trace<'_>]) -> (Variant, Vec<Part>) {
    if let (true, Some(report)) = (event.exceptions.is_empty(), &event.report) {
        return (Variant::Report, of_report(report));
    }
    if !event.exceptions.is_empty() {
        return exceptions(event, traces);
    }
    if let Some(found) = traces.first().and_then(|(_, frames)| of_trace(event, frames)) {
        return found;
    }
    if let Some(template) = &event.template {
        let file = template.filename.as_deref().map(files::file).unwrap_or_default();
        let line = template.context_line.as_deref().unwrap_or_default().trim().to_owned();
        return (Variant::Template, vec![Part::new("template", file), Part::new("line", line)]);
    }
    match message_part(event) {
        Some(part) => (Variant::Message, vec![part]),
        None => (Variant::Nothing, vec![Part::new("kind", super::title::kind(event).to_owned())]),
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

/// A stack trace without an exception: frames, and the message where they tell little.
fn of_trace(event: &Event, frames: &Frames<'_>) -> Option<(Variant, Vec<Part>)> {
    let app = frames.counted(Scope::App);
    let (variant, mut counted) = if app.strength > Strength::Nothing {
        (Variant::App, app)
    } else {
        (Variant::System, frames.counted(Scope::System))
    };
    if counted.strength == Strength::Nothing {
        // Noise is better than nothing to go by.
        if message_part(event).is_some() || counted.parts.iter().all(|part| part.text == "?") {
            return None;
        }
        counted.parts.iter_mut().for_each(|part| part.counts = true);
    }
    if counted.strength == Strength::Weak {
        counted.parts.extend(message_part(event));
    }
    Some((variant, counted.parts))
}

fn message_part(event: &Event) -> Option<Part> {
    // A template of placeholders alone says nothing: what filled it does.
    let says_something =
        |template: &&str| template.split_whitespace().any(|word| word.chars().all(char::is_alphabetic));
    let template = event.message_template.as_deref().filter(says_something);
    let text = without_parameters(template.or(event.message.as_deref())?);
    (!text.is_empty()).then(|| Part::new("message", text))
}

fn exceptions(event: &Event, traces: &[Trace<'_>]) -> (Variant, Vec<Part>) {
    let strongest = |scope| traces.iter().map(|(_, frames)| frames.strength(scope)).max().unwrap_or(Strength::Nothing);
    let (variant, scope, strength) = match (strongest(Scope::App), strongest(Scope::System)) {
        (Strength::Nothing, Strength::Nothing) => (Variant::Value, Scope::System, Strength::Nothing),
        (Strength::Nothing, system) => (Variant::System, Scope::System, system),
        (app, _) => (Variant::App, Scope::App, app),
    };
    let part = |exception: &Exception| exception_parts(exception, traces, scope, strength);
    let tops = top_level(&event.exceptions);
    if tops.is_empty() {
        return (variant, event.exceptions.iter().flat_map(part).collect());
    }
    // Of a group of exceptions each different one counts once, in whatever order they came.
    let mut different: Vec<Vec<Part>> =
        tops.into_iter().map(|chain| chain.into_iter().flat_map(part).collect()).collect();
    let counted =
        |parts: &[Part]| parts.iter().filter(|part| part.counts).map(|part| part.text.clone()).collect::<Vec<_>>();
    different.sort_by_key(|parts| counted(parts));
    different.dedup_by_key(|parts| counted(parts));
    (variant, different.into_iter().flatten().collect())
}

fn exception_parts(exception: &Exception, traces: &[Trace<'_>], scope: Scope, strength: Strength) -> Vec<Part> {
    let mut parts = Vec::new();
    let ns_error = exception.mechanism.as_ref().and_then(|mechanism| mechanism.ns_error.as_ref());
    if let Some((domain, code)) = ns_error {
        parts.push(Part::new("ns-error", format!("{domain} {code}")));
    }
    let mut kind = Part::new("type", exception.kind.clone().unwrap_or_default());
    let trace = traces.iter().find(|(owner, _)| owner.is_some_and(|owner| std::ptr::eq(owner, exception)));
    let counted = trace.map(|(_, frames)| frames.counted(scope));
    let own = counted.as_ref().map_or(Strength::Nothing, |counted| counted.strength);
    if exception.is_synthetic() && own > Strength::Nothing {
        (kind.counts, kind.why) = (false, "the handler's word, not the program's");
    }
    parts.push(kind);
    let mut value = Part::new("value", without_parameters(exception.value.as_deref().unwrap_or_default()));
    if own == Strength::Nothing && trace.is_some() && strength > Strength::Nothing {
        (value.counts, value.why) = (false, "another exception's frames count");
    } else if own == Strength::Strong || (own == Strength::Weak && strength == Strength::Strong) {
        (value.counts, value.why) = (false, "the frames count");
    }
    value.depth = 1;
    parts.extend(counted.into_iter().flat_map(|counted| counted.parts));
    if !value.text.is_empty() {
        parts.push(value);
    }
    parts
}

/// What a group of exceptions holds, groups within it opened: each with its causes. Empty if there is no group.
fn top_level(exceptions: &[Exception]) -> Vec<Vec<&Exception>> {
    let id = |e: &Exception| e.mechanism.as_ref().and_then(|mechanism| mechanism.exception_id);
    let parent = |e: &Exception| e.mechanism.as_ref().and_then(|m| m.parent_id).filter(|parent| Some(*parent) != id(e));
    let is_group = |e: &Exception| e.mechanism.as_ref().is_some_and(|mechanism| mechanism.is_group);
    let children = |of: &Exception| {
        let of = id(of);
        exceptions.iter().filter(move |e| of.is_some() && parent(e) == of).collect::<Vec<_>>()
    };
    let Some(root) = exceptions.iter().find(|e| is_group(e) && parent(e).is_none()) else { return Vec::new() };
    let mut tops = Vec::new();
    let mut open = vec![root];
    // An exception is looked at once at most, whatever its parent is said to be.
    let mut left = exceptions.len();
    while let (Some(exception), true) = (open.pop(), left > 0) {
        left -= 1;
        match children(exception) {
            inner if is_group(exception) && !inner.is_empty() => open.extend(inner),
            _ => tops.push(exception),
        }
    }
    let chain = |top| {
        let next = |last: &&_| children(last).first().copied();
        std::iter::successors(Some(top), next).take(exceptions.len()).collect()
    };
    tops.into_iter().map(chain).collect()
}

impl Part {
    fn new(what: &'static str, text: String) -> Part {
        Part { depth: 0, what, text, counts: true, why: "" }
    }
}
