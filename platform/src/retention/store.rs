//! What deleting by age does in the database.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{AssertSqlSafe, PgExecutor, PgPool};

/// A table that holds one day.
pub(super) struct Partition {
    pub name: String,
    parent: String,
    pub place: Place,
}

/// Where a partition hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Attached,
    /// Somebody began to detach it and was interrupted.
    Detaching,
    /// It was detached, and not dropped.
    Loose,
}

/// The partitions of days before this one, oldest first.
pub(super) async fn partitions_before(db: impl PgExecutor<'_>, day: NaiveDate) -> sqlx::Result<Vec<Partition>> {
    let rows = sqlx::query!(
        r#"select c.relname::text as "name!", split_part(c.relname::text, '_', 1) as "parent!",
                  i.inhrelid is not null as "is_attached!", coalesce(i.inhdetachpending, false) as "is_detaching!"
           from pg_class c left join pg_inherits i on i.inhrelid = c.oid
           where c.relkind = 'r' and c.relnamespace = current_schema::regnamespace
             and c.relname ~ '^(events|items)_[0-9]{8}$' and right(c.relname, 8) < to_char($1::date, 'YYYYMMDD')
           order by right(c.relname, 8), c.relname"#,
        day
    )
    .fetch_all(db)
    .await?;
    let partition = |(name, parent, is_attached, is_detaching)| {
        let place = match (is_attached, is_detaching) {
            (true, true) => Place::Detaching,
            (true, false) => Place::Attached,
            (false, _) => Place::Loose,
        };
        Partition { name, parent, place }
    };
    Ok(rows.into_iter().map(|row| partition((row.name, row.parent, row.is_attached, row.is_detaching))).collect())
}

/// Takes a partition out of its table. Neither reading nor writing the other days waits for it.
pub(super) async fn detach(db: &PgPool, partition: &Partition) -> sqlx::Result<()> {
    let Partition { name, parent, place } = partition;
    let how = if *place == Place::Detaching { "finalize" } else { "concurrently" };
    // The names were found in the catalogue by a pattern of letters and digits.
    sqlx::query(AssertSqlSafe(format!("alter table {parent} detach partition {name} {how}")))
        .execute(db)
        .await
        .map(|_| ())
}

/// Drops a partition that is in no table.
pub(super) async fn drop_loose(db: &PgPool, partition: &Partition) -> sqlx::Result<()> {
    let Partition { name, .. } = partition;
    sqlx::query(AssertSqlSafe(format!("drop table if exists {name}"))).execute(db).await.map(|_| ())
}

/// What a step did.
pub(super) struct Step {
    pub seen: i64,
    pub issues: u64,
    pub rows: u64,
    /// Where the next one goes on; none at the end.
    pub last: Option<(i64, i64)>,
}

