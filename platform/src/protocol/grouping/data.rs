//! What a message quotes of somebody's data: values in JSON and SQL, paths with spaces, names after words such as `user`.
//!
//! Most of what stands in quotes is the program's own (`column 'total'`) and tells bugs apart; it stays. Here goes what a text
//! shows to be data, before the text is cut into words.

use std::borrow::Cow;

/// Words before a quotation that is data.
const BEFORE: [&str; 30] = [
    "user",
    "username",
    "customer",
    "account",
    "member",
    "tenant",
    "client",
    "order",
    "product",
    "sku",
    "coupon",
    "item",
    "entry",
    "value",
    "email",
    "address",
    "city",
    "session",
    "token",
    "login",
    "password",
    "phone",
    "10:",
    "string:",
    "float:",
    "parsing",
    "input",
    "date",
    "time data",
    "id",
];
/// Keys of JSON whose values say what is wrong.
const TELLING: [&str; 10] =
    ["error", "errors", "message", "code", "type", "reason", "detail", "status", "title", "error_description"];
/// What a statement of SQL begins with.
const STATEMENTS: [&str; 4] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM "];
/// What engines say of one thing, each in its own words.
const SYNONYMS: [(&str, &str); 6] = [
    ("nil:NilClass", "nil"),
    ("NetworkError when attempting to fetch resource.", "Failed to fetch"),
    ("The Internet connection appears to be offline.", "Failed to fetch"),
    ("The network connection was lost.", "Failed to fetch"),
    ("Network request failed", "Failed to fetch"),
    ("Load failed", "Failed to fetch"),
];

/// The text without quoted data.
pub fn without_data(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for (said, meant) in SYNONYMS {
        if text.contains(said) {
            text = Cow::Owned(text.replace(said, meant));
        }
    }
    // Ruby's and MySQL's opening quote.
    if text.contains('`') {
        text = Cow::Owned(text.replace('`', "'"));
    }
    if text.contains(['"', '\'']) {
        text = Cow::Owned(without_quoted_data(&text));
    }
    if text.is_ascii() { text } else { Cow::Owned(apart(&text)) }
}

fn without_quoted_data(text: &str) -> String {
    let is_sql = STATEMENTS.iter().any(|start| text.contains(start));
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut key: Option<String> = None;
    while let Some(open) = rest.find(['"', '\'']) {
        let quote = &rest[open..=open];
        let is_apostrophe = quote == "'" && rest[..open].ends_with(char::is_alphanumeric);
        let close = rest[open + 1..].find(quote).filter(|_| !is_apostrophe);
        let Some(length) = close else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        let (before, quoted, after) = (&rest[..open], &rest[open + 1..open + 1 + length], &rest[open + 2 + length..]);
        out.push_str(before);
        let is_json_value = before.trim() == ":" && key.as_ref().is_some_and(|key| !TELLING.contains(&key.as_str()));
        let is_sql_value = is_sql && quote == "'" && out.trim_end().ends_with(['=', '(', ',', 'E', 'N', '>', '<']);
        let shown = if is_json_value || is_sql_value || is_named_data(&out, quoted) {
            "<str>"
        } else if quoted.contains(' ') && is_spaced_path(quoted) {
            "<path>"
        } else {
            quoted
        };
        out.push_str(quote);
        out.push_str(shown);
        out.push_str(quote);
        key = (quote == "\"" && after.trim_start().starts_with(':')).then(|| quoted.to_lowercase());
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether the word before a quotation says that it is somebody's: `user 'anna'`. What looks like code stays.
fn is_named_data(before: &str, quoted: &str) -> bool {
    let before = before.trim_end_matches([' ', ':', '=']).rsplit(' ').next().unwrap_or_default();
    if matches!(before, "directory" | "denied" | "filename") {
        return !quoted.is_empty();
    }
    let is_word = |known: &&&str| known.trim_end_matches(':').eq_ignore_ascii_case(before);
    !quoted.is_empty() && !quoted.contains(['(', '.']) && BEFORE.iter().find(is_word).is_some()
}

fn is_spaced_path(quoted: &str) -> bool {
    let is_windows = quoted.get(1..3).is_some_and(|root| root == ":\\" || root == ":/");
    is_windows || quoted.starts_with("/home/") || quoted.starts_with("/Users/") || quoted.starts_with("\\\\")
}

/// Writes spaces between a script without spaces and the letters and numbers in it, so that these become words.
fn apart(text: &str) -> String {
    let is_dense = |c: char| matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{ff00}'..='\u{ffef}');
    let mut out = String::with_capacity(text.len() + 16);
    let mut last = ' ';
    for c in text.chars() {
        // Full-width digits and letters are the ordinary ones, wider.
        let c = match c {
            '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' => {
                char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c)
            }
            c => c,
        };
        let (dense, was_dense) = (is_dense(c), is_dense(last));
        if dense != was_dense && !c.is_whitespace() && !last.is_whitespace() {
            out.push(' ');
        }
        out.push(c);
        last = c;
    }
    out
}
