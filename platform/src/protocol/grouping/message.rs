//! A message without its parameters: what changes from one occurrence of a bug to the next becomes `<int>`, `<uuid>` and so on.
//!
//! The text is cut into words at white space and at brackets and quotes; each word is recognised by its shape, longest meaning
//! first. No regular expressions: this runs for every event. Words in quotes stay, for they often are what tells two bugs
//! apart (`column 'total'`), and so do the numbers of HTTP statuses.

use std::borrow::Cow;

use super::{
    data,
    shapes::{
        is_base64, is_code, is_date, is_day_or_month, is_digest, is_duration, is_email, is_ip, is_number, is_path,
        is_prerelease, is_scientific, is_size, is_size_unit, is_time, is_token, is_unit, is_url, is_uuid,
    },
};

/// How many lines of a message say what it is about.
const MOST_LINES: usize = 2;

/// What comes before the statement that failed, its values filled in. What is wrong with it was said before.
const STATEMENTS: [&str; 4] = ["(SQL: ", "(Connection: ", "[SQL: ", "[parameters: "];

/// Replaces the parameters of a message.
pub fn without_parameters(text: &str) -> String {
    let text = STATEMENTS.iter().filter_map(|mark| text.find(mark)).min().map_or(text, |at| &text[..at]);
    let text = &*data::without_data(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(MOST_LINES).collect();
    let mut words: Vec<String> = Vec::new();
    for line in lines {
        for word in line.split_whitespace() {
            let stripped = strip(word, words.last().map_or("", String::as_str));
            join(&mut words, stripped);
        }
    }
    words.join(" ")
}

/// Appends a word; dates, durations and lists that were written in several words become one.
fn join(words: &mut Vec<String>, word: String) {
    let Some(last) = words.last_mut() else { return words.push(word) };
    let (before, own) = (bare(last), bare(&word));
    let is_time = |word: &str| matches!(word, "<date>" | "<time>");
    let ends_date = is_time(before) && (is_time(own) || own == "<int>" || is_zone(own));
    let starts_date = before == "<int>" && is_time(own) && word.starts_with('<') && !last.ends_with(':');
    let merged = if ends_date || starts_date {
        "<date>"
    } else if before == "<int>" && is_unit(own) {
        "<duration>"
    } else if before == "<int>" && is_size_unit(own) {
        "<size>"
    } else if before == "<int>" && own == "<int>" && last.ends_with("<int>") {
        // A telephone's number, or one with spaces between its thousands.
        "<int>"
    } else if last.ends_with(',') && before.starts_with('<') && before == own {
        before
    } else {
        return words.push(word);
    };
    let open = &last[..last.find(before).unwrap_or(0)];
    let close = &word[word.find(own).map_or(word.len(), |at| at + own.len())..];
    *last = format!("{open}{merged}{close}");
}

fn bare(word: &str) -> &str {
    word.trim_matches([',', ';', '(', ')', '[', ']', '.', ':'])
}

fn is_zone(word: &str) -> bool {
    matches!(word, "UTC" | "GMT" | "AM" | "PM" | "am" | "pm" | "CET" | "CEST" | "EST" | "EDT" | "PST" | "PDT" | "Z")
}

/// Replaces the parameters of one word, `before` being what the word before it became.
fn strip(word: &str, before: &str) -> String {
    // `[::1]:5432`: here the brackets are part of it.
    if let Some((address, rest)) = word.strip_prefix('[').and_then(|rest| rest.split_once("]:"))
        && address.parse::<std::net::Ipv6Addr>().is_ok()
    {
        return format!("<ip>{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    inside(word, |core| whole(core, before).map_or_else(|| list(core, before), str::to_owned))
}

/// Replaces what is inside of quotes, brackets and the punctuation of a sentence.
fn inside(word: &str, replace: impl FnOnce(&str) -> String) -> String {
    let is_end = |c: char| is_wrapper(c) || matches!(c, '.' | ',' | ';' | ':' | '!' | '?');
    let core = word.trim_start_matches(is_wrapper);
    let open = &word[..word.len() - core.len()];
    let core = core.trim_end_matches(is_end);
    let close = &word[open.len() + core.len()..];
    if core.is_empty() { word.to_owned() } else { format!("{open}{}{close}", replace(core)) }
}

fn is_wrapper(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | '“' | '”' | '‘' | '’' | '«' | '»')
}

/// What a word is as a whole.
fn whole(word: &str, before: &str) -> Option<&'static str> {
    let is_verb = matches!(bare(before), "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS");
    Some(match word {
        _ if is_url(word) => "<url>",
        _ if is_email(word) => "<email>",
        _ if is_uuid(word) => "<uuid>",
        // A web token is JSON in base64, which always starts so.
        _ if (word.starts_with("eyJ") && word.len() > 20) || is_base64(word) => "<token>",
        _ if is_date(word) => "<date>",
        _ if is_scientific(word) || is_prerelease(word) => "<int>",
        _ if is_time(word) => "<time>",
        _ if is_ip(word) => "<ip>",
        _ if is_duration(word) => "<duration>",
        _ if is_path(word) && !is_verb => "<path>",
        _ if is_day_or_month(word) => "<date>",
        _ => return None,
    })
}

/// Strips the members of a word that is a list, `id=4711,name=x`; each may be anything that a word may be.
fn list(word: &str, before: &str) -> String {
    let member = |text: &str, context: &str| {
        inside(text, |core| whole(core, context).map_or_else(|| parts(core, context), str::to_owned))
    };
    let mut out = String::with_capacity(word.len());
    let mut context = before.to_owned();
    let mut start = 0;
    for (at, separator) in word.char_indices().filter(|(_, c)| matches!(c, ',' | ';' | '&' | '|' | '=' | ':')) {
        let text = &word[start..at];
        let is_name = text.chars().all(|c| c.is_alphabetic() || c == '_');
        if separator == ':' && !is_name {
            continue;
        }
        let stripped = member(text, &context);
        out.push_str(&stripped);
        out.push(separator);
        context = if matches!(separator, '=' | ':') { stripped } else { String::new() };
        start = at + 1;
    }
    out.push_str(&member(&word[start..], &context));
    collapse_lists(out)
}

/// Strips the parts of a word between punctuation: `order=4711,user=a@b.co`, `ord_8f3a2b1c`, `items[17]`.
fn parts(word: &str, before: &str) -> String {
    let mut out = String::with_capacity(word.len());
    let mut start = 0;
    let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '.' | '%');
    let cuts = word.char_indices().filter(|(_, c)| !is_inner(*c)).map(|(at, c)| (at, at + c.len_utf8()));
    for (from, to) in cuts.chain([(word.len(), word.len())]) {
        let uuid = word.get(start..start + 36).filter(|text| from >= start && is_uuid(text));
        if let Some(uuid) = uuid {
            out.push_str("<uuid>");
            start += uuid.len();
        }
        if from >= start {
            // Of `error #31` the word before tells what the number is.
            let is_sign = || out.chars().all(|c| !c.is_alphanumeric());
            let context = match out.as_str() {
                "" => Cow::Borrowed(before),
                own if is_sign() => Cow::Owned(format!("{before} {own}")),
                own => Cow::Borrowed(own),
            };
            let piece = piece(&word[start..from], &context);
            // A sign is part of its number, a dash between words is not.
            if piece.starts_with("<int>") && (out == "-" || out == "+") {
                out.clear();
            }
            out.push_str(&piece);
            out.push_str(&word[from..to]);
            start = to;
        }
    }
    collapse_lists(out)
}

