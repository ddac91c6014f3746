//! Finding issues: what people type, and the one place that builds SQL from it.
//!
//! Understood are `is:unresolved`, `is:resolved` and `is:ignored`; everything else is looked for in titles and culprits, as
//! one text. The grammar of Sentry's search grows here.

use anyhow::{Context, Result};
use sqlx::{PgPool, Postgres, QueryBuilder};

use super::{
    Issue, Status,
    paging::{Cursor, Direction, Slice},
};
use crate::projects::ProjectId;

/// What is looked for when nobody says.
pub const DEFAULT_QUERY: &str = "is:unresolved";

/// A query, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Only issues of this status.
    pub status: Option<Status>,
    /// Part of the title or the culprit.
    pub text: String,
}

/// A query nobody can answer; the text is for the person who typed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misunderstood(pub String);

impl Search {
    /// Reads what somebody typed.
    pub fn parse(query: &str) -> Result<Search, Misunderstood> {
        let mut status = None;
        let mut words = Vec::new();
        for word in query.split_whitespace() {
            match word.strip_prefix("is:") {
                Some(name) => {
                    let known = Status::parse(name);
                    status = Some(known.ok_or_else(|| Misunderstood(format!("Invalid value for \"is\": {name}")))?);
                }
                None => words.push(word),
            }
        }
        let text = words.join(" ").trim_matches('"').to_owned();
        Ok(Search { status, text })
    }

    /// The query that says this.
    pub fn query(&self) -> String {
        let status = self.status.map(|status| format!("is:{}", status.name()));
        let text = Some(self.text.clone()).filter(|text| !text.is_empty());
        status.into_iter().chain(text).collect::<Vec<_>>().join(" ")
    }
}

/// One page of a project's issues, last seen first.
pub async fn find(
    db: &PgPool,
    project: ProjectId,
    search: &Search,
    cursor: Option<Cursor<i64>>,
    size: usize,
) -> Result<Slice<Issue, i64>> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select project_id, id, short_id, title, culprit, kind, level, platform, status, decision, first_seen, last_seen, times_seen
         from issues where project_id = ",
    );
    sql.push_bind(project);
    if let Some(status) = search.status {
        sql.push(" and status = ").push_bind(status);
    }
    if !search.text.is_empty() {
        let pattern = like(&search.text);
        sql.push(" and (title ilike ")
            .push_bind(pattern.clone())
            .push(" or culprit ilike ")
            .push_bind(pattern)
            .push(")");
    }
    let backwards = cursor.is_some_and(|cursor| cursor.direction == Direction::Previous);
    if let Some(cursor) = &cursor {
        sql.push(if backwards { " and (last_seen, id) > (" } else { " and (last_seen, id) < (" });
        sql.push_bind(cursor.at).push(", ").push_bind(cursor.id).push(")");
    }
    sql.push(if backwards { " order by last_seen, id" } else { " order by last_seen desc, id desc" });
    sql.push(" limit ").push_bind(i64::try_from(size + 1)?);
    let rows = sql.build_query_as::<Issue>().fetch_all(db).await.context("searching issues")?;
    Ok(Slice::cut(rows, size, cursor.as_ref(), |issue| (issue.last_seen, issue.id.0)))
}

/// A pattern that finds the text itself: what means something in a pattern is taken literally.
fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_and_a_text_are_told_apart() {
        let search = Search::parse(r#"is:resolved "division by"  "#).unwrap();
        assert_eq!(search, Search { status: Some(Status::Resolved), text: "division by".into() });
        assert_eq!(search.query(), "is:resolved division by");
    }

    #[test]
    fn nothing_typed_finds_everything() {
        assert_eq!(Search::parse("").unwrap(), Search::default());
    }

    #[test]
    fn an_unknown_status_is_said() {
        assert!(Search::parse("is:purple").unwrap_err().0.contains("purple"));
    }

    #[test]
    fn a_percent_sign_is_only_itself() {
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
