//! A message in the Markdown that the robots share: headings, quotes, bold, lists, links. Pure.

use std::fmt::Write as _;

use super::{Digest, LONGEST_TITLE, Message, Notice, OPEN, Sending, shorten};

impl Message {
    /// At most so many bytes: issues of a digest are left out until it fits.
    pub fn markdown(&self, sending: &Sending, most: usize) -> String {
        match self {
            Message::Alert(notice) => alert(notice, sending, most),
            Message::Digest(digest) => {
                let mut shown = digest.clone();
                loop {
                    let text = digest_text(&shown, sending);
                    if text.len() <= most || shown.lines.pop().is_none() {
                        return text;
                    }
                }
            }
        }
    }
}

fn alert(notice: &Notice, sending: &Sending, most: usize) -> String {
    let head = format!("#### {}\n\n", escape(&notice.headline(sending.language)));
    let mut tail = String::new();
    if !notice.culprit.is_empty() {
        let _ = writeln!(tail, "> {}\n", escape(&shorten(&notice.culprit, LONGEST_TITLE)));
    }
    for (name, value) in notice.facts(sending) {
        let _ = writeln!(tail, "- {name}: {}", escape(&value));
    }
    let _ = writeln!(tail, "\n[{}]({})", OPEN.of(sending.language), notice.url);
    let title = |longest: usize| format!("> **{}** {}\n\n", notice.short_id, escape(&shorten(&notice.title, longest)));
    let whole = format!("{head}{}{tail}", title(LONGEST_TITLE));
    if whole.len() <= most { whole } else { format!("{head}{}{tail}", title(40)) }
}

fn digest_text(digest: &Digest, sending: &Sending) -> String {
    let mut text = format!("#### {}\n\n", escape(&digest.headline(sending.language)));
    let _ = writeln!(text, "{}\n", digest.why(sending));
    for (notice, times) in &digest.lines {
        let name = format!("[{}]({})", notice.short_id, notice.url);
        let _ = writeln!(text, "- {times} × {name} {}", escape(&shorten(&notice.title, 80)));
    }
    if let Some(more) = digest.and_more(sending.language) {
        let _ = writeln!(text, "- {more}");
    }
    let _ = writeln!(text, "\n[{}]({})", OPEN.of(sending.language), digest.url);
    text
}

/// So that what an SDK sent is no markup.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '~' | '|' => escaped.extend(['\\', c]),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            _ => escaped.push(c),
        }
    }
    escaped
}
