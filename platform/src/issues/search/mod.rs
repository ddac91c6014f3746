//! Finding issues: what people type, and what it means.
//!
//! `lexer` and `parser` make a tree of terms of it (`query`), `fields` and `values` know the names and what is possible for each, and
//! `sql` asks the database. What is wrong with a query is said where it stands (`problem`).
//!
//! An issue is found by a tag when one of its events has it, and by `!tag` when one of its events does not: `!environment:dev`
//! hides what happens in `dev` alone. Of two tags each may be another event's. Everything else a `!` turns into its opposite.

mod fields;
mod lexer;
mod parser;
pub mod problem;
pub mod query;
mod sql;
pub mod suggest;
#[cfg(test)]
mod tests;
mod values;

pub use sql::Key;
pub use suggest::typed;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    Issue, Status,
    paging::{Cursor, Slice},
};
use crate::{
    auth::UserId,
    projects::Project,
    releases::{self, Release},
};
use problem::{Kind, Problem};
use query::{Bound, Is, Match, Moment, Node, Period, Term, Time, What};

/// What is looked for when nobody says.
pub const DEFAULT_QUERY: &str = "is:unresolved";
/// Releases of the projects that are looked through for versions.
const MOST_RELEASES: i64 = 10_000;

/// A query, understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Search {
    text: String,
    root: Option<Node>,
}

/// The order of a list; the largest or latest is first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    LastSeen,
    FirstSeen,
    Events,
    Users,
    /// When it was last seen, and later by six hours for each ten-fold of its events and by twelve for each of its users: of
    /// two issues of the same hour the one that hurts more comes first, and an old one sinks however large it was.
    Priority,
}

impl Sort {
    /// Reads Sentry's word for it.
    pub fn parse(name: &str) -> Option<Sort> {
        match name {
            "" | "date" | "inbox" => Some(Sort::LastSeen),
            "new" => Some(Sort::FirstSeen),
            "freq" => Some(Sort::Events),
            "user" => Some(Sort::Users),
            "priority" | "trends" | "recommended" => Some(Sort::Priority),
            _ => None,
        }
    }
}

/// Who asks for what, where.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub user: UserId,
    /// Those whose issues are looked through; whoever asks may see them all.
    pub projects: &'a [Project],
    pub search: Search,
    pub sort: Sort,
    pub now: DateTime<Utc>,
}

impl Question<'_> {
    /// The projects' numbers.
    fn numbers(&self) -> Vec<i64> {
        self.projects.iter().map(|project| project.id.0).collect()
    }
}

/// What came of looking.
#[derive(Clone, Debug)]
pub enum Found<T, Id> {
    Page(Slice<T, Id>),
    /// The database was stopped after eight seconds.
    TooSlow,
}

impl Search {
    /// Reads what somebody typed.
    pub fn parse(query: &str) -> Result<Search, Problem> {
        Ok(Search { text: query.to_owned(), root: parser::parse(query)? })
    }

    /// Reads what somebody typed to find events of an issue. Less is possible there: see [`Kind::NotOfEvents`].
    pub fn of_events(query: &str) -> Result<Search, Problem> {
        // An id alone is what people paste.
        let search = match Uuid::try_parse(query.trim()) {
            Ok(id) => Search::parse(&format!("id:{}", id.simple()))?,
            Err(_) => Search::parse(query)?,
        };
        let other = search.root.iter().flat_map(Node::terms).find(|term| !sql::is_of_events(&term.what));
        match other {
            None => Ok(search),
            Some(term) => {
                let typed = query.get(term.span.clone()).unwrap_or_default().to_owned();
                Err(Problem::new(Kind::NotOfEvents(typed), term.span.clone()))
            }
        }
    }

