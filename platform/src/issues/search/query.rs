//! What a query means: a tree of terms, which prints itself so that people can read it.

use std::{fmt, ops::Range};

use chrono::{DateTime, SecondsFormat, Utc};
use uuid::Uuid;

use super::super::Status;

/// A part of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Term(Term),
}

/// One condition, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    pub is: Is,
    pub what: What,
    /// In bytes.
    pub span: Range<usize>,
}

/// Whether a condition is meant as it stands, or is written with `!`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    So,
    NotSo,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Status(Status),
    /// Whether anybody has it.
    Assigned,
    Assignee(Vec<Who>),
    Bookmarked(Vec<Who>),
    Subscribed(Vec<Who>),
    /// When it was.
    Time(Time, Period),
    /// How many.
    Count(Count, Numbers),
    /// A text in the title or the culprit.
    Text(Match),
    Word(Word, Vec<Match>),
    /// Numbers of issues in their projects, as in `SHOP-7`.
    Name(Vec<Name>),
    Issue(Vec<i64>),
    Event(Vec<Uuid>),
    Project(Vec<Match>),
    /// What an event carries as a tag.
    Tag(String, Vec<Match>),
    /// What an event has as a tag of this name, whatever it is.
    HasTag(String),
    /// Something of a user of an event.
    User(Part, Vec<Match>),
    HasUser(Part),
    /// What is noted of an issue once, and not counted: see `protocol::traits`.
    Trait(String, Vec<Match>),
    HasTrait(String),
    /// The release of the first event.
    FirstRelease(Vec<Match>),
    /// `latest`: the newest release of each project, or one of some others.
    LatestRelease(Vec<Match>),
    /// What a release's version is made of.
    Version(Compare, String),
    Package(Vec<Match>),
}

/// A person or a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    Me,
    /// The teams of whoever asks.
    MyTeams,
    Nobody,
    /// An address or a name to sign in with.
    Person(String),
    Team(String),
}

/// A time of an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    FirstSeen,
    LastSeen,
    /// Of any of its events.
    Happened,
}

/// From when to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Bound>,
    pub to: Option<Bound>,
}

/// One end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Including(Moment),
    Excluding(Moment),
}

/// A time, or how long before the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    At(DateTime<Utc>),
    SecondsAgo(i64),
}

/// A number of an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Events,
    Users,
}

/// Which numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Numbers {
    Compared(Compare, i64),
    Among(Vec<i64>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

/// A text of an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Title,
    Culprit,
    Platform,
    Kind,
}

/// What is known of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Id,
    Email,
    Username,
    Ip,
}

/// `SHOP-7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// In lower case.
    pub project: String,
    pub number: i64,
}

/// A text, or a pattern with stars: the texts between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Match {
    Exact(String),
    Glob(Vec<String>),
}

impl Match {
    /// Whether it stands for a text. A pattern is found in capitals too.
    pub fn fits(&self, text: &str) -> bool {
        let texts = match self {
            Match::Exact(exact) => return exact == text,
            Match::Glob(texts) => texts,
        };
        let lower: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        let text = text.to_lowercase();
        let (Some(first), Some(last)) = (lower.first(), lower.last()) else { return false };
        let Some(mut rest) = text.strip_prefix(first.as_str()).and_then(|rest| rest.strip_suffix(last.as_str())) else {
            return false;
        };
        lower[1..lower.len() - 1].iter().all(|part| {
            let found = rest.find(part.as_str());
            rest = found.map_or("", |at| &rest[at + part.len()..]);
            found.is_some()
        })
    }
}

impl Part {
    /// The field's name.
    pub fn name(self) -> &'static str {
        match self {
            Part::Id => "id",
            Part::Email => "email",
            Part::Username => "username",
            Part::Ip => "ip",
        }
    }
}

impl Compare {
    /// As it is typed, and as SQL has it.
    pub fn sign(self) -> &'static str {
        match self {
            Compare::Less => "<",
            Compare::AtMost => "<=",
            Compare::Equal => "=",
            Compare::AtLeast => ">=",
            Compare::More => ">",
        }
    }
}

