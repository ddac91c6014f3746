//! A message without its parameters: what changes from one occurrence of a bug to the next becomes `<int>`, `<uuid>` and so on.
//!
//! The text is cut into words at white space and at brackets and quotes; each word is recognised by its shape, longest meaning
//! first. No regular expressions: this runs for every event. Words in quotes stay, for they often are what tells two bugs
//! apart (`column 'total'`), and so do the numbers of HTTP statuses.

use std::borrow::Cow;

use super::{
    data, objects,
    shapes::{
        is_base64, is_code, is_date, is_day_or_month, is_digest, is_duration, is_email, is_host, is_ip, is_number,
        is_ordinal, is_path, is_prerelease, is_resolved, is_scientific, is_size, is_size_unit, is_suffix, is_time,
        is_token, is_unit, is_url, is_uuid,
    },
    things,
};

/// How many lines of a message say what it is about.
const MOST_LINES: usize = 2;

/// What comes before the statement that failed, its values filled in. What is wrong with it was said before.
const STATEMENTS: [&str; 6] =
    ["(SQL: ", "(Connection: ", "[SQL: ", "[parameters: ", " [WHERE ", " Dependency annotations: "];

/// What begins a line of the data that it happened with.
const DETAILS: [&str; 3] = ["DETAIL:", "Detail:", "LINE "];

/// How many signs before a number belong to the word before: `error #31`.
const MOST_SIGNS: usize = 8;

/// Replaces the parameters of a message.
pub fn without_parameters(text: &str) -> String {
    let text = STATEMENTS.iter().filter_map(|mark| text.find(mark)).min().map_or(text, |at| &text[..at]);
    let text = &*data::without_data(text);
    let mut words: Vec<String> = Vec::new();
    for line in telling_lines(text).take(MOST_LINES) {
        let mut rest = line.split_whitespace().peekable();
        while let Some(word) = rest.next() {
            let before = if is_late_status(word, &words) { "status" } else { words.last().map_or("", String::as_str) };
            let named =
                things::named(bare(word), &words, rest.peek().copied()).or_else(|| things::thread(word, words.last()?));
            let stripped = named.map_or_else(|| strip(word, before), |name| inside(word, |_| name.to_owned()));
            join(&mut words, stripped);
        }
    }
    without_input_line(words.join(" "))
}

/// `Response status code was unacceptable: 503`
fn is_late_status(word: &str, words: &[String]) -> bool {
    let number = bare(word);
    number.len() == 3
        && number.starts_with(['4', '5'])
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && words.iter().rev().take(6).any(|word| bare(word).eq_ignore_ascii_case("status"))
}

/// The lines that say something: not those of a source that is quoted, with a mark below to point at the spot.
fn telling_lines(text: &str) -> impl Iterator<Item = &str> {
    let is_mark = |line: &str| !line.is_empty() && line.bytes().all(|byte| matches!(byte, b'^' | b'~'));
    // Of a row that PostgreSQL refuses it shows the values, and of a statement where in it.
    let is_data = |line: &str| DETAILS.iter().any(|start| line.starts_with(start));
    let lines = move || text.lines().map(str::trim).filter(move |line| !line.is_empty() && !is_data(line));
    let next = lines().skip(1).map(Some).chain([None]);
    lines().zip(next).filter(move |(line, next)| !is_mark(line) && !next.is_some_and(is_mark)).map(|(line, _)| line)
}

/// Perl adds how far it has read what it reads: `, <STDIN> line 4.`
fn without_input_line(text: String) -> String {
    let of_input = |at: &usize| text[*at..].contains("> line <int>") || text[*at..].contains("> chunk <int>");
    match text.rfind(", <").filter(of_input) {
        Some(at) => format!("{}.", &text[..at]),
        None => text,
    }
}

/// Appends a word; dates, durations and lists that were written in several words become one.
fn join(words: &mut Vec<String>, word: String) {
    if word.starts_with("<<email>>") || word.starts_with("(<email>)") {
        drop_name(words);
    }
    let Some(last) = words.last_mut() else { return words.push(word) };
    // Chinese writes on after the unit: `15 分钟内`.
    let unit =
        ["毫秒", "秒", "分钟", "小时", "天"].iter().find(|unit| word.starts_with(**unit) && word.len() > unit.len());
    if let Some((number, unit)) = last.strip_suffix("<int>").zip(unit) {
        *last = format!("{number}<duration>");
        return words.push(word[unit.len()..].to_owned());
    }
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
    } else if before == "<duration>" && own == before && last.ends_with('>') {
        before
    } else if before == "<int>" && own == "<int>" && last.ends_with("<int>") {
        // A telephone's number, or one with spaces between its thousands.
        "<int>"
    } else if before == "<duration>" && own == "<time>" && last.ends_with('>') {
        // `1 day 00:00:01`
        own
    } else if last.ends_with(',') && before.starts_with('<') && before == own {
        before
    } else {
        return words.push(word);
    };
    let open = &last[..last.find(before).unwrap_or(0)];
    let close = &word[word.find(own).map_or(word.len(), |at| at + own.len())..];
    let whole = format!("{open}{merged}{close}");
    let is_duration = merged == "<duration>";
    *last = whole;
    // `1 h 20 min` is one.
    if is_duration && words.len() > 1 && words[words.len() - 2] == "<duration>" {
        words.remove(words.len() - 2);
    }
}

