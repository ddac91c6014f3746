//! Counted tags in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar};

use crate::{issues::Issue, projects::ProjectId};

/// Rows that are looked at for a suggestion.
const LOOKED_AT: i64 = 20_000;

/// A key of an issue's tags.
#[derive(Clone, Debug)]
pub struct Key {
    pub key: String,
    /// Events that have it.
    pub events: i64,
    /// Different values.
    pub values: i64,
}

/// A key of the tags of projects.
#[derive(Clone, Debug)]
pub struct ProjectKey {
    pub key: String,
    pub values: i64,
}

/// A value of a tag. Of a project it is counted only where somebody asks for more than its name.
#[derive(Clone, Debug)]
pub struct Value {
    pub value: String,
    pub events: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    /// Of users.
    pub email: Option<String>,
    pub username: Option<String>,
    pub ip: Option<String>,
    pub user_id: Option<String>,
}

/// The keys of an issue, by name.
pub async fn keys_of_issue(db: impl PgExecutor<'_>, issue: &Issue) -> sqlx::Result<Vec<Key>> {
    query_as!(
        Key,
        r#"select k.key, k.values,
                  (k.others + coalesce((select sum(t.events) from issue_tags t
                      where t.project_id = k.project_id and t.issue_id = k.issue_id and t.key = k.key), 0))::bigint as "events!"
           from issue_tag_keys k where k.project_id = $1 and k.issue_id = $2 order by k.key"#,
        issue.project_id.0,
        issue.id.0,
    )
    .fetch_all(db)
    .await
}

/// Values of an issue's tag, those of most events first.
pub async fn values_of_issue(
    db: impl PgExecutor<'_>,
    issue: &Issue,
    key: &str,
    (skip, most): (i64, i64),
) -> sqlx::Result<Vec<Value>> {
    query_as!(
        Value,
        r#"select t.value, t.events, t.first_seen, t.last_seen, u.email as "email?", u.username as "username?", u.ip as "ip?",
                  u.id as "user_id?"
           from issue_tags t left join event_users u on $3 = 'user' and u.project_id = t.project_id and u.tag = t.tag
           where t.project_id = $1 and t.issue_id = $2 and t.key = $3
           order by t.events desc, t.value limit $5 offset $4"#,
        issue.project_id.0,
        issue.id.0,
        key,
        skip,
        most,
    )
    .fetch_all(db)
    .await
}

/// The keys of projects that begin so, by name.
pub async fn keys_of_projects(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    prefix: &str,
    most: i64,
) -> sqlx::Result<Vec<ProjectKey>> {
    query_as!(
        ProjectKey,
        r#"select key, sum(values)::bigint as "values!" from tag_keys
           where project_id = any($1) and starts_with(lower(key), lower($2)) group by key order by key limit $3"#,
        projects,
        prefix,
        most,
    )
    .fetch_all(db)
    .await
}

/// Values of a key in projects that have a text in them, those of most events first.
pub async fn values_of_projects(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    key: &str,
    text: &str,
    most: i64,
) -> sqlx::Result<Vec<Value>> {
    query_as!(
        Value,
        r#"with meant as (
               select project_id, tag, value from tag_values
               where project_id = any($1) and key = $2 and position(lower($3) in lower(value)) > 0
               order by seen_on desc, value limit 1000
           )
           select m.value, coalesce(sum(t.events), 0)::bigint as "events!",
                  coalesce(min(t.first_seen), 'epoch') as "first_seen!", coalesce(max(t.last_seen), 'epoch') as "last_seen!",
                  max(u.email) as email, max(u.username) as username, max(u.ip) as ip, max(u.id) as user_id
           from meant m
           left join issue_tags t on t.project_id = m.project_id and t.tag = m.tag
           left join event_users u on $2 = 'user' and u.project_id = m.project_id and u.tag = m.tag
           group by m.value order by 2 desc, m.value limit $4"#,
        projects,
        key,
        text,
        most,
    )
    .fetch_all(db)
    .await
}

