//! Globs as people write them in settings and rules, matched against the whole text and without regard to case.
//!
//! `*` any run · `?` one character · `[a-z]`, `[!x]` classes · `{a,b}` alternatives · `\` takes the next character as it is. In
//! paths `*` stops at a slash, `**` does not, and `**/` may be nothing at all.

use std::borrow::Cow;

/// Most patterns that the alternatives of one glob may grow into.
const MOST_ALTERNATIVES: usize = 64;

/// What a single `*` may run across.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Star {
    /// Anything: text has no parts.
    Anything,
    /// All but a slash: a path has.
    WithinSegment,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Shape>);

/// Most patterns are one literal with stars around it, which needs no backtracking.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    Exactly(String),
    Prefix(String),
    Suffix(String),
    Within(String),
    Tokens(Vec<Token>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Class { negated: bool, ranges: Vec<(char, char)> },
    Segment,
    Run,
}

impl Glob {
    /// A glob over text.
    pub fn text(pattern: &str) -> Glob {
        Glob::new(pattern, Star::Anything)
    }

    /// A glob over paths, whichever way their slashes lean.
    pub fn path(pattern: &str) -> Glob {
        Glob::new(&pattern.replace("\\\\", "/"), Star::WithinSegment)
    }

    /// Every text is a glob: a bracket that is never closed stands for itself.
    pub fn new(pattern: &str, star: Star) -> Glob {
        let folded = pattern.to_lowercase();
        let mut expanded = Vec::new();
        alternatives(&folded, &mut expanded);
        Glob(expanded.iter().map(|pattern| Shape::new(tokens(pattern, star))).collect())
    }

    /// Whether every bracket and brace of a pattern is closed.
    pub fn is_well_formed(pattern: &str) -> bool {
        [('[', ']'), ('{', '}')].iter().all(|(open, close)| match unescaped(pattern, *open) {
            Some(at) => unescaped(&pattern[at..], *close).is_some(),
            None => true,
        })
    }

    /// Whether the whole text matches.
    pub fn matches(&self, text: &str) -> bool {
        let plain = text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase());
        let folded = if plain { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) };
        self.0.iter().any(|shape| shape.matches(&folded))
    }
}

/// Whether any of the patterns matches.
pub fn any_matches(globs: &[Glob], text: &str) -> bool {
    globs.iter().any(|glob| glob.matches(text))
}

/// Writes out the first `{a,b}`, then those in what came of it.
fn alternatives(pattern: &str, into: &mut Vec<String>) {
    let braces = unescaped(pattern, '{').and_then(|open| Some((open, open + unescaped(&pattern[open..], '}')?)));
    match braces {
        Some((open, close)) if into.len() < MOST_ALTERNATIVES => {
            for choice in pattern[open + 1..close].split(',') {
                alternatives(&format!("{}{choice}{}", &pattern[..open], &pattern[close + 1..]), into);
            }
        }
        _ if into.len() < MOST_ALTERNATIVES => into.push(pattern.to_owned()),
        _ => {}
    }
}

fn unescaped(pattern: &str, wanted: char) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

fn tokens(pattern: &str, star: Star) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => tokens.push(Token::Char(rest.next().unwrap_or('\\'))),
            '?' => tokens.push(Token::One),
            '*' => {
                let double = rest.as_str().starts_with('*');
                if double {
                    rest.next();
                }
                if double || star == Star::Anything {
                    // `**/x` also matches `x`: the slash belongs to the stars where they stand at a segment's start.
                    let starts_segment =
                        star == Star::WithinSegment && matches!(tokens.last(), None | Some(Token::Char('/')));
                    if starts_segment && rest.as_str().starts_with('/') {
                        rest.next();
                    }
                    tokens.push(Token::Run);
                } else {
                    tokens.push(Token::Segment);
                }
            }
            '[' => match class(rest.as_str()) {
                Some((class, length)) => {
                    tokens.push(class);
                    rest = rest.as_str()[length..].chars();
                }
                None => tokens.push(Token::Char('[')),
            },
            _ => tokens.push(Token::Char(c)),
        }
    }
    tokens
}

