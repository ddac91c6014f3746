//! Feedback in the database.

use sqlx::{PgExecutor, query, query_as};

use super::{Kept, Received};
use crate::{issues::IssueId, projects::ProjectId, protocol::EventId};

/// Inserts feedback; a report replaces the one about the same event. Projects that are gone keep none.
pub async fn put(db: impl PgExecutor<'_>, received: &Received) -> sqlx::Result<()> {
    let report = &received.report;
    query!(
        "insert into user_reports (project_id, id, received_at, event_id, own_event_id, name, email, comments, url)
         select p.id, $2, $3, $4, $5, $6, $7, $8, $9 from projects p where p.id = $1 and p.deleted_at is null
         on conflict (project_id, event_id) where own_event_id is null do update
             set id = excluded.id, received_at = excluded.received_at, name = excluded.name, email = excluded.email,
                 comments = excluded.comments",
        received.project.0,
        received.id,
        received.at,
        report.about.map(|event| event.0),
        received.own_event.map(|event| event.0),
        report.name,
        report.email,
        report.comments,
        report.url,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// What users wrote about an event, the latest first.
pub async fn about(db: impl PgExecutor<'_>, project: ProjectId, event: EventId) -> sqlx::Result<Vec<Kept>> {
    query_as!(
        Kept,
        r#"select id, received_at, event_id, own_event_id, name, email, comments, url, null as "issue_id: IssueId"
           from user_reports where project_id = $1 and event_id = $2 order by received_at desc, id desc"#,
        project.0,
        event.0,
    )
    .fetch_all(db)
    .await
}

/// The latest feedback of a project, or of one of its issues.
pub async fn list(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issue: Option<IssueId>,
    most: i64,
) -> sqlx::Result<Vec<Kept>> {
    query_as!(
        Kept,
        r#"select f.id, f.received_at, f.event_id, f.own_event_id, f.name, f.email, f.comments, f.url,
                  e.issue_id as "issue_id?: IssueId"
           from user_reports f
           left join lateral (
               select issue_id from events where project_id = f.project_id and id = f.event_id limit 1
           ) as e on true
           where f.project_id = $1 and ($2::bigint is null or e.issue_id = $2)
           order by f.received_at desc, f.id desc limit $3"#,
        project.0,
        issue.map(|issue| issue.0),
        most,
    )
    .fetch_all(db)
    .await
}
