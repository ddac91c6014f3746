//! Objects that a message shows: of `Order(id=4711, name=Anna)`, `{"name": "anna"}` and `<User: anna>` the data is left out.
//!
//! What the object is and which keys it has stays, and so do the values of keys that say what is wrong (`code`, `table`). One pass
//! over the text; what does not look like keys with values is left as it is.

use std::borrow::Cow;

/// Keys whose values say what is wrong.
const TELLING: [&str; 56] = [
    "desc",
    "description",
    "task",
    "cmd",
    "stage",
    "op",
    "error",
    "errors",
    "err",
    "error_description",
    "error_code",
    "errorcode",
    "errcode",
    "errno",
    "message",
    "msg",
    "errmsg",
    "code",
    "type",
    "kind",
    "reason",
    "cause",
    "exception",
    "detail",
    "details",
    "title",
    "status",
    "statuscode",
    "status_code",
    "state",
    "phase",
    "step",
    "level",
    "table",
    "column",
    "field",
    "constraint",
    "index",
    "topic",
    "queue",
    "service",
    "operation",
    "method",
    "module",
    "class",
    "function",
    "property",
    "attribute",
    "event",
    "action",
    "command",
    "resource",
    "route",
    "job",
    "domain",
    "property_name",
];
/// What stands for a value.
const VALUE: &str = "<str>";
/// How deep objects may lie in each other; deeper ones stay as they are.
const DEEPEST: usize = 8;

/// How far the end of `<User: anna>` may be: a text of many that never end is not read to its end for each of them.
const MOST_REPR: usize = 1024;

/// The text without the data of objects.
pub fn without_values(text: &str) -> Cow<'_, str> {
    let has_object = text.bytes().any(|byte| matches!(byte, b'{' | b'(' | b'[' | b'<'));
    if !has_object || !text.bytes().any(|byte| matches!(byte, b':' | b'=' | b' ')) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    write(text, DEEPEST, &mut out);
    Cow::Owned(out)
}

/// Writes a text without the data of its objects, and tells whether any of them says what is wrong.
fn write(text: &str, depth: usize, out: &mut String) -> bool {
    let mut told = false;
    let mut at = 0;
    while let Some(found) = text[at..].find(['{', '(', '[', '<']).filter(|_| depth > 0) {
        let open = at + found;
        out.push_str(&text[at..open]);
        let found = if text[open..].starts_with('<') {
            repr(text, open, out).map(|end| (end, false))
        } else {
            object(text, open, depth, out)
        };
        let (end, says) = found.unwrap_or_else(|| {
            out.push_str(&text[open..=open]);
            (open + 1, false)
        });
        (at, told) = (end, told || says);
    }
    out.push_str(&text[at..]);
    told
}

/// `<User: anna>`, `<shop.Cart object at 0x7f>`, `#<User id: 12>`: the class is written, and where the object ends is returned.
fn repr(text: &str, open: usize, out: &mut String) -> Option<usize> {
    let rest = &text[open + 1..];
    let is_generic = text[..open].ends_with(char::is_alphanumeric);
    let length = rest.find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | ':')).unwrap_or(rest.len());
    let word = &rest[..length];
    let word = word.find(":0x").map_or(word, |at| &word[..at]);
    let name = word.trim_end_matches(':');
    let after = &rest[name.len()..];
    let says_more = [": ", ":0x", ":(", " id", " name"].iter().any(|mark| after.starts_with(mark));
    // What else there is after an address may say what is wrong.
    let is_address_alone = [" object at 0x", " at 0x"]
        .iter()
        .find_map(|mark| after.strip_prefix(mark))
        .is_some_and(|end| end.trim_start_matches(|c: char| c.is_ascii_hexdigit()).starts_with('>'));
    let is_object = says_more || is_address_alone;
    if is_generic || !is_object || !(name.starts_with(char::is_uppercase) || name.contains('.')) {
        return None;
    }
    let mut depth = 1;
    let mut last = ' ';
    for (at, c) in rest.char_indices().take(MOST_REPR) {
        match c {
            '<' => depth += 1,
            '>' if !matches!(last, '-' | '=') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            out.push('<');
            out.push_str(name);
            out.push('>');
            return Some(open + at + 2);
        }
        last = c;
    }
    None
}

/// An object of keys and values: it is written without them. Where it ends is returned, and whether it says what is wrong.
fn object(text: &str, open: usize, depth: usize, out: &mut String) -> Option<(usize, bool)> {
    let is_brace = text[open..].starts_with('{');
    let is_map = text[..open].ends_with("map");
    let colons = is_brace || is_map;
    let is_list = |name: &&str| text[..open].trim_end_matches([' ', ':', '=']).ends_with(*name);
    if text[open..].starts_with('[') && ["params", "parameters", "bindings", "args", "arguments"].iter().any(is_list) {
        let end = value_end_of_all(text, open + 1);
        out.push('[');
        return Some((end, false));
    }
    // What else is in brackets is the program's, unless it has a class: `Order(id=4711)`.
    if !colons && !follows_class(&text[..open]) {
        return None;
    }
    let members = members(text, open + 1, colons);
    let last = members.last()?.end;
    let has_comma = text[last..].starts_with(',');
    let at = last + usize::from(has_comma);
    // What is cut off ends with the text. That is decided before anything inside is written: what is not taken here is looked at
    // again from its next bracket on, and a text of nothing but open brackets would be read again for each of them.
    let is_cut_off = at >= text.len();
    if is_cut_off && !is_brace {
        return None;
    }
    out.push_str(&text[open..=open]);
    let mut told = false;
    for (number, member) in members.iter().enumerate() {
        if number > 0 {
            out.push(' ');
        }
        out.push_str(text[member.start..member.value].trim());
        told |= write_value(member.key, text[member.value..member.end].trim(), depth, out);
    }
    if has_comma {
        out.push(' ');
    }
    if is_cut_off {
        return Some((at, told));
    }
    let at = value_end_of_all(text, at);
    let close = text[at..].chars().next().map_or(0, char::len_utf8);
    out.push_str(&text[at..at + close]);
    Some((at + close, told))
}

