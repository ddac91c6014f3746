//! A question about the events of one issue: here all that is asked must be so of one event.
//!
//! What an event is found by is its row: tags by number, time, platform. Values of a tag that are patterns are looked up among
//! those the issue counts.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    super::query::{Is, Match, Node, Part, Term, Time, What, Word},
    conditions::{Where, like, within},
    counted::{clean, globs, is_counted, numbers, releases},
    in_time, limited,
};
use crate::{
    issues::{
        Issue,
        paging::{Cursor, Direction},
    },
    releases::Release,
};

/// A page of an issue's events that is asked for.
pub(in super::super) struct Events<'a> {
    pub issue: &'a Issue,
    pub root: Option<&'a Node>,
    pub releases: &'a [(i64, Vec<Release>)],
    pub now: DateTime<Utc>,
    pub cursor: Option<Cursor<Uuid>>,
    pub size: usize,
}

/// An event, and its place in the list.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Key {
    pub id: Uuid,
    pub occurred_at: DateTime<Utc>,
    /// Which partition has it.
    pub received_on: NaiveDate,
}

/// Whether a row of an event tells it.
pub(in super::super) fn is_of_events(what: &What) -> bool {
    is_counted(what) || matches!(what, What::Event(_) | What::Time(Time::Happened, _) | What::Word(Word::Platform, _))
}

impl Events<'_> {
    /// One row more than a page, in the direction of the cursor; none when it took too long.
    pub async fn find(&self, db: &PgPool) -> sqlx::Result<Option<Vec<Key>>> {
        let mut sql =
            QueryBuilder::new("select e.id, e.occurred_at, e.received_on from events e where e.project_id = ");
        sql.push_bind(self.issue.project_id).push(" and e.issue_id = ").push_bind(self.issue.id.0);
        if let Some(root) = self.root {
            sql.push(" and ");
            self.node(&mut sql, root);
        }
        let is_backwards = self.cursor.is_some_and(|cursor| cursor.direction == Direction::Previous);
        let (sign, order) = if is_backwards { (">", "") } else { ("<", " desc") };
        if let Some(cursor) = self.cursor {
            sql.push(format!(" and (e.occurred_at, e.id) {sign} (")).push_bind(cursor.at());
            sql.push(", ").push_bind(cursor.id).push(")");
        }
        sql.push(format!(" order by e.occurred_at{order}, e.id{order} limit "));
        sql.push_bind(i64::try_from(self.size + 1).unwrap_or(i64::MAX));
        let mut tx = limited(db).await?;
        in_time(sql.build_query_as::<Key>().persistent(false).fetch_all(&mut *tx).await)
    }

    fn node(&self, sql: &mut QueryBuilder<Postgres>, node: &Node) {
        let (parts, word) = match node {
            Node::Term(term) => return self.term(sql, term),
            Node::All(parts) => (parts, " and "),
            Node::Any(parts) => (parts, " or "),
        };
        sql.push("(");
        for (nth, part) in parts.iter().enumerate() {
            sql.push(if nth > 0 { word } else { "" });
            self.node(sql, part);
        }
        sql.push(")");
    }

    fn term(&self, sql: &mut QueryBuilder<Postgres>, term: &Term) {
        sql.push(if term.is == Is::NotSo { "not (" } else { "(" });
        match &term.what {
            What::Tag(key, values) => {
                sql.push("e.tags && ").push_bind(self.numbers(key, values));
                let globs = globs(values);
                if !globs.is_empty() {
                    self.tagged(sql.push(" or "), key).push(" and t.value ilike any(").push_bind(globs).push("))");
                }
            }
            What::HasTag(key) => {
                self.tagged(sql, key).push(")");
            }
            What::User(part, values) => self.user(sql, *part, Some(values)),
            What::HasUser(part) => self.user(sql, *part, None),
            What::Event(ids) => {
                sql.push("e.id = any(").push_bind(ids.clone()).push(")");
            }
            What::Time(_, period) => {
                sql.push("true");
                within(sql, "e.occurred_at", *period, self.now);
            }
            What::Word(_, values) => {
                let patterns: Vec<String> = values.iter().map(|value| like(value, Where::Whole)).collect();
                sql.push("e.platform ilike any(").push_bind(patterns).push(")");
            }
            what => {
                sql.push("e.tags && ").push_bind(releases(self.releases, what));
            }
        }
        sql.push(")");
    }

    /// Begins a list of tags that the issue counts, to be closed by whoever says more.
    fn tagged<'q>(&self, sql: &'q mut QueryBuilder<Postgres>, key: &str) -> &'q mut QueryBuilder<Postgres> {
        sql.push("e.tags && array(select t.tag from issue_tags t where t.project_id = ");
        sql.push_bind(self.issue.project_id).push(" and t.issue_id = ").push_bind(self.issue.id.0);
        sql.push(" and t.key = ").push_bind(clean(key))
    }

    /// The third tag of an event is its user.
    fn user(&self, sql: &mut QueryBuilder<Postgres>, part: Part, values: Option<&[Match]>) {
        sql.push("e.tags[3] in (select u.tag from event_users u where u.project_id = ")
            .push_bind(self.issue.project_id);
        sql.push(" and u.").push(part.name()).push(" <> ''");
        if let Some(values) = values {
            let patterns: Vec<String> = values.iter().map(|value| like(value, Where::Whole)).collect();
            sql.push(" and u.").push(part.name()).push(" ilike any(").push_bind(patterns).push(")");
        }
        sql.push(")");
    }

    fn numbers(&self, key: &str, values: &[Match]) -> Vec<i64> {
        numbers(&[self.issue.project_id.0], key, values)
    }
}
