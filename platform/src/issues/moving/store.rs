//! Events on their way, in PostgreSQL.

use sqlx::{PgExecutor, query, query_as, query_scalar};

use super::super::IssueId;
use crate::projects::ProjectId;

/// What is noted.
pub(super) struct Move {
    id: i64,
    from: i64,
    pub into: Option<i64>,
    hashes: Option<Vec<i32>>,
}

pub(super) async fn note(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    from: &[IssueId],
    (into, hashes): (Option<IssueId>, Option<&[i32]>),
) -> sqlx::Result<()> {
    query!(
        "insert into event_moves (project_id, from_id, into_id, hashes) select $1, unnest($2::bigint[]), $3, $4",
        project.0,
        &from.iter().map(|issue| issue.0).collect::<Vec<_>>(),
        into.map(|into| into.0),
        hashes,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// An issue and those whose events are on their way to it, directly or by others.
pub(super) async fn holders(db: impl PgExecutor<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Vec<i64>> {
    query_scalar!(
        r#"with recursive holders (id) as (
               select $2::bigint
               union
               select m.from_id from event_moves m join holders h on m.into_id = h.id where m.project_id = $1
           )
           select id as "id!" from holders"#,
        project.0,
        issue.0,
    )
    .fetch_all(db)
    .await
}

/// The projects of which something is noted.
pub(super) async fn projects(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<i64>> {
    query_scalar!(r#"select distinct project_id as "project: i64" from event_moves order by 1"#).fetch_all(db).await
}

/// What was noted first of a project, locked. Where another worker has just done it, none: that one goes on.
pub(super) async fn lock_first(db: impl PgExecutor<'_>, project: i64) -> sqlx::Result<Option<Move>> {
    query_as!(
        Move,
        r#"select id, from_id as "from", into_id as "into", hashes from event_moves
           where project_id = $1 order by id limit 1 for update"#,
        project,
    )
    .fetch_optional(db)
    .await
}

/// Moves some events, and says how many.
pub(super) async fn move_some(
    db: impl PgExecutor<'_>,
    project: i64,
    Move { from, hashes, .. }: &Move,
    into: i64,
    most: i64,
) -> sqlx::Result<i64> {
    let moved = query!(
        r#"with some_events as materialized (
               select id, received_on from events
               where project_id = $1 and issue_id = $2 and ($4::int[] is null or hash = any($4)) limit $5
           )
           update events e set issue_id = $3 from some_events s
           where e.project_id = $1 and e.id = s.id and e.received_on = s.received_on"#,
        project,
        from,
        into,
        hashes.as_deref(),
        most,
    );
    Ok(i64::try_from(moved.execute(db).await?.rows_affected()).unwrap_or(i64::MAX))
}

/// Deletes some events with their attachments and what users wrote about them, and says how many.
pub(super) async fn delete_some(
    db: impl PgExecutor<'_>,
    project: i64,
    Move { from, .. }: &Move,
    most: i64,
) -> sqlx::Result<i64> {
    query_scalar!(
        r#"with some_events as materialized (
               select id, received_on from events where project_id = $1 and issue_id = $2 limit $3
           ),
           deleted as (
               delete from events e using some_events s
               where e.project_id = $1 and e.id = s.id and e.received_on = s.received_on returning e.id
           ),
           attachments as (
               delete from items i using deleted
               where i.project_id = $1 and i.event_id = deleted.id and i.kind = 'attachment'
           ),
           reports as (delete from user_reports r using deleted where r.project_id = $1 and r.event_id = deleted.id)
           select count(*) as "count!" from deleted"#,
        project,
        from,
        most,
    )
    .fetch_one(db)
    .await
}

/// Strikes out what is done.
pub(super) async fn forget(db: impl PgExecutor<'_>, project: i64, Move { id, .. }: &Move) -> sqlx::Result<()> {
    query!("delete from event_moves where project_id = $1 and id = $2", project, id).execute(db).await.map(|_| ())
}
