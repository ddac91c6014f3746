//! A native crash, made an event of what its handler sent: a minidump, msgpack files of the SDK, texts of a form, and what the
//! Unreal Engine knows.
//!
//! The event of the SDK comes first, the form's texts are laid over it, and the dump and the engine fill in what is missing.
//! A part that cannot be read is an entry of `errors`, in words; there is always an event.

pub mod dump;
mod engine;
pub mod packed;
mod stack;
#[cfg(test)]
mod tests;
mod texts;
pub mod unreal;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{envelope::Item, json::Object};

/// What a part of a crash is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum What {
    /// A minidump.
    Dump,
    /// The event of a native SDK, as msgpack.
    Event,
    /// Breadcrumbs of a native SDK, as msgpack.
    Breadcrumbs,
    /// Names and texts of a form, as JSON.
    Texts,
    /// The Unreal Engine's XML.
    Engine,
    /// A container of the Unreal Engine that cannot be opened.
    Broken,
}

const SDK_EVENT: &str = "__sentry-event";
const SDK_BREADCRUMBS: [&str; 2] = ["__sentry-breadcrumb1", "__sentry-breadcrumb2"];

impl What {
    /// What an item is to a crash; none where it is no part of one.
    pub fn of(item: &Item) -> Option<What> {
        let header = |name: &str| item.headers.get(name).and_then(Value::as_str).unwrap_or_default();
        match (item.kind.as_str(), header("attachment_type"), header("filename")) {
            ("form_data", ..) => Some(What::Texts),
            ("attachment", "event.minidump", _) => Some(What::Dump),
            ("attachment", "unreal.context", _) => Some(What::Engine),
            ("attachment", "unreal.report", _) => Some(What::Broken),
            ("attachment", "event.payload", _) | ("attachment", _, SDK_EVENT) => Some(What::Event),
            ("attachment", kind, name) if kind == "event.breadcrumbs" || SDK_BREADCRUMBS.contains(&name) => {
                Some(What::Breadcrumbs)
            }
            _ => None,
        }
    }

    /// Whether there is a crash where this is.
    pub fn is_a_crash(self) -> bool {
        matches!(self, What::Dump | What::Event | What::Engine | What::Broken)
    }
}

/// A part with its bytes, or why they are not here.
pub type Part<'a> = (What, Result<&'a [u8], &'a str>);

/// Makes one event of an SDK's, which may be empty, and the parts of a crash.
pub fn event(mut event: Object, parts: &[Part<'_>]) -> Object {
    let mut problems = Problems::default();
    let mut of = |what: What| -> Vec<&[u8]> {
        let parts = parts.iter().filter(|(own, _)| *own == what);
        let read = parts.filter_map(|(_, content)| match content {
            Ok(content) => Some(*content),
            Err(missing) => {
                problems.note(what, missing);
                None
            }
        });
        read.collect()
    };
    let [dumps, events, breadcrumbs, all_texts, engines, broken] =
        [What::Dump, What::Event, What::Breadcrumbs, What::Texts, What::Engine, What::Broken].map(&mut of);
    for packed in events {
        match packed::event(packed) {
            Ok(own) => merge(&mut event, own),
            Err(error) => problems.note(What::Event, &error),
        }
    }
    match packed::breadcrumbs(&breadcrumbs) {
        Ok(breadcrumbs) if !breadcrumbs.is_empty() => {
            event.insert("breadcrumbs".into(), json!({"values": breadcrumbs}));
        }
        Ok(_) => {}
        Err(error) => problems.note(What::Breadcrumbs, &error),
    }
    for content in all_texts {
        if let Err(error) = texts::add(&mut event, content) {
            problems.note(What::Texts, &error);
        }
    }
    event.insert("platform".into(), "native".into());
    event.entry("level").or_insert("fatal".into());
    let dump = parts.iter().any(|(what, _)| *what == What::Dump).then(|| dumps.first().map(|dump| dump::read(dump)));
    match dump {
        Some(Some(Ok(read))) => read.fill(&mut event, &mut problems),
        Some(unread) => {
            if let Some(Err(error)) = unread {
                problems.note(What::Dump, &error);
            }
            let mechanism = json!({"type": "minidump", "handled": false, "synthetic": true});
            let exception = json!({"type": "Minidump", "value": "Invalid Minidump", "mechanism": mechanism});
            event.insert("exception".into(), json!({"values": [exception]}));
        }
        None => {}
    }
    for context in engines {
        if let Err(error) = engine::add(&mut event, context) {
            problems.note(What::Engine, &error);
        }
    }
    for _ in broken {
        problems.note(What::Broken, "it is no container of the Unreal Engine; it is kept as a file");
        event.entry("message").or_insert("A crash of the Unreal Engine that cannot be read".into());
    }
    problems.write(&mut event);
    event
}

/// What could not be read of a crash.
#[derive(Debug, Default)]
pub struct Problems(Vec<Value>);

impl Problems {
    fn note(&mut self, what: What, reason: &str) {
        let name = match what {
            What::Dump => "minidump",
            What::Event => SDK_EVENT,
            What::Breadcrumbs => "__sentry-breadcrumb",
            What::Texts => "form",
            What::Engine => "CrashContext.runtime-xml",
            What::Broken => "unreal_report",
        };
        self.0.push(json!({"type": "invalid_data", "name": name, "reason": reason}));
    }

    fn write(self, event: &mut Object) {
        if self.0.is_empty() {
            return;
        }
        let errors = event.entry("errors").or_insert_with(|| json!([]));
        match errors.as_array_mut() {
            Some(errors) => errors.extend(self.0),
            None => *errors = self.0.into(),
        }
    }
}

/// Lays one object over another.
fn merge(below: &mut Object, above: Object) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Adds to an object of the event what it does not say already.
fn fill(event: &mut Object, path: &[&str], fields: Object) {
    let mut object = event;
    for key in path {
        let next = object.entry(*key).or_insert_with(|| json!({}));
        if next.is_null() {
            *next = json!({});
        }
        let Some(next) = next.as_object_mut() else { return };
        object = next;
    }
    for (key, value) in fields {
        if !value.is_null() && value != "" && object.get(&key).is_none_or(Value::is_null) {
            object.insert(key, value);
        }
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Object {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
