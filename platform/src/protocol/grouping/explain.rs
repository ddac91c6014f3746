//! Why an event is in its group, variant by variant: what counted, what did not and why, and which rules had a say.

use super::{
    super::{event::Event, fingerprint::Fingerprint},
    Part, Source, Variant, Version, Why, by_default, current,
    frames::Scope,
    group, legacy,
    rules::Rules,
    traces,
};

/// All that is known of why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub version: Version,
    pub source: Source,
    /// The fingerprint, variables filled in; empty where the default is all there is.
    pub custom: Vec<String>,
    /// What a rule calls the issue.
    pub title: Option<String>,
    /// The stack trace rules that matched a frame, as they were written.
    pub stack_rules: Vec<String>,
    /// The one that decided comes first.
    pub variants: Vec<Explained>,
}

/// What an event looks like one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub variant: Variant,
    pub parts: Vec<Part>,
    /// The group, of the one that decided.
    pub fingerprint: Option<Fingerprint>,
    /// Why another one decided.
    pub why: Why,
}

/// Explains an event's group.
pub fn explain(event: &Event, rules: &Rules, version: Version) -> Explanation {
    let grouping = group(event, rules, version);
    let traces = traces(event, rules);
    let other = |variant, parts, why| Explained { variant, parts, fingerprint: None, why };
    let scoped = |scope| match version {
        Version::Legacy => legacy::in_scope(event, &traces, scope),
        Version::Picket1 => current::in_scope(event, &traces, scope),
    };
    let passed_over = match grouping.info.variant {
        Variant::Custom => {
            let (variant, parts) = by_default(version, event, &traces);
            Some(other(variant, parts, Why::Fingerprint))
        }
        Variant::App => Some(other(Variant::System, scoped(Scope::System), Why::AppFrames)),
        Variant::System => Some(other(Variant::App, scoped(Scope::App), Why::NoAppFrame)),
        _ => None,
    };
    let mut stack_rules: Vec<String> = Vec::new();
    for text in traces.iter().flat_map(|(_, frames)| frames.matched(rules)) {
        if !stack_rules.iter().any(|known| known == text) {
            stack_rules.push(text.to_owned());
        }
    }
    let decided = Explained {
        variant: grouping.info.variant,
        parts: grouping.info.parts,
        fingerprint: Some(grouping.fingerprint),
        why: Why::Counts,
    };
    Explanation {
        version,
        source: grouping.info.source,
        custom: grouping.info.custom,
        title: grouping.title,
        stack_rules,
        variants: std::iter::once(decided).chain(passed_over).collect(),
    }
}
