//! Merging in PostgreSQL, and what unmerging has in common with it.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};
use uuid::Uuid;

use super::super::{By, Issue, IssueId, store};
use crate::{
    projects::ProjectId,
    protocol::{distinct::Distinct, fingerprint::Fingerprint},
};

/// An issue that is locked.
pub(super) struct Locked {
    pub id: IssueId,
    pub times_seen: i64,
}

/// A fingerprint of an issue.
#[derive(Clone, Copy, Debug)]
pub struct Hash {
    pub fingerprint: Fingerprint,
}

/// Locks issues, in order; those that are gone are left out.
pub(super) async fn lock(db: &mut PgConnection, project: ProjectId, issues: &[IssueId]) -> sqlx::Result<Vec<Locked>> {
    sqlx::query_as!(
        Locked,
        "select id, times_seen from issues where project_id = $1 and id = any($2) order by id for update",
        project.0,
        &numbers(issues),
    )
    .fetch_all(db)
    .await
}

fn numbers(issues: &[IssueId]) -> Vec<i64> {
    issues.iter().map(|issue| issue.0).collect()
}

/// Where an issue is now that was merged into another.
pub async fn forwarded(db: impl PgExecutor<'_>, issue: IssueId) -> sqlx::Result<Option<IssueId>> {
    let into = query_scalar!("select into_id from issue_redirects where from_id = $1", issue.0);
    Ok(into.fetch_optional(db).await?.map(IssueId))
}

/// The fingerprints of an issue.
pub async fn hashes(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Vec<Hash>> {
    let rows = query_scalar!(
        "select fingerprint from issue_hashes where project_id = $1 and issue_id = $2 order by fingerprint",
        project.0,
        issue.0,
    );
    let hash = |bytes: Vec<u8>| Some(Hash { fingerprint: Fingerprint(bytes.try_into().ok()?) });
    Ok(rows.fetch_all(db).await?.into_iter().filter_map(hash).collect())
}

/// The last event that a fingerprint gave an issue, among those of late.
#[derive(Clone, Debug)]
pub struct Latest {
    hash: i32,
    pub event: Uuid,
    pub at: DateTime<Utc>,
}

impl Latest {
    /// Whether it is of this fingerprint.
    pub fn is_of(&self, hash: &Hash) -> bool {
        self.hash == hash.fingerprint.short()
    }
}

/// The last event of each fingerprint, among the last thousands of an issue.
pub async fn latest(db: impl PgExecutor<'_>, issue: &Issue) -> sqlx::Result<Vec<Latest>> {
    query_as!(
        Latest,
        r#"select distinct on (hash) hash as "hash!", id as "event!", occurred_at as "at!"
           from (
               select hash, id, occurred_at from events where project_id = $1 and issue_id = $2 order by occurred_at desc limit 5000
           ) as last
           order by hash, occurred_at desc"#,
        issue.project_id.0,
        issue.id.0,
    )
    .fetch_all(db)
    .await
}

/// Moves fingerprints, counters and history of the children to their parent, and removes them.
pub(super) async fn merge(
    db: &mut PgConnection,
    project: ProjectId,
    parent: IssueId,
    children: &[IssueId],
) -> sqlx::Result<()> {
    let children = numbers(children);
    query!(
        r#"with hashes as (update issue_hashes set issue_id = $2 where project_id = $1 and issue_id = any($3)),
           history as (update issue_activity set issue_id = $2 where project_id = $1 and issue_id = any($3)),
           snoozes as (delete from issue_snoozes where project_id = $1 and issue_id = any($3)),
           redirects as (update issue_redirects set into_id = $2 where project_id = $1 and into_id = any($3)),
           redirected as (
               insert into issue_redirects (project_id, from_id, into_id) select $1, child, $2 from unnest($3::bigint[]) as child
           ),
           hours as (delete from issue_hours where project_id = $1 and issue_id = any($3) returning hour, events)
           insert into issue_hours as h (project_id, issue_id, hour, events)
           select $1, $2, hour, sum(events)::bigint from hours group by hour
           on conflict (project_id, issue_id, hour) do update set events = h.events + excluded.events"#,
        project.0,
        parent.0,
        &children,
    )
    .execute(&mut *db)
    .await?;
    merge_tags(db, project, parent, &children).await?;
    let users = merge_users(db, project, parent, &children).await?;
    query!(
        r#"with gone as (
               delete from issues where project_id = $1 and id = any($3) returning times_seen, first_seen, last_seen
           )
           update issues i set
               times_seen = i.times_seen + sum.times, users_seen = $4,
               first_seen = least(i.first_seen, sum.first), last_seen = greatest(i.last_seen, sum.last)
           from (
               select coalesce(sum(times_seen), 0)::bigint as times, min(first_seen) as first, max(last_seen) as last from gone
           ) as sum
           where i.project_id = $1 and i.id = $2"#,
        project.0,
        parent.0,
        &children,
        users,
    )
    .execute(db)
    .await?;
    Ok(())
}

