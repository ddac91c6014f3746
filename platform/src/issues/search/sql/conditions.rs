//! Terms about an issue itself, and about what people made of it.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, QueryBuilder};

use super::{
    super::query::{Bound, Count, Is, Match, Node, Numbers, Period, Term, Time, What, Who, Word},
    Issues,
};
use crate::projects::Project;

/// The conditions of a question, as they are written.
pub(super) struct Conditions<'a> {
    pub sql: QueryBuilder<Postgres>,
    pub issues: &'a Issues<'a>,
    pub projects: Vec<i64>,
}

/// Whether a pattern may stand anywhere in a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Whole,
    Anywhere,
}

impl<'a> Conditions<'a> {
    pub fn new(sql: QueryBuilder<Postgres>, issues: &'a Issues<'a>, projects: Vec<i64>) -> Conditions<'a> {
        Conditions { sql, issues, projects }
    }

    pub fn with(mut self, node: &Node) -> QueryBuilder<Postgres> {
        self.node(node);
        self.sql
    }

    fn node(&mut self, node: &Node) {
        let (parts, word) = match node {
            Node::Term(term) => return self.term(term),
            Node::All(parts) => (parts, " and "),
            Node::Any(parts) => (parts, " or "),
        };
        self.sql.push("(");
        for (nth, part) in parts.iter().enumerate() {
            self.sql.push(if nth > 0 { word } else { "" });
            self.node(part);
        }
        self.sql.push(")");
    }

    fn term(&mut self, term: &Term) {
        if term.is == Is::NotSo && self.not_of_all(&term.what) {
            return;
        }
        self.sql.push(if term.is == Is::NotSo { "not (" } else { "(" });
        if !self.counted(&term.what) {
            self.what(&term.what);
        }
        self.sql.push(")");
    }

    fn what(&mut self, what: &What) {
        match what {
            What::Status(status) => {
                self.sql.push("i.status = ").push_bind(*status);
            }
            What::Assigned => {
                self.sql.push(
                    "exists (select from issue_assignees a where a.project_id = i.project_id and a.issue_id = i.id)",
                );
            }
            What::Assignee(who) => self.each(who, Conditions::assignee),
            What::Bookmarked(who) => self.each(who, |this, who| this.marked("issue_bookmarks m", "", who)),
            What::Subscribed(who) => {
                self.each(who, |this, who| this.marked("issue_subscriptions m", " and m.is_active", who));
            }
            What::Time(time, period) => self.time(*time, *period),
            What::Count(count, numbers) => self.count(*count, numbers),
            What::Text(text) => {
                let pattern = like(text, Where::Anywhere);
                self.sql.push("i.title ilike ").push_bind(pattern.clone());
                self.sql.push(" or i.culprit ilike ").push_bind(pattern);
            }
            What::Word(word, values) => {
                let patterns: Vec<String> = values.iter().map(|value| like(value, Where::Whole)).collect();
                self.sql.push(column(*word)).push(" ilike any(").push_bind(patterns).push(")");
            }
            What::Name(names) => self.each(names, |this, name| {
                let project = this.projects_that(|project| project.slug.to_lowercase() == name.project);
                this.sql.push("i.project_id = any(").push_bind(project);
                this.sql.push(") and i.short_id = ").push_bind(name.number);
            }),
            What::Issue(numbers) => {
                self.sql.push("i.id = any(").push_bind(numbers.clone()).push(")");
            }
            What::Project(values) => {
                let meant = self.projects_that(|project| values.iter().any(|value| value.fits(&project.slug)));
                self.sql.push("i.project_id = any(").push_bind(meant).push(")");
            }
            _ => {
                self.sql.push("false");
            }
        }
    }

    fn projects_that(&self, is_meant: impl Fn(&Project) -> bool) -> Vec<i64> {
        let projects = self.issues.question.projects.iter();
        projects.filter(|project| is_meant(project)).map(|project| project.id.0).collect()
    }

    fn each<T>(&mut self, values: &[T], condition: impl Fn(&mut Self, &T)) {
        for (nth, value) in values.iter().enumerate() {
            self.sql.push(if nth > 0 { " or (" } else { "(" });
            condition(self, value);
            self.sql.push(")");
        }
    }

    /// Begins a list of issues of the projects, to be closed by whoever says more.
    pub(super) fn of_projects(&mut self, table: &str, alias: &str) {
        self.sql.push(format!("i.id in (select {alias}.issue_id from {table} where {alias}.project_id = any("));
        self.sql.push_bind(self.projects.clone()).push(")");
    }

    fn assignee(&mut self, who: &Who) {
        match who {
            Who::Nobody => {
                self.sql.push("not ");
                return self.what(&What::Assigned);
            }
            Who::Me | Who::Person(_) => {
                self.of_projects("issue_assignees a", "a");
                self.sql.push(" and a.user_id");
                self.person(who);
            }
            Who::MyTeams => {
                self.of_projects("issue_assignees a join team_members m on m.team_id = a.team_id", "a");
                self.sql.push(" and m.user_id = ").push_bind(self.issues.question.user.0);
            }
            Who::Team(slug) => {
                let organization = self.issues.question.projects.first().map(|project| project.organization_id.0);
                self.of_projects("issue_assignees a join teams t on t.id = a.team_id", "a");
                self.sql.push(" and t.slug = ").push_bind(slug.clone());
                self.sql.push(" and t.organization_id = ").push_bind(organization);
            }
        }
        self.sql.push(")");
    }

    /// What a person has marked; teams mark nothing.
    fn marked(&mut self, table: &str, condition: &str, who: &Who) {
        self.of_projects(table, "m");
        self.sql.push(condition).push(" and m.user_id");
        self.person(who);
        self.sql.push(")");
    }

    fn person(&mut self, who: &Who) {
        match who {
            Who::Me => self.sql.push(" = ").push_bind(self.issues.question.user.0),
            Who::Person(name) => {
                self.sql.push(" in (select u.id from users u where lower(u.email) = ").push_bind(name.clone());
                self.sql.push(" or lower(u.name) = ").push_bind(name.clone()).push(")")
            }
            Who::Nobody | Who::MyTeams | Who::Team(_) => self.sql.push(" is null"),
        };
    }

    fn time(&mut self, time: Time, period: Period) {
        // An issue that was last seen after a time has an event after it.
        let column = match (time, period.from, period.to) {
            (Time::FirstSeen, ..) | (Time::Happened, None, _) => "i.first_seen",
            (Time::LastSeen, ..) | (Time::Happened, _, None) => "i.last_seen",
            (Time::Happened, Some(_), Some(_)) => "e.occurred_at",
        };
        let of_events = column == "e.occurred_at";
        if of_events {
            self.sql.push("exists (select from events e where e.project_id = i.project_id and e.issue_id = i.id and ");
        }
        self.sql.push("true");
        within(&mut self.sql, column, period, self.issues.question.now);
        if of_events {
            self.sql.push(")");
        }
    }

    fn count(&mut self, count: Count, numbers: &Numbers) {
        self.sql.push(match count {
            Count::Events => "i.times_seen",
            Count::Users => "i.users_seen",
        });
        match numbers {
            Numbers::Compared(compare, number) => self.sql.push(format!(" {} ", compare.sign())).push_bind(*number),
            Numbers::Among(numbers) => self.sql.push(" = any(").push_bind(numbers.clone()).push(")"),
        };
    }
}

