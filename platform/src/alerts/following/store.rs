//! The history of issues, as far as it is to be told, and who is.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Postgres, Transaction};

use super::super::delivery::News;
use crate::{organizations::OrganizationId, projects::ProjectId};

type Tx<'a> = Transaction<'a, Postgres>;

/// Something that happened to an issue.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub organization: OrganizationId,
    pub project: ProjectId,
    pub issue: i64,
    pub id: i64,
    pub at: DateTime<Utc>,
    pub kind: String,
    pub user: Option<i64>,
    pub data: Value,
}

/// An entry and whom it names.
pub(super) struct Told<'a> {
    pub entry: &'a Entry,
    pub news: News,
    pub people: Vec<i64>,
    pub teams: Vec<i64>,
}

/// Takes the oldest entries that nobody was told of.
pub(super) async fn take(tx: &mut Tx<'_>, most: i64) -> sqlx::Result<Vec<Entry>> {
    sqlx::query_as!(
        Entry,
        r#"with waiting as (
               select project_id, issue_id, id from issue_activity where not is_told order by id limit $1
               for update skip locked
           )
           update issue_activity a set is_told = true from waiting w, projects p
           where a.project_id = w.project_id and a.issue_id = w.issue_id and a.id = w.id and p.id = a.project_id
           returning p.organization_id as "organization: OrganizationId", a.project_id as "project: ProjectId",
                     a.issue_id as "issue: i64", a.id, a.at, a.kind, a.user_id as "user: i64", a.data"#,
        most,
    )
    .fetch_all(&mut **tx)
    .await
}

/// Writes down who is told: whom an entry names, and who takes part in the issue, as far as they see the project and want mails.
/// Of an issue that is back nobody hears who hears it by a rule. Who left the issue hears only what names them.
pub(super) async fn tell(tx: &mut Tx<'_>, told: &[Told<'_>], now: DateTime<Utc>) -> sqlx::Result<u64> {
    if told.is_empty() {
        return Ok(0);
    }
    let named = |of: for<'a> fn(&'a Told<'_>) -> &'a [i64]| -> (Vec<i64>, Vec<i64>) {
        told.iter().flat_map(|one| of(one).iter().map(|who| (one.entry.id, *who))).unzip()
    };
    let (people_at, people) = named(|one| &one.people);
    let (teams_at, teams) = named(|one| &one.teams);
    let written = sqlx::query!(
        r#"with entries as (
               select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::smallint[])
                   as entries (project_id, issue_id, id, actor, news)
           ), named as (
               select id, user_id from unnest($6::bigint[], $7::bigint[]) as people (id, user_id)
               union
               select t.id, tm.user_id from unnest($8::bigint[], $9::bigint[]) as t (id, team_id)
               join team_members tm on tm.team_id = t.team_id
           ), audience as (
               select e.*, n.user_id, true as is_named from entries e join named n on n.id = e.id
               union all
               select e.*, s.user_id, false from entries e
               join issue_subscriptions s on s.project_id = e.project_id and s.issue_id = e.issue_id and s.is_active
               where not exists (select from named n where n.id = e.id and n.user_id = s.user_id)
           )
           insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, due_at,
                                   activity_id)
           select a.project_id, md5(concat_ws(':', 'activity', a.id, a.user_id))::uuid, 0,
                  md5(concat_ws(':', 'activity', a.id))::uuid, a.issue_id, 0, a.user_id,
                  case when a.is_named and a.news = 6 then 7 else a.news end, $10, $10, a.id
           from audience a join projects p on p.id = a.project_id join organizations o on o.id = p.organization_id
           join members m on m.organization_id = o.id and m.user_id = a.user_id
           join project_viewers v on v.project_id = p.id and v.user_id = a.user_id
           join users u on u.id = a.user_id
           left join mail_preferences own on own.user_id = u.id and own.project_id = a.project_id
           left join mail_preferences all_of on all_of.user_id = u.id and all_of.project_id = 0
           where u.id <> a.actor and coalesce(own.activity, all_of.activity, true)
             and not (a.news = 1 and exists (
                 select from deliveries d where d.user_id = u.id and d.user_id <> 0 and d.created_at > $10::timestamptz - interval '10 minutes'
                     and d.project_id = a.project_id and d.issue_id = a.issue_id and d.news = 1 and d.activity_id is null))
           on conflict do nothing"#,
        &told.iter().map(|one| one.entry.project.0).collect::<Vec<_>>(),
        &told.iter().map(|one| one.entry.issue).collect::<Vec<_>>(),
        &told.iter().map(|one| one.entry.id).collect::<Vec<_>>(),
        &told.iter().map(|one| one.entry.user.unwrap_or(0)).collect::<Vec<_>>(),
        &told.iter().map(|one| one.news as i16).collect::<Vec<_>>(),
        &people_at,
        &people,
        &teams_at,
        &teams,
        now,
    );
    Ok(written.execute(&mut **tx).await?.rows_affected())
}
