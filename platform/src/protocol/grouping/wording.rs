//! What engines and their versions say of one mistake, each in its own words, in the words of one.
//!
//! Of `a.b.total` only `total` is a person's: a minifier renames the rest with every build.

use std::borrow::Cow;

/// One thing that is said without a name in it.
const SYNONYMS: [(&str, &str); 6] = [
    ("nil:NilClass", "nil"),
    ("NetworkError when attempting to fetch resource.", "Failed to fetch"),
    ("The Internet connection appears to be offline.", "Failed to fetch"),
    ("The network connection was lost.", "Failed to fetch"),
    ("Network request failed", "Failed to fetch"),
    ("Load failed", "Failed to fetch"),
];

/// The text in the words of one engine.
pub fn common(text: &str) -> Cow<'_, str> {
    if let Some(said) =
        undefined_name(text).or_else(|| property(text)).or_else(|| call(text)).or_else(|| receiver(text))
    {
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
    text
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