impl Moment {
    /// The time itself.
    pub fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Moment::At(at) => at,
            Moment::SecondsAgo(seconds) => chrono::TimeDelta::try_seconds(seconds)
                .and_then(|before| now.checked_sub_signed(before))
                .unwrap_or(DateTime::UNIX_EPOCH),
        }
    }
}

impl Node {
    /// Every term, in the order in which they were typed.
    pub fn terms(&self) -> Vec<&Term> {
        match self {
            Node::Term(term) => vec![term],
            Node::All(parts) | Node::Any(parts) => parts.iter().flat_map(Node::terms).collect(),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, parts) = match self {
            Node::Term(term) => return term.fmt(f),
            Node::All(parts) => ("all", parts),
            Node::Any(parts) => ("any", parts),
        };
        write!(f, "{word}({})", list(parts))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is == Is::NotSo {
            f.write_str("not ")?;
        }
        self.what.fmt(f)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            What::Status(status) => write!(f, "is {}", status.name()),
            What::Assigned => f.write_str("is assigned"),
            What::Assignee(who) => write!(f, "assigned to {}", list(who)),
            What::Bookmarked(who) => write!(f, "bookmarked by {}", list(who)),
            What::Subscribed(who) => write!(f, "subscribed by {}", list(who)),
            What::Time(time, period) => write!(f, "{} {period}", time.name()),
            What::Count(Count::Events, numbers) => write!(f, "events {numbers}"),
            What::Count(Count::Users, numbers) => write!(f, "users {numbers}"),
            What::Text(text) => write!(f, "text {text}"),
            What::Word(word, values) => write!(f, "{} {}", word.name(), list(values)),
            What::Name(names) => write!(f, "named {}", list(names)),
            What::Issue(numbers) => write!(f, "issue {}", list(numbers)),
            What::Event(ids) => write!(f, "event {}", list(ids)),
            What::Project(values) => write!(f, "project {}", list(values)),
            What::Tag(key, values) => write!(f, "tag {key} {}", list(values)),
            What::HasTag(key) => write!(f, "has tag {key}"),
            What::User(part, values) => write!(f, "user {} {}", part.name(), list(values)),
            What::HasUser(part) => write!(f, "has user {}", part.name()),
            What::Trait(key, values) => write!(f, "{key} {}", list(values)),
            What::HasTrait(key) => write!(f, "has {key}"),
            What::FirstRelease(values) => write!(f, "first release {}", list(values)),
            What::LatestRelease(others) if others.is_empty() => f.write_str("latest release"),
            What::LatestRelease(others) => write!(f, "latest release or {}", list(others)),
            What::Version(compare, version) => write!(f, "version {} {version}", compare.sign()),
            What::Package(values) => write!(f, "package {}", list(values)),
        }
    }
}

fn list<T: fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

impl Time {
    fn name(self) -> &'static str {
        match self {
            Time::FirstSeen => "first seen",
            Time::LastSeen => "last seen",
            Time::Happened => "happened",
        }
    }
}

impl Word {
    /// The field's name.
    pub fn name(self) -> &'static str {
        match self {
            Word::Title => "title",
            Word::Culprit => "culprit",
            Word::Platform => "platform",
            Word::Kind => "kind",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.from.map(|from| match from {
            Bound::Including(at) => format!(">= {at}"),
            Bound::Excluding(at) => format!("> {at}"),
        });
        let to = self.to.map(|to| match to {
            Bound::Including(at) => format!("<= {at}"),
            Bound::Excluding(at) => format!("< {at}"),
        });
        f.write_str(&from.into_iter().chain(to).collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::At(at) => f.write_str(&at.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Moment::SecondsAgo(seconds) => write!(f, "{seconds}s ago"),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Numbers::Compared(compare, number) => write!(f, "{} {number}", compare.sign()),
            Numbers::Among(numbers) => f.write_str(&list(numbers)),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Me => f.write_str("me"),
            Who::MyTeams => f.write_str("my teams"),
            Who::Nobody => f.write_str("nobody"),
            Who::Person(name) => write!(f, "person {name:?}"),
            Who::Team(slug) => write!(f, "team {slug:?}"),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.project, self.number)
    }
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Match::Exact(text) => write!(f, "{text:?}"),
            Match::Glob(texts) => {
                write!(f, "like {}", texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join("*"))
            }
        }
    }
}
