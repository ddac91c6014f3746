//! Reading one line of rules, always knowing where.

use super::RuleError;

/// A line and how far it was read.
pub struct Cursor<'a> {
    line: &'a str,
    number: usize,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The lines of a text that hold rules: neither empty nor a comment.
    pub fn lines(text: &'a str) -> impl Iterator<Item = Cursor<'a>> {
        let lines = text.lines().enumerate().map(|(at, line)| Cursor { line, number: at + 1, at: 0 });
        lines.filter(|cursor| {
            let line = cursor.line.trim();
            !line.is_empty() && !line.starts_with('#')
        })
    }

    /// What is left, without leading white space.
    pub fn rest(&mut self) -> &'a str {
        let rest = &self.line[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        &self.line[self.at..]
    }

    /// Whether nothing but a comment is left.
    pub fn is_done(&mut self) -> bool {
        let rest = self.rest();
        rest.is_empty() || rest.starts_with('#')
    }

    /// Takes a mark if it comes next.
    pub fn takes(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        if found {
            self.at += mark.len();
        }
        found
    }

    /// Takes what comes before white space or one of the given characters; it may be empty.
    pub fn word(&mut self, stops: &[char]) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || stops.contains(&c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Takes a text in quotes, or else a word.
    pub fn value(&mut self, stops: &[char]) -> Result<String, RuleError> {
        if !self.line[self.at..].starts_with('"') {
            let word = if self.line[self.at..].starts_with(char::is_whitespace) { "" } else { self.word(stops) };
            return if word.is_empty() { Err(self.error("expected a value")) } else { Ok(word.to_owned()) };
        }
        let mut value = String::new();
        let mut rest = self.line[self.at + 1..].char_indices();
        while let Some((at, c)) = rest.next() {
            match c {
                '"' => {
                    self.at += at + 2;
                    return Ok(value);
                }
                '\\' => match rest.next() {
                    Some((_, c @ ('"' | '\\'))) => value.push(c),
                    Some((_, 'n')) => value.push('\n'),
                    // Other escapes belong to the glob.
                    Some((_, c)) => value.extend(['\\', c]),
                    None => break,
                },
                c => value.push(c),
            }
        }
        Err(self.error("a quote is never closed"))
    }

    /// An error at the spot read last.
    pub fn error(&self, problem: impl Into<String>) -> RuleError {
        let column = self.line[..self.at].chars().count() + 1;
        RuleError { line: self.number, column, problem: problem.into() }
    }
}
