//! What a message calls somebody and somebody's things without quotes: `for user alice from`, `coupon SUMMER24`, `on web-3`.
//!
//! The word before says what it is. A word that may be the program's own (`user profile`) stays.

/// Words before a name that has a digit, or capitals only.
const THINGS: [&str; 40] = [
    "coupon",
    "voucher",
    "promo",
    "sku",
    "product",
    "item",
    "article",
    "order",
    "invoice",
    "booking",
    "reservation",
    "ticket",
    "shipment",
    "parcel",
    "package",
    "customer",
    "user",
    "account",
    "tenant",
    "member",
    "client",
    "merchant",
    "device",
    "serial",
    "vehicle",
    "session",
    "host",
    "node",
    "pod",
    "server",
    "instance",
    "iban",
    "card",
    "contract",
    "reference",
    "batch",
    "flight",
    "license",
    "branch",
    "transaction",
];
/// Those of them that people read aloud: capitals are enough.
const CODES: [&str; 4] = ["coupon", "voucher", "promo", "sku"];
/// Who has a name.
const PEOPLE: [&str; 8] = ["user", "username", "customer", "tenant", "member", "account", "merchant", "employee"];
const BEFORE_PEOPLE: [&str; 6] = ["for", "by", "of", "from", "to", "as"];
/// What a sentence goes on with after a name.
const AFTER_PEOPLE: [&str; 16] = [
    "from", "to", "at", "in", "on", "with", "because", "after", "is", "was", "has", "not", "failed", "and", "while",
    "since",
];
/// What machines are named by what they do.
const MACHINES: [&str; 24] = [
    "web", "db", "app", "api", "cache", "worker", "node", "srv", "server", "host", "prod", "edge", "proxy", "lb",
    "redis", "pg", "postgres", "mysql", "kafka", "mail", "cron", "es", "backend", "frontend",
];

/// What a word is by those before it; `next` is the word after it.
pub fn named(word: &str, before: &[String], next: Option<&str>) -> Option<&'static str> {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let mut backwards = before.iter().rev().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let last = backwards.next()?.to_ascii_lowercase();
    if word.is_empty() || !word.chars().all(is_name) || before.last().is_some_and(|last| last.ends_with(['.', ','])) {
        return None;
    }
    if word.starts_with("0x") {
        return None;
    }
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let has_letter = word.chars().any(char::is_alphabetic);
    if THINGS.contains(&last.as_str()) && has_digit && has_letter {
        return Some("<int>");
    }
    let is_capitals = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_uppercase());
    if CODES.contains(&last.as_str()) && is_capitals {
        return Some("<int>");
    }
    if matches!(last.as_str(), "on" | "from" | "host" | "at" | "server") && is_machine(word) {
        return Some("<host>");
    }
    let goes_on = next.is_none_or(|next| AFTER_PEOPLE.contains(&next));
    let is_of_people =
        PEOPLE.contains(&last.as_str()) && backwards.next().is_some_and(|word| BEFORE_PEOPLE.contains(&word));
    (is_of_people && goes_on && has_letter && !AFTER_PEOPLE.contains(&word)).then_some("<str>")
}

/// Loggers write which thread it was after the level: `ERROR [pool-3-thread-12]`.
pub fn thread(word: &str, before: &str) -> Option<&'static str> {
    let is_level = matches!(before, "ERROR" | "WARN" | "WARNING" | "INFO" | "DEBUG" | "FATAL" | "SEVERE" | "TRACE");
    (is_level && word.starts_with('[') && word.ends_with(']')).then_some("<thread>")
}

/// `web-3`, `db12`, `worker-eu-7`
fn is_machine(word: &str) -> bool {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    let first = name.split(['-', '_', '.']).next().unwrap_or_default();
    name.len() < word.len() && MACHINES.contains(&first)
}

/// `eu-west-1`, `us-gov-east-1a`: a region of a cloud and a zone in it.
pub fn is_region(word: &str) -> bool {
    const CONTINENTS: [&str; 9] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "cn"];
    const SIDES: [&str; 9] =
        ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
    let mut parts = word.split('-');
    let (Some(first), Some(last)) = (parts.next(), parts.next_back()) else { return false };
    let number = last.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let is_zone = last.len() - number.len() <= 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    CONTINENTS.contains(&first) && is_zone && !number.is_empty() && parts.any(|part| SIDES.contains(&part))
}

