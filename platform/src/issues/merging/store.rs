//! Merging and unmerging in PostgreSQL.

use sqlx::{PgConnection, PgExecutor, query, query_scalar};
use uuid::Uuid;

use super::super::{By, IssueId};
use crate::{
    projects::ProjectId,
    protocol::{EventId, distinct::Distinct, fingerprint::Fingerprint},
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

async fn set_users(db: &mut PgConnection, project: ProjectId, issue: IssueId, users: &Distinct) -> sqlx::Result<()> {
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
    note(db, by, (project, parent), "merge", data).await
}

pub(super) async fn note_unmerge(
    db: &mut PgConnection,
    by: By,
    project: ProjectId,
    (source, destination): (IssueId, IssueId),
) -> sqlx::Result<()> {
    let of = |key: &str, issue: IssueId| serde_json::json!({ key: issue.0.to_string() });
    note(db, by, (project, source), "unmerge_source", of("destinationId", destination)).await?;
    note(db, by, (project, destination), "unmerge_destination", of("sourceId", source)).await
}

async fn note(
    db: &mut PgConnection,
    by: By,
    (project, issue): (ProjectId, IssueId),
    kind: &str,
    data: serde_json::Value,
) -> sqlx::Result<()> {
    query!(
        "insert into issue_activity (project_id, issue_id, at, kind, user_id, data) values ($1, $2, $3, $4, $5, $6)",
        project.0,
        issue.0,
        by.at,
        kind,
        by.user.0,
        data,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a new issue like another one, for some of its fingerprints.
pub(super) async fn split(
    db: &mut PgConnection,
    project: ProjectId,
    issue: IssueId,
    taken: &[Hash],
) -> sqlx::Result<IssueId> {
    let fingerprints: Vec<Vec<u8>> = taken.iter().map(|hash| hash.fingerprint.0.to_vec()).collect();
    let new = query_scalar!(
        r#"with numbered as (
               update projects set next_short_id = next_short_id + 1 where id = $1 returning next_short_id - 1 as short_id
           ),
           new as (
               insert into issues (project_id, id, short_id, title, culprit, kind, level, platform, first_seen, last_seen)
               select project_id, nextval('issue_ids'), numbered.short_id, title, culprit, kind, level, platform, first_seen, last_seen
               from issues, numbered where project_id = $1 and id = $2
               returning id
           ),
           hashes as (
               update issue_hashes set issue_id = new.id from new where project_id = $1 and fingerprint = any($3)
           )
           select id as "id!: IssueId" from new"#,
        project.0,
        issue.0,
        &fingerprints,
    )
    .fetch_one(db)
    .await?;
    Ok(new)
}

/// Gives the new issue what the events of its fingerprints count, as far as they are still stored, and takes it from the old
/// one. Users stay with the old one too: a set of them can only grow.
pub(super) async fn split_counters(
    db: &mut PgConnection,
    project: ProjectId,
    (old, new): (IssueId, IssueId),
    short: &[i32],
) -> sqlx::Result<()> {
    query!(
        r#"with moved as (
               select date_trunc('hour', occurred_at, 'UTC') as hour, count(*) as events, min(occurred_at) as first,
                      max(occurred_at) as last
               from events where project_id = $1 and issue_id = $2 and hash = any($4) group by 1
           ),
           fewer as (
               update issue_hours h set events = h.events - moved.events from moved
               where h.project_id = $1 and h.issue_id = $2 and h.hour = moved.hour
           ),
           hours as (
               insert into issue_hours (project_id, issue_id, hour, events) select $1, $3, hour, events from moved
           ),
           sum as (
               select coalesce(sum(events), 0)::bigint as events, min(first) as first, max(last) as last from moved
           )
           update issues i set
               -- Never 0: the next event must not be taken for the first.
               times_seen = case i.id when $2 then greatest(i.times_seen - sum.events, 1) else greatest(sum.events, 1) end,
               first_seen = case i.id when $2 then i.first_seen else coalesce(sum.first, i.first_seen) end,
               last_seen = case i.id when $2 then i.last_seen else coalesce(sum.last, i.last_seen) end
           from sum where i.project_id = $1 and i.id in ($2, $3)"#,
        project.0,
        old.0,
        new.0,
        short,
    )
    .execute(&mut *db)
    .await?;
    split_tags(db, project, (old, new), short).await?;
    let users = query_scalar!(
        r#"select distinct tags[3] as "user!" from events
           where project_id = $1 and issue_id = $2 and hash = any($3) and tags[3] <> 0"#,
        project.0,
        old.0,
        short,
    );
    let mut set = Distinct::default();
    for user in users.fetch_all(&mut *db).await? {
        set.add(user.cast_unsigned());
    }
    set_users(db, project, new, &set).await?;
    query!("update issues set users_seen = $3 where project_id = $1 and id = $2", project.0, new.0, set.count())
        .execute(db)
        .await?;
    Ok(())
}

async fn split_tags(
    db: &mut PgConnection,
    project: ProjectId,
    (old, new): (IssueId, IssueId),
    short: &[i32],
) -> sqlx::Result<()> {
    query!(
        r#"with moved as (
               select numbered.tag, count(*) as events, min(occurred_at) as first, max(occurred_at) as last
               from events cross join unnest(tags) as numbered (tag)
               where project_id = $1 and issue_id = $2 and hash = any($4) and numbered.tag <> 0 group by numbered.tag
           ),
           fewer as (
               update issue_tags t set events = t.events - moved.events from moved
               where t.project_id = $1 and t.issue_id = $2 and t.tag = moved.tag
               returning t.tag, t.key, t.value, moved.events, moved.first, moved.last
           )
           insert into issue_tags (project_id, issue_id, tag, key, value, events, first_seen, last_seen)
           select $1, $3, tag, key, value, events, first, last from fewer"#,
        project.0,
        old.0,
        new.0,
        short,
    )
    .execute(&mut *db)
    .await?;
    query!("delete from issue_tags where project_id = $1 and issue_id = $2 and events <= 0", project.0, old.0)
        .execute(&mut *db)
        .await?;
    query!(
        r#"insert into issue_tag_keys as k (project_id, issue_id, key, values, others)
           select $1, issue_id, key, count(*), 0 from issue_tags
           where project_id = $1 and issue_id in ($2, $3) group by issue_id, key
           on conflict (project_id, issue_id, key) do update set values = excluded.values"#,
        project.0,
        old.0,
        new.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The latest event of an issue that has one of the fingerprints.
pub(super) async fn latest(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: IssueId,
    short: &[i32],
) -> sqlx::Result<Option<EventId>> {
    let event: Option<Uuid> = query_scalar!(
        "select id from events where project_id = $1 and issue_id = $2 and hash = any($3) order by occurred_at desc limit 1",
        project.0,
        issue.0,
        short,
    )
    .fetch_optional(db)
    .await?;
    Ok(event.map(EventId))
}

pub(super) async fn rename(
    db: impl PgExecutor<'_>,
    (project, issue): (ProjectId, IssueId),
    title: &str,
    culprit: &str,
) -> sqlx::Result<()> {
    query!(
        "update issues set title = $3, culprit = $4 where project_id = $1 and id = $2",
        project.0,
        issue.0,
        title,
        culprit,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Moves some events, and says how many.
pub(super) async fn move_some(
    db: impl PgExecutor<'_>,
    project: i64,
    (from, into): (i64, i64),
    hashes: Option<&[i32]>,
    most: i64,
) -> sqlx::Result<u64> {
    let moved = query!(
        r#"with some_events as (
               select id, received_on from events
               where project_id = $1 and issue_id = $2 and ($4::int[] is null or hash = any($4)) limit $5
           )
           update events e set issue_id = $3 from some_events s
           where e.project_id = $1 and e.id = s.id and e.received_on = s.received_on"#,
        project,
        from,
        into,
        hashes,
        most,
    );
    Ok(moved.execute(db).await?.rows_affected())
}
