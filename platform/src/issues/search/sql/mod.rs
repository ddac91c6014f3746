//! The one place that builds SQL: a question about issues, term by term.
//!
//! Tags are looked up by number in the counters of issues (`issue_tags`), so that nothing is read of the events themselves; only
//! what is too rare to be counted is found by the events' own index. Conditions that find few issues are written as `in (…)`:
//! PostgreSQL begins with whichever is smallest, or goes through the list in its order and looks each issue up.

mod conditions;
mod counted;
mod events;

use std::time::Duration;

use sqlx::{PgPool, Postgres, QueryBuilder, Transaction};

use super::{Question, Sort};
use crate::{
    issues::{
        Issue,
        paging::{Cursor, Direction},
    },
    releases::Release,
};
use conditions::Conditions;
pub use events::Key;
pub(super) use events::{Events, is_of_events};

/// As long the database may look.
pub(super) const PATIENCE: Duration = Duration::from_secs(8);
/// PostgreSQL's code of a statement that was stopped.
const STOPPED: &str = "57014";

const COLUMNS: &str = "i.project_id, i.id, i.short_id, i.title, i.culprit, i.kind, i.level, i.platform, i.status, \
                       i.decision, i.first_seen, i.last_seen, i.times_seen, i.users_seen";

/// A page that is asked for.
pub(super) struct Issues<'a> {
    pub question: &'a Question<'a>,
    pub releases: &'a [(i64, Vec<Release>)],
    pub cursor: Option<Cursor<i64>>,
    pub size: usize,
}

/// An issue, and its place in the list.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    #[sqlx(flatten)]
    pub issue: Issue,
    pub key: i64,
}

impl Issues<'_> {
    /// One row more than a page, in the direction of the cursor; none when it took too long.
    pub async fn find(&self, db: &PgPool) -> sqlx::Result<Option<Vec<Row>>> {
        let mut builder = self.build();
        let mut tx = limited(db).await?;
        in_time(builder.build_query_as::<Row>().persistent(false).fetch_all(&mut *tx).await)
    }

    fn build(&self) -> QueryBuilder<Postgres> {
        let sort = self.question.sort;
        let projects = self.question.numbers();
        let mut sql = QueryBuilder::new("");
        let order = if self.is_backwards() { "" } else { " desc" };
        // The first rows of each project, merged: each has an index of its own order.
        let (project, is_one) = match projects.as_slice() {
            [one] => (one.to_string(), true),
            _ => ("p.id".to_owned(), false),
        };
        if !is_one {
            sql.push("select m.* from unnest(")
                .push_bind(projects.clone())
                .push("::bigint[]) as p (id) cross join lateral (");
        }
        sql.push(format!("select {COLUMNS}, {} as key from issues i where i.project_id = {project}", sort.key()));
        if let Some(root) = &self.question.search.root {
            sql.push(" and ");
            sql = Conditions::new(sql, self, projects).with(root);
        }
        if let Some(cursor) = self.cursor {
            let sign = if self.is_backwards() { ">" } else { "<" };
            sql.push(format!(" and ({}, i.id) {sign} (", sort.column()));
            let key = if sort.is_time() { sql.push_bind(cursor.at()) } else { sql.push_bind(cursor.key) };
            key.push(", ").push_bind(cursor.id).push(")");
        }
        sql.push(format!(" order by {}{order}, i.id{order} limit ", sort.column()));
        let size = i64::try_from(self.size + 1).unwrap_or(i64::MAX);
        sql.push_bind(size);
        if !is_one {
            sql.push(format!(") as m order by m.key{order}, m.id{order} limit ")).push_bind(size);
        }
        sql
    }

    fn is_backwards(&self) -> bool {
        self.cursor.is_some_and(|cursor| cursor.direction == Direction::Previous)
    }
}

/// A transaction whose statements are stopped when they take too long.
async fn limited(db: &PgPool) -> sqlx::Result<Transaction<'static, Postgres>> {
    let mut tx = db.begin().await?;
    // The values decide which plan is good; one that was made for others is not used.
    let limits =
        "select set_config('statement_timeout', $1, true), set_config('plan_cache_mode', 'force_custom_plan', true)";
    sqlx::query(limits).bind(format!("{}ms", PATIENCE.as_millis())).execute(&mut *tx).await?;
    Ok(tx)
}

/// None of what was stopped.
fn in_time<T>(done: sqlx::Result<T>) -> sqlx::Result<Option<T>> {
    match done {
        Ok(rows) => Ok(Some(rows)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(STOPPED) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Sort {
    fn column(self) -> &'static str {
        match self {
            Sort::LastSeen => "i.last_seen",
            Sort::FirstSeen => "i.first_seen",
            Sort::Events => "i.times_seen",
            Sort::Users => "i.users_seen",
            Sort::Priority => {
                "(extract(epoch from i.last_seen) + 21600 * log(1 + i.times_seen) + 43200 * log(1 + i.users_seen))::bigint"
            }
        }
    }

    fn is_time(self) -> bool {
        matches!(self, Sort::LastSeen | Sort::FirstSeen)
    }

    /// The column as a number.
    fn key(self) -> String {
        if self.is_time() {
            format!("(extract(epoch from {}) * 1000000)::bigint", self.column())
        } else {
            self.column().to_owned()
        }
    }
}
