//! Unmerging in PostgreSQL.

use sqlx::{PgConnection, PgExecutor, query, query_scalar};
use uuid::Uuid;

use super::super::{
    super::{By, IssueId, store::note},
    store::{Hash, set_users},
};
use crate::{
    projects::ProjectId,
    protocol::{EventId, distinct::Distinct},
};

/// The events of the fingerprints that are taken out.
pub(super) struct Taken {
    /// The issues that hold them: the one they are taken out of, and those whose events are on their way to it.
    pub holders: Vec<i64>,
    /// The first bytes of the fingerprints.
    pub hashes: Vec<i32>,
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
    events: &Taken,
) -> sqlx::Result<()> {
    query!(
        r#"with moved as (
               select date_trunc('hour', occurred_at, 'UTC') as hour, count(*) as events, min(occurred_at) as first,
                      max(occurred_at) as last
               from events where project_id = $1 and issue_id = any($5) and hash = any($4) group by 1
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
        &events.hashes,
        &events.holders,
    )
    .execute(&mut *db)
    .await?;
    split_tags(db, project, (old, new), events).await?;
    let users = query_scalar!(
        r#"select distinct tags[3] as "user!" from events
           where project_id = $1 and issue_id = any($2) and hash = any($3) and tags[3] <> 0"#,
        project.0,
        &events.holders,
        &events.hashes,
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
    events: &Taken,
) -> sqlx::Result<()> {
    query!(
        r#"with moved as (
               select numbered.tag, count(*) as events, min(occurred_at) as first, max(occurred_at) as last
               from events cross join unnest(tags) as numbered (tag)
               where project_id = $1 and issue_id = any($5) and hash = any($4) and numbered.tag <> 0 group by numbered.tag
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
        &events.hashes,
        &events.holders,
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

/// The latest of the events.
pub(super) async fn latest(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    events: &Taken,
) -> sqlx::Result<Option<EventId>> {
    let event: Option<Uuid> = query_scalar!(
        "select id from events where project_id = $1 and issue_id = any($2) and hash = any($3) order by occurred_at desc limit 1",
        project.0,
        &events.holders,
        &events.hashes,
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

pub(super) async fn note_unmerge(
    db: &mut PgConnection,
    by: By,
    project: ProjectId,
    (source, destination): (IssueId, IssueId),
) -> sqlx::Result<()> {
    let of = |key: &str, issue: IssueId| serde_json::json!({ key: issue.0.to_string() });
    note(db, by, project, &[source], ("unmerge_source", of("destinationId", destination))).await?;
    note(db, by, project, &[destination], ("unmerge_destination", of("sourceId", source))).await
}
