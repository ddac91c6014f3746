//! Takes secrets out of an event before it is stored: passwords, tokens, cards, keys, and addresses where a project wants that.
//!
//! The rules are Sentry's defaults. They look at what applications fill in (extra, request, variables, breadcrumbs, user, contexts
//! of their own), never at what Sentry or an SDK names itself. Fields are told by their names, secrets inside of text by their
//! shapes. What was replaced is remarked in `_meta`. Scrubbing again changes nothing.
//!
//! A project's own rules, with selectors, come first: [`advanced`].

pub mod advanced;
mod identifiers;
mod names;
mod patterns;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::LazyLock};

use serde_json::{Value, json};

use self::{
    names::{SESSION_COOKIES, STANDARD_CONTEXTS},
    patterns::Pattern,
};
use super::{
    json::Object,
    normalize::{
        Addresses,
        notes::{Notes, Path},
    },
    words::{Lazy, Words},
};

/// What stands in the place of a secret.
const FILTERED: &str = "[Filtered]";
/// Part of the name of a field that holds a secret, or of a text about one.
static SECRET_WORDS: Lazy = LazyLock::new(|| {
    Words::in_any_case(&[
        "password",
        "secret",
        "passwd",
        "api_key",
        "apikey",
        "auth",
        "credentials",
        "mysql_pwd",
        "privatekey",
        "private_key",
        "token",
        "bearer",
    ])
});
/// Names of fields that hold a secret.
const SECRET_NAMES: &[&str] = &["otp", "two-factor", "two_factor"];
/// Texts that hide nothing, whatever they are called.
const NOT_SECRET: &[&str] = &["", "true", "false", "null", "undefined"];
/// Shapes of secrets, in the order in which they are looked for, and the rule that a remark names.
const SHAPES: &[(Pattern, &str)] = &[
    (Pattern::CreditCard, "@creditcard:filter"),
    (Pattern::Iban, "@iban:filter"),
    (Pattern::PemKey, "@pemkey:filter"),
    (Pattern::UrlPassword, "@urlauth:legacy"),
    (Pattern::Bearer, "@bearer:filter"),
    (Pattern::SocialSecurity, "@usssn:filter"),
];
/// In a message only the secret itself is replaced, by a word for it.
const IN_MESSAGES: &[(Pattern, &str, &str)] = &[
    (Pattern::CreditCard, "@creditcard:replace", "[creditcard]"),
    (Pattern::Email, "@email:replace", "[email]"),
    (Pattern::Iban, "@iban:replace", "[iban]"),
    (Pattern::SocialSecurity, "@usssn:replace", "[us-ssn]"),
    (Pattern::Bearer, "@bearer:replace", "Bearer [token]"),
];

/// What a project wants to be scrubbed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The default rules.
    pub defaults: bool,
    pub addresses: Addresses,
    /// Names of more fields that hold secrets, or parts of their names.
    pub sensitive_fields: Vec<String>,
    /// Names of fields that hold none, whatever they are called.
    pub safe_fields: Vec<String>,
    /// What the project says itself, applied first.
    pub rules: advanced::Rules,
}

impl Default for Settings {
    /// The default rules, and addresses are kept.
    fn default() -> Settings {
        Settings {
            defaults: true,
            addresses: Addresses::Keep,
            sensitive_fields: Vec::new(),
            safe_fields: Vec::new(),
            rules: advanced::Rules::default(),
        }
    }
}

/// Scrubs a normalised event.
pub fn scrub(event: &mut Object, settings: &Settings) {
    let mut notes = Notes::of(event);
    let scrubber =
        Scrubber { settings, sensitive: settings.sensitive_fields.iter().map(|name| name.to_lowercase()).collect() };
    advanced::apply(event, &settings.rules, &mut notes);
    scrubber.event(event, &mut notes);
    if settings.addresses == Addresses::Scrub {
        remove_addresses(event, &mut notes);
    }
    notes.scrub_originals(|key, value| scrubber.original(key, value));
    notes.write(event);
}

struct Scrubber<'a> {
    settings: &'a Settings,
    /// In lower case.
    sensitive: Vec<String>,
}

