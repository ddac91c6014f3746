//! Which values a rule is for: `$user.email`, `extra.**`, `$string && !request.headers.'user-agent'`.
//!
//! A path is read from its end: it matches where the last steps to a value are its own. `*` is any one step, `**` any number of
//! them, `$frame` a value by its kind. Values that may or may not be about a person are taken by a path that names them only.

use super::schema::{Kind, Pii};

/// A condition on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    Path(Vec<Step>),
    And(Vec<Selector>),
    Or(Vec<Selector>),
    Not(Box<Selector>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Any,
    Deep,
    Kind(Kind),
    Index(usize),
    /// In lower case.
    Key(String),
}

/// One step on the way from the event to a value.
#[derive(Clone, Debug)]
pub struct Place {
    /// In lower case; empty for a member of a list.
    pub key: String,
    pub index: Option<usize>,
    pub kind: Option<Kind>,
}

impl Selector {
    /// Reads a selector, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Selector, String> {
        let mut reader = Reader { text, at: 0 };
        let selector = reader.or()?;
        if reader.rest().is_empty() { Ok(selector) } else { Err(reader.unexpected()) }
    }

    /// Whether it takes the value at the end of a way.
    pub fn takes(&self, way: &[Place], pii: Pii) -> bool {
        match pii {
            Pii::No => false,
            Pii::Maybe => self.is_specific() && self.matches(way),
            Pii::Yes => self.matches(way),
        }
    }

    fn matches(&self, way: &[Place]) -> bool {
        match self {
            Selector::Path(steps) => ends_in(way, steps),
            Selector::And(all) => all.iter().all(|selector| selector.matches(way)),
            Selector::Or(any) => any.iter().any(|selector| selector.matches(way)),
            Selector::Not(inner) => !inner.matches(way),
        }
    }

    /// Whether it names what it takes, and not just everything of a kind.
    fn is_specific(&self) -> bool {
        match self {
            Selector::Path(steps) => {
                steps.iter().any(|step| match step {
                    Step::Key(_) | Step::Index(_) => true,
                    Step::Kind(kind) => kind.is_structure(),
                    Step::Any | Step::Deep => false,
                }) && !steps.contains(&Step::Deep)
            }
            Selector::And(all) => all.iter().any(Selector::is_specific),
            Selector::Or(any) => any.iter().all(Selector::is_specific),
            Selector::Not(_) => false,
        }
    }
}

/// Whether a way ends in these steps.
fn ends_in(way: &[Place], steps: &[Step]) -> bool {
    let Some((step, before)) = steps.split_last() else { return true };
    match (step, way.split_last()) {
        // At least one step: `extra.**` is what is in it, and not itself.
        (Step::Deep, _) => (0..way.len()).any(|length| ends_in(&way[..length], before)),
        (step, Some((place, outer))) => step.is(place) && ends_in(outer, before),
        (_, None) => false,
    }
}

impl Step {
    fn is(&self, place: &Place) -> bool {
        match self {
            Step::Any | Step::Deep => true,
            Step::Kind(Kind::String) => matches!(place.kind, Some(Kind::String | Kind::Message)),
            Step::Kind(kind) => place.kind == Some(*kind),
            Step::Index(index) => place.index == Some(*index) || place.key == index.to_string(),
            Step::Key(key) => place.index.is_none() && place.key == *key,
        }
    }
}

/// Reads a selector from left to right.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&mut self) -> &'a str {
        let rest = self.text[self.at..].trim_start();
        self.at = self.text.len() - rest.len();
        rest
    }

    fn skips(&mut self, mark: &str) -> bool {
        let found = self.rest().starts_with(mark);
        self.at += if found { mark.len() } else { 0 };
        found
    }

    fn unexpected(&mut self) -> String {
        match self.rest() {
            "" => "the selector ends too early".into(),
            rest => format!("expected a path, && or || at {rest:?}"),
        }
    }

    fn or(&mut self) -> Result<Selector, String> {
        let mut any = vec![self.and()?];
        while self.skips("||") {
            any.push(self.and()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Selector::Or(any) })
    }

    fn and(&mut self) -> Result<Selector, String> {
        let mut all = vec![self.not()?];
        while self.skips("&&") {
            all.push(self.not()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Selector::And(all) })
    }

    fn not(&mut self) -> Result<Selector, String> {
        if self.skips("!") {
            return Ok(Selector::Not(Box::new(self.not()?)));
        }
        if self.skips("(") {
            let inner = self.or()?;
            return if self.skips(")") { Ok(inner) } else { Err("a ( is never closed".into()) };
        }
        self.path()
    }

    fn path(&mut self) -> Result<Selector, String> {
        let mut steps = vec![self.step()?];
        while self.text[self.at..].starts_with('.') {
            self.at += 1;
            steps.push(self.step()?);
        }
        if steps.iter().filter(|step| **step == Step::Deep).count() > 1 {
            return Err("** may stand once in a path".into());
        }
        Ok(Selector::Path(steps))
    }

    fn step(&mut self) -> Result<Step, String> {
        let rest = self.rest();
        if rest.starts_with('\'') {
            return self.quoted().map(Step::Key);
        }
        let is_end = |c: char| c.is_whitespace() || matches!(c, '.' | '(' | ')' | '|' | '&' | '!' | '\'');
        let word = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let step = match word {
            "*" => Step::Any,
            "**" => Step::Deep,
            _ if word.starts_with('$') => {
                Step::Kind(Kind::named(&word[1..]).ok_or_else(|| format!("{word:?} is no kind of value"))?)
            }
            _ if word.is_empty() || !word.chars().all(is_name) => return Err(self.unexpected()),
            _ => word.parse().map_or_else(|_| Step::Key(word.to_lowercase()), Step::Index),
        };
        self.at += word.len();
        Ok(step)
    }

    /// A key in single quotes, of which two stand for one.
    fn quoted(&mut self) -> Result<String, String> {
        let mut key = String::new();
        let mut rest = self.text[self.at + 1..].char_indices().peekable();
        while let Some((at, c)) = rest.next() {
            if c != '\'' {
                key.push(c);
            } else if rest.peek().is_some_and(|(_, next)| *next == '\'') {
                key.push('\'');
                rest.next();
            } else {
                self.at += at + 2;
                return if key.is_empty() { Err("a key is empty".into()) } else { Ok(key.to_lowercase()) };
            }
        }
        Err("a quote is never closed".into())
    }
}