/// A key and where its value stands.
struct Member<'a> {
    key: &'a str,
    start: usize,
    value: usize,
    end: usize,
}

/// The members of an object that starts at a place, as far as they have keys.
fn members(text: &str, start: usize, colons: bool) -> Vec<Member<'_>> {
    let mut members = Vec::new();
    let mut start = start;
    while let Some((key, value)) = member(text, start, colons) {
        let end = value_end(text, value);
        members.push(Member { key, start, value, end });
        if !text[end..].starts_with(',') {
            break;
        }
        start = end + 1;
    }
    members
}

/// Writes what is shown of a value, and tells whether it says what is wrong.
fn write_value(key: &str, value: &str, depth: usize, out: &mut String) -> bool {
    if is_telling(key) {
        write(value, depth - 1, out);
        return true;
    }
    let before = out.len();
    if value.starts_with(['{', '[']) && write(value, depth - 1, out) {
        return true;
    }
    out.truncate(before);
    out.push_str(VALUE);
    false
}

/// Whether a text ends in the name of a class, with a space after it perhaps.
fn follows_class(text: &str) -> bool {
    let text = text.strip_suffix(' ').unwrap_or(text);
    let name = text.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    name.starts_with(char::is_uppercase) && name.contains(char::is_lowercase)
}

/// The key at a place and where its value starts.
fn member(text: &str, at: usize, colons: bool) -> Option<(&str, usize)> {
    let rest = &text[at..];
    let start = at + (rest.len() - rest.trim_start().len());
    let rest = &text[start..];
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, after) = if let Some(quote) = quote {
        let length = rest[1..].find(quote)?;
        (&rest[1..=length], &rest[length + 2..])
    } else {
        let is_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '@');
        let symbol = usize::from(rest.starts_with(':'));
        let length = rest[symbol..].find(|c: char| !is_key(c)).unwrap_or(rest.len() - symbol);
        (&rest[symbol..symbol + length], &rest[symbol + length..])
    };
    if key.is_empty() {
        return None;
    }
    let sign = after.trim_start();
    let separators: &[&str] = if colons { &["=>", ":", "="] } else { &["=>", "="] };
    let separator = separators.iter().find(|separator| sign.starts_with(**separator))?;
    let value = &sign[separator.len()..];
    let is_other_sign = value.starts_with([':', '=']);
    (!is_other_sign).then(|| (key, text.len() - value.len()))
}

/// Where a value ends: at the comma after it or the bracket around it.
fn value_end(text: &str, at: usize) -> usize {
    end(text, at, |c| c == ',')
}

fn value_end_of_all(text: &str, at: usize) -> usize {
    end(text, at, |_| false)
}

fn end(text: &str, at: usize, stops: impl Fn(char) -> bool) -> usize {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut last = ' ';
    for (offset, c) in text[at..].char_indices() {
        match (quote, c) {
            (Some(open), _) if c == open && last != '\\' => quote = None,
            (None, '"' | '\'') if !last.is_alphanumeric() => quote = Some(c),
            (None, '{' | '(' | '[') => depth += 1,
            (None, '}' | ')' | ']') if depth == 0 => return at + offset,
            (None, '}' | ')' | ']') => depth -= 1,
            (None, _) if depth == 0 && stops(c) => return at + offset,
            _ => {}
        }
        last = c;
    }
    text.len()
}

/// Whether the value of a key says what is wrong.
pub fn is_telling(key: &str) -> bool {
    let last = key.rsplit(['-', '_']).next().unwrap_or(key);
    let is_of_error = ["code", "status", "error", "reason", "message", "exception"];
    TELLING.iter().any(|known| key.eq_ignore_ascii_case(known)) || is_of_error.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_that_never_close_are_looked_at_once_each() {
        // Read again for each bracket before it, eight deep, any of these would take longer than the sun has left.
        for open in ["Order(code=", "Order(lines={", "Order(lines=[", "Order(code={", "Order(id=1 ", "<Order: "] {
            let text = open.repeat(500);
            let text = text.trim_end();
            let known = without_values(text);
            assert!(known.starts_with(open.trim_end()), "{open}: {known}");
        }
        assert_eq!(without_values("Order(id=1, code=Order(id=2"), "Order(id=1, code=Order(id=2");
        assert_eq!(without_values("gone: {\"id\": 1, \"code\": \"a\""), "gone: {\"id\":<str> \"code\":\"a\"");
        assert_eq!(without_values("Order(id=1, code=Order(id=2))"), "Order(id=<str> code=Order(id=<str>))");
    }
}
