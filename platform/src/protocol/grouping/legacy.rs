//! The default of Sentry 9.1, for projects that come from there.
//!
//! Exceptions by their types and frames, else by their whole texts; then the stack trace, the only thread, the template, the
//! report, the message as it is. A frame is its module or file and its line of source, or else its function, or else its line's
//! number. Of frames that are the same in a row one counts. In 9.1 the hash of all frames stands beside that of the
//! application's; here one of them decides, as in every version.

use super::{
    super::{
        event::{Event, Exception},
        stacktrace::Frame,
    },
    Part, Trace, Variant, Why,
    family::Family,
    files,
    frames::{Frames, Scope},
    names, of_report,
};

/// Longer lines of source are a minifier's.
const MOST_LINE: usize = 120;
/// Fewer of the application's frames in a hundred say little of where it happened.
const LEAST_IN_APP: usize = 10;

/// What an event's group is made of.
pub fn default(event: &Event, traces: &[Trace<'_>]) -> (Variant, Vec<Part>) {
    let (variant, scope) = if traces.iter().any(|(_, frames)| says_much(frames)) {
        (Variant::App, Scope::App)
    } else {
        (Variant::System, Scope::System)
    };
    let parts = in_scope(event, traces, scope);
    if !event.exceptions.is_empty() {
        return (if traces.is_empty() { Variant::Value } else { variant }, parts);
    }
    if parts.iter().any(|part| part.counts) {
        return (variant, parts);
    }
    if let Some(template) = &event.template {
        let file = template.filename.as_deref().map(files::whole).unwrap_or_default();
        let line = template.context_line.clone().unwrap_or_default();
        return (Variant::Template, vec![Part::new("template", file), Part::new("line", line)]);
    }
    if let Some(report) = &event.report {
        return (Variant::Report, of_report(report));
    }
    match event.message_template.as_ref().or(event.message.as_ref()) {
        Some(text) => (Variant::Message, vec![Part::new("message", text.clone())]),
        None => (Variant::Nothing, Vec::new()),
    }
}

/// What the frames of a scope give, with the exceptions they belong to.
pub fn in_scope(event: &Event, traces: &[Trace<'_>], scope: Scope) -> Vec<Part> {
    if event.exceptions.is_empty() {
        return traces.first().map(|(_, frames)| of_frames(frames, &event.platform, scope)).unwrap_or_default();
    }
    let trace_of =
        |exception: &Exception| traces.iter().find(|(own, _)| own.is_some_and(|own| std::ptr::eq(own, exception)));
    let mut parts = Vec::new();
    for exception in &event.exceptions {
        let mut kind = Part::new("type", exception.kind.clone().unwrap_or_default());
        let mut value = Part { depth: 1, ..Part::new("value", exception.value.clone().unwrap_or_default()) };
        let trace = trace_of(exception);
        if trace.is_some() {
            (value.counts, value.why) = (false, Why::Frames);
        } else if !traces.is_empty() {
            (kind.counts, kind.why) = (false, Why::OtherFrames);
            (value.counts, value.why) = (false, Why::OtherFrames);
        }
        parts.push(kind);
        parts.extend(trace.into_iter().flat_map(|(_, frames)| of_frames(frames, &event.platform, scope)));
        parts.push(value);
    }
    parts
}

fn says_much(frames: &Frames<'_>) -> bool {
    let own = frames.in_app().filter(|in_app| *in_app).count();
    own > 0 && own * 100 >= frames.in_app().count() * LEAST_IN_APP
}

fn of_frames(frames: &Frames<'_>, platform: &str, scope: Scope) -> Vec<Part> {
    let mut last = None;
    let mut parts = Vec::new();
    for seen in frames.seen() {
        let identity = identity(seen.frame, platform);
        let why = match &identity {
            _ if scope == Scope::App && !seen.in_app => Why::NotInApp,
            None => Why::TellsNothing,
            identity if *identity == last => Why::Recursion,
            _ => Why::Counts,
        };
        if why == Why::Counts {
            last.clone_from(&identity);
        }
        let text = identity.unwrap_or_else(|| "?".to_owned());
        parts.push(Part { depth: 1, counts: why == Why::Counts, why, ..Part::new("frame", text) });
    }
    parts
}

fn identity(frame: &Frame, platform: &str) -> Option<String> {
    let family = Family::of(frame, platform);
    let function = frame.function.as_deref();
    if function == Some("[native code]") {
        return None;
    }
    let is_url = |path: &&str| path.contains("://") || *path == "<anonymous>";
    let named = |module: &str| match family {
        Family::JavaScript => files::whole(module),
        _ => names::module(module, family),
    };
    let module = frame.module.as_deref().filter(|module| !is_url(module)).map(named);
    let place = module.or_else(|| frame.filename.as_deref().filter(|path| !is_url(path)).map(files::whole));
    let line = frame.context_line.as_deref().map(str::trim).filter(|line| !line.is_empty() && line.len() <= MOST_LINE);
    let what = line.map(str::to_owned).or_else(|| function.map(str::to_owned));
    let what = what.or_else(|| place.as_ref().and(frame.lineno).map(|number| number.to_string()));
    match (place, what) {
        (Some(place), Some(what)) => Some(format!("{place} in {what}")),
        (place, what) => place.or(what),
    }
}