async fn merge_tags(db: &mut PgConnection, project: ProjectId, parent: IssueId, children: &[i64]) -> sqlx::Result<()> {
    query!(
        r#"with gone as (
               delete from issue_tags where project_id = $1 and issue_id = any($3)
               returning tag, key, value, events, first_seen, last_seen
           )
           insert into issue_tags as t (project_id, issue_id, tag, key, value, events, first_seen, last_seen)
           select $1, $2, tag, min(key), min(value), sum(events)::bigint, min(first_seen), max(last_seen) from gone group by tag
           on conflict (project_id, issue_id, tag) do update set
               events = t.events + excluded.events,
               first_seen = least(t.first_seen, excluded.first_seen), last_seen = greatest(t.last_seen, excluded.last_seen)"#,
        project.0,
        parent.0,
        children,
    )
    .execute(&mut *db)
    .await?;
    query!(
        r#"with gone as (
               delete from issue_tag_keys where project_id = $1 and issue_id = any($3) returning key, others
           )
           insert into issue_tag_keys as k (project_id, issue_id, key, values, others)
           select $1, $2, gone.key,
                  (select count(*) from issue_tags t where t.project_id = $1 and t.issue_id = $2 and t.key = gone.key),
                  sum(others)::bigint
           from gone group by gone.key
           on conflict (project_id, issue_id, key) do update
               set values = excluded.values, others = k.others + excluded.others"#,
        project.0,
        parent.0,
        children,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Unites the sets of users and says how many there are.
async fn merge_users(
    db: &mut PgConnection,
    project: ProjectId,
    parent: IssueId,
    children: &[i64],
) -> sqlx::Result<i64> {
    let sets = query_scalar!(
        "select users from issue_users where project_id = $1 and (issue_id = $2 or issue_id = any($3))",
        project.0,
        parent.0,
        children,
    );
    let mut all = Distinct::default();
    for set in sets.fetch_all(&mut *db).await? {
        all.merge(&Distinct::from_bytes(&set));
    }
    query!("delete from issue_users where project_id = $1 and issue_id = any($2)", project.0, children)
        .execute(&mut *db)
        .await?;
    set_users(db, project, parent, &all).await?;
    Ok(all.count())
}

/// Writes the set of an issue's users.
pub(super) async fn set_users(
    db: &mut PgConnection,
    project: ProjectId,
    issue: IssueId,
    users: &Distinct,
) -> sqlx::Result<()> {
    query!(
        "insert into issue_users (project_id, issue_id, users) values ($1, $2, $3)
         on conflict (project_id, issue_id) do update set users = excluded.users",
        project.0,
        issue.0,
        users.to_bytes(),
    )
    .execute(db)
    .await?;
    Ok(())
}

pub(super) async fn note_merge(
    db: &mut PgConnection,
    by: By,
    project: ProjectId,
    (parent, children): (IssueId, &[IssueId]),
) -> sqlx::Result<()> {
    let children: Vec<_> = children.iter().map(|child| serde_json::json!({ "id": child.0.to_string() })).collect();
    let data = serde_json::json!({ "issues": children });
    store::note(db, by, project, &[parent], ("merge", data)).await
}
