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
    let (mut has_lines, mut has_line) = (false, false);
    let (mut unnamed, mut has_path, mut has_name) = (Vec::new(), false, false);
    // One pass, and a look-up only where something is to be changed: of frames there are many.
    for (key, value) in frame.iter_mut() {
        match key.as_str() {
            "function" | "symbol" if *value == "?" => unnamed.push(key.clone()),
            "abs_path" => has_path = value.as_str().is_some_and(|path| !path.is_empty()),
            "filename" => has_name = value.as_str().is_some_and(|name| !name.is_empty()),
            "lineno" | "colno" => {
                if let Some(number) = value.as_str().and_then(|text| text.trim().parse::<u64>().ok()) {
                    *value = number.into();
                } else if !value.is_u64() && !value.is_null() {
                    *value = notes.invalid(&at.key(key), value.take(), "expected an unsigned integer");
                }
            }
            "in_app" if !value.is_boolean() && !value.is_null() => {
                *value = notes.invalid(&at.key(key), value.take(), "expected a boolean");
            }
            "instruction_addr" | "symbol_addr" | "image_addr" => images::address(value, &at.key(key), notes),
            "pre_context" | "post_context" if !value.is_array() && !value.is_null() => {
                *value = notes.invalid(&at.key(key), value.take(), "expected an array");
            }
            "pre_context" | "post_context" => {
                let lines = value.as_array_mut();
                has_lines |= lines.is_some();
                lines.into_iter().flatten().filter(|line| line.is_null()).for_each(|line| *line = "".into());
            }
            "context_line" => has_line = !value.is_null(),
            "vars" => variables(value, &at.key(key), notes),
            _ => {}
        }
    }
    for name in unnamed {
        frame.shift_remove(&name);
    }
    if !(has_path && has_name) {
        files(frame);
    }
    if has_lines && !has_line {
        frame.insert("context_line".into(), "".into());
    }
}

/// Variables have names; those of a list go by their places in it.
fn variables(vars: &mut Value, at: &Path<'_>, notes: &mut Notes) {
    *vars = match vars.take() {
        Value::Array(items) => {
            let named = items.into_iter().enumerate().map(|(index, value)| (index.to_string(), value));
            Value::Object(named.collect())
        }
        known @ (Value::Object(_) | Value::Null) => known,
        other => notes.invalid(at, other, "expected an object"),
    };
    bound(vars, Bounds { depth: 5, bytes: 2048 }, at, notes);
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
