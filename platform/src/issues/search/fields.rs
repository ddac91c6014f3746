//! The names a query knows, and what a value means for each. Every other name is a tag's.

use uuid::Uuid;

use super::{
    super::Status,
    lexer::{Filter, Text, Values},
    problem::{Kind, Problem},
    query::{Compare, Count, Is, Match, Name, Numbers, Part, Time, What, Who, Word},
    values::{number, numbers, period, version},
};
use crate::protocol::traits;

const STATUSES: &[&str] = &["unresolved", "resolved", "ignored", "assigned", "unassigned"];
const LEVELS: &[&str] = &["fatal", "error", "warning", "info", "debug"];
const BOOLEANS: &[&str] = &["true", "false"];

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Is,
    Has,
    Assignee,
    Bookmarked,
    Subscribed,
    Time(Time),
    Count(Count),
    Text,
    Word(Word),
    Name,
    Issue,
    Event,
    Project,
    Level,
    User(Option<Part>),
    Release,
    FirstRelease,
    Version,
    Package,
    /// A tag whose values are `yes` and `no`; of the second, asked the other way round.
    Handled,
    Unhandled,
    /// Another name of a tag.
    Tag(&'static str),
}

/// Sentry's names, in what is written today and in what version 9 knew.
const FIELDS: &[(&str, Field)] = &[
    ("is", Field::Is),
    ("has", Field::Has),
    ("assigned", Field::Assignee),
    ("assigned_to", Field::Assignee),
    ("assignee", Field::Assignee),
    ("bookmarks", Field::Bookmarked),
    ("bookmarked_by", Field::Bookmarked),
    ("subscribed", Field::Subscribed),
    ("age", Field::Time(Time::FirstSeen)),
    ("first_seen", Field::Time(Time::FirstSeen)),
    ("firstSeen", Field::Time(Time::FirstSeen)),
    ("first-seen", Field::Time(Time::FirstSeen)),
    ("last_seen", Field::Time(Time::LastSeen)),
    ("lastSeen", Field::Time(Time::LastSeen)),
    ("last-seen", Field::Time(Time::LastSeen)),
    ("timestamp", Field::Time(Time::Happened)),
    ("event.timestamp", Field::Time(Time::Happened)),
    ("times_seen", Field::Count(Count::Events)),
    ("timesSeen", Field::Count(Count::Events)),
    ("users_seen", Field::Count(Count::Users)),
    ("usersSeen", Field::Count(Count::Users)),
    ("user_count", Field::Count(Count::Users)),
    ("userCount", Field::Count(Count::Users)),
    ("message", Field::Text),
    ("title", Field::Word(Word::Title)),
    ("culprit", Field::Word(Word::Culprit)),
    ("location", Field::Word(Word::Culprit)),
    ("platform", Field::Word(Word::Platform)),
    ("platform.name", Field::Word(Word::Platform)),
    ("event.type", Field::Word(Word::Kind)),
    ("type", Field::Word(Word::Kind)),
    ("issue", Field::Name),
    ("issue.id", Field::Issue),
    ("id", Field::Event),
    ("event.id", Field::Event),
    ("project", Field::Project),
    ("project.name", Field::Project),
    ("level", Field::Level),
    ("user", Field::User(None)),
    ("user.id", Field::User(Some(Part::Id))),
    ("user.email", Field::User(Some(Part::Email))),
    ("user.username", Field::User(Some(Part::Username))),
    ("user.ip", Field::User(Some(Part::Ip))),
    ("user.ip_address", Field::User(Some(Part::Ip))),
    ("release", Field::Release),
    ("first_release", Field::FirstRelease),
    ("firstRelease", Field::FirstRelease),
    ("first-release", Field::FirstRelease),
    ("release.version", Field::Version),
    ("release.package", Field::Package),
    ("error.handled", Field::Handled),
    ("error.unhandled", Field::Unhandled),
    ("error.mechanism", Field::Tag("mechanism")),
    ("http.url", Field::Tag("url")),
];

/// The names, for whoever types one.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name).chain(traits::KEYS.iter().copied())
}

/// The values of a field that has only a few.
pub(super) fn choices(key: &str) -> &'static [&'static str] {
    match field(key) {
        Some(Field::Is) => STATUSES,
        Some(Field::Level) => LEVELS,
        Some(Field::Assignee) => &["me", "my_teams", "none"],
        Some(Field::Bookmarked | Field::Subscribed) => &["me"],
        Some(Field::Time(_)) => &["-1h", "-24h", "-7d", "-14d", "+30d"],
        Some(Field::Word(Word::Kind)) => &["error", "default", "csp"],
        Some(Field::Handled | Field::Unhandled) => BOOLEANS,
        _ => &[],
    }
}

/// The tag a name stands for.
pub(super) fn tag_of(key: &str) -> Option<&str> {
    match field(key) {
        None if traits::KEYS.contains(&key) => None,
        None => Some(key),
        Some(Field::Tag(tag)) => Some(tag),
        Some(Field::Release | Field::FirstRelease) => Some("release"),
        Some(_) => None,
    }
}

