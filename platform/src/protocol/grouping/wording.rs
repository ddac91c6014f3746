//! What engines and their versions say of one mistake, each in its own words, in the words of one.
//!
//! Of `a.b.total` only `total` is a person's: a minifier renames the rest with every build.

use std::borrow::Cow;

/// One thing that is said without a name in it.
const SYNONYMS: [(&str, &str); 8] = [
    ("ResizeObserver loop limit exceeded", "ResizeObserver loop completed with undelivered notifications."),
    ("nil:NilClass", "nil"),
    ("NetworkError when attempting to fetch resource.", "Failed to fetch"),
    ("The Internet connection appears to be offline.", "Failed to fetch"),
    ("The network connection was lost.", "Failed to fetch"),
    ("Network request failed", "Failed to fetch"),
    ("Load failed", "Failed to fetch"),
    ("beyond bounds for empty array", "beyond bounds [0 .. 0]"),
];

/// Each knows one mistake in the words of all engines.
const ENGINES: [fn(&str) -> Option<String>; 13] =
    [undefined_name, property, call, receiver, json, index, cast, lookup, system_error, execute, constant, key, source];

/// The text in the words of one engine.
pub fn common(text: &str) -> Cow<'_, str> {
    if let Some(said) = ENGINES.iter().find_map(|said| said(text)) {
        return Cow::Owned(said);
    }
    // Chrome ends errors of syntax in their place: ` (at main.8f14e45f.js:1:1)`.
    let is_place = |at: &usize| text.ends_with(')') && text[*at..].matches(':').count() >= 2;
    let end = text.rfind(" (at ").filter(is_place).unwrap_or(text.len());
    let mut text = Cow::Borrowed(&text[..end]);
    for (said, meant) in SYNONYMS {
        if text.contains(said) {
            text = Cow::Owned(text.replace(said, meant));
        }
    }
    without_fetched_host(text)
}

/// SDKs since 10 add whom the browser asked: `Failed to fetch (api.shop.example)`.
fn without_fetched_host(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some((said, host)) = text.strip_suffix(')').and_then(|text| text.rsplit_once(" (")) else { return text };
    let is_host = host.contains('.') && !host.contains(char::is_whitespace);
    if is_host && said.ends_with("Failed to fetch") { Cow::Owned(said.to_owned()) } else { text }
}

/// Safari: `Can't find variable: gtag`
fn undefined_name(text: &str) -> Option<String> {
    let name = text.strip_prefix("Can't find variable: ")?;
    Some(format!("{name} is not defined"))
}

/// A property of nothing: old and new Chrome, Firefox and Safari.
fn property(text: &str) -> Option<String> {
    let of = |object: &str, name: &str| Some(format!("Cannot read properties of {object} (reading '{name}')"));
    if let Some(rest) = text.strip_prefix("Cannot read property '") {
        let (name, object) = rest.split_once("' of ")?;
        return of(object, name);
    }
    if let Some(rest) = text.strip_prefix("can't access property \"") {
        let (name, rest) = rest.split_once("\", ")?;
        return of(rest.rsplit(' ').next()?, name);
    }
    if let Some((object, rest)) = text.split_once(" is not an object (evaluating '") {
        let name = rest.strip_suffix("')")?.rsplit('.').next()?;
        return matches!(object, "undefined" | "null").then(|| of(object, name))?;
    }
    let rest = text.strip_prefix("Cannot set property '")?;
    let (name, object) = rest.split_once("' of ")?;
    Some(format!("Cannot set properties of {object} (setting '{name}')"))
}

/// `a.b.total is not a function. (In 'a.b.total()', 'a.b.total' is undefined)`
fn call(text: &str) -> Option<String> {
    let (name, rest) = text.split_once(" is not a function")?;
    let is_plain = (rest.is_empty() || rest.starts_with(". (In '")) && !name.contains([' ', '(']);
    is_plain.then(|| format!("{} is not a function", name.rsplit('.').next().unwrap_or_default()))
}

/// Ruby since 3.4: `undefined method 'total' for an instance of Cart`
fn receiver(text: &str) -> Option<String> {
    let (said, class) = text.split_once(" for an instance of ")?;
    let end = class.find(char::is_whitespace).unwrap_or(class.len());
    Some(format!("{said} for #<{}>{}", &class[..end], &class[end..]))
}

/// What is not JSON: Chrome old and new, Firefox and Safari.
fn json(text: &str) -> Option<String> {
    let ends =
        ["Unexpected end of JSON input", "JSON.parse: unexpected end of data", "JSON Parse error: Unexpected EOF"];
    if ends.iter().any(|end| text.starts_with(end)) {
        return Some(ends[0].to_owned());
    }
    let is_token = text.starts_with("Unexpected token ") || text.starts_with("Unexpected non-whitespace character ");
    let is_chrome = is_token && (text.contains(" in JSON at position ") || text.ends_with(" is not valid JSON"));
    let is_other = ["JSON.parse: unexpected ", "JSON.parse: expected ", "JSON Parse error: "];
    (is_chrome || is_other.iter().any(|start| text.starts_with(start))).then(|| "Unexpected token in JSON".to_owned())
}

