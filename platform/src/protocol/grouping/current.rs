//! The default of the newest version: see [`super`].

use super::{
    super::{
        event::{Event, Exception},
        title,
    },
    Part, Trace, Variant, Why, files,
    frames::{Frames, Scope, Strength},
    message::without_parameters,
    names, of_report,
};

/// What an event's group is made of.
pub fn default(event: &Event, traces: &[Trace<'_>]) -> (Variant, Vec<Part>) {
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
        None => (Variant::Nothing, vec![Part::new("kind", title::kind(event).to_owned())]),
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
    let (app, system) = (strongest(traces, Scope::App), strongest(traces, Scope::System));
    let (variant, scope) = match (app, system) {
        (Strength::Nothing, Strength::Nothing) => (Variant::Value, Scope::System),
        (Strength::Nothing, _) => (Variant::System, Scope::System),
        _ => (Variant::App, Scope::App),
    };
    (variant, of_exceptions(event, traces, scope))
}

fn strongest(traces: &[Trace<'_>], scope: Scope) -> Strength {
    traces.iter().map(|(_, frames)| frames.strength(scope)).max().unwrap_or(Strength::Nothing)
}

/// What the frames of a scope give, with the exceptions they belong to.
pub fn in_scope(event: &Event, traces: &[Trace<'_>], scope: Scope) -> Vec<Part> {
    match traces.first() {
        _ if !event.exceptions.is_empty() => of_exceptions(event, traces, scope),
        Some((_, frames)) => frames.counted(scope).parts,
        None => Vec::new(),
    }
}

fn of_exceptions(event: &Event, traces: &[Trace<'_>], scope: Scope) -> Vec<Part> {
    let strength = strongest(traces, scope);
    let part = |exception: &Exception| exception_parts(exception, traces, scope, strength);
    let tops = top_level(&event.exceptions);
    if tops.is_empty() {
        return event.exceptions.iter().flat_map(part).collect();
    }
    // Of a group of exceptions each different one counts once, in whatever order they came.
    let mut different: Vec<Vec<Part>> =
        tops.into_iter().map(|chain| chain.into_iter().flat_map(part).collect()).collect();
    let counted =
        |parts: &[Part]| parts.iter().filter(|part| part.counts).map(|part| part.text.clone()).collect::<Vec<_>>();
    different.sort_by_key(|parts| counted(parts));
    different.dedup_by_key(|parts| counted(parts));
    different.into_iter().flatten().collect()
}

fn exception_parts(exception: &Exception, traces: &[Trace<'_>], scope: Scope, strength: Strength) -> Vec<Part> {
    let mut parts = Vec::new();
    let ns_error = exception.mechanism.as_ref().and_then(|mechanism| mechanism.ns_error.as_ref());
    if let Some((domain, code)) = ns_error {
        parts.push(Part::new("ns-error", format!("{domain} {code}")));
    }
    let (kind, said) = (exception.kind.as_deref().unwrap_or_default(), exception.value.as_deref().unwrap_or_default());
    // Ruby ends what it says in the type at times: `key not found: :price (KeyError)`.
    let said = said.strip_suffix(')').and_then(|said| said.strip_suffix(kind)?.strip_suffix(" (")).unwrap_or(said);
    let mut kind = Part::new("type", names::exception(kind, said).into_owned());
    let trace = traces.iter().find(|(owner, _)| owner.is_some_and(|owner| std::ptr::eq(owner, exception)));
    let counted = trace.map(|(_, frames)| frames.counted(scope));
    let own = counted.as_ref().map_or(Strength::Nothing, |counted| counted.strength);
    if exception.is_synthetic() && own > Strength::Nothing {
        (kind.counts, kind.why) = (false, Why::HandlersWord);
    }
    parts.push(kind);
    let mut value = Part::new("value", without_parameters(said));
    if own == Strength::Nothing && trace.is_some() && strength > Strength::Nothing {
        (value.counts, value.why) = (false, Why::OtherFrames);
    } else if own == Strength::Strong || (own == Strength::Weak && strength == Strength::Strong) {
        (value.counts, value.why) = (false, Why::Frames);
    }
    // An error of Cocoa is its domain and code; what it says is in the language of the phone.
    if ns_error.is_some() && value.counts {
        (value.counts, value.why) = (false, Why::DomainAndCode);
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
