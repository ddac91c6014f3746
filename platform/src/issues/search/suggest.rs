//! What may be typed next: keys and values for the word at the cursor.

use std::ops::Range;

use anyhow::{Context, Result};
use sqlx::PgPool;

use super::{
    super::{people, tags},
    fields::{choices, names, tag_of},
};
use crate::projects::Project;

/// Suggestions at once.
const MOST: usize = 20;

/// The word at the cursor, as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Typing {
    Key { prefix: String },
    Value { key: String, prefix: String },
}

/// What may stand instead of a part of the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestions {
    /// In bytes: what a suggestion takes the place of.
    pub span: Range<usize>,
    pub texts: Vec<String>,
}

/// What is being typed at a place of a query, and where that begins.
pub fn typing(query: &str, at: usize) -> (Typing, Range<usize>) {
    let at = (0..=at.min(query.len())).rev().find(|at| query.is_char_boundary(*at)).unwrap_or(0);
    let before = &query[..at];
    let mut start = 0;
    let mut in_quotes = false;
    let mut in_list = false;
    for (place, c) in before.char_indices() {
        match c {
            '"' => in_quotes = !in_quotes,
            '[' => in_list = true,
            ']' => in_list = false,
            ' ' | '(' if !in_quotes && !in_list => start = place + 1,
            _ => (),
        }
    }
    let start = start + usize::from(before[start..].starts_with('!'));
    let Some((key, value)) = before[start..].split_once(':') else {
        return (Typing::Key { prefix: before[start..].to_owned() }, start..at);
    };
    let list = value.rfind(['[', ',']).filter(|_| value.starts_with('[')).map_or(0, |last| last + 1);
    let value = value[list..].trim_start();
    let span = at - value.len()..at;
    (Typing::Value { key: key.to_owned(), prefix: value.trim_start_matches('"').to_owned() }, span)
}

/// Suggests what may stand at a place of a query.
pub async fn suggest(db: &PgPool, projects: &[Project], query: &str, at: usize) -> Result<Suggestions> {
    let (typing, span) = typing(query, at);
    let numbers: Vec<i64> = projects.iter().map(|project| project.id.0).collect();
    let texts = match &typing {
        Typing::Key { prefix } => keys(db, &numbers, prefix).await,
        Typing::Value { key, prefix } => values(db, projects, key, prefix).await,
    };
    Ok(Suggestions { span, texts: texts.context("looking for suggestions")? })
}

async fn keys(db: &PgPool, projects: &[i64], prefix: &str) -> sqlx::Result<Vec<String>> {
    let fits = |name: &&str| name.to_lowercase().starts_with(&prefix.to_lowercase());
    let mut keys: Vec<String> = names().filter(fits).map(str::to_owned).collect();
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    for key in tags::keys_of_projects(db, projects, prefix, most).await? {
        if !keys.contains(&key.key) {
            keys.push(key.key);
        }
    }
    keys.truncate(MOST);
    let is_plain = |key: &str| key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    Ok(keys.into_iter().map(|key| if is_plain(&key) { format!("{key}:") } else { format!("{key:?}:") }).collect())
}

async fn values(db: &PgPool, projects: &[Project], key: &str, prefix: &str) -> sqlx::Result<Vec<String>> {
    let fits = |value: &&&str| value.to_lowercase().starts_with(&prefix.to_lowercase());
    let mut values: Vec<String> = choices(key).iter().filter(fits).map(|value| (*value).to_owned()).collect();
    if key == "has" {
        let keys = keys(db, &projects.iter().map(|project| project.id.0).collect::<Vec<_>>(), prefix).await?;
        return Ok(keys.into_iter().map(|key| key.trim_end_matches(':').to_owned()).collect());
    }
    values.extend(stored(db, projects, key, prefix).await?);
    values.truncate(MOST);
    Ok(values.into_iter().map(|value| quoted(&value)).collect())
}

/// The values that projects have, or their organisation.
async fn stored(db: &PgPool, projects: &[Project], key: &str, prefix: &str) -> sqlx::Result<Vec<String>> {
    let most = i64::try_from(MOST).unwrap_or(i64::MAX);
    let numbers: Vec<i64> = projects.iter().map(|project| project.id.0).collect();
    let begins = |value: &String| value.to_lowercase().starts_with(&prefix.to_lowercase());
    match key {
        "assigned" | "assigned_to" | "assignee" | "bookmarks" | "subscribed" => {
            let Some(project) = projects.first() else { return Ok(Vec::new()) };
            let people = people::members(db, project.organization_id).await?.into_iter().map(|person| person.email);
            let teams =
                if key.starts_with("assign") { people::teams(db, project.organization_id).await? } else { Vec::new() };
            Ok(people.chain(teams.into_iter().map(|team| format!("#{}", team.slug))).filter(begins).collect())
        }
        "project" | "project.name" => Ok(projects.iter().map(|project| project.slug.clone()).filter(begins).collect()),
        "user.id" | "user.email" | "user.username" | "user.ip" => {
            tags::known_users(db, &numbers, &key["user.".len()..], prefix, most).await
        }
        _ => match tag_of(key) {
            Some(tag) => {
                let latest = (tag == "release" && "latest".starts_with(prefix)).then(|| "latest".to_owned());
                let known = tags::values_of_projects(db, &numbers, tag, prefix, most).await?;
                Ok(latest.into_iter().chain(known.into_iter().map(|value| value.value)).collect())
            }
            None => tags::known_traits(db, &numbers, key, prefix, most).await,
        },
    }
}

/// What finds a value of a tag.
pub fn typed(key: &str, value: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if is_plain { format!("{key}:{}", quoted(value)) } else { format!("{key:?}:{}", quoted(value)) }
}

/// A value as it must be typed.
fn quoted(value: &str) -> String {
    let is_plain = !value.is_empty()
        && !value.starts_with('[')
        && value.chars().all(|c| !c.is_whitespace() && !matches!(c, '"' | '(' | ')' | '*' | ',' | '\\'));
    if is_plain {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\\', r"\\").replace('"', r#"\""#).replace('*', r"\*"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_the_end(query: &str) -> (Typing, &str) {
        let (typing, span) = typing(query, query.len());
        (typing, &query[span])
    }

    #[test]
    fn the_word_at_the_cursor_is_a_key_or_a_value() {
        let key = |prefix: &str| Typing::Key { prefix: prefix.into() };
        let value = |key: &str, prefix: &str| Typing::Value { key: key.into(), prefix: prefix.into() };
        assert_eq!(at_the_end(""), (key(""), ""));
        assert_eq!(at_the_end("is:unresolved re"), (key("re"), "re"));
        assert_eq!(at_the_end("(!re"), (key("re"), "re"));
        assert_eq!(at_the_end("region:e"), (value("region", "e"), "e"));
        assert_eq!(at_the_end("region:[eu, u"), (value("region", "u"), "u"));
        assert_eq!(at_the_end(r#"browser:"Firefox 1"#), (value("browser", "Firefox 1"), r#""Firefox 1"#));
        assert_eq!(typing("region:eu level:x", 8).1, 7..8);
        assert_eq!(typing("商", 1), (key(""), 0..0));
    }

    #[test]
    fn a_suggested_value_can_be_typed_as_it_stands() {
        assert_eq!(["eu", "a b", r#"a"b"#, "[x", ""].map(quoted), ["eu", r#""a b""#, r#""a\"b""#, r#""[x""#, r#""""#]);
    }
}