/// `de_DE`, `zh-Hans-CN`, and a zone of time, `Europe/Berlin`.
pub fn is_locale(word: &str) -> bool {
    const AREAS: [&str; 9] =
        ["Europe", "America", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian", "Etc"];
    if let Some((area, city)) = word.split_once('/') {
        return AREAS.contains(&area) && city.starts_with(char::is_uppercase) && !city.contains('.');
    }
    let Some((language, land)) = word.split_once(['_', '-']) else { return false };
    let land = land.rsplit(['_', '-']).next().unwrap_or_default();
    language.len() == 2
        && land.len() == 2
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && land.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// `s%3AabC123xyz.987`: what an address or a cookie holds, encoded for it.
pub fn is_encoded(word: &str) -> bool {
    let bytes = word.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'.' | b'-' | b'_' | b'~');
    let is_escape = |three: &[u8]| three[0] == b'%' && three[1..].iter().all(u8::is_ascii_hexdigit);
    bytes.len() >= 8 && bytes.iter().all(is_plain) && bytes.windows(3).any(is_escape)
}

/// `report.xlsx`: what a file of somebody's data ends in, not of a program.
pub fn is_data_file(word: &str) -> bool {
    const ENDS: [&str; 22] = [
        "xlsx", "xls", "csv", "tsv", "pdf", "png", "jpg", "jpeg", "gif", "webp", "heic", "zip", "gz", "docx", "pptx",
        "mp3", "mp4", "mov", "parquet", "bak", "tmp", "eml",
    ];
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '~' | '/');
    let Some((name, end)) = word.rsplit_once('.') else { return false };
    name.chars().any(char::is_alphanumeric)
        && word.chars().all(plain)
        && ENDS.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// Telephone numbers as people write them, `+1 (415) 555-0100`, as one number.
pub fn without_phones(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '-' | '.');
    let mut out: Option<String> = None;
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('+') {
        let start = at + found;
        let length = text[start + 1..].find(|c| !is_part(c)).unwrap_or(text.len() - start - 1);
        let number = text[start + 1..start + 1 + length].trim_end_matches(|c: char| !c.is_ascii_digit());
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        at = start + 1 + number.len();
        if (8..=15).contains(&digits) && number.starts_with(|c: char| c.is_ascii_digit()) && number.contains([' ', '-'])
        {
            let out = out.get_or_insert_default();
            out.push_str(&text[kept..start]);
            out.push_str("<int>");
            kept = at;
        }
    }
    out.map(|out| out + &text[kept..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named_in(text: &str, next: Option<&str>) -> Option<&'static str> {
        let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        let word = words.pop().unwrap_or_default();
        named(&word, &words, next)
    }

    #[test]
    fn the_word_before_says_whose_a_name_is() {
        assert_eq!(named_in("Login failed for user alice", Some("from")), Some("<str>"));
        assert_eq!(named_in("Login failed for user alice", Some("import")), None);
        assert_eq!(named_in("User profile", Some("is")), None);
        assert_eq!(named_in("Coupon SUMMER24", Some("is")), Some("<int>"));
        assert_eq!(named_in("Coupon table", Some("is")), None);
        assert_eq!(named_in("full on web-3", None), Some("<host>"));
        assert_eq!(named_in("full on shard-3", None), None);
    }

    #[test]
    fn regions_files_and_telephones_have_their_shapes() {
        assert!(is_region("eu-west-1a") && is_region("us-gov-east-1") && !is_region("eu-sales-1") && !is_region("us"));
        assert!(is_locale("de_DE") && is_locale("Europe/Berlin") && !is_locale("is_OK_now") && !is_locale("Shop/Cart"));
        assert!(is_encoded("s%3AabC123xyz.987") && !is_encoded("100%") && !is_encoded("90%-full-disk"));
        assert!(is_data_file("Report.XLSX") && !is_data_file("settings.yaml") && !is_data_file(".gz"));
        assert_eq!(without_phones("to +1 (415) 555-0100, or").as_deref(), Some("to <int>, or"));
        assert_eq!(without_phones("1 + 2 and +3"), None);
    }
}
