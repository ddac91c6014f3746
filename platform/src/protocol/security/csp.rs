//! A browser's report of a violated content security policy, made an event: <https://www.w3.org/TR/CSP3/#reporting>.
//!
//! Browsers write the names of its fields in three ways and leave out what they do not know. What the event is called follows
//! Sentry, except that code inside of the page (`inline`, `eval`, `wasm-eval`) is called so and not taken for a host.

use serde_json::{Value, json};

use super::{super::json::Object, incoming::Unusable};

/// Directives, and what they are about; where that is empty, the directive itself.
const DIRECTIVES: [(&str, &str); 33] = [
    ("base-uri", ""),
    ("block-all-mixed-content", ""),
    ("child-src", "child"),
    ("connect-src", "connect"),
    ("default-src", ""),
    ("fenced-frame-src", ""),
    ("font-src", "font"),
    ("form-action", "form"),
    ("frame-ancestors", ""),
    ("frame-src", ""),
    ("img-src", "image"),
    ("manifest-src", "manifest"),
    ("media-src", "media"),
    ("navigate-to", ""),
    ("object-src", "object"),
    ("plugin-types", ""),
    ("prefetch-src", ""),
    ("referrer", ""),
    ("reflected-xss", ""),
    ("report-to", ""),
    ("report-uri", ""),
    ("require-sri-for", ""),
    ("require-trusted-types-for", ""),
    ("sandbox", ""),
    ("script-src", "script"),
    ("script-src-attr", "script"),
    ("script-src-elem", "script"),
    ("style-src", "style"),
    ("style-src-attr", "style"),
    ("style-src-elem", "style"),
    ("trusted-types", ""),
    ("upgrade-insecure-requests", ""),
    ("worker-src", ""),
];
/// What we keep of a report.
const FIELDS: [&str; 12] = [
    "effective_directive",
    "blocked_uri",
    "document_uri",
    "original_policy",
    "referrer",
    "status_code",
    "violated_directive",
    "source_file",
    "line_number",
    "column_number",
    "script_sample",
    "disposition",
];
/// The Reporting API's names for the same.
const RENAMED: [(&str, &str); 3] =
    [("blocked_url", "blocked_uri"), ("document_url", "document_uri"), ("sample", "script_sample")];
const SELF: &str = "'self'";
/// Keys that say whose account it is stand in the address of every request to it.
const KEYED_HOST: &str = "api.stripe.com";

/// Makes an event of what stands in a report.
pub fn event(report: &Object) -> Result<Object, Unusable> {
    let csp = known(report);
    let get = |name: &str| csp.get(name).and_then(Value::as_str).unwrap_or_default();
    let violated = if get("violated_directive").is_empty() { "effective_directive" } else { "violated_directive" };
    let (document, violated) = (get("document_uri"), get(violated));
    let effective = [get("effective_directive"), violated].into_iter().find_map(|text| text.split_whitespace().next());
    let effective = effective.unwrap_or_default().to_ascii_lowercase();
    let about = DIRECTIVES.iter().find(|(name, _)| *name == effective).ok_or(Unusable::Report)?.1;
    let about = if about.is_empty() { effective.as_str() } else { about };
    let blocked = blocked(get("blocked_uri"));
    let mut tags = vec![json!(["effective-directive", effective])];
    match &blocked {
        Blocked::Inside(_) => tags.push(json!(["blocked-uri", SELF])),
        Blocked::Host { address, host } => {
            tags.push(json!(["blocked-uri", without_keys(address, host)]));
            tags.push(json!(["blocked-host", host]));
        }
        Blocked::Scheme(scheme) => tags.push(json!(["blocked-uri", scheme])),
    }
    let mut event = Object::new();
    event.insert("message".into(), json!({"formatted": message(about, &blocked, violated)}));
    event.insert("culprit".into(), culprit(violated, document).into());
    event.insert("tags".into(), tags.into());
    let referrer = Some(get("referrer")).filter(|referrer| !referrer.is_empty());
    let headers: Vec<Value> = referrer.map(|referrer| json!(["Referer", referrer])).into_iter().collect();
    event.insert("request".into(), json!({"url": document, "headers": headers}));
    let mut csp = csp.clone();
    csp.insert("effective_directive".into(), effective.into());
    event.insert("csp".into(), csp.into());
    Ok(event)
}