/// Reads what follows `[`, and says how long it was.
fn class(rest: &str) -> Option<(Token, usize)> {
    let (close, _) = rest.char_indices().skip(1).find(|(_, c)| *c == ']')?;
    let (negated, members) = match rest.strip_prefix(['!', '^']) {
        Some(_) if close > 1 => (true, &rest[1..close]),
        _ => (false, &rest[..close]),
    };
    let members: Vec<char> = members.chars().collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < members.len() {
        let is_range = at + 2 < members.len() && members[at + 1] == '-';
        ranges.push((members[at], if is_range { members[at + 2] } else { members[at] }));
        at += if is_range { 3 } else { 1 };
    }
    Some((Token::Class { negated, ranges }, close + 1))
}

impl Shape {
    fn new(tokens: Vec<Token>) -> Shape {
        let starts = tokens.first() == Some(&Token::Run);
        let ends = tokens.len() > 1 && tokens.last() == Some(&Token::Run);
        let inner = &tokens[usize::from(starts)..tokens.len() - usize::from(ends)];
        let literal: Option<String> =
            inner.iter().map(|token| if let Token::Char(c) = token { Some(*c) } else { None }).collect();
        match (literal, starts, ends) {
            (Some(literal), false, false) => Shape::Exactly(literal),
            (Some(literal), false, true) => Shape::Prefix(literal),
            (Some(literal), true, false) => Shape::Suffix(literal),
            (Some(literal), true, true) => Shape::Within(literal),
            (None, _, _) => Shape::Tokens(tokens),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Shape::Exactly(literal) => text == literal,
            Shape::Prefix(literal) => text.starts_with(literal.as_str()),
            Shape::Suffix(literal) => text.ends_with(literal.as_str()),
            Shape::Within(literal) => text.contains(literal.as_str()),
            Shape::Tokens(tokens) => run(tokens, text),
        }
    }
}

/// Where to go on after a mismatch: the token after a star, and where in the text that star may end next.
type Retry<'a> = Option<(usize, &'a str)>;

fn run(tokens: &[Token], text: &str) -> bool {
    let (mut at, mut rest) = (0, text);
    let (mut segment, mut across): (Retry<'_>, Retry<'_>) = (None, None);
    loop {
        let next = rest.chars().next();
        match (tokens.get(at), next) {
            (None, None) => return true,
            (Some(Token::Segment), _) => {
                at += 1;
                segment = Some((at, rest));
                continue;
            }
            (Some(Token::Run), _) => {
                at += 1;
                (segment, across) = (None, Some((at, rest)));
                continue;
            }
            (Some(token), Some(c)) if token.takes(c) => {
                at += 1;
                rest = &rest[c.len_utf8()..];
                continue;
            }
            _ => {}
        }
        let longer = |retry: Retry<'_>| retry.and_then(|(_, from)| from.chars().next());
        match (longer(segment), longer(across)) {
            (Some(c), _) if c != '/' => {
                segment = segment.map(|(token, from)| (token, &from[c.len_utf8()..]));
                (at, rest) = segment.unwrap_or((at, rest));
            }
            (_, Some(c)) => {
                across = across.map(|(token, from)| (token, &from[c.len_utf8()..]));
                segment = None;
                (at, rest) = across.unwrap_or((at, rest));
            }
            _ => return false,
        }
    }
}

impl Token {
    fn takes(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One => true,
            Token::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
            Token::Segment | Token::Run => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Glob, Star};

    #[test]
    fn a_glob_matches_the_whole_text() {
        let cases = [
            ("*fail*", "It FAILED", true),
            ("1.2.*", "1.2.3", true),
            ("1.2.*", "11.2.3", false),
            ("a?c", "aéc", true),
            ("[0-9]x[!a-c]", "7xd", true),
            ("[0-9]x[!a-c]", "7xb", false),
            ("{foo,ba[rz]}-*", "baz-1", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("[open", "[open", true),
            ("*a*b*c", "xxaxxbxxbxc", true),
            ("*", "", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::text(pattern).matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn in_a_path_one_star_stops_at_a_slash() {
        let cases = [
            ("**/node_modules/**", "/app/node_modules/x/y.js", true),
            ("**/cart.py", "cart.py", true),
            ("src/*/a.rs", "src/b/a.rs", true),
            ("src/*/a.rs", "src/b/c/a.rs", false),
            ("src/**/a.rs", "src/b/c/a.rs", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(Glob::new(pattern, Star::WithinSegment).matches(text), expected, "{pattern} {text}");
        }
    }
}
