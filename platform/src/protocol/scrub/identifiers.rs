//! Shapes that only a project's own rules ask for: names of devices and users, and the parts of URLs and cookies.

use std::ops::Range;

use super::patterns::Pattern;

/// Folders that hold a folder for each user.
const HOMES: [&str; 4] = ["/Users/", "/home/", "\\Users\\", "Documents and Settings\\"];

/// Where in the text it is, first to last.
pub fn find(pattern: Pattern, text: &str) -> Vec<Range<usize>> {
    match pattern {
        Pattern::Imei => runs(text, |c| c.is_ascii_digit() || c == '-', is_imei),
        Pattern::Mac => runs(text, |c| c.is_ascii_hexdigit() || matches!(c, ':' | '-'), is_mac),
        Pattern::Uuid => runs(text, |c| c.is_ascii_hexdigit() || c == '-', is_uuid),
        Pattern::UserPath => user_paths(text),
        Pattern::UrlUser => url_users(text),
        Pattern::CookieValue => cookie_values(text),
        _ => Vec::new(),
    }
}

/// Maximal runs of some characters that pass a test and are no part of a longer word.
fn runs(text: &str, is_part: fn(char) -> bool, is_it: fn(&str) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    let mut last = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (is_part(c), start) {
            (true, None) if last.is_none_or(|c: char| !c.is_alphanumeric()) => start = Some(at),
            (false, Some(from)) => {
                if !c.is_alphanumeric() && is_it(&text[from..at]) {
                    found.push(from..at);
                }
                start = None;
            }
            _ => {}
        }
        last = Some(c);
    }
    found
}

/// Fifteen digits of which the last checks the others.
fn is_imei(word: &str) -> bool {
    let digits: Vec<u32> = word.chars().filter_map(|c| c.to_digit(10)).collect();
    let doubled = |(at, digit): (usize, &u32)| if at % 2 == 1 { (digit * 2) / 10 + (digit * 2) % 10 } else { *digit };
    digits.len() == 15 && digits.iter().enumerate().map(doubled).sum::<u32>().is_multiple_of(10)
}

fn is_mac(word: &str) -> bool {
    let separator = if word.contains(':') { ':' } else { '-' };
    word.len() == 17 && word.split(separator).count() == 6 && word.split(separator).all(|part| part.len() == 2)
}

fn is_uuid(word: &str) -> bool {
    word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) || (word.len() == 32 && !word.contains('-'))
}

fn user_paths(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for home in HOMES {
        for (at, _) in text.match_indices(home) {
            let start = at + home.len();
            let length = text[start..].find(|c: char| matches!(c, '/' | '\\') || c.is_whitespace());
            let end = length.map_or(text.len(), |length| start + length);
            if end > start {
                found.push(start..end);
            }
        }
    }
    found.sort_by_key(|span| span.start);
    found
}

/// `user:password` of `https://user:password@host`
fn url_users(text: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
    text.match_indices("://")
        .filter_map(|(at, mark)| {
            let start = at + mark.len();
            let authority = &text[start..text[start..].find(ends).map_or(text.len(), |length| start + length)];
            authority.rfind('@').filter(|at| *at > 0).map(|at| start..start + at)
        })
        .collect()
}

fn cookie_values(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut found = Vec::new();
    for pair in text.split_inclusive(';') {
        let end = at + pair.trim_end_matches(';').len();
        found.extend(pair.find('=').map(|equals| at + equals + 1..end).filter(|span| !span.is_empty()));
        at += pair.len();
    }
    found
}
