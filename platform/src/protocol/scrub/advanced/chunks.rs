//! Text in chunks: what was redacted already, with the rule that did it, and what is still to be looked at.

use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use regex_lite::Regex;
use serde_json::{Value, json};
use sha1::Sha1;

use super::rule::{Rule, Target};

/// What becomes of what a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// What the rule's type usually does: it goes.
    Default,
    Remove,
    Replace(String),
    Mask,
    Hash,
}

impl Redaction {
    /// By the name a configuration gives it.
    pub fn named(method: &str, text: &str) -> Option<Redaction> {
        Some(match method {
            "default" => Redaction::Default,
            "remove" => Redaction::Remove,
            "replace" => Redaction::Replace(text.to_owned()),
            "mask" => Redaction::Mask,
            "hash" => Redaction::Hash,
            _ => return None,
        })
    }

    /// Whether nothing stays in the place of a value.
    pub fn is_removal(&self) -> bool {
        matches!(self, Redaction::Default | Redaction::Remove)
    }

    /// What stands for a text, and the letter remarks have for that.
    fn of(&self, text: &str) -> (String, &'static str) {
        match self {
            Redaction::Default | Redaction::Remove => (String::new(), "x"),
            Redaction::Replace(with) => (with.clone(), "s"),
            Redaction::Mask => ("*".repeat(text.chars().count()), "m"),
            Redaction::Hash => (hash(text), "p"),
        }
    }
}

/// HMAC-SHA1 with an empty key, in capital hexadecimal digits: the same text is the same hash everywhere.
fn hash(text: &str) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(&[]).expect("a key may be of any length");
    mac.update(text.as_bytes());
    let bytes = mac.finalize().into_bytes();
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)]))
        .collect()
}

/// A piece of text, and the rule it is the work of.
struct Chunk {
    text: String,
    rule: Option<(String, String)>,
}

/// A text on its way through the rules.
pub struct Chunks {
    chunks: Vec<Chunk>,
    changed: bool,
}

impl Chunks {
    /// Takes a text apart by the remarks there are on it.
    pub fn split(text: &str, remarks: &[Value]) -> Chunks {
        let chars: Vec<char> = text.chars().collect();
        let mut chunks = Vec::new();
        let mut at = 0;
        for remark in remarks {
            let place = |index: usize| remark.get(index).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            let (Some(start), Some(end)) = (place(2), place(3)) else { continue };
            if start < at || end < start || end > chars.len() {
                continue;
            }
            chunks.push(Chunk { text: chars[at..start].iter().collect(), rule: None });
            let word = |index: usize| remark[index].as_str().unwrap_or_default().to_owned();
            chunks.push(Chunk { text: chars[start..end].iter().collect(), rule: Some((word(0), word(1))) });
            at = end;
        }
        chunks.push(Chunk { text: chars[at..].iter().collect(), rule: None });
        chunks.retain(|chunk| chunk.rule.is_some() || !chunk.text.is_empty());
        Chunks { chunks, changed: false }
    }

    /// Redacts what a rule finds in what is left of the text.
    pub fn redact(&mut self, rule: &Rule) {
        let mut out = Vec::with_capacity(self.chunks.len());
        for chunk in self.chunks.drain(..) {
            let spans = if chunk.rule.is_none() { found(&rule.target, &chunk.text) } else { Vec::new() };
            if spans.is_empty() {
                out.push(chunk);
                continue;
            }
            let mut at = 0;
            for span in spans.into_iter().filter(|span| !span.is_empty()) {
                out.push(Chunk { text: chunk.text[at..span.start].to_owned(), rule: None });
                let (text, kind) = rule.redaction.of(&chunk.text[span.clone()]);
                out.push(Chunk { text, rule: Some((rule.id.clone(), kind.to_owned())) });
                at = span.end;
                self.changed = true;
            }
            out.push(Chunk { text: chunk.text[at..].to_owned(), rule: None });
        }
        out.retain(|chunk| chunk.rule.is_some() || !chunk.text.is_empty());
        self.chunks = out;
    }

    /// Whether a pattern matches what is left of the text.
    pub fn has(&self, pattern: &Regex) -> bool {
        self.chunks.iter().any(|chunk| chunk.rule.is_none() && pattern.is_match(&chunk.text))
    }

    /// Redacts the text as a whole.
    pub fn redact_all(&mut self, rule: &Rule) {
        if self.chunks.iter().all(|chunk| chunk.rule.is_some()) {
            return;
        }
        let whole: String = self.chunks.drain(..).map(|chunk| chunk.text).collect();
        let (text, kind) = rule.redaction.of(&whole);
        self.chunks.push(Chunk { text, rule: Some((rule.id.clone(), kind.to_owned())) });
        self.changed = true;
    }

    /// The text and its remarks, if any rule found anything.
    pub fn join(self) -> Option<(String, Vec<Value>)> {
        if !self.changed {
            return None;
        }
        let mut text = String::new();
        let mut remarks = Vec::new();
        let mut at = 0;
        for chunk in self.chunks {
            let end = at + chunk.text.chars().count();
            remarks.extend(chunk.rule.map(|(rule, kind)| json!([rule, kind, at, end])));
            text.push_str(&chunk.text);
            at = end;
        }
        Some((text, remarks))
    }
}

fn found(target: &Target, text: &str) -> Vec<Range<usize>> {
    match target {
        Target::Anything => {
            let mut at = 0;
            let mut lines = Vec::new();
            for line in text.split('\n') {
                lines.push(at..at + line.len());
                at += line.len() + 1;
            }
            lines
        }
        Target::Pair(_) => Vec::new(),
        Target::Text(pattern, groups) => {
            let all = |captures: &regex_lite::Captures<'_>| captures.get(0).map(|found| found.range());
            let mut spans: Vec<Range<usize>> = pattern
                .captures_iter(text)
                .flat_map(|captures| match groups.as_slice() {
                    [] => all(&captures).into_iter().collect::<Vec<_>>(),
                    groups => {
                        groups.iter().filter_map(|group| captures.get(*group).map(|found| found.range())).collect()
                    }
                })
                .collect();
            spans.sort_by_key(|span| span.start);
            spans.dedup_by(|next, last| next.start < last.end);
            spans
        }
        Target::Shape(shape) => shape.find(text),
    }
}
