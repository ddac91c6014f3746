//! Reading stored events. They are written by `save`.

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, PgPool, query, query_as, query_scalar, types::Json};
use uuid::Uuid;

use super::{Received, body};
use crate::{
    issues::{
        Issue, IssueId,
        paging::{Cursor, Slice},
        search::Key,
    },
    projects::ProjectId,
    protocol::{EventId, sent::Sent},
};

/// A stored event.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub project_id: ProjectId,
    pub issue_id: IssueId,
    pub received_at: DateTime<Utc>,
    pub occurred_at: DateTime<Utc>,
    body: Vec<u8>,
}

impl Stored {
    /// The event's JSON.
    pub fn json(&self) -> Result<Vec<u8>> {
        body::unpack(&self.body).with_context(|| format!("reading the body of event {}", self.id))
    }
}

/// The events around one, as far as there are any.
#[derive(Clone, Copy, Debug, Default)]
pub struct Neighbours {
    pub previous: Option<Uuid>,
    pub next: Option<Uuid>,
}

/// Which end of an issue's events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Oldest,
    Latest,
}

/// The event with this id, in this project.
pub async fn find(db: impl PgExecutor<'_>, project: ProjectId, event: EventId) -> sqlx::Result<Option<Stored>> {
    query_as!(
        Stored,
        "select id, project_id, issue_id, received_at, occurred_at, body from events
         where project_id = $1 and id = $2 order by received_at desc limit 1",
        project.0,
        event.0,
    )
    .fetch_optional(db)
    .await
}

/// Which of some projects has the event with this id.
pub async fn project_of(db: impl PgExecutor<'_>, projects: &[i64], event: EventId) -> sqlx::Result<Option<ProjectId>> {
    query_scalar!(
        r#"select project_id as "project: ProjectId" from events where project_id = any($1) and id = $2
           order by received_at desc limit 1"#,
        projects,
        event.0,
    )
    .fetch_optional(db)
    .await
}

/// Events by their keys, the latest first.
pub async fn find_all(db: impl PgExecutor<'_>, project: ProjectId, keys: &[Key]) -> sqlx::Result<Vec<Stored>> {
    query_as!(
        Stored,
        r#"select e.id, e.project_id, e.issue_id, e.received_at, e.occurred_at, e.body
           from unnest($2::uuid[], $3::date[]) as asked (id, received_on)
           join events e on e.project_id = $1 and e.id = asked.id and e.received_on = asked.received_on
           order by e.occurred_at desc, e.id desc"#,
        project.0,
        &keys.iter().map(|key| key.id).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.received_on).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await
}

/// An event in a list, without its body.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: Uuid,
    pub occurred_at: DateTime<Utc>,
    /// Those that are known of the project.
    pub tags: Vec<(String, String)>,
}

