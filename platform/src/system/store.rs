//! What the database says of itself.

use sqlx::{PgExecutor, query_as, query_scalar};

/// The whole of it.
#[derive(Clone, Debug)]
pub struct Database {
    /// `15.6`
    pub version: String,
    pub bytes: i64,
}

/// A table, or one with all its days.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    /// Rows, as PostgreSQL estimates them.
    pub rows: i64,
    /// With its indexes.
    pub bytes: i64,
    /// How many days it is made of; none for a table that has no days.
    pub days: i64,
    /// The first and the last of them, as their tables are named.
    pub first: Option<String>,
    pub last: Option<String>,
}

/// What it is and how large.
pub async fn database(db: impl PgExecutor<'_>) -> sqlx::Result<Database> {
    query_as!(
        Database,
        r#"select split_part(current_setting('server_version'), ' ', 1) as "version!", pg_database_size(current_database()) as "bytes!""#
    )
    .fetch_one(db)
    .await
}

/// The largest tables; the days of a table are counted as one.
pub async fn largest_tables(db: impl PgExecutor<'_>, most: i64) -> sqlx::Result<Vec<Table>> {
    query_as!(
        Table,
        r#"select coalesce(parent.relname, own.relname)::text as "name!",
               sum(greatest(own.reltuples, 0))::bigint as "rows!",
               sum(pg_total_relation_size(own.oid))::bigint as "bytes!",
               count(parent.oid) as "days!",
               min(own.relname::text) filter (where parent.oid is not null) as first,
               max(own.relname::text) filter (where parent.oid is not null) as last
           from pg_class own
           left join pg_inherits i on i.inhrelid = own.oid
           left join pg_class parent on parent.oid = i.inhparent
           where own.relkind = 'r' and own.relnamespace = 'public'::regnamespace
           group by 1 order by 3 desc, 1 limit $1"#,
        most
    )
    .fetch_all(db)
    .await
}

/// How many events were set aside.
pub async fn set_aside(db: impl PgExecutor<'_>) -> sqlx::Result<i64> {
    query_scalar!(r#"select count(*) as "count!" from rejected_events"#).fetch_one(db).await
}