/// Looks at the issues after one, in order; deletes those that were last seen before a time, and older counters of the others.
pub(super) async fn clean_issues(
    db: &PgPool,
    after: (i64, i64),
    before: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Step> {
    let mut tx = db.begin().await?;
    let issues = sqlx::query!(
        r#"select project_id as "project: i64", id as "id: i64", last_seen < $3 as "is_old!" from issues
           where (project_id, id) > ($1, $2) order by project_id, id limit $4 for update"#,
        after.0,
        after.1,
        before,
        most,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (projects, ids): (Vec<i64>, Vec<i64>) = issues.iter().map(|issue| (issue.project, issue.id)).unzip();
    let (old_projects, old): (Vec<i64>, Vec<i64>) =
        issues.iter().filter(|issue| issue.is_old).map(|issue| (issue.project, issue.id)).unzip();
    let mut rows = delete_counters(&mut *tx, &projects, &ids, before).await?;
    rows += delete_tags(&mut *tx, &projects, &ids, before).await?;
    if !old.is_empty() {
        delete_issues(&mut tx, &old_projects, &old).await?;
    }
    tx.commit().await?;
    let last = issues.last().map(|issue| (issue.project, issue.id));
    Ok(Step { seen: i64::try_from(issues.len()).unwrap_or(i64::MAX), issues: old.len() as u64, rows, last })
}

async fn delete_counters(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    issues: &[i64],
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query!(
        "delete from issue_hours h using unnest($1::bigint[], $2::bigint[]) as asked (project_id, id)
         where h.project_id = asked.project_id and h.issue_id = asked.id and h.hour < $3",
        projects,
        issues,
        before,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

async fn delete_tags(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    issues: &[i64],
    before: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let deleted = sqlx::query_scalar!(
        r#"with gone as (
               delete from issue_tags t using unnest($1::bigint[], $2::bigint[]) as asked (project_id, id)
               where t.project_id = asked.project_id and t.issue_id = asked.id and t.last_seen < $3
               returning t.project_id, t.issue_id, t.key
           ),
           fewer as (
               update issue_tag_keys k set values = k.values - gone.values
               from (select project_id, issue_id, key, count(*) as values from gone group by 1, 2, 3) as gone
               where k.project_id = gone.project_id and k.issue_id = gone.issue_id and k.key = gone.key
           )
           select count(*) as "count!" from gone"#,
        projects,
        issues,
        before,
    );
    Ok(deleted.fetch_one(db).await?.try_into().unwrap_or(0))
}

/// Deletes issues with all that is known of them.
async fn delete_issues(db: &mut sqlx::PgConnection, projects: &[i64], issues: &[i64]) -> sqlx::Result<()> {
    sqlx::query!(
        r#"with asked as (select * from unnest($1::bigint[], $2::bigint[]) as asked (project_id, id)),
           hashes as (delete from issue_hashes t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           hours as (delete from issue_hours t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           tags as (delete from issue_tags t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           keys as (delete from issue_tag_keys t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           users as (delete from issue_users t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           snoozes as (delete from issue_snoozes t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           history as (delete from issue_activity t using asked where t.project_id = asked.project_id and t.issue_id = asked.id),
           redirects as (delete from issue_redirects t using asked where t.project_id = asked.project_id and t.into_id = asked.id),
           -- An issue is as old as its events say they are; some may have come since.
           left_over as (
               insert into event_moves (project_id, from_id)
               select asked.project_id, asked.id from asked
               where exists (select from events e where e.project_id = asked.project_id and e.issue_id = asked.id)
                   or exists (select from event_moves m where m.project_id = asked.project_id and m.into_id = asked.id)
           )
           delete from issues t using asked where t.project_id = asked.project_id and t.id = asked.id"#,
        projects,
        issues,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes values of tags that were last seen before a day from the projects' lists, and keys that have none left; and what is
/// known of users.
pub(super) async fn clean_tag_values(db: &PgPool, before: NaiveDate) -> sqlx::Result<u64> {
    let deleted = sqlx::query_scalar!(
        r#"with gone as (delete from tag_values where seen_on < $1 returning project_id, key),
           users as (delete from event_users where seen_on < $1),
           fewer as (
               update tag_keys k set values = k.values - gone.values
               from (select project_id, key, count(*) as values from gone group by 1, 2) as gone
               where k.project_id = gone.project_id and k.key = gone.key
           )
           select count(*) as "count!" from gone"#,
        before,
    );
    let deleted: u64 = deleted.fetch_one(db).await?.try_into().unwrap_or(0);
    let keys = sqlx::query!("delete from tag_keys where values <= 0").execute(db).await?;
    Ok(deleted + keys.rows_affected())
}

/// Deletes some rows of before a time; none are left when it answers 0.
pub(super) async fn delete_dated(
    db: &PgPool,
    (table, column): (&'static str, &'static str),
    before: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<u64> {
    let sql =
        format!("delete from {table} where ctid = any(array(select ctid from {table} where {column} < $1 limit $2))");
    Ok(sqlx::query(AssertSqlSafe(sql)).bind(before).bind(most).execute(db).await?.rows_affected())
}