/// `<int>,<int>,<int>` says no more than `<int>`: how many there were is a parameter too.
fn collapse_lists(text: String) -> String {
    let mut text = text;
    for list in ["<int>,<int>", "<hex>,<hex>", "<uuid>,<uuid>", "<int>:<int>", "<int>x<int>"] {
        while let Some(at) = text.find(list) {
            text.replace_range(at..at + list.len(), list.split_inclusive('>').next().unwrap_or_default());
        }
    }
    text
}

fn piece(piece: &str, before: &str) -> String {
    let trimmed = piece.trim_end_matches('.');
    let tail = &piece[trimmed.len()..];
    let replaced = match trimmed {
        "" => None,
        _ if is_status(trimmed, before) || is_code(trimmed, before) => Some(trimmed),
        _ if is_uuid(trimmed) => Some("<uuid>"),
        _ if is_ip(trimmed) => Some("<ip>"),
        _ if is_digest(trimmed) => Some("<hex>"),
        _ if is_number(trimmed) => Some("<int>"),
        _ if is_duration(trimmed) => Some("<duration>"),
        _ if is_size(trimmed) => Some("<size>"),
        _ if trimmed.strip_prefix(['v', 'V']).is_some_and(is_number) => Some("<version>"),
        _ if is_hex(trimmed, before) => Some("<hex>"),
        _ if is_token(trimmed) => Some("<token>"),
        _ => None,
    };
    replaced.map_or_else(|| digits(piece), |name| format!("{name}{tail}"))
}

/// Numbers inside of a word; a single digit after letters is a name (`utf8`, `S3`), more are a count (`worker12`).
fn digits(piece: &str) -> String {
    let mut out = String::with_capacity(piece.len());
    let mut rest = piece;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        let length = rest[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - at);
        let number = &rest[at..at + length];
        let is_name = length == 1 && out.ends_with(char::is_alphabetic) && out.len() <= 4;
        out.push_str(if is_name { number } else { "<int>" });
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// 404 and 500 are two bugs.
fn is_status(piece: &str, before: &str) -> bool {
    let before = before.trim_end_matches([':', '=', ' ', '-', '(', '[']).to_ascii_lowercase();
    // `SQLSTATE[42S22]` says what is wrong.
    if piece.len() == 5 && before.ends_with("sqlstate") {
        return true;
    }
    // What a system or a program calls its error is the error.
    let of_error = ["errno", "error code", "exit code", "exit status", "error #", "winerror"];
    if piece.len() <= 5
        && piece.bytes().all(|byte| byte.is_ascii_digit())
        && of_error.iter().any(|n| before.ends_with(n))
    {
        return true;
    }
    let named = ["status", "code", "http", "statuscode", "status_code", "http/<int>", "http/1.1", "returned"];
    piece.len() == 3
        && piece.starts_with(['1', '2', '3', '4', '5'])
        && piece.bytes().all(|byte| byte.is_ascii_digit())
        && named.iter().any(|name| before.ends_with(name))
}

fn is_hex(piece: &str, before: &str) -> bool {
    if let Some(number) = piece.strip_prefix("0x").or_else(|| piece.strip_prefix("0X")) {
        return !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    // Java and Ruby write an object as its class and address: `com.acme.Order@6d06d69c`.
    let least = if before.ends_with('@') || before.ends_with('#') { 4 } else { 6 };
    let all_hex = piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_digit = piece.bytes().any(|byte| byte.is_ascii_digit());
    all_hex && (piece.len() >= 32 || (has_digit && piece.len() >= least))
}
