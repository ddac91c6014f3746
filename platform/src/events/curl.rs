//! A request as a command that sends it again, for whoever wants to see the error at home. Pure.

use std::fmt::Write;

use crate::protocol::event::Request;

/// Headers that curl makes itself, or that would be wrong in another request.
const OWN: [&str; 5] = ["content-length", "host", "connection", "accept-encoding", "transfer-encoding"];

/// The command.
pub fn command(request: &Request) -> String {
    let mut parts = vec!["curl".to_owned()];
    let method = request.method.as_deref().unwrap_or("GET").to_ascii_uppercase();
    let is_usual = (method == "GET" && request.body.is_none()) || (method == "POST" && request.body.is_some());
    if !is_usual {
        parts.push(format!("-X {}", quoted(&method)));
    }
    for (name, value) in &request.headers {
        if !OWN.contains(&name.to_ascii_lowercase().as_str()) {
            parts.push(format!("-H {}", quoted(&format!("{name}: {value}"))));
        }
    }
    if let Some(body) = &request.body {
        parts.push(format!("--data-raw {}", quoted(body)));
    }
    parts.push(quoted(&url(request)));
    parts.join(" \\\n  ")
}

fn url(request: &Request) -> String {
    let url = request.url.as_deref().unwrap_or("/");
    match request.query.as_deref().map(|query| query.trim_start_matches('?')).filter(|query| !query.is_empty()) {
        Some(query) if !url.contains('?') => format!("{url}?{query}"),
        _ => url.to_owned(),
    }
}

/// As a POSIX shell takes it, whatever is in it. What a terminal would obey is written as an escape, for `$'…'` of bash and zsh.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    if !text.chars().any(char::is_control) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    let mut escaped = String::from("$'");
    for c in text.chars() {
        match c {
            '\'' => escaped.push_str(r"\'"),
            '\\' => escaped.push_str(r"\\"),
            '\n' => escaped.push_str(r"\n"),
            '\r' => escaped.push_str(r"\r"),
            '\t' => escaped.push_str(r"\t"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped.push('\'');
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, headers: &[(&str, &str)], body: Option<&str>) -> Request {
        Request {
            method: Some(method.into()),
            url: Some("https://shop.example/cart".into()),
            query: Some("?item=umbrella&n=2".into()),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: body.map(str::to_owned),
        }
    }

    #[test]
    fn a_request_is_sent_again_as_it_was() {
        let plain = request("GET", &[("Accept", "text/html"), ("Host", "shop.example")], None);
        let expected = "curl \\\n  -H 'Accept: text/html' \\\n  'https://shop.example/cart?item=umbrella&n=2'";
        assert_eq!(command(&plain), expected);
        let put = request("PUT", &[], Some("{\"it's\": 1}"));
        let expected = "curl \\\n  -X PUT \\\n  --data-raw '{\"it'\\''s\": 1}' \\\n  'https://shop.example/cart?item=umbrella&n=2'";
        assert_eq!(command(&put), expected);
    }

    #[test]
    fn nothing_in_it_becomes_a_command_of_its_own() {
        for evil in ["'; rm -rf ~ #", "$(reboot)", "`id`", "a\n; id", "\u{1b}]0;x\u{7}", "\\'; id"] {
            let words = shell_words(&quoted(evil));
            assert_eq!(words, [evil], "{}", quoted(evil));
        }
    }

    /// What bash makes of words: the one test of quoting that counts.
    fn shell_words(text: &str) -> Vec<String> {
        let script = format!("printf '%s\\0' {text}");
        let output = std::process::Command::new("bash").args(["-c", &script]).output().expect("bash is there");
        let text = String::from_utf8(output.stdout).expect("it is text");
        text.split_terminator('\0').map(str::to_owned).collect()
    }
}