/// Java, old and new, and Android.
fn index(text: &str) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_digit() || c == '-';
    let numbers = |text: &str, mark: &str| {
        let (first, second) = text.split_once(mark)?;
        (!first.is_empty() && first.chars().all(is_digit) && second.starts_with(is_digit)).then_some(())
    };
    text.strip_prefix("Index: ")
        .and_then(|rest| numbers(rest, ", Size: "))
        .or_else(|| text.strip_prefix("length=").and_then(|rest| numbers(rest, "; index=")))
        .map(|()| "Index 0 out of bounds for length 0".to_owned())
}

/// Java since 9 says which modules the classes are in: `class a.A cannot be cast to class a.B (a.A and a.B are in …)`.
fn cast(text: &str) -> Option<String> {
    let (from, to) = text.strip_prefix("class ")?.split_once(" cannot be cast to class ")?;
    let to = to.split(" (").next().unwrap_or_default();
    Some(format!("{from} cannot be cast to {to}"))
}

/// Dart shows the error of the system, whose number and, for a name that is not found, whose words differ.
fn lookup(text: &str) -> Option<String> {
    let (said, error) = text.split_once(" (OS Error: ")?;
    if said.starts_with("Failed host lookup") {
        return Some(said.to_owned());
    }
    let (error, rest) = error.split_once(", errno = ")?;
    let rest = rest.split_once(')').map_or("", |(_, rest)| rest);
    Some(format!("{said} (OS Error: {error}){rest}"))
}

/// Rust shows what the system says in its language: `Os { code: 2, kind: NotFound, message: "…" }`.
fn system_error(text: &str) -> Option<String> {
    let at = text.find("Os { code: ")?;
    let (error, said) = text[at..].split_once(", message: \"")?;
    let rest = said.split_once("\" }").map_or("", |(_, rest)| rest);
    Some(format!("{}{error} }}{rest}", &text[..at]))
}

/// A browser's method: `Failed to execute 'removeChild' on 'Node': …` in Chrome, `Node.removeChild: …` in Firefox.
fn execute(text: &str) -> Option<String> {
    let (method, rest) = text.strip_prefix("Failed to execute '")?.split_once("' on '")?;
    let (class, said) = rest.split_once("': ")?;
    Some(format!("{class}.{method}: {said}"))
}

/// Java names what it looked for among an enum's constants: `No enum constant com.acme.Status.LOST`.
fn constant(text: &str) -> Option<String> {
    let name = text.strip_prefix("No enum constant ")?;
    let (class, _) = name.rsplit_once('.')?;
    Some(format!("No enum constant {class}"))
}

/// Elixir shows the whole map that has not got a key.
fn key(text: &str) -> Option<String> {
    let (said, _) = text.split_once(" not found in: ")?;
    said.starts_with("key ").then(|| format!("{said} not found"))
}

/// Jackson shows what it reads and where it is in it: ` at [Source: (String)"{…}"; line: 1, column: 9]`.
fn source(text: &str) -> Option<String> {
    let (said, rest) = text.split_once(" at [Source: ")?;
    let chain = rest.find("(through reference chain").map_or("", |at| &rest[at..]);
    Some(format!("{} {chain}", said.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_say_one_mistake_in_the_words_of_one() {
        for (said, meant) in [
            ("Unexpected token < in JSON at position 0", "Unexpected token in JSON"),
            ("Unexpected token '<', \"<!DOCTYPE \"... is not valid JSON", "Unexpected token in JSON"),
            ("JSON Parse error: Unexpected EOF", "Unexpected end of JSON input"),
            ("Unexpected token '}'", "Unexpected token '}'"),
            ("Index: 3, Size: 2", "Index 0 out of bounds for length 0"),
            ("Index: last, Size: 2", "Index: last, Size: 2"),
            ("class a.A cannot be cast to class a.B (a.A is in module x)", "a.A cannot be cast to a.B"),
            (
                "Connection failed (OS Error: Connection refused, errno = 61)",
                "Connection failed (OS Error: Connection refused)",
            ),
            ("Os { code: 2, kind: NotFound, message: \"Nicht da\" }", "Os { code: 2, kind: NotFound }"),
            ("Failed to execute 'removeChild' on 'Node': no child", "Node.removeChild: no child"),
            ("No enum constant com.acme.Status.LOST", "No enum constant com.acme.Status"),
            ("key :total not found in: %{id: 1}", "key :total not found"),
            (
                "No field \"a\"\n at [Source: (String)\"{}\"; line: 1] (through reference chain: A[\"a\"])",
                "No field \"a\" (through reference chain: A[\"a\"])",
            ),
            ("Failed to fetch (api.shop.example)", "Failed to fetch"),
            ("Failed to fetch (dynamically imported)", "Failed to fetch (dynamically imported)"),
        ] {
            assert_eq!(common(said), meant);
        }
    }
}