fn field(key: &str) -> Option<Field> {
    FIELDS.iter().find(|(name, _)| *name == key).map(|(_, field)| *field)
}

/// Whether a name is more than a tag's.
pub(super) fn is_known(key: &str) -> bool {
    field(key).is_some() || traits::KEYS.contains(&key)
}

/// What a filter asks.
pub(super) fn understand(filter: &Filter) -> Result<(Is, What), Problem> {
    let is = if filter.is_negated { Is::NotSo } else { Is::So };
    if let Values::One(text) = &filter.values
        && text.is_empty()
    {
        // `key:""` asks for what has none; `key:` is not finished.
        if text.span.is_empty() {
            let span = filter.key_span.start..filter.key_span.end + 1;
            return Err(Problem::new(Kind::NoValue(filter.key.clone()), span));
        }
        let other = if is == Is::So { Is::NotSo } else { Is::So };
        return Ok((other, has(&filter.key, text, filter.is_tag)?));
    }
    match field(&filter.key).filter(|_| !filter.is_tag) {
        Some(field) => Ok((is, of_field(field, filter)?)),
        None if !filter.is_tag && traits::KEYS.contains(&filter.key.as_str()) => {
            Ok((is, What::Trait(filter.key.clone(), matches(filter))))
        }
        None => Ok((is, What::Tag(filter.key.clone(), matches(filter)))),
    }
}

fn of_field(field: Field, filter: &Filter) -> Result<What, Problem> {
    Ok(match field {
        Field::Is => status(one(filter)?)?,
        Field::Has => {
            let value = one(filter)?;
            has(&exact(value, &filter.key)?, value, false)?
        }
        Field::Assignee => What::Assignee(each(filter, who)?),
        Field::Bookmarked => What::Bookmarked(each(filter, who)?),
        Field::Subscribed => What::Subscribed(each(filter, who)?),
        Field::Time(time) => What::Time(time, period(one(filter)?)?),
        Field::Count(count) => What::Count(
            count,
            match &filter.values {
                Values::One(text) => numbers(text)?,
                Values::List(texts) => Numbers::Among(texts.iter().map(number).collect::<Result<_, _>>()?),
            },
        ),
        Field::Text => What::Text(one(filter)?.to_match()),
        Field::Word(word) => What::Word(word, matches(filter)),
        Field::Name => What::Name(each(filter, name)?),
        Field::Issue => What::Issue(each(filter, number)?),
        Field::Event => What::Event(each(filter, event)?),
        Field::Project => What::Project(matches(filter)),
        Field::Level => What::Tag("level".into(), each(filter, level)?),
        Field::User(None) => user(filter),
        Field::User(Some(part)) => What::User(part, matches(filter)),
        Field::Release => release(matches(filter)),
        Field::FirstRelease => What::FirstRelease(matches(filter)),
        Field::Version => {
            let (compare, of) = version(one(filter)?)?;
            What::Version(compare, of)
        }
        Field::Package => What::Package(matches(filter)),
        Field::Handled => What::Tag("handled".into(), vec![yes_or_no(one(filter)?, ["yes", "no"])?]),
        Field::Unhandled => What::Tag("handled".into(), vec![yes_or_no(one(filter)?, ["no", "yes"])?]),
        Field::Tag(tag) => What::Tag(tag.into(), matches(filter)),
    })
}

fn one(filter: &Filter) -> Result<&Text, Problem> {
    match &filter.values {
        Values::One(text) => Ok(text),
        Values::List(texts) => {
            let end = texts.last().map_or(filter.key_span.end, |text| text.span.end);
            Err(Problem::new(Kind::NoList(filter.key.clone()), filter.key_span.start..end))
        }
    }
}

fn all(filter: &Filter) -> &[Text] {
    match &filter.values {
        Values::One(text) => std::slice::from_ref(text),
        Values::List(texts) => texts,
    }
}

fn matches(filter: &Filter) -> Vec<Match> {
    all(filter).iter().map(Text::to_match).collect()
}

fn each<T>(filter: &Filter, read: fn(&Text) -> Result<T, Problem>) -> Result<Vec<T>, Problem> {
    let texts = all(filter);
    if let Some(text) = texts.iter().find(|text| text.has_star()) {
        return Err(Problem::new(Kind::NoGlob(filter.key.clone()), text.span.clone()));
    }
    texts.iter().map(read).collect()
}

fn exact(text: &Text, key: &str) -> Result<String, Problem> {
    match text.to_match() {
        Match::Exact(text) => Ok(text),
        Match::Glob(_) => Err(Problem::new(Kind::NoGlob(key.to_owned()), text.span.clone())),
    }
}

