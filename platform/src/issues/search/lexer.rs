//! Takes a query apart into words, filters, and what joins them. Pure, and it never fails on what is only text: an address, a path
//! or `TypeError: x` pasted from a log is looked for as it stands.
//!
//! `\"`, `\*` and `\\` stand for the characters themselves; before anything else a backslash is only itself.

use std::ops::Range;

use super::{
    fields,
    problem::{Kind, Problem},
    query::Match,
};

/// A piece of a query, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Piece,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Open,
    Close,
    And,
    Or,
    /// A word of text, or several in quotes.
    Word(Text),
    Phrase(Text),
    Filter(Filter),
}

/// `!key:value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Filter {
    pub is_negated: bool,
    pub key: String,
    /// It was in quotes or in `tags[…]`: nothing but a tag.
    pub is_tag: bool,
    pub values: Values,
    pub key_span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values {
    One(Text),
    List(Vec<Text>),
}

/// What is typed for a value: texts, and stars between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    parts: Vec<String>,
    pub span: Range<usize>,
}

impl Text {
    /// As it was meant, a star as a star.
    pub fn plain(&self) -> String {
        self.parts.join("*")
    }

    pub fn is_empty(&self) -> bool {
        self.parts.len() == 1 && self.parts[0].is_empty()
    }

    pub fn has_star(&self) -> bool {
        self.parts.len() > 1
    }

    pub fn to_match(&self) -> Match {
        match self.parts.as_slice() {
            [text] => Match::Exact(text.clone()),
            parts => Match::Glob(parts.to_vec()),
        }
    }

    /// With another word behind it.
    pub fn followed_by(mut self, next: &Text) -> Text {
        let mut more = next.parts.iter();
        if let (Some(last), Some(first)) = (self.parts.last_mut(), more.next()) {
            last.push(' ');
            last.push_str(first);
        }
        self.parts.extend(more.cloned());
        self.span.end = next.span.end;
        self
    }
}

/// Reads a query piece by piece.
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, Problem> {
    let mut lexer = Lexer { query, at: 0, depth: 0 };
    let mut tokens = Vec::new();
    while let Some(token) = lexer.next()? {
        tokens.push(token);
    }
    Ok(tokens)
}

struct Lexer<'a> {
    query: &'a str,
    at: usize,
    /// Groups that are open.
    depth: usize,
}

