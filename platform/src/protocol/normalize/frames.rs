//! Stack traces: names of files, lines around, and how much of a deep one is kept.

use serde_json::Value;

use super::{
    super::json::Object,
    bag::{Bounds, bound},
    images,
    notes::{Notes, Path},
    text::{Field, field, fields},
};

const FIELDS: &[Field] = &[
    field("function", 512, 20),
    field("raw_function", 512, 20),
    field("symbol", 512, 0),
    field("module", 256, 40),
    field("package", 256, 40),
    field("filename", 256, 40),
    field("abs_path", 256, 40),
    field("platform", 64, 0),
    field("context_line", 8192, 200),
];
/// Of a deeper stack the ends are kept: where it began, and where it broke.
const OUTERMOST: usize = 50;
const INNERMOST: usize = 200;
/// How many frames keep their variables and the lines around.
const DETAILED: usize = 50;

/// Normalises a stack trace, if there is one.
pub fn normalize(owner: &mut Object, name: &str, at: &Path<'_>, notes: &mut Notes) {
    let at = at.key(name);
    let list = at.key("frames");
    let Some(value) = owner.get_mut(name) else { return };
    let Some(frames) = value.get_mut("frames").and_then(Value::as_array_mut).filter(|frames| !frames.is_empty()) else {
        let is_known = notes.has(&at);
        if !value.is_object() && !value.is_null() {
            *value = notes.invalid(&at, value.take(), "expected a stack trace");
        } else if !is_known {
            owner.shift_remove(name);
        }
        return;
    };
    let length = frames.len();
    if length > OUTERMOST + INNERMOST {
        frames.drain(OUTERMOST..length - INNERMOST);
        notes.length(&list, length);
    }
    for (index, frame) in frames.iter_mut().enumerate() {
        let index = index.to_string();
        let at = list.key(&index);
        match frame {
            Value::Object(frame) => normalize_frame(frame, &at, notes),
            Value::Null => {}
            other => *other = notes.invalid(&at, other.take(), "expected an object"),
        }
    }
    slim(frames);
}

fn normalize_frame(frame: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    frame.retain(|key, value| !value.is_null() || notes.has(&at.key(key)));
    fields(frame, FIELDS, at, notes);
    for name in ["function", "symbol"] {
        if frame.get(name).is_some_and(|value| value == "?") {
            frame.shift_remove(name);
        }
    }
    files(frame);
    for name in ["lineno", "colno"] {
        let number = frame.get(name).and_then(Value::as_str).and_then(|text| text.trim().parse::<i64>().ok());
        if let Some(number) = number {
            frame.insert(name.into(), number.into());
        }
    }
    for name in ["lineno", "colno"] {
        if let Some(value) = frame.get_mut(name).filter(|value| !value.is_u64() && !value.is_null()) {
            *value = notes.invalid(&at.key(name), value.take(), "expected an unsigned integer");
        }
    }
    if let Some(value) = frame.get_mut("in_app").filter(|value| !value.is_boolean() && !value.is_null()) {
        *value = notes.invalid(&at.key("in_app"), value.take(), "expected a boolean");
    }
    for name in ["instruction_addr", "symbol_addr", "image_addr"] {
        images::address(frame, name, at, notes);
    }
    variables(frame, at, notes);
    let mut has_lines = false;
    for name in ["pre_context", "post_context"] {
        if let Some(lines) = frame.get_mut(name).filter(|lines| !lines.is_array() && !lines.is_null()) {
            *lines = notes.invalid(&at.key(name), lines.take(), "expected an array");
        }
        let Some(lines) = frame.get_mut(name).and_then(Value::as_array_mut) else { continue };
        has_lines = true;
        lines.iter_mut().filter(|line| line.is_null()).for_each(|line| *line = "".into());
    }
    if has_lines && frame.get("context_line").is_none_or(Value::is_null) {
        frame.insert("context_line".into(), "".into());
    }
    if let Some(vars) = frame.get_mut("vars") {
        bound(vars, Bounds { depth: 5, bytes: 2048 }, &at.key("vars"), notes);
    }
}

/// Variables have names; those of a list go by their places in it.
fn variables(frame: &mut Object, at: &Path<'_>, notes: &mut Notes) {
    match frame.get_mut("vars") {
        Some(Value::Array(items)) => {
            let named = items.drain(..).enumerate().map(|(index, value)| (index.to_string(), value));
            let named: Object = named.collect();
            frame.insert("vars".into(), named.into());
        }
        Some(Value::Object(_) | Value::Null) | None => {}
        Some(other) => *other = notes.invalid(&at.key("vars"), other.take(), "expected an object"),
    }
}

/// A frame has a full path and a short name; either stands in for the other.
fn files(frame: &mut Object) {
    let get = |frame: &Object, name: &str| {
        frame.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if get(frame, "abs_path").is_none() {
        let Some(filename) = get(frame, "filename") else { return };
        frame.shift_remove("filename");
        frame.insert("abs_path".into(), filename.into());
    }
    if get(frame, "filename").is_none() {
        let Some(path) = get(frame, "abs_path") else { return };
        let of_url =
            path.split_once("://").filter(|(scheme, _)| matches!(*scheme, "http" | "https" | "file" | "applewebdata"));
        let short = of_url
            .and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].split(['?', '#']).next().unwrap_or_default()));
        frame.insert("filename".into(), short.filter(|short| short.len() > 1).unwrap_or(&path).into());
    }
}

/// Takes variables and lines from the middle of a deep stack, from libraries' frames first.
fn slim(frames: &mut [Value]) {
    if frames.len() <= DETAILED {
        return;
    }
    let in_app = |frame: &Value| frame.get("in_app").and_then(Value::as_bool).unwrap_or(false);
    let (own, libraries): (Vec<usize>, Vec<usize>) = (0..frames.len()).partition(|at| in_app(&frames[*at]));
    let keep_own = own.len().min(DETAILED);
    let keep_libraries = DETAILED - keep_own;
    for (all, keep) in [(own, keep_own), (libraries, keep_libraries)] {
        let half = keep / 2;
        let middle = if all.len() > keep { &all[half..all.len() - half] } else { &[] };
        for at in middle.iter().copied() {
            if let Some(frame) = frames[at].as_object_mut() {
                for name in ["vars", "pre_context", "post_context"] {
                    frame.shift_remove(name);
                }
            }
        }
    }
}
