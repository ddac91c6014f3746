//! When two messages without their parameters say the same.

use std::borrow::Cow;

/// How long a parameter's name is at most, its brackets included.
const LONGEST: usize = 16;

/// The text for comparison: an id of digits may be one of hex digits or of letters the next time, an address a name.
pub fn alike(text: &str) -> Cow<'_, str> {
    // Firefox ends a sentence in a full stop where Chrome does not.
    let text = text.trim_end_matches(['.', '!']);
    if !text.contains('<') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.bytes().take(LONGEST).position(|byte| byte == b'>').map_or(1, |end| end + 1);
        let meant = match &rest[..end] {
            "<uuid>" | "<hex>" | "<token>" | "<version>" => "<int>",
            "<ip>" => "<host>",
            "<time>" => "<date>",
            // Not a parameter: `<` alone goes on.
            other if end == 1 || other[1..].contains('<') => {
                out.push('<');
                rest = &rest[1..];
                continue;
            }
            other => other,
        };
        rest = &rest[end..];
        if meant == "<int>" {
            out.truncate(out.trim_end_matches(['$', '€', '£', '¥']).len());
            // The sign of a number, not a dash between words.
            let unsigned = out.strip_suffix('-').filter(|before| !before.ends_with([' ', '-', '>'])).map(str::len);
            if let Some(length) = unsigned.filter(|length| !out[..*length].ends_with(char::is_alphanumeric)) {
                out.truncate(length);
            }
        }
        let joined = out.strip_suffix(['-', '_', '.', ':', '/', '#']).filter(|before| before.ends_with("<int>"));
        match joined.map(str::len).filter(|_| meant == "<int>") {
            Some(length) => out.truncate(length),
            None => out.push_str(meant),
        }
        if meant == "<int>" {
            rest = singular(rest, &mut out);
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Writes what was counted as if it were one, `3 rows were` as `1 row was`, and returns what comes after it.
fn singular<'a>(rest: &'a str, out: &mut String) -> &'a str {
    const MANY: [(&str, &str); 4] = [("were", "was"), ("are", "is"), ("have", "has"), ("do", "does")];
    let Some(counted) = rest.strip_prefix(' ') else { return rest };
    let word = |text: &str| text.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(text.len());
    let (noun, after) = counted.split_at(word(counted));
    if noun.len() < 3 {
        return rest;
    }
    out.push(' ');
    out.push_str(noun.strip_suffix('s').filter(|noun| !noun.ends_with('s')).unwrap_or(noun));
    let Some(verb) = after.strip_prefix(' ') else { return after };
    let (verb, after_verb) = verb.split_at(word(verb));
    let Some((_, one)) = MANY.iter().find(|(many, _)| *many == verb) else { return after };
    out.push(' ');
    out.push_str(one);
    after_verb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_many_there_were_does_not_matter() {
        assert_eq!(alike("<int> rows were skipped"), alike("<int> row was skipped."));
        assert_eq!(alike("<int> class is gone"), "<int> class is gone");
        assert_ne!(alike("<int> rows were skipped"), alike("<int> row was kept"));
        assert_eq!(alike("order <uuid> is late!"), alike("order <hex> is late"));
    }
}
