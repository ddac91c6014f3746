//! The conditions of a rule: `key:pattern`, with `!` before it for the opposite.

use super::{
    super::{
        super::{
            event::{Event, Exception},
            glob::Glob,
            stacktrace::Frame,
        },
        family::Family,
    },
    RuleError,
    cursor::Cursor,
};

/// One condition.
#[derive(Clone, Debug)]
pub struct Matcher {
    key: Key,
    test: Test,
    negated: bool,
}

/// What a condition looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    ErrorType,
    ErrorValue,
    Mechanism,
    Path,
    Module,
    Function,
    Package,
    Family,
    App,
    Category,
    Message,
    Logger,
    Level,
    Release,
    Dist,
    Environment,
    Transaction,
    Sdk,
    Tag(String),
}

/// Of what a condition tells something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Frame,
    Exception,
    Event,
}

#[derive(Clone, Debug)]
enum Test {
    Glob(Glob),
    OneOf(Vec<String>),
    Is(bool),
}

/// A frame, with what is thought of it so far.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    pub frame: &'a Frame,
    pub family: Family,
    pub in_app: bool,
    pub category: Option<&'a str>,
}

/// Which rules a condition stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Fingerprint,
    Stack,
}

impl Matcher {
    /// Reads one condition.
    pub fn parse(cursor: &mut Cursor<'_>, language: Language) -> Result<Matcher, RuleError> {
        let negated = cursor.takes("!");
        let rest = cursor.rest();
        // `tags.foo:bar` may name the tag in quotes, the other names hold no colon.
        let name = rest.split(':').next().filter(|name| name.len() < rest.len() && !name.contains(char::is_whitespace));
        let Some(name) = name else { return Err(cursor.error("expected a condition, key:pattern")) };
        let Some(key) = Key::parse(name) else { return Err(cursor.error(format!("unknown key {name:?}"))) };
        if language == Language::Stack && key.subject() == Subject::Event {
            return Err(cursor.error(format!("{name:?} cannot be used in stack trace rules")));
        }
        cursor.takes(name);
        cursor.takes(":");
        let stops: &[char] = if language == Language::Stack { &[']'] } else { &[] };
        let pattern = cursor.value(stops)?;
        let Some(test) = key.test(&pattern) else { return Err(cursor.error(format!("{pattern:?} is not yes or no"))) };
        Ok(Matcher { key, test, negated })
    }

    /// What it looks at.
    pub fn subject(&self) -> Subject {
        self.key.subject()
    }

    /// Whether a frame fulfils it.
    pub fn matches_frame(&self, seen: Seen<'_>) -> bool {
        let frame = seen.frame;
        let found = match &self.key {
            Key::Path => self.any(&[frame.abs_path.as_deref(), frame.filename.as_deref()]),
            Key::Module => self.any(&[frame.module.as_deref()]),
            Key::Function => self.any(&[frame.function.as_deref(), frame.raw_function.as_deref()]),
            Key::Package => self.any(&[frame.package.as_deref()]),
            Key::Family => self.any(&[Some(seen.family.rule_name()), Some("all")]),
            Key::App => matches!(self.test, Test::Is(wanted) if wanted == seen.in_app),
            Key::Category => self.any(&[seen.category]),
            _ => false,
        };
        found != self.negated
    }

    /// Whether an exception fulfils it; without one, only a negated condition does.
    pub fn matches_exception(&self, exception: Option<&Exception>) -> bool {
        let found = exception.is_some_and(|exception| match &self.key {
            Key::ErrorType => self.any(&[exception.kind.as_deref()]),
            Key::ErrorValue => self.any(&[exception.value.as_deref()]),
            Key::Mechanism => self.any(&[exception.mechanism.as_ref().map(|mechanism| mechanism.kind.as_str())]),
            _ => false,
        });
        found != self.negated
    }

    /// Whether the event fulfils it.
    pub fn matches_event(&self, event: &Event) -> bool {
        let found = match &self.key {
            Key::Message => {
                let values = event.exceptions.iter().filter_map(|exception| exception.value.as_deref());
                event.message.as_deref().into_iter().chain(values).any(|text| self.text(text))
            }
            Key::Logger => self.any(&[event.logger.as_deref()]),
            Key::Level => self.text(event.level.name()),
            Key::Release => self.any(&[event.release.as_deref()]),
            Key::Dist => self.any(&[event.dist.as_deref()]),
            Key::Environment => self.any(&[event.environment.as_deref()]),
            Key::Transaction => self.any(&[event.transaction.as_deref()]),
            Key::Sdk => self.any(&[event.sdk.as_deref(), event.sdk.as_deref().and_then(|sdk| sdk.split(' ').next())]),
            Key::Tag(name) => event.tags.iter().any(|(key, value)| key == name && self.text(value)),
            _ => false,
        };
        found != self.negated
    }

    fn any(&self, texts: &[Option<&str>]) -> bool {
        texts.iter().flatten().any(|text| self.text(text))
    }

    fn text(&self, text: &str) -> bool {
        match &self.test {
            Test::Glob(glob) if matches!(self.key, Key::Path | Key::Package) => {
                let path = text.replace('\\', "/");
                glob.matches(&path) || (!path.starts_with('/') && glob.matches(&format!("/{path}")))
            }
            Test::Glob(glob) => glob.matches(text),
            Test::OneOf(names) => names.iter().any(|name| name == text),
            Test::Is(_) => false,
        }
    }
}

impl Key {
    fn parse(name: &str) -> Option<Key> {
        Some(match name {
            "error.type" | "type" => Key::ErrorType,
            "error.value" | "value" => Key::ErrorValue,
            "error.mechanism" | "mechanism" => Key::Mechanism,
            "stack.abs_path" | "path" => Key::Path,
            "stack.module" | "module" => Key::Module,
            "stack.function" | "function" => Key::Function,
            "stack.package" | "package" => Key::Package,
            "family" => Key::Family,
            "app" => Key::App,
            "category" => Key::Category,
            "message" => Key::Message,
            "logger" => Key::Logger,
            "level" => Key::Level,
            "release" => Key::Release,
            "dist" => Key::Dist,
            "environment" => Key::Environment,
            "transaction" => Key::Transaction,
            "sdk" => Key::Sdk,
            _ => Key::Tag(name.strip_prefix("tags.").filter(|tag| !tag.is_empty())?.to_owned()),
        })
    }

    fn subject(&self) -> Subject {
        match self {
            Key::Path | Key::Module | Key::Function | Key::Package | Key::Family | Key::App | Key::Category => {
                Subject::Frame
            }
            Key::ErrorType | Key::ErrorValue | Key::Mechanism => Subject::Exception,
            _ => Subject::Event,
        }
    }

    fn test(&self, pattern: &str) -> Option<Test> {
        Some(match self {
            Key::App => Test::Is(match pattern {
                "1" | "yes" | "true" => true,
                "0" | "no" | "false" => false,
                _ => return None,
            }),
            Key::Family => Test::OneOf(pattern.split(',').map(|name| name.trim().to_lowercase()).collect()),
            Key::Path | Key::Package => Test::Glob(Glob::path(pattern)),
            _ => Test::Glob(Glob::text(pattern)),
        })
    }
}