/// The fields by one name each: browsers write `blocked-uri`, `blocked_uri` and `blockedURL`.
fn known(report: &Object) -> Object {
    let mut known = Object::new();
    for (key, value) in report {
        let key = snake(key);
        let key = RENAMED.iter().find(|(theirs, _)| *theirs == key).map_or(key.as_str(), |(_, ours)| ours);
        let is_number = matches!(key, "status_code" | "line_number" | "column_number");
        let value = match value {
            Value::String(text) if is_number => text.trim().parse::<u64>().map_or(Value::Null, Value::from),
            Value::Number(_) if is_number => value.clone(),
            Value::String(text) if !is_number => Value::from(text.trim()),
            _ => Value::Null,
        };
        if FIELDS.contains(&key) && !value.is_null() {
            known.entry(key).or_insert(value);
        }
    }
    known
}

fn snake(key: &str) -> String {
    let mut snake = String::with_capacity(key.len() + 4);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_ascii_uppercase() && after_small {
            snake.push('_');
        }
        after_small = c.is_ascii_lowercase();
        snake.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    snake
}

/// What was blocked.
enum Blocked<'a> {
    /// Something of the page itself: none, `inline`, `eval` …
    Inside(&'a str),
    Host {
        address: &'a str,
        host: &'a str,
    },
    /// `data:`, as browsers say no more of such an address.
    Scheme(String),
}

fn blocked(uri: &str) -> Blocked<'_> {
    match uri {
        "" | "self" | "'self'" => return Blocked::Inside(""),
        "inline" | "eval" | "wasm-eval" => return Blocked::Inside(uri),
        _ => {}
    }
    match uri.split_once("://") {
        Some((_, rest)) => {
            let host = super::host(rest);
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            Blocked::Host { address: uri, host }
        }
        None => Blocked::Scheme(format!("{}:", uri.split(':').next().unwrap_or_default())),
    }
}

fn without_keys<'a>(address: &'a str, host: &str) -> &'a str {
    let query = address.find(['?', '#']).filter(|_| host.eq_ignore_ascii_case(KEYED_HOST));
    query.map_or(address, |at| &address[..at])
}

fn message(about: &str, blocked: &Blocked<'_>, violated: &str) -> String {
    let whom = match blocked {
        Blocked::Host { host, .. } => host,
        Blocked::Scheme(scheme) => scheme.as_str(),
        Blocked::Inside(how) if about == "script" => {
            let allows = |what: &str| violated.contains(what);
            return match *how {
                "inline" => "Blocked unsafe inline 'script'".into(),
                "eval" | "wasm-eval" => "Blocked unsafe eval() 'script'".into(),
                _ if allows("'unsafe-inline'") && !allows("'unsafe-eval'") => "Blocked unsafe eval() 'script'".into(),
                _ if allows("'unsafe-eval'") && !allows("'unsafe-inline'") => "Blocked unsafe inline 'script'".into(),
                _ => "Blocked unsafe (eval() or inline) 'script'".into(),
            };
        }
        Blocked::Inside(_) => return format!("Blocked inline '{about}'"),
    };
    match about {
        "form" => format!("Blocked 'form' action to '{whom}'"),
        _ => format!("Blocked '{about}' from '{whom}'"),
    }
}

/// The directive with its sources; the page's own is `'self'`.
fn culprit(violated: &str, document: &str) -> String {
    let mut words = violated.split_whitespace();
    let directive = words.next().unwrap_or_default().to_owned();
    words.fold(directive, |culprit, source| format!("{culprit} {}", normal(source, document)))
}

fn normal<'a>(source: &'a str, document: &str) -> &'a str {
    let Some((scheme, rest)) = document.split_once("://") else { return source };
    let own = super::host(rest);
    let is_own = match source.split_once("://") {
        Some((other, rest)) => other == scheme && super::host(rest) == own,
        None => source == own,
    };
    if is_own { SELF } else { source }
}