    /// Asks for issues by their numbers.
    pub fn of_issues(issues: &[i64]) -> Search {
        let term = Term { is: Is::So, what: What::Issue(issues.to_vec()), span: 0..0 };
        Search { text: String::new(), root: Some(Node::Term(term)) }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means, in words.
    pub fn meaning(&self) -> String {
        self.root.as_ref().map_or_else(|| "everything".into(), ToString::to_string)
    }

    /// The one status it asks for.
    pub fn status(&self) -> Option<Status> {
        let mut statuses = self.statuses();
        match (statuses.next(), statuses.next()) {
            (Some((status, _)), None) => Some(status),
            _ => None,
        }
    }

    /// The query that asks for another status, or for all.
    pub fn with_status(&self, status: Option<Status>) -> String {
        let mut rest = self.text.clone();
        for (_, term) in self.statuses().collect::<Vec<_>>().into_iter().rev() {
            rest.replace_range(term.span.clone(), "");
        }
        let status = status.map(|status| format!("is:{}", status.name()));
        let words = rest.split_whitespace().collect::<Vec<_>>().join(" ");
        status.into_iter().chain(Some(words).filter(|words| !words.is_empty())).collect::<Vec<_>>().join(" ")
    }

    /// The statuses that everything found must have.
    fn statuses(&self) -> impl Iterator<Item = (Status, &Term)> {
        let parts = match &self.root {
            Some(Node::All(parts)) => parts.as_slice(),
            Some(node) => std::slice::from_ref(node),
            None => &[],
        };
        parts.iter().filter_map(|part| match part {
            Node::Term(term @ Term { is: Is::So, what: What::Status(status), .. }) => Some((*status, term)),
            _ => None,
        })
    }

    /// The same, of events of these environments; an empty one is that of events without any.
    #[must_use]
    pub fn within(self, environments: &[String]) -> Search {
        if environments.is_empty() {
            return self;
        }
        let term = |is, what| Node::Term(Term { is, what, span: 0..0 });
        let key = || "environment".to_owned();
        let named = environments.iter().filter(|name| !name.is_empty()).cloned().map(Match::Exact).collect::<Vec<_>>();
        let none = environments.iter().any(String::is_empty).then(|| term(Is::NotSo, What::HasTag(key())));
        let named = Some(named).filter(|named| !named.is_empty()).map(|named| term(Is::So, What::Tag(key(), named)));
        self.and(Node::Any(named.into_iter().chain(none).collect()))
    }

    /// The same, of issues that were seen in a period.
    #[must_use]
    pub fn during(self, from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>) -> Search {
        let term = |time, period| Node::Term(Term { is: Is::So, what: What::Time(time, period), span: 0..0 });
        let bound = |at| Some(Bound::Including(Moment::At(at)));
        let from = from.map(|at| term(Time::LastSeen, Period { from: bound(at), to: None }));
        let to = to.map(|at| term(Time::FirstSeen, Period { from: None, to: bound(at) }));
        from.into_iter().chain(to).fold(self, Search::and)
    }

    fn and(mut self, node: Node) -> Search {
        self.root = Some(match self.root.take() {
            Some(Node::All(mut parts)) => {
                parts.push(node);
                Node::All(parts)
            }
            Some(root) => Node::All(vec![root, node]),
            None => node,
        });
        self
    }

    fn needs_releases(&self) -> bool {
        let is_about =
            |term: &&Term| matches!(term.what, What::LatestRelease(_) | What::Version(..) | What::Package(_));
        self.root.as_ref().is_some_and(|root| root.terms().iter().any(is_about))
    }
}

/// One page of the issues that are looked for.
pub async fn find(
    db: &PgPool,
    question: &Question<'_>,
    cursor: Option<Cursor<i64>>,
    size: usize,
) -> Result<Found<Issue, i64>> {
    let releases = releases_of(db, &question.search, &question.numbers()).await?;
    let sql = sql::Issues { question, releases: &releases, cursor, size };
    let Some(rows) = sql.find(db).await.context("searching issues")? else { return Ok(Found::TooSlow) };
    let slice = Slice::cut(rows, size, cursor.as_ref(), |row| (row.key, row.issue.id.0));
    let rows = slice.rows.into_iter().map(|row| row.issue).collect();
    Ok(Found::Page(Slice { rows, previous: slice.previous, next: slice.next }))
}

/// One page of the events of an issue that are looked for; each of them is all that is asked.
pub async fn find_events(
    db: &PgPool,
    issue: &Issue,
    (search, now): (&Search, DateTime<Utc>),
    (cursor, size): (Option<Cursor<Uuid>>, usize),
) -> Result<Found<Key, Uuid>> {
    let releases = releases_of(db, search, &[issue.project_id.0]).await?;
    let sql = sql::Events { issue, root: search.root.as_ref(), releases: &releases, now, cursor, size };
    let Some(rows) = sql.find(db).await.context("searching events")? else { return Ok(Found::TooSlow) };
    Ok(Found::Page(Slice::cut(rows, size, cursor.as_ref(), |row| (row.occurred_at.timestamp_micros(), row.id))))
}

/// The releases of each project, the latest first, where the question is about them.
async fn releases_of(db: &PgPool, search: &Search, projects: &[i64]) -> Result<Vec<(i64, Vec<Release>)>> {
    if !search.needs_releases() {
        return Ok(Vec::new());
    }
    let all = releases::store::versions(db, projects, MOST_RELEASES).await.context("listing releases")?;
    let of = |project: i64| all.iter().filter(|(of, _)| of.0 == project).map(|(_, release)| release.clone()).collect();
    Ok(projects.iter().map(|project| (*project, of(*project))).collect())
}