/// Values of a trait that begin so.
pub async fn known_traits(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    key: &str,
    prefix: &str,
    most: i64,
) -> sqlx::Result<Vec<String>> {
    query_scalar!(
        "select value from (select value from issue_traits where project_id = any($1) and key = $2 limit $5) as some_values
         where starts_with(lower(value), lower($3)) group by value order by count(*) desc, value limit $4",
        projects,
        key,
        prefix,
        most,
        LOOKED_AT,
    )
    .fetch_all(db)
    .await
}

/// What users are known by that begins so: id, email, username or ip.
pub async fn known_users(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    part: &str,
    prefix: &str,
    most: i64,
) -> sqlx::Result<Vec<String>> {
    query_scalar!(
        r#"select distinct known.value as "value!"
           from (select * from event_users where project_id = any($1) limit $5) as u
           cross join lateral (
               select case $2 when 'id' then u.id when 'email' then u.email when 'username' then u.username else u.ip end as value
           ) as known
           where known.value <> '' and starts_with(lower(known.value), lower($3)) order by 1 limit $4"#,
        projects,
        part,
        prefix,
        most,
        LOOKED_AT,
    )
    .fetch_all(db)
    .await
}

/// Forgets a key of a project, with its values; events keep it.
pub async fn delete_key(db: impl PgExecutor<'_>, project: ProjectId, key: &str) -> sqlx::Result<u64> {
    let deleted = query!(
        r#"with listed as (delete from tag_values where project_id = $1 and key = $2),
           counted as (delete from issue_tags where project_id = $1 and key = $2),
           keys as (delete from issue_tag_keys where project_id = $1 and key = $2)
           delete from tag_keys where project_id = $1 and key = $2"#,
        project.0,
        key,
    );
    Ok(deleted.execute(db).await?.rows_affected())
}

/// The values of a key in projects, by name, less environments that people hid; nothing of them is counted.
pub async fn names(db: impl PgExecutor<'_>, projects: &[i64], key: &str, most: i64) -> sqlx::Result<Vec<String>> {
    query_scalar!(
        r#"select distinct v.value from tag_values v
           left join hidden_environments h on $2 = 'environment' and h.project_id = v.project_id and h.name = v.value
           where v.project_id = any($1) and v.key = $2 and v.value <> '' and h.name is null order by v.value limit $3"#,
        projects,
        key,
        most,
    )
    .fetch_all(db)
    .await
}

/// The values of a tag that an issue's first and last events had.
pub async fn ends(db: impl PgExecutor<'_>, issue: &Issue, key: &str) -> sqlx::Result<(Option<String>, Option<String>)> {
    let row = query!(
        r#"select (array_agg(value order by first_seen, value))[1] as first, (array_agg(value order by last_seen desc, value desc))[1] as last
           from issue_tags where project_id = $1 and issue_id = $2 and key = $3"#,
        issue.project_id.0,
        issue.id.0,
        key,
    )
    .fetch_one(db)
    .await?;
    Ok((row.first, row.last))
}

/// The values of every key of an issue that most of its events have, by key.
pub async fn top(db: impl PgExecutor<'_>, issue: &Issue, most: i64) -> sqlx::Result<Vec<(String, Value)>> {
    let rows = query!(
        r#"select t.key, t.value, t.events, t.first_seen, t.last_seen, u.email as "email?", u.username as "username?", u.ip as "ip?",
                  u.id as "user_id?"
           from (
               select *, row_number() over (partition by key order by events desc, value) as place from issue_tags
               where project_id = $1 and issue_id = $2
           ) as t
           left join event_users u on t.key = 'user' and u.project_id = t.project_id and u.tag = t.tag
           where t.place <= $3 order by t.key, t.place"#,
        issue.project_id.0,
        issue.id.0,
        most,
    )
    .fetch_all(db)
    .await?;
    let value = |row| {
        let (value, events, first_seen, last_seen, email, username, ip, user_id) = row;
        Value { value, events, first_seen, last_seen, email, username, ip, user_id }
    };
    let top = rows.into_iter().map(|row| {
        let known =
            (row.value, row.events, row.first_seen, row.last_seen, row.email, row.username, row.ip, row.user_id);
        (row.key, value(known))
    });
    Ok(top.collect())
}