fn status(text: &Text) -> Result<What, Problem> {
    let value = text.plain();
    match value.as_str() {
        "assigned" => Ok(What::Assigned),
        "archived" => Ok(What::Status(Status::Ignored)),
        // What is not assigned is asked with a term of its own, so that it can be negated too.
        "unassigned" => Ok(What::Assignee(vec![Who::Nobody])),
        _ => Status::parse(&value)
            .map(What::Status)
            .ok_or_else(|| Problem::new(Kind::NotOneOf(value, STATUSES), text.span.clone())),
    }
}

fn has(key: &str, text: &Text, is_tag: bool) -> Result<What, Problem> {
    Ok(match field(key).filter(|_| !is_tag) {
        Some(Field::Assignee) => What::Assigned,
        Some(Field::User(part)) => part.map_or_else(|| What::HasTag("user".into()), What::HasUser),
        Some(Field::Release) => What::HasTag("release".into()),
        Some(Field::Level) => What::HasTag("level".into()),
        Some(Field::Tag(tag)) => What::HasTag(tag.into()),
        Some(Field::Handled | Field::Unhandled) => What::HasTag("handled".into()),
        Some(Field::Word(word)) => What::Word(word, vec![Match::Glob(vec![String::new(), String::new()])]),
        Some(_) => return Err(Problem::new(Kind::AlwaysThere(key.to_owned()), text.span.clone())),
        None if !is_tag && traits::KEYS.contains(&key) => What::HasTrait(key.to_owned()),
        None => What::HasTag(key.to_owned()),
    })
}

fn who(text: &Text) -> Result<Who, Problem> {
    let name = text.plain();
    Ok(match name.as_str() {
        "me" => Who::Me,
        "none" => Who::Nobody,
        "my_teams" | "my-teams" => Who::MyTeams,
        _ => match name.strip_prefix('#') {
            Some("") => return Err(Problem::new(Kind::NoValue("assigned".into()), text.span.clone())),
            Some(team) => Who::Team(team.to_lowercase()),
            None => Who::Person(name.to_lowercase()),
        },
    })
}

fn name(text: &Text) -> Result<Name, Problem> {
    let value = text.plain();
    let read = || {
        let (project, number) = value.rsplit_once('-')?;
        let number = number.parse().ok().filter(|number| *number > 0)?;
        (!project.is_empty()).then(|| Name { project: project.to_lowercase(), number })
    };
    read().ok_or_else(|| Problem::new(Kind::NotIssue(value.clone()), text.span.clone()))
}

fn event(text: &Text) -> Result<Uuid, Problem> {
    let value = text.plain();
    Uuid::try_parse(&value).map_err(|_| Problem::new(Kind::NotEvent(value), text.span.clone()))
}

fn level(text: &Text) -> Result<Match, Problem> {
    let value = text.plain();
    let name = match value.as_str() {
        "warn" => "warning",
        "critical" => "fatal",
        other => other,
    };
    let known = LEVELS.iter().find(|level| **level == name);
    known
        .map(|level| Match::Exact((*level).to_owned()))
        .ok_or_else(|| Problem::new(Kind::NotOneOf(value, LEVELS), text.span.clone()))
}

/// `user:` is the tag, whose values say by what they know somebody: `id:7`, `email:ada@example.com`.
fn user(filter: &Filter) -> What {
    let known = |text: &Text| {
        let value = text.plain();
        value.split_once(':').is_some_and(|(by, _)| matches!(by, "id" | "email" | "username" | "ip"))
    };
    let by = |text: &Text| if known(text) { text.to_match() } else { prefixed(text) };
    What::Tag("user".into(), all(filter).iter().map(by).collect())
}

/// A value alone may be any of what somebody is known by.
fn prefixed(text: &Text) -> Match {
    match text.to_match() {
        Match::Exact(value) => Match::Glob(vec![String::new(), format!(":{value}")]),
        glob @ Match::Glob(_) => glob,
    }
}

/// `latest` is a word of its own.
fn release(mut values: Vec<Match>) -> What {
    let before = values.len();
    values.retain(|value| *value != Match::Exact("latest".into()));
    if values.len() < before { What::LatestRelease(values) } else { What::Tag("release".into(), values) }
}

fn yes_or_no(text: &Text, [yes, no]: [&str; 2]) -> Result<Match, Problem> {
    let value = text.plain();
    match value.as_str() {
        "true" | "1" | "yes" => Ok(Match::Exact(yes.into())),
        "false" | "0" | "no" => Ok(Match::Exact(no.into())),
        _ => Err(Problem::new(Kind::NotBoolean(value), text.span.clone())),
    }
}

/// A comparison typed in front of a value.
pub(super) fn comparison(value: &str) -> (Option<Compare>, &str) {
    let signs = [Compare::AtLeast, Compare::AtMost, Compare::More, Compare::Less, Compare::Equal];
    signs
        .into_iter()
        .find_map(|compare| value.strip_prefix(compare.sign()).map(|rest| (Some(compare), rest)))
        .unwrap_or((None, value))
}