impl Scrubber<'_> {
    fn event(&self, event: &mut Object, notes: &mut Notes) {
        let root = Path::root();
        for name in ["extra", "user"] {
            self.field(event, name, &root, notes);
        }
        if let Some(request) = event.get_mut("request").and_then(Value::as_object_mut) {
            let at = root.key("request");
            for name in ["data", "query_string", "cookies", "headers", "env", "fragment"] {
                self.field(request, name, &at, notes);
            }
        }
        // The address of a page is asked for nothing but a password in it: `/auth/token` is no secret.
        if let Some(Value::String(url)) = event.get_mut("request").and_then(|request| request.get_mut("url")) {
            let spans = if self.settings.defaults { Pattern::UrlPassword.find(url) } else { Vec::new() };
            replace(url, &spans, ("@urlauth:legacy", FILTERED), &root.key("request").key("url"), notes);
        }
        if let Some(contexts) = event.get_mut("contexts").and_then(Value::as_object_mut) {
            let at = root.key("contexts");
            let own: Vec<String> =
                contexts.keys().filter(|name| !STANDARD_CONTEXTS.contains(&name.as_str())).cloned().collect();
            for name in &own {
                self.field(contexts, name, &at, notes);
            }
        }
        self.breadcrumbs(event, notes);
        self.stack_traces(event, notes);
        if let Some(entry) = event.get_mut("logentry").and_then(Value::as_object_mut) {
            let at = root.key("logentry");
            self.field(entry, "params", &at, notes);
            if let (true, Some(Value::String(text))) = (self.settings.defaults, entry.get_mut("formatted")) {
                let at = at.key("formatted");
                for (pattern, rule, word) in IN_MESSAGES {
                    replace(text, &pattern.find(text), (rule, word), &at, notes);
                }
            }
        }
    }

    fn breadcrumbs(&self, event: &mut Object, notes: &mut Notes) {
        let (root, values) = (Path::root(), "values");
        let list = root.key("breadcrumbs");
        let list = list.key(values);
        for (index, crumb) in values_of(event, "breadcrumbs") {
            let index = index.to_string();
            let at = list.key(&index);
            for name in ["message", "data"] {
                self.field(crumb, name, &at, notes);
            }
        }
    }

    fn stack_traces(&self, event: &mut Object, notes: &mut Notes) {
        let (root, values) = (Path::root(), "values");
        for name in ["exception", "threads"] {
            let list = root.key(name);
            let list = list.key(values);
            for (index, owner) in values_of(event, name) {
                let index = index.to_string();
                let at = list.key(&index);
                self.variables(owner, &at, notes);
                if let Some(mechanism) = owner.get_mut("mechanism").and_then(Value::as_object_mut) {
                    self.field(mechanism, "data", &at.key("mechanism"), notes);
                }
            }
        }
        self.variables(event, &root, notes);
    }

    fn variables(&self, owner: &mut Object, at: &Path<'_>, notes: &mut Notes) {
        for name in ["stacktrace", "raw_stacktrace"] {
            let at = at.key(name);
            let list = at.key("frames");
            let frames = owner.get_mut(name).and_then(|trace| trace.get_mut("frames")).and_then(Value::as_array_mut);
            for (index, frame) in frames.into_iter().flatten().enumerate() {
                let index = index.to_string();
                if let Some(frame) = frame.as_object_mut() {
                    self.field(frame, "vars", &list.key(&index), notes);
                }
            }
        }
    }

    fn field(&self, object: &mut Object, name: &str, at: &Path<'_>, notes: &mut Notes) {
        if let Some(value) = object.get_mut(name) {
            self.value(name, value, &at.key(name), notes);
        }
    }

    /// Scrubs a value that goes by a name.
    fn value(&self, name: &str, value: &mut Value, at: &Path<'_>, notes: &mut Notes) {
        if self.settings.safe_fields.iter().any(|safe| safe.eq_ignore_ascii_case(name))
            || name.eq_ignore_ascii_case("user-agent")
        {
            return;
        }
        let rule = self.secret_name(name, at);
        match (rule, &mut *value) {
            (_, Value::Null | Value::Bool(_)) => {}
            (_, Value::String(text)) => self.text(text, rule, at, notes),
            (Some(rule), _) => {
                *value = Value::Null;
                notes.remark(at, &json!([rule, "x"]), None);
            }
            (None, Value::Object(object)) => {
                for (name, value) in object.iter_mut() {
                    self.value(name, value, &at.key(name), notes);
                }
            }
            (None, Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let index = index.to_string();
                    let at = at.key(&index);
                    match item.as_array_mut().map(Vec::as_mut_slice) {
                        Some([Value::String(name), value]) => self.value(name, value, &at.key("1"), notes),
                        _ => self.value("", item, &at, notes),
                    }
                }
            }
            (None, Value::Number(number)) => {
                let text = number.to_string();
                if let (true, false) = (self.settings.defaults, Pattern::CreditCard.find(&text).is_empty()) {
                    *value = Value::Null;
                    notes.remark(at, &json!(["@creditcard:filter", "x"]), None);
                }
            }
        }
    }

    /// Whether a name or text tells of a secret, and by which rule.
    fn secret_name(&self, text: &str, at: &Path<'_>) -> Option<&'static str> {
        // Only beyond ASCII letters have another case that is ASCII, and only a project's own words may be of others.
        let folded = if text.is_ascii() && self.sensitive.is_empty() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(text.to_lowercase())
        };
        let is_any = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(&folded));
        let is_cookie = || is_any(SESSION_COOKIES) && at.keys().starts_with(&["request", "cookies"]);
        if self.settings.defaults && (SECRET_WORDS.are_in(&folded) || is_any(SECRET_NAMES)) {
            Some("@password:filter")
        } else if self.settings.defaults && is_cookie() {
            Some("@anything:filter")
        } else if self.sensitive.iter().any(|word| !word.is_empty() && folded.contains(word.as_str())) {
            Some("strip-fields")
        } else {
            None
        }
    }

    fn text(&self, text: &mut String, rule: Option<&'static str>, at: &Path<'_>, notes: &mut Notes) {
        if NOT_SECRET.contains(&text.as_str()) || text == FILTERED {
            return;
        }
        if self.settings.defaults {
            for (pattern, rule) in SHAPES {
                replace(text, &pattern.find(text), (rule, FILTERED), at, notes);
            }
            if text == FILTERED {
                return;
            }
        }
        if let Some(rule) = rule.or_else(|| self.secret_name(text, at)) {
            let length = text.chars().count();
            FILTERED.clone_into(text);
            notes.set_remarks(at, vec![json!([rule, "s", 0, FILTERED.len()])], length);
        } else if self.settings.addresses == Addresses::Scrub {
            replace(text, &Pattern::Ip.find(text), ("@ip:replace", "[ip]"), at, notes);
        }
    }

    /// Scrubs a value that was taken out, for notes keep it.
    fn original(&self, name: &str, value: &mut Value) {
        self.value(name, value, &Path::root(), &mut Notes::default());
    }
}

