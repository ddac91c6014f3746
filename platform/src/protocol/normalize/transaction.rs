//! Transactions: what they are called without the ids in their paths, and what their traces and spans leave out.

use serde_json::{Value, json};

use super::{
    super::json::Object,
    notes::{Notes, Path},
};

/// What a transaction without a name is called.
const UNLABELED: &str = "<unlabeled transaction>";

/// Normalises the trace of any event, and the name and spans of a transaction.
pub fn normalize(event: &mut Object, notes: &mut Notes) {
    let is_transaction = event.get("type").is_some_and(|kind| kind == "transaction");
    let trace = event.get_mut("contexts").and_then(|contexts| contexts.pointer_mut("/trace"));
    if let Some(trace) = trace.and_then(Value::as_object_mut) {
        set(trace, "status", "unknown");
        if is_transaction {
            set(trace, "op", "default");
        }
    }
    if !is_transaction {
        return;
    }
    name(event, notes);
    let end = event.get("timestamp").cloned();
    let spans = event.get_mut("spans").and_then(Value::as_array_mut);
    for span in spans.into_iter().flatten().filter_map(Value::as_object_mut) {
        set(span, "op", "default");
        if let (Some(end), true) = (&end, span.get("timestamp").is_none_or(Value::is_null)) {
            span.insert("timestamp".into(), end.clone());
            span.insert("status".into(), "deadline_exceeded".into());
        }
    }
}

fn set(object: &mut Object, name: &str, usual: &str) {
    if object.get(name).is_none_or(Value::is_null) {
        object.insert(name.into(), usual.into());
    }
}

/// A name that is a path keeps its words; ids become `*`.
fn name(event: &mut Object, notes: &mut Notes) {
    let Some(sent) = event.get("transaction").and_then(Value::as_str).filter(|name| !name.is_empty()) else {
        event.insert("transaction".into(), UNLABELED.into());
        return;
    };
    let source = event.get("transaction_info").and_then(|info| info.get("source")).and_then(Value::as_str);
    if !matches!(source, Some("url" | "sanitized")) {
        return;
    }
    let mut name = String::with_capacity(sent.len());
    let mut remarks = Vec::new();
    let mut at = 0;
    for (index, part) in sent.split('/').enumerate() {
        if index > 0 {
            name.push('/');
            at += 1;
        }
        let length = part.chars().count();
        if is_id(part) {
            remarks.push(json!(["int", "s", at, at + length]));
            name.push('*');
        } else {
            name.push_str(part);
        }
        at += length;
    }
    if !remarks.is_empty() {
        let root = Path::root();
        notes.original(&root.key("transaction"), sent.into());
        notes.remark_all(&root.key("transaction"), remarks);
        event.insert("transaction".into(), name.into());
    }
    if let Some(info) = event.get_mut("transaction_info").and_then(Value::as_object_mut) {
        info.insert("source".into(), "sanitized".into());
    }
}

fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    part != "*" && !part.contains(['{', ':', '<']) && digits >= 2
}
