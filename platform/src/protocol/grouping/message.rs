//! A message without its parameters: what changes from one occurrence of a bug to the next becomes `<int>`, `<uuid>` and so on.
//!
//! The text is cut into words at white space and at brackets and quotes; each word is recognised by its shape, longest meaning
//! first. No regular expressions: this runs for every event. Words in quotes stay, for they often are what tells two bugs
//! apart (`column 'total'`), and so do the numbers of HTTP statuses.

/// How many lines of a message say what it is about.
const MOST_LINES: usize = 2;

/// Replaces the parameters of a message.
pub fn without_parameters(text: &str) -> String {
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
        _ if word.starts_with("eyJ") && word.len() > 20 => "<token>",
        _ if is_date(word) => "<date>",
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
        if from >= start {
            let context = if out.is_empty() { before } else { out.as_str() };
            let piece = piece(&word[start..from], context);
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
        _ if is_status(trimmed, before) => Some(trimmed),
        _ if is_uuid(trimmed) => Some("<uuid>"),
        _ if is_ip(trimmed) => Some("<ip>"),
        _ if is_number(trimmed) => Some("<int>"),
        _ if is_duration(trimmed) => Some("<duration>"),
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
    let named = ["status", "code", "http", "statuscode", "status_code", "http/<int>", "http/1.1", "returned"];
    piece.len() == 3
        && piece.starts_with(['1', '2', '3', '4', '5'])
        && piece.bytes().all(|byte| byte.is_ascii_digit())
        && named.iter().any(|name| before.ends_with(name))
}

fn is_number(piece: &str) -> bool {
    let piece = piece.trim_end_matches('%');
    let (mantissa, exponent) = piece.split_once(['e', 'E']).unwrap_or((piece, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    !mantissa.is_empty() && mantissa.split('.').all(digits) && digits(exponent)
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

/// Random letters and digits, as of keys and session ids.
fn is_token(piece: &str) -> bool {
    let mut changes = 0;
    let mut last = None;
    for c in piece.chars() {
        if !c.is_ascii_alphanumeric() {
            return false;
        }
        let kind = c.is_ascii_digit();
        changes += u32::from(last.is_some_and(|last| last != kind));
        last = Some(kind);
    }
    (piece.len() >= 5 && changes >= 3) || (piece.len() >= 16 && changes >= 2)
}

fn is_uuid(word: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths = word.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && word.split('-').all(hex)
}

fn is_url(word: &str) -> bool {
    let Some((scheme, rest)) = word.split_once("://") else { return false };
    let scheme = scheme.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    !scheme.is_empty() && scheme.len() == word.find("://").unwrap_or(0) && !rest.is_empty()
}

fn is_email(word: &str) -> bool {
    let Some((user, host)) = word.split_once('@') else { return false };
    let part = |text: &str| {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'+'))
    };
    part(user) && part(host) && host.contains('.') && !host.ends_with(|c: char| c.is_ascii_digit())
}

fn is_ip(word: &str) -> bool {
    let address = word.split('/').next().unwrap_or_default();
    let v4 = address.split(':').next().unwrap_or_default();
    let is_port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    v4.parse::<std::net::Ipv4Addr>().is_ok() && address.split_once(':').is_none_or(|(_, port)| is_port(port))
        || (address.matches(':').count() >= 2 && address.parse::<std::net::Ipv6Addr>().is_ok())
        || word
            .strip_prefix('[')
            .is_some_and(|rest| rest.split(']').next().is_some_and(|v6| v6.parse::<std::net::Ipv6Addr>().is_ok()))
        || is_mac(address)
}

fn is_mac(word: &str) -> bool {
    let separator = if word.contains(':') { ':' } else { '-' };
    let pair = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.split(separator).count() == 6 && word.split(separator).all(pair)
}

/// `2024-02-29`, `29/02/2024`, `2024-02-29T10:00:00.5Z`, `29/Feb/2024:10:00:00`
fn is_date(word: &str) -> bool {
    let date = word.split(['T', 't', '_']).next().unwrap_or_default();
    let date = date.split(':').next().unwrap_or_default();
    ['-', '/', '.'].iter().any(|separator| {
        let parts: Vec<&str> = date.split(*separator).collect();
        let number = |part: &str, length: usize| {
            part.len() <= length && !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())
        };
        let year =
            |part: &str| part.len() == 4 && number(part, 4) && (part.starts_with("19") || part.starts_with("20"));
        match parts.as_slice() {
            [a, b, c] if year(a) => number(b, 2) && number(c, 2),
            [a, b, c] if year(c) => number(a, 2) && (number(b, 2) || is_day_or_month(b)),
            _ => false,
        }
    })
}

/// `10:00`, `10:00:00.123`, `10:00:00+02:00`
fn is_time(word: &str) -> bool {
    let time = word.split(['.', '+', 'Z']).next().unwrap_or_default();
    let time = time.split_once(',').map_or(time, |(time, _)| time);
    let parts: Vec<&str> = time.split(':').collect();
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_day_or_month(word: &str) -> bool {
    const NAMES: [&str; 38] = [
        "Mon",
        "Tue",
        "Wed",
        "Thu",
        "Fri",
        "Sat",
        "Sun",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "Jan",
        "Feb",
        "Mar",
        "Apr",
        "Jun",
        "Jul",
        "Aug",
        "Sep",
        "Sept",
        "Oct",
        "Nov",
        "Dec",
        "January",
        "February",
        "March",
        "April",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "Thurs",
    ];
    NAMES.contains(&word)
}

/// `12ms`, `1.5s`, `3h2m`, `PT5M`
fn is_duration(word: &str) -> bool {
    let word = word.strip_prefix("PT").or_else(|| word.strip_prefix('P')).unwrap_or(word);
    let word = word.strip_suffix('S').unwrap_or(word);
    if !word.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let mut rest = word;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let unit = &rest[number..];
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        if number == 0 || !(is_unit(&unit[..length]) || (unit.is_empty() && word.len() > number)) {
            return false;
        }
        rest = &unit[length..];
    }
    true
}

fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 26] = [
        "ns",
        "us",
        "µs",
        "ms",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "m",
        "min",
        "mins",
        "minute",
        "minutes",
        "h",
        "hr",
        "hrs",
        "hour",
        "hours",
        "d",
        "day",
        "days",
        "D",
        "H",
        "M",
        "milliseconds",
    ];
    UNITS.contains(&word)
}

/// `/var/log/a.log`, `C:\data\b.csv`, `~/c`, `./d/e`, `s3/bucket/key.json`
fn is_path(word: &str) -> bool {
    let bytes = word.as_bytes();
    let windows =
        bytes.len() > 3 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' && matches!(bytes[2], b'\\' | b'/');
    let unix = ["/", "~/", "./", "../", "\\\\"].iter().any(|start| word.starts_with(start));
    let separators = word.bytes().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let is_file = word.rsplit(['/', '\\']).next().is_some_and(|name| name.contains('.') && !name.starts_with('.'));
    let plain = word.chars().all(|c| {
        c.is_alphanumeric() || matches!(c, '/' | '\\' | '.' | '-' | '_' | '~' | ':' | '@' | '+' | '%' | '=' | '$')
    });
    plain && (windows || (unix && (separators >= 2 || is_file)) || (separators >= 2 && is_file))
}
