//! JSON that some SDKs write and no parser takes: `NaN` and `Infinity` where a number belongs, and half a surrogate pair.
//!
//! Old Python SDKs serialised floats as Python does; JavaScript cuts strings between the halves of a pair. Repairing costs a
//! copy, so it is for what did not parse.

use std::borrow::Cow;

/// What stands instead of a number that JSON has no word for.
const NO_NUMBER: &[u8] = b"null";
/// What stands instead of half a character: U+FFFD.
const NO_CHARACTER: &[u8] = b"\\ufffd";
const NUMBERS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
/// `\uXXXX`
const ESCAPE: usize = 6;

/// The same JSON without these faults; borrowed when it has none.
pub fn repair(json: &[u8]) -> Cow<'_, [u8]> {
    let mut repaired = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    let mut in_string = false;
    while at < json.len() {
        let fault = if in_string { lone_surrogate(json, at) } else { impossible_number(json, at) };
        if let Some((length, instead)) = fault {
            repaired.extend_from_slice(&json[kept..at]);
            repaired.extend_from_slice(instead);
            at += length;
            kept = at;
            continue;
        }
        match json[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += if is_pair(json, at) { 2 * ESCAPE - 1 } else { 1 },
            _ => (),
        }
        at += 1;
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    repaired.extend_from_slice(&json[kept..]);
    Cow::Owned(repaired)
}

type Fault = (usize, &'static [u8]);

fn impossible_number(json: &[u8], at: usize) -> Option<Fault> {
    let word = NUMBERS.into_iter().find(|word| json[at..].starts_with(word))?;
    Some((word.len(), NO_NUMBER))
}

fn lone_surrogate(json: &[u8], at: usize) -> Option<Fault> {
    let unit = escaped(json, at)?;
    let lone = matches!(unit, 0xD800..=0xDFFF) && !is_pair(json, at);
    lone.then_some((ESCAPE, NO_CHARACTER))
}

fn is_pair(json: &[u8], at: usize) -> bool {
    let high = escaped(json, at).is_some_and(|unit| matches!(unit, 0xD800..=0xDBFF));
    high && escaped(json, at + ESCAPE).is_some_and(|unit| matches!(unit, 0xDC00..=0xDFFF))
}

/// The code unit that an escape at this place stands for.
fn escaped(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + ESCAPE)?.strip_prefix(b"\\u")?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_parser_takes_is_replaced() {
        let cases = [
            (r#"{"a":NaN,"b":[-Infinity,Infinity]}"#, r#"{"a":null,"b":[null,null]}"#),
            (r#"{"a":"NaN \"NaN\" \\","b":NaN}"#, r#"{"a":"NaN \"NaN\" \\","b":null}"#),
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\ude00x\ud83d\ud83d\ude00"}"#, r#"{"a":"\ufffdx\ufffd\ud83d\ude00"}"#),
            (r#"{"a":"\\ud83d"}"#, r#"{"a":"\\ud83d"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"a":"\ud8"#, r#"{"a":"\ud8"#),
        ];
        for (json, expected) in cases {
            assert_eq!(repair(json.as_bytes()), expected.as_bytes(), "{json}");
        }
    }
}