/// The objects of a list with their indices; one that was taken out still counts.
fn values_of<'a>(event: &'a mut Object, name: &str) -> impl Iterator<Item = (usize, &'a mut Object)> {
    let values = event.get_mut(name).and_then(|list| list.get_mut("values")).and_then(Value::as_array_mut);
    values.into_iter().flatten().enumerate().filter_map(|(index, value)| Some((index, value.as_object_mut()?)))
}

/// Replaces spans of a text by a word, unless they are the word already.
fn replace(
    text: &mut String,
    spans: &[std::ops::Range<usize>],
    (rule, word): (&str, &str),
    at: &Path<'_>,
    notes: &mut Notes,
) {
    if spans.is_empty() {
        return;
    }
    let length = text.chars().count();
    let mut shift = 0_usize;
    let sent = text.clone();
    let mut out = String::with_capacity(text.len());
    for span in spans.iter().filter(|span| sent[span.start..span.end] != *word) {
        out.push_str(&sent[shift..span.start]);
        let start = out.chars().count();
        out.push_str(word);
        notes.remark(at, &json!([rule, "s", start, start + word.chars().count()]), Some(length));
        shift = span.end;
    }
    out.push_str(&sent[shift..]);
    *text = out;
}

/// The addresses of a user, as far as an event says where they are.
fn remove_addresses(event: &mut Object, notes: &mut Notes) {
    for keys in [&["request", "env", "REMOTE_ADDR"][..], &["user", "ip_address"], &["sdk", "client_ip"]] {
        let pointer = format!("/{}", keys.join("/"));
        let value = event.get_mut(keys[0]).and_then(|value| value.pointer_mut(&pointer[keys[0].len() + 1..]));
        let Some(value) = value.filter(|value| !value.is_null()) else { continue };
        *value = Value::Null;
        let root = Path::root();
        let first = root.key(keys[0]);
        let second = first.key(keys[1]);
        let third = second.key(keys.get(2).copied().unwrap_or_default());
        let at = if keys.len() == 3 { third } else { second };
        notes.remark(&at, &json!(["@anything:remove", "x"]), None);
    }
}