/// Where a bare value ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Query,
    List,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.query[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_spaces(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn next(&mut self) -> Result<Option<Token>, Problem> {
        self.skip_spaces();
        let start = self.at;
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            '(' => {
                self.at += 1;
                self.depth += 1;
                Piece::Open
            }
            ')' => {
                self.at += 1;
                if self.depth == 0 {
                    return Err(Problem::new(Kind::StrayClose, start..self.at));
                }
                self.depth -= 1;
                Piece::Close
            }
            '!' if self.rest().starts_with("!(") => return Err(Problem::new(Kind::NegatedGroup, start..start + 2)),
            _ => self.filter_or_word(start)?,
        };
        Ok(Some(Token { kind, span: start..self.at }))
    }

    fn filter_or_word(&mut self, start: usize) -> Result<Piece, Problem> {
        if let Some(filter) = self.filter()? {
            return Ok(Piece::Filter(filter));
        }
        self.at = start;
        if self.peek() == Some('"') {
            return Ok(Piece::Phrase(self.quoted()?));
        }
        let word = self.bare(Inside::Query)?;
        Ok(match &self.query[start..self.at] {
            "AND" => Piece::And,
            "OR" => Piece::Or,
            _ => Piece::Word(word),
        })
    }

    /// A filter, if one begins here.
    fn filter(&mut self) -> Result<Option<Filter>, Problem> {
        let is_negated = self.rest().starts_with('!');
        self.at += usize::from(is_negated);
        let start = self.at;
        let Some((key, is_tag)) = self.key() else { return Ok(None) };
        let key_span = start..self.at;
        if let Some(list) = self.rest().strip_prefix(':') {
            // `http://…`, `std::…` are text.
            if !is_tag && (list.starts_with("//") || list.starts_with(':')) {
                return Ok(None);
            }
            // `TypeError: x`, pasted from a log, is text too.
            let is_empty = list.is_empty() || list.starts_with([' ', '\t', '\n', ')']);
            if is_empty && !is_tag && !fields::is_known(&key) {
                return Ok(None);
            }
            self.at += 1;
            let values = self.values()?;
            return Ok(Some(Filter { is_negated, key, is_tag, values, key_span }));
        }
        let Some(list) = self.rest().trim_start().strip_prefix("in").filter(|_| self.rest().starts_with(' ')) else {
            return Ok(None);
        };
        if !list.trim_start().starts_with('[') {
            return Ok(None);
        }
        self.at = self.query.len() - list.trim_start().len();
        let values = Values::List(self.list()?);
        Ok(Some(Filter { is_negated, key, is_tag, values, key_span }))
    }

    /// `key`, `"any key"` or `tags[key]`.
    fn key(&mut self) -> Option<(String, bool)> {
        if self.peek() == Some('"') {
            let text = self.quoted().ok()?;
            return self.rest().starts_with(':').then(|| (text.plain(), true));
        }
        if let Some(inner) = self.rest().strip_prefix("tags[") {
            let end = inner.find([']', ' ']).filter(|end| inner[*end..].starts_with(']'))?;
            let key = inner[..end].trim_matches('"').to_owned();
            self.at += "tags[]".len() + end;
            return Some((key, true)).filter(|(key, _)| !key.is_empty());
        }
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
        let length = self.rest().find(|c: char| !is_part(c)).unwrap_or(self.rest().len());
        let key = self.rest()[..length].to_owned();
        self.at += length;
        Some((key, false)).filter(|(key, _)| key.starts_with(|c: char| c.is_alphabetic() || c == '_'))
    }

    fn values(&mut self) -> Result<Values, Problem> {
        if self.peek() == Some('[') {
            return Ok(Values::List(self.list()?));
        }
        let start = self.at;
        let operator = [">=", "<=", ">", "<", "="].into_iter().find(|sign| self.rest().starts_with(sign)).unwrap_or("");
        if self.rest()[operator.len()..].starts_with('"') {
            self.at += operator.len();
            let mut text = self.quoted()?;
            text.parts[0].insert_str(0, operator);
            text.span.start = start;
            if self.peek().is_some_and(|c| !c.is_whitespace() && c != ')') {
                return Err(Problem::new(Kind::StrayQuote, start..self.at));
            }
            return Ok(Values::One(text));
        }
        let value = self.bare(Inside::Query)?;
        if let Some(quote) = self.stray_quote(&value.span) {
            return Err(Problem::new(Kind::StrayQuote, quote..quote + 1));
        }
        Ok(Values::One(value))
    }

    fn stray_quote(&self, span: &Range<usize>) -> Option<usize> {
        let mut is_escaped = false;
        self.query[span.clone()].char_indices().find_map(|(at, c)| {
            let is_stray = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_stray.then_some(span.start + at)
        })
    }

    fn list(&mut self) -> Result<Vec<Text>, Problem> {
        let open = self.at;
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_spaces();
            let start = self.at;
            let value = if self.peek() == Some('"') { self.quoted()? } else { self.bare(Inside::List)? };
            let is_missing = self.at == start;
            self.skip_spaces();
            let next = self.peek();
            let end = start + next.map_or(0, char::len_utf8);
            match next {
                None => return Err(Problem::new(Kind::UnclosedList, open..open + 1)),
                Some(',' | ']') if is_missing => return Err(Problem::new(Kind::EmptyInList, start..end)),
                Some(',' | ']') => values.push(value),
                Some(_) => return Err(Problem::new(Kind::NoComma, start..self.at + next.map_or(0, char::len_utf8))),
            }
            self.at += 1;
            if next == Some(']') {
                return Ok(values);
            }
        }
    }

    /// Up to a space, or to a bracket that was not opened in it.
    fn bare(&mut self, inside: Inside) -> Result<Text, Problem> {
        let start = self.at;
        let mut parts = vec![String::new()];
        let (mut round, mut square) = (0_usize, 0_usize);
        while let Some(c) = self.peek() {
            match c {
                c if c.is_whitespace() => break,
                ',' | ']' if inside == Inside::List && square == 0 => break,
                ')' if inside == Inside::Query && round == 0 && self.depth > 0 => break,
                ')' if inside == Inside::Query && round == 0 => {
                    return Err(Problem::new(Kind::StrayClose, self.at..self.at + 1));
                }
                '(' => round += 1,
                ')' => round = round.saturating_sub(1),
                '[' => square += 1,
                ']' => square = square.saturating_sub(1),
                _ => (),
            }
            self.take(c, &mut parts);
        }
        Ok(Text { parts, span: start..self.at })
    }

    fn quoted(&mut self) -> Result<Text, Problem> {
        let start = self.at;
        let mut parts = vec![String::new()];
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(Problem::new(Kind::UnclosedQuote, start..start + 1)),
                Some('"') => {
                    self.at += 1;
                    return Ok(Text { parts, span: start..self.at });
                }
                Some(c) => self.take(c, &mut parts),
            }
        }
    }

    /// Takes a character, or what it stands for with the one behind it.
    fn take(&mut self, c: char, parts: &mut Vec<String>) {
        self.at += c.len_utf8();
        let mut add = |c: char| {
            if let Some(last) = parts.last_mut() {
                last.push(c);
            }
        };
        match (c, self.peek()) {
            ('\\', Some(meant @ ('"' | '*' | '\\'))) => {
                self.at += 1;
                add(meant);
            }
            ('*', _) => parts.push(String::new()),
            _ => add(c),
        }
    }
}
