//! What secrets look like inside of text. Each finds the spans to replace; none needs a regular expression.

use std::ops::Range;

use super::identifiers;

/// Something secret that text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    CreditCard,
    Iban,
    PemKey,
    UrlPassword,
    Bearer,
    SocialSecurity,
    Email,
    Ip,
    Imei,
    Mac,
    Uuid,
    /// The user's name in the path of a home folder.
    UserPath,
    /// User and password of a URL.
    UrlUser,
    /// The value of `name=value`.
    CookieValue,
}

impl Pattern {
    /// Where in the text it is, first to last.
    pub fn find(self, text: &str) -> Vec<Range<usize>> {
        if !self.is_possible(text) {
            return Vec::new();
        }
        match self {
            Pattern::CreditCard => digit_runs(text, is_card),
            Pattern::SocialSecurity => digit_runs(text, is_social_security),
            Pattern::Iban => words(text, |c| c.is_ascii_alphanumeric(), is_iban),
            Pattern::Email => {
                words(text, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '@'), is_email)
            }
            Pattern::Ip => addresses(text),
            Pattern::PemKey => pem_key(text).into_iter().collect(),
            Pattern::UrlPassword => url_passwords(text),
            Pattern::Bearer => bearer(text),
            Pattern::Imei
            | Pattern::Mac
            | Pattern::Uuid
            | Pattern::UserPath
            | Pattern::UrlUser
            | Pattern::CookieValue => identifiers::find(self, text),
        }
    }

    /// Whether a text has the characters that it takes. Nearly all text has not, and is scanned fast for those.
    fn is_possible(self, text: &str) -> bool {
        let digits = || text.bytes().filter(u8::is_ascii_digit).count();
        let has = |byte: u8| memchr::memchr(byte, text.as_bytes()).is_some();
        match self {
            Pattern::CreditCard => text.len() >= 13 && digits() >= 13,
            Pattern::SocialSecurity => text.len() >= 11 && has(b'-') && digits() >= 9,
            Pattern::Iban => text.len() >= 15 && digits() >= 9,
            Pattern::PemKey => text.contains("-----BEGIN "),
            Pattern::UrlPassword | Pattern::UrlUser => has(b'@') && text.contains("://"),
            Pattern::Bearer => has(b' '),
            Pattern::Email => has(b'@'),
            Pattern::Ip => has(b'.') || has(b':'),
            Pattern::Imei | Pattern::Mac | Pattern::Uuid => text.len() >= 15,
            Pattern::UserPath => has(b'/') || has(b'\\'),
            Pattern::CookieValue => has(b'='),
        }
    }
}

/// Maximal runs of some characters that pass a test.
fn words(text: &str, is_part: fn(char) -> bool, is_secret: fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), '\0')]) {
        match (is_part(c), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                start = None;
                // What ends a sentence is no part of the word.
                let word = text[from..at].trim_end_matches(['.', ':', '-']);
                if is_secret(word) {
                    found.push(from..from + word.len());
                }
            }
            _ => {}
        }
    }
    found
}

/// Runs of digits that single spaces and dashes may part.
fn digit_runs(text: &str, is_secret: fn(&str) -> bool) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let after_word = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        if !bytes[at].is_ascii_digit() || after_word {
            at += 1;
            continue;
        }
        let mut end = at;
        while end < bytes.len() {
            let parted = matches!(bytes[end], b' ' | b'-') && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
            if !bytes[end].is_ascii_digit() && !parted {
                break;
            }
            end += 1;
        }
        let before_word = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        if !before_word && is_secret(&text[at..end]) {
            found.push(at..end);
        }
        at = end;
    }
    found
}

/// Numbers as the large issuers give them out.
fn is_card(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let starts = |starts: &[&str]| starts.iter().any(|start| digits.starts_with(start));
    match digits.len() {
        13 => starts(&["4"]),
        14 => starts(&["36", "38", "30"]),
        15 => starts(&["34", "37"]),
        16 => starts(&["4", "51", "52", "53", "54", "55", "22", "23", "24", "25", "26", "27", "6011", "65", "35"]),
        _ => false,
    }
}

fn is_social_security(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [area, group, serial] = parts.as_slice() else { return false };
    let lengths = (area.len(), group.len(), serial.len()) == (3, 2, 4) && !text.contains(' ');
    lengths && !matches!(*area, "000" | "666") && !area.starts_with('9') && *group != "00" && *serial != "0000"
}

fn is_iban(word: &str) -> bool {
    let bytes = word.as_bytes();
    (15..=34).contains(&bytes.len())
        && bytes[..2].iter().all(u8::is_ascii_uppercase)
        && bytes[2..4].iter().all(u8::is_ascii_digit)
        && bytes[4..].iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && bytes[4..].iter().filter(|byte| byte.is_ascii_digit()).count() >= 7
}

fn is_email(word: &str) -> bool {
    let Some((user, host)) = word.split_once('@') else { return false };
    let top = host.rsplit('.').next().unwrap_or_default();
    !user.is_empty()
        && host.contains('.')
        && !host.contains('@')
        && top.len() >= 2
        && top.chars().all(|c| c.is_ascii_alphabetic())
}

/// Addresses, also where a name and a colon stand right before them.
fn addresses(text: &str) -> Vec<Range<usize>> {
    let mut found = words(text, |c| c.is_ascii_hexdigit() || matches!(c, '.' | ':'), is_ip);
    let v4 = words(text, |c| c.is_ascii_digit() || c == '.', |word| word.parse::<std::net::Ipv4Addr>().is_ok());
    found.extend(v4.into_iter().filter(|span| {
        let before = text[..span.start].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
    }));
    found.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    found.dedup_by(|next, last| next.start < last.end);
    found
}

fn is_ip(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>().is_ok()
        || (word.matches(':').count() >= 2 && word.len() > 2 && word.parse::<std::net::Ipv6Addr>().is_ok())
}

/// The lines between the first and the last of a key in PEM.
fn pem_key(text: &str) -> Option<Range<usize>> {
    let begin = text.find("-----BEGIN ")?;
    let head = begin + "-----BEGIN ".len();
    let head_end = head + text[head..].find("-----")?;
    let is_key = text[head..head_end].ends_with("PRIVATE KEY") || text[head..head_end].ends_with("PUBLIC KEY");
    let start = head_end + "-----".len();
    let end = text[start..].find("-----END ").map_or(text.len(), |at| start + at);
    let body = text[start..end].trim();
    let from = start + text[start..end].find(body)?;
    (is_key && !body.is_empty()).then_some(from..from + body.len())
}

/// `https://user:password@host`
fn url_passwords(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("://") {
        let start = from + at + 3;
        let end = text[start..]
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''))
            .map_or(text.len(), |at| start + at);
        let authority = &text[start..end];
        if let (Some(colon), Some(host)) = (authority.find(':'), authority.rfind('@'))
            && colon + 1 < host
        {
            found.push(start + colon + 1..start + host);
        }
        from = start;
    }
    found
}

fn bearer(text: &str) -> Vec<Range<usize>> {
    const WORD: &[u8] = b"bearer ";
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'b', b'B', &bytes[from..]) {
        let start = from + at;
        let token = start + WORD.len();
        from = start + 1;
        if bytes.get(start..token).is_some_and(|word| word.eq_ignore_ascii_case(WORD)) {
            let end = text[token..].find(char::is_whitespace).map_or(text.len(), |at| token + at);
            if end > token {
                found.push(start..end);
            }
            from = end.max(token);
        }
    }
    found
}
