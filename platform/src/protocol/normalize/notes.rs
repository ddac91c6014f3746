//! What was changed or dropped, kept in the event: `_meta` mirrors its tree, `errors` lists what a person should see.
//!
//! A node of `_meta` keeps its notes under `""`: `err` errors, `val` the value as it was sent, `rem` remarks on cut or scrubbed
//! text, `len` its length before.

use serde_json::{Value, json};

use super::super::json::Object;

/// Where something is in the event.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    key: &'a str,
}

impl<'a> Path<'a> {
    /// The event itself.
    pub fn root() -> Path<'static> {
        Path { parent: None, key: "" }
    }

    /// What is in it under a key.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path { parent: Some(self), key }
    }

    /// The keys from the event on.
    pub fn keys(&self) -> Vec<&'a str> {
        let mut keys = self.parent.map_or_else(Vec::new, Path::keys);
        if self.parent.is_some() {
            keys.push(self.key);
        }
        keys
    }
}

/// What was taken out stays as null, so that its note is about something.
fn keep_nulls(object: &mut Object, meta: &Object) {
    for (key, node) in meta.iter().filter(|(key, _)| !key.is_empty()) {
        match (object.get_mut(key), node) {
            (Some(Value::Object(inner)), Value::Object(node)) => keep_nulls(inner, node),
            (None, node) if node.pointer("//err").is_some() => drop(object.insert(key.clone(), Value::Null)),
            _ => {}
        }
    }
}

fn originals(node: &mut Object, name: &str, scrub: &mut impl FnMut(&str, &mut Value)) {
    for (key, inner) in node {
        match inner {
            Value::Object(notes) if key.is_empty() => {
                notes.get_mut("val").into_iter().for_each(|value| scrub(name, value));
            }
            Value::Object(inner) => originals(inner, key, scrub),
            _ => {}
        }
    }
}

/// Notes taken while an event is read.
#[derive(Default)]
pub struct Notes {
    meta: Object,
    errors: Vec<Value>,
}

impl Notes {
    /// Goes on with the notes an event brought along.
    pub fn of(event: &mut Object) -> Notes {
        let meta = match event.shift_remove("_meta") {
            Some(Value::Object(meta)) => meta,
            _ => Object::new(),
        };
        let errors = match event.shift_remove("errors") {
            Some(Value::Array(errors)) => errors,
            _ => Vec::new(),
        };
        Notes { meta, errors }
    }

    /// Writes the notes into the event.
    pub fn write(self, event: &mut Object) {
        if !self.errors.is_empty() {
            event.insert("errors".into(), Value::Array(self.errors));
        }
        keep_nulls(event, &self.meta);
        if !self.meta.is_empty() {
            event.insert("_meta".into(), Value::Object(self.meta));
        }
    }

    /// A value that cannot be: it is taken out, kept here, and null in its place.
    pub fn invalid(&mut self, at: &Path<'_>, value: Value, reason: &str) -> Value {
        let data =
            if reason.is_empty() { Object::new() } else { Object::from_iter([("reason".into(), reason.into())]) };
        self.error(at, "invalid_data", &data, Some(value))
    }

    /// A key that nobody knows.
    pub fn unknown(&mut self, at: &Path<'_>) -> Value {
        self.error(at, "invalid_attribute", &Object::new(), None)
    }

    /// Any error, and null to put in the place of the value.
    pub fn error(&mut self, at: &Path<'_>, kind: &str, data: &Object, value: Option<Value>) -> Value {
        let value = value.filter(|value| !value.is_null());
        let mut listed = Object::from_iter([("type".into(), kind.into()), ("name".into(), at.keys().join(".").into())]);
        listed.extend(value.clone().map(|value| ("value".to_owned(), value)));
        listed.extend(data.clone());
        self.errors.push(Value::Object(listed));
        let node = self.node(at);
        let error = if data.is_empty() { Value::from(kind) } else { json!([kind, data]) };
        if let Some(errors) = node.entry("err").or_insert_with(|| json!([])).as_array_mut() {
            errors.push(error);
        }
        if let Some(value) = value {
            node.insert("val".into(), value);
        }
        Value::Null
    }

    /// Text that was cut or replaced: by which rule, how, where in the new text, and how long it was.
    pub fn remark(&mut self, at: &Path<'_>, remark: &Value, length: Option<usize>) {
        let node = self.node(at);
        if let Some(remarks) = node.entry("rem").or_insert_with(|| json!([])).as_array_mut() {
            remarks.push(remark.clone());
        }
        if let Some(length) = length {
            node.entry("len").or_insert(length.into());
        }
    }

    /// The remarks there are on a text.
    pub fn remarks(&self, at: &Path<'_>) -> Vec<Value> {
        let mut node = Some(&self.meta);
        for key in at.keys().into_iter().chain([""]) {
            node = node.and_then(|node| node.get(key)).and_then(Value::as_object);
        }
        node.and_then(|node| node.get("rem")).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    /// Puts remarks in the place of those there are on a text, which was so long before anything changed it.
    pub fn set_remarks(&mut self, at: &Path<'_>, remarks: Vec<Value>, length: usize) {
        let node = self.node(at);
        node.insert("rem".into(), remarks.into());
        node.entry("len").or_insert(length.into());
    }

    /// The value as it was sent, of one that was changed for the better.
    pub fn original(&mut self, at: &Path<'_>, value: Value) {
        self.node(at).entry("val").or_insert(value);
    }

    /// Several remarks at once.
    pub fn remark_all(&mut self, at: &Path<'_>, remarks: Vec<Value>) {
        for remark in remarks {
            self.remark(at, &remark, None);
        }
    }

    /// A list or object that lost some of what it held.
    pub fn length(&mut self, at: &Path<'_>, length: usize) {
        self.node(at).entry("len").or_insert(length.into());
    }

    /// Whether there is a note on a value, so that its null means something.
    pub fn has(&self, at: &Path<'_>) -> bool {
        let mut node = Some(&self.meta);
        for key in at.keys() {
            node = node.and_then(|node| node.get(key)).and_then(Value::as_object);
        }
        node.is_some_and(|node| node.contains_key(""))
    }

    /// Whether an error of a kind was noted on a value.
    pub fn has_error(&self, name: &str, kind: &str) -> bool {
        self.errors.iter().any(|error| error["name"] == name && error["type"] == kind)
    }

    /// Shows every value that was taken out, with the name it went by, to whoever may have to change it.
    pub fn scrub_originals(&mut self, mut scrub: impl FnMut(&str, &mut Value)) {
        for error in &mut self.errors {
            let name = error["name"].as_str().and_then(|name| name.rsplit('.').next()).unwrap_or_default().to_owned();
            if let Some(value) = error.get_mut("value") {
                scrub(&name, value);
            }
        }
        originals(&mut self.meta, "", &mut scrub);
    }

    fn node(&mut self, at: &Path<'_>) -> &mut Object {
        let mut node = &mut self.meta;
        for key in at.keys().into_iter().chain([""]) {
            let next = node.entry(key).or_insert_with(|| json!({}));
            if !next.is_object() {
                *next = json!({});
            }
            node = next.as_object_mut().expect("it was just made an object");
        }
        node
    }
}