/// Says that a time is in a period.
pub(super) fn within(sql: &mut QueryBuilder<Postgres>, column: &str, period: Period, now: DateTime<Utc>) {
    for (bound, including, excluding) in [(period.from, ">=", ">"), (period.to, "<=", "<")] {
        let (sign, moment) = match bound {
            None => continue,
            Some(Bound::Including(moment)) => (including, moment),
            Some(Bound::Excluding(moment)) => (excluding, moment),
        };
        sql.push(format!(" and {column} {sign} ")).push_bind(moment.at(now));
    }
}

fn column(word: Word) -> &'static str {
    match word {
        Word::Title => "i.title",
        Word::Culprit => "i.culprit",
        Word::Platform => "i.platform",
        Word::Kind => "i.kind",
    }
}

/// A pattern of SQL. What means something in one is taken literally.
pub(super) fn like(value: &Match, at: Where) -> String {
    let texts = match value {
        Match::Exact(text) => std::slice::from_ref(text),
        Match::Glob(texts) => texts,
    };
    let escaped: Vec<String> = texts.iter().map(|text| escaped(text)).collect();
    let pattern = escaped.join("%");
    if at == Where::Anywhere { format!("%{pattern}%") } else { pattern }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // A text of PostgreSQL holds no NUL, so nothing is found by one.
    for c in text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }) {
        if matches!(c, '%' | '_' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percent_sign_is_only_itself() {
        assert_eq!(like(&Match::Exact(r"50%_\".into()), Where::Anywhere), r"%50\%\_\\%");
        assert_eq!(like(&Match::Glob(vec!["a%".into(), String::new()]), Where::Whole), r"a\%%");
    }
}