/// What is known of events without reading their bodies, the latest first. Users are known by their address, where they have one.
pub async fn listed(db: impl PgExecutor<'_>, issue: &Issue, keys: &[Key]) -> sqlx::Result<Vec<Listed>> {
    let rows = query!(
        r#"select e.id, e.occurred_at, t.key as "key?", coalesce(nullif(u.email, ''), t.value) as "value?"
           from unnest($2::uuid[], $3::date[]) as asked (id, received_on)
           join events e on e.project_id = $1 and e.id = asked.id and e.received_on = asked.received_on
           left join tag_values t on t.project_id = e.project_id and t.tag = any(e.tags)
           left join event_users u on t.key = 'user' and u.project_id = t.project_id and u.tag = t.tag
           order by e.occurred_at desc, e.id desc, t.key"#,
        issue.project_id.0,
        &keys.iter().map(|key| key.id).collect::<Vec<_>>(),
        &keys.iter().map(|key| key.received_on).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    let mut listed: Vec<Listed> = Vec::new();
    for row in rows {
        if listed.last().is_none_or(|last| last.id != row.id) {
            listed.push(Listed { id: row.id, occurred_at: row.occurred_at, tags: Vec::new() });
        }
        if let (Some(last), Some(tag)) = (listed.last_mut(), row.key.zip(row.value)) {
            last.tags.push(tag);
        }
    }
    Ok(listed)
}

/// The first or last event of an issue that is still stored.
pub async fn at_end(db: impl PgExecutor<'_>, issue: &Issue, end: End) -> sqlx::Result<Option<Stored>> {
    match end {
        End::Latest => {
            query_as!(
                Stored,
                "select id, project_id, issue_id, received_at, occurred_at, body from events
                 where project_id = $1 and issue_id = $2 order by occurred_at desc, id desc limit 1",
                issue.project_id.0,
                issue.id.0,
            )
            .fetch_optional(db)
            .await
        }
        End::Oldest => {
            query_as!(
                Stored,
                "select id, project_id, issue_id, received_at, occurred_at, body from events
                 where project_id = $1 and issue_id = $2 order by occurred_at, id limit 1",
                issue.project_id.0,
                issue.id.0,
            )
            .fetch_optional(db)
            .await
        }
    }
}

/// The first bytes of the fingerprint that gave an event its issue.
pub(super) async fn hash(db: impl PgExecutor<'_>, event: &Stored) -> sqlx::Result<Option<i32>> {
    query_scalar!(
        "select hash from events where project_id = $1 and id = $2 and received_at = $3",
        event.project_id.0,
        event.id,
        event.received_at,
    )
    .fetch_optional(db)
    .await
}

/// The events of the same issue just before and just after one.
pub async fn neighbours(db: impl PgExecutor<'_>, event: &Stored) -> sqlx::Result<Neighbours> {
    let row = query!(
        r#"select
             (select id from events where project_id = $1 and issue_id = $2 and (occurred_at, id) < ($3, $4)
              order by occurred_at desc, id desc limit 1) as previous,
             (select id from events where project_id = $1 and issue_id = $2 and (occurred_at, id) > ($3, $4)
              order by occurred_at, id limit 1) as next"#,
        event.project_id.0,
        event.issue_id.0,
        event.occurred_at,
        event.id,
    )
    .fetch_one(db)
    .await?;
    Ok(Neighbours { previous: row.previous, next: row.next })
}

/// One page of a project's events, latest first. It goes forward only: that is what clients follow.
///
/// There is no index of a project's events by time, since no page needs one. Instead, the newest events of each issue are
/// merged: a page's events are among those of as many issues, the ones seen last. Further pages have to ask every issue that
/// was there by then.
pub async fn list(
    db: &PgPool,
    project: ProjectId,
    cursor: Option<Cursor<Uuid>>,
    size: usize,
) -> Result<Slice<Stored, Uuid>> {
    let rows = query_as!(
        Stored,
        r#"select e.id, e.project_id, e.issue_id, e.received_at, e.occurred_at, e.body
           from (
               select id from issues
               where project_id = $1 and ($2::timestamptz is null or first_seen <= $2)
               order by last_seen desc limit case when $2::timestamptz is null then $4::bigint end
           ) as seen
           cross join lateral (
               select * from events
               where project_id = $1 and issue_id = seen.id
                 and ($2::timestamptz is null or (occurred_at, id) < ($2, $3::uuid))
               order by occurred_at desc, id desc limit $4
           ) as e
           order by e.occurred_at desc, e.id desc limit $4"#,
        project.0,
        cursor.map(|cursor| cursor.at()) as Option<DateTime<Utc>>,
        cursor.map(|cursor| cursor.id) as Option<Uuid>,
        i64::try_from(size + 1)?,
    )
    .fetch_all(db)
    .await
    .context("listing events")?;
    let slice = Slice::cut(rows, size, cursor.as_ref(), |event| (event.occurred_at.timestamp_micros(), event.id));
    Ok(Slice { previous: None, ..slice })
}

/// An event that could not be stored, and why.
#[derive(Clone, Debug)]
pub struct SetAside {
    pub received: Received,
    pub reason: String,
}

/// What was set aside, or one of it: latest first, after the last one of those that are known.
pub async fn set_aside(
    db: impl PgExecutor<'_>,
    event: Option<EventId>,
    last: Option<(DateTime<Utc>, EventId)>,
    most: i64,
) -> sqlx::Result<Vec<SetAside>> {
    let rows = query!(
        r#"select project_id, id, received_at, reason, body, sent as "sent: Json<Box<Sent>>", sent_as from rejected_events
         where ($1::uuid is null or id = $1) and ($2::timestamptz is null or (received_at, id) < ($2, $3::uuid))
         order by received_at desc, id desc limit $4"#,
        event.map(|event| event.0) as Option<Uuid>,
        last.map(|(at, _)| at) as Option<DateTime<Utc>>,
        last.map(|(_, event)| event.0) as Option<Uuid>,
        most,
    )
    .fetch_all(db)
    .await?;
    let set_aside = rows.into_iter().map(|row| {
        let (project, id, body) = (ProjectId(row.project_id), EventId(row.id), Bytes::from(row.body));
        let sent = row.sent.map(|Json(sent)| sent).unwrap_or_default();
        let sent_as = row.sent_as.and_then(|sent_as| serde_json::from_value(sent_as).ok()).unwrap_or_default();
        let received = Received { project, id, received_at: row.received_at, sent, sent_as, body };
        SetAside { received, reason: row.reason }
    });
    Ok(set_aside.collect())
}

/// Forgets what was set aside.
pub async fn forget_set_aside(db: impl PgExecutor<'_>, events: &[&Received]) -> sqlx::Result<()> {
    query!(
        "delete from rejected_events r using unnest($1::bigint[], $2::uuid[]) as asked (project_id, id)
         where r.project_id = asked.project_id and r.id = asked.id",
        &events.iter().map(|event| event.project.0).collect::<Vec<_>>(),
        &events.iter().map(|event| event.id.0).collect::<Vec<_>>(),
    )
    .execute(db)
    .await?;
    Ok(())
}
