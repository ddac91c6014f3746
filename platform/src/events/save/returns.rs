//! Issues that come back with a batch: resolved ones that happened again, ignored ones that are worth looking at.
//!
//! The issues are locked, so what had come before is what the decision sees, however many workers save at once. Almost all
//! issues are open and cost nothing here.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Placed, Tx, issues::Locked};
use crate::{
    events::Effect,
    issues::{
        IssueId,
        lifecycle::{Before, Came, Decision, Return, Snooze},
    },
    projects::ProjectId,
    protocol::distinct::Distinct,
    releases::{self, Release},
};

/// An issue that comes back with an event.
struct Returned {
    project: ProjectId,
    issue: IssueId,
    how: Return,
    at: DateTime<Utc>,
    release: Option<String>,
}

/// Decides what each event does to its issue, and opens the issues that come back. The events are in the order of their
/// issues and times.
pub(super) async fn decide_returns(
    tx: &mut Tx<'_>,
    locked: &HashMap<IssueId, Locked>,
    placed: &mut [Placed<'_>],
) -> sqlx::Result<()> {
    let mut returned = Vec::new();
    for events in placed.chunk_by_mut(|a, b| a.issue == b.issue) {
        let before = &locked[&events[0].issue];
        if before.is_new {
            events[0].effect = Effect::CreatedIssue;
        } else if before.decision != Decision::Unresolved {
            returned.extend(decide(tx, &before.decision, events).await?);
        }
    }
    if returned.is_empty() { Ok(()) } else { reopen(tx, &returned).await }
}

async fn decide(tx: &mut Tx<'_>, decision: &Decision, events: &mut [Placed<'_>]) -> sqlx::Result<Option<Returned>> {
    let releases = releases_of(tx, events).await?;
    let mut before = match decision {
        Decision::Ignored(snooze) => before(tx, snooze, events).await?,
        _ => Before::default(),
    };
    for placed in events {
        let event = placed.event;
        let came = Came {
            at: event.occurred_at,
            release: event.release().and_then(|version| releases.iter().find(|release| release.version == version)),
            user: Some(placed.user()).filter(|user| *user != 0),
        };
        if let Some(how) = decision.meets(&mut before, &came) {
            placed.effect = match how {
                Return::Regressed => Effect::Regressed,
                Return::Unignored => Effect::Unignored,
            };
            return Ok(Some(Returned {
                project: event.received.project,
                issue: placed.issue,
                how,
                at: event.received.received_at,
                release: event.release().map(str::to_owned),
            }));
        }
    }
    Ok(None)
}

async fn releases_of(tx: &mut Tx<'_>, events: &[Placed<'_>]) -> sqlx::Result<Vec<Release>> {
    let mut versions: Vec<&str> = events.iter().filter_map(|placed| placed.event.release()).collect();
    versions.sort_unstable();
    versions.dedup();
    match versions.as_slice() {
        [] => Ok(Vec::new()),
        versions => releases::store::find(&mut **tx, events[0].event.received.project, versions).await,
    }
}

/// What had come since the issue was ignored: no more of the events than the limit asks for, the users whose tags are kept, and
/// all users as a set.
async fn before(tx: &mut Tx<'_>, snooze: &Snooze, events: &[Placed<'_>]) -> sqlx::Result<Before> {
    let (project, issue) = (events[0].event.received.project, events[0].issue);
    let since = snooze.since(events[0].event.occurred_at);
    let mut before = Before::default();
    if let Some(limit) = snooze.times {
        // What happened after a time was received after it too, but for clocks that are fast.
        before.times = sqlx::query_scalar!(
            r#"select occurred_at from events
               where project_id = $1 and issue_id = $2 and occurred_at > $3 and received_on >= $4
               order by occurred_at desc limit $5"#,
            project.0,
            issue.0,
            since,
            since.date_naive().pred_opt().unwrap_or_default(),
            i64::try_from(limit.most).unwrap_or(i64::MAX),
        )
        .fetch_all(&mut **tx)
        .await?;
    }
    if let Some(limit) = snooze.users {
        if limit.minutes.is_none() {
            before.ever = Some(all_users(tx, project, issue).await?);
        }
        let users = sqlx::query!(
            r#"select tag, last_seen from issue_tags
               where project_id = $1 and issue_id = $2 and key = 'user' and last_seen > $3"#,
            project.0,
            issue.0,
            since,
        );
        before.users = users.fetch_all(&mut **tx).await?.into_iter().map(|row| (row.tag, row.last_seen)).collect();
    }
    Ok(before)
}

async fn all_users(tx: &mut Tx<'_>, project: ProjectId, issue: IssueId) -> sqlx::Result<Distinct> {
    let users = sqlx::query_scalar!(
        "select users from issue_users where project_id = $1 and issue_id = $2",
        project.0,
        issue.0,
    );
    Ok(users.fetch_optional(&mut **tx).await?.map(|users| Distinct::from_bytes(&users)).unwrap_or_default())
}

async fn reopen(tx: &mut Tx<'_>, returned: &[Returned]) -> sqlx::Result<()> {
    let kind = |returned: &Returned| match returned.how {
        Return::Regressed => "set_regression",
        Return::Unignored => "set_unresolved",
    };
    sqlx::query!(
        r#"with asked as (
               select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::text[])
                   as asked (project_id, issue_id, kind, at, release)
           ),
           noted as (
               insert into issue_activity (project_id, issue_id, kind, at, data)
               select project_id, issue_id, kind, at, jsonb_strip_nulls(jsonb_build_object('version', release)) from asked
           ),
           woken as (
               delete from issue_snoozes s using asked where s.project_id = asked.project_id and s.issue_id = asked.issue_id
           )
           update issues i set status = 0, decision = null
           from asked where i.project_id = asked.project_id and i.id = asked.issue_id"#,
        &returned.iter().map(|returned| returned.project.0).collect::<Vec<_>>(),
        &returned.iter().map(|returned| returned.issue.0).collect::<Vec<_>>(),
        &returned.iter().map(|returned| kind(returned).to_owned()).collect::<Vec<_>>(),
        &returned.iter().map(|returned| returned.at).collect::<Vec<_>>(),
        &returned.iter().map(|returned| returned.release.clone()).collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