/// Who an address belongs to stands before it, `Anna Miller <anna@x.example>`; what begins the text is the program's.
fn drop_name(words: &mut Vec<String>) {
    let is_name = |word: &String| word.starts_with(char::is_uppercase) && word.ends_with(char::is_alphabetic);
    let most = words.len().saturating_sub(1).min(3);
    let names = words.iter().rev().take(most).take_while(|word| is_name(word)).count();
    words.truncate(words.len() - names);
}

fn bare(word: &str) -> &str {
    word.trim_matches([',', ';', '(', ')', '[', ']', '{', '}', '.', ':'])
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
    if let Some((call, rest)) = word.split_once("(http").filter(|(call, _)| call.ends_with(char::is_alphanumeric)) {
        // `file_get_contents(https://x.example/a?b):`
        let end = rest.find([')', '"', '\'']).unwrap_or(rest.len());
        return format!("{call}(<url>{}", &rest[end..]);
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
        _ if things::is_encoded(word) => "<token>",
        _ if is_email(word) => "<email>",
        _ if is_uuid(word) => "<uuid>",
        // A web token is JSON in base64, which always starts so.
        _ if (word.starts_with("eyJ") && word.len() > 20) || is_base64(word) => "<token>",
        _ if is_date(word) => "<date>",
        _ if is_scientific(word) || is_prerelease(word) => "<int>",
        _ if is_time(word) => "<time>",
        _ if is_ip(word) => "<ip>",
        _ if is_host(word) || is_resolved(word) => "<host>",
        _ if is_duration(word) => "<duration>",
        _ if is_path(word) && !is_verb => "<path>",
        _ if things::is_data_file(word) => "<path>",
        _ if things::is_region(word) => "<region>",
        _ if things::is_locale(word) => "<locale>",
        "true" | "false" | "True" | "False" if before.ends_with('=') => "<bool>",
        _ if is_day_or_month(word) => "<date>",
        _ if is_id(word, before) => "<int>",
        _ if before.strip_suffix('=').is_some_and(is_datas_key) => "<str>",
        _ => return None,
    })
}

/// `carrier=dhl` and `user=anna` are data, `code=gone` is what is wrong.
fn is_datas_key(key: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    !key.is_empty() && key.chars().all(is_name) && (data::is_of_somebody(key) || !objects::is_telling(key))
}

/// What follows `id` and has a digit is one, whatever it is made of: `id=abc-12`.
fn is_id(word: &str, before: &str) -> bool {
    let before = before.trim_matches(|c: char| !c.is_alphanumeric());
    let is_named =
        ["id", "uuid", "guid", "_id"].iter().any(|name| {
            before.len().checked_sub(name.len()).and_then(|at| before.get(at..)).is_some_and(|end| {
                end.eq_ignore_ascii_case(name) && (before.len() == name.len() || name.starts_with('_'))
            })
        });
    is_named
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
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
        context = if matches!(separator, '=' | ':') { format!("{stripped}{separator}") } else { String::new() };
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
                own if own.len() <= MOST_SIGNS && is_sign() => Cow::Owned(format!("{before} {own}")),
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
        // `Chrome/122.0.0.0` is a version.
        _ if is_ip(trimmed) && !before.ends_with('/') => Some("<ip>"),
        _ if is_digest(trimmed) => Some("<hex>"),
        _ if is_number(trimmed) || is_ordinal(trimmed) => Some("<int>"),
        _ if is_duration(trimmed) => Some("<duration>"),
        _ if is_size(trimmed) => Some("<size>"),
        _ if trimmed.strip_prefix(['v', 'V']).is_some_and(is_number) => Some("<version>"),
        _ if is_hex(trimmed, before) => Some("<hex>"),
        _ if is_token(trimmed) || is_suffix(trimmed, before) => Some("<token>"),
        _ => None,
    };
    replaced.map_or_else(|| digits(piece), |name| format!("{name}{tail}"))
}

/// Numbers inside of a word: a file may have a hash in its name, and what else has a number is one of many (`db7`).
fn digits(piece: &str) -> String {
    if piece.contains('.') && piece.bytes().any(|byte| byte.is_ascii_digit()) {
        let part = |text: &str| if is_digest(text) || is_hex(text, "") { "<hex>".to_owned() } else { numbers(text) };
        return piece.split('.').map(part).collect::<Vec<_>>().join(".");
    }
    numbers(piece)
}

fn numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        out.push_str(&rest[..at]);
        out.push_str("<int>");
        rest = rest[at..].trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out.push_str(rest);
    out
}

/// 404 and 500 are two bugs.
fn is_status(piece: &str, before: &str) -> bool {
    let signed = before.trim_end_matches([' ', '-']).to_ascii_lowercase();
    let before = before.trim_end_matches([':', '：', '=', ' ', '-', '(', '[', '"']).to_ascii_lowercase();
    // `SQLSTATE[42S22]` says what is wrong.
    if piece.len() == 5 && before.ends_with("sqlstate") {
        return true;
    }
    // What a system or a program calls its error is the error.
    let of_error = [
        "errno",
        "error code",
        "exit code",
        "exit status",
        "error #",
        "winerror",
        "错误码",
        "返回码",
        "状态码",
        "响应码",
        "错误代码",
    ];
    if piece.len() <= 5
        && piece.bytes().all(|byte| byte.is_ascii_digit())
        && (of_error.iter().any(|n| before.ends_with(n)) || signed.ends_with("error"))
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
    let least = match before.chars().last() {
        Some('@') => 1,
        Some('#') => 4,
        _ => 6,
    };
    let all_hex = piece.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_digit = piece.bytes().any(|byte| byte.is_ascii_digit());
    all_hex && (piece.len() >= 10 || (has_digit && piece.len() >= least))
}
