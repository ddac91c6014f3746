//! What waits to be told, and what became of it.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, Postgres, Transaction};
use uuid::Uuid;

use super::{Delivery, LaneKey, News, State, budget::Lane};
use crate::{
    alerts::RuleId,
    auth::UserId,
    channels::{ChannelId, Failure},
    issues::IssueId,
    projects::ProjectId,
};

type Tx<'a> = Transaction<'a, Postgres>;

/// Lanes that are looked at in one go.
const MOST_LANES: i64 = 200;
/// Messages that one digest tells of; more are told by the next.
pub(super) const MOST_IN_DIGEST: i64 = 100_000;

/// A lane in which something is due.
pub(super) struct Due {
    pub lane: LaneKey,
    /// None where a person is told, or where the channel is gone.
    pub kind: Option<String>,
}

/// The lanes in which something is due, and whose channel is not paused: by jumping from one to the next through the index, so
/// that it costs as much as there are lanes, however much waits in them.
pub(super) async fn due(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<Vec<Due>> {
    let rows = sqlx::query!(
        r#"with recursive lanes as (
               (select channel_id, user_id from deliveries where due_at is not null order by channel_id, user_id limit 1)
               union all
               select next.channel_id, next.user_id from lanes cross join lateral (
                   select d.channel_id, d.user_id from deliveries d
                   where d.due_at is not null and (d.channel_id, d.user_id) > (lanes.channel_id, lanes.user_id)
                   order by d.channel_id, d.user_id limit 1
               ) next
           )
           select l.channel_id as "channel_id!", l.user_id as "user_id!", c.kind as "kind?"
           from lanes l left join channels c on c.id = l.channel_id
           left join delivery_lanes s on s.channel_id = l.channel_id and s.user_id = l.user_id
           where c.paused_at is null
             and coalesce(s.not_before, s.digest_at, $1) <= $1 and coalesce(s.digest_at, $1) <= $1
             and exists (
                 select 1 from deliveries d
                 where d.channel_id = l.channel_id and d.user_id = l.user_id and d.due_at is not null and d.due_at <= $1
             )
           limit $2"#,
        now,
        MOST_LANES,
    )
    .fetch_all(db)
    .await?;
    let due = |channel, user, kind| Due { lane: LaneKey { channel: ChannelId(channel), user: UserId(user) }, kind };
    Ok(rows.into_iter().map(|row| due(row.channel_id, row.user_id, row.kind)).collect())
}

/// Locks a lane; none while another worker has it.
pub(super) async fn lock(tx: &mut Tx<'_>, lane: LaneKey, new: &Lane) -> sqlx::Result<Option<Lane>> {
    sqlx::query!(
        "insert into delivery_lanes (channel_id, user_id, tokens, refilled_at) values ($1, $2, $3, $4) on conflict do nothing",
        lane.channel.0,
        lane.user.0,
        new.tokens,
        new.refilled_at,
    )
    .execute(&mut **tx)
    .await?;
    sqlx::query_as!(
        Lane,
        "select tokens, refilled_at, digest_at, digest_seconds, failures, not_before from delivery_lanes
         where channel_id = $1 and user_id = $2 for update skip locked",
        lane.channel.0,
        lane.user.0,
    )
    .fetch_optional(&mut **tx)
    .await
}

/// Keeps what is left of a lane.
pub(super) async fn keep(tx: &mut Tx<'_>, key: LaneKey, lane: &Lane) -> sqlx::Result<()> {
    sqlx::query!(
        "update delivery_lanes set tokens = $3, refilled_at = $4, digest_at = $5, digest_seconds = $6, failures = $7,
             not_before = $8
         where channel_id = $1 and user_id = $2",
        key.channel.0,
        key.user.0,
        lane.tokens,
        lane.refilled_at,
        lane.digest_at,
        lane.digest_seconds,
        lane.failures,
        lane.not_before,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// How much is due in a lane that nobody has tried to tell yet.
pub(super) async fn waiting(tx: &mut Tx<'_>, lane: LaneKey, now: DateTime<Utc>) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from (
               select 1 from deliveries
               where channel_id = $1 and user_id = $2 and due_at is not null and due_at <= $3 and digest_id is null
                   and attempts = 0
               limit $4
           ) waiting"#,
        lane.channel.0,
        lane.user.0,
        now,
        MOST_IN_DIGEST,
    )
    .fetch_one(&mut **tx)
    .await
}

/// Which messages: what was tried may have come to the other side, and comes again by itself with its own id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    New,
    Tried,
}

/// Takes the messages that have waited longest, for as long as a worker may need.
pub(super) async fn take(
    tx: &mut Tx<'_>,
    lane: LaneKey,
    (which, most): (Which, i64),
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Vec<Delivery>> {
    sqlx::query_as!(
        Delivery,
        r#"with taken as (
               select project_id, id from deliveries
               where channel_id = $1 and user_id = $2 and due_at is not null and due_at <= $3 and digest_id is null
                   and (attempts > 0) = $6
               order by due_at limit $4 for update skip locked
           )
           update deliveries d set due_at = $5, attempts = d.attempts + 1
           from taken where d.project_id = taken.project_id and d.id = taken.id
           returning d.project_id as "project: ProjectId", d.id, d.rule_id as "rule: RuleId", d.issue_id as "issue: IssueId",
                     d.event_id as event, d.news as "news: News", d.activity_id as activity, d.attempts, d.created_at"#,
        lane.channel.0,
        lane.user.0,
        now,
        most,
        until,
        which == Which::Tried,
    )
    .fetch_all(&mut **tx)
    .await
}

/// Takes everything new that waits for one digest.
pub(super) async fn take_together(
    tx: &mut Tx<'_>,
    lane: LaneKey,
    digest: Uuid,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<u64> {
    let taken = sqlx::query!(
        r#"with taken as (
               select project_id, id from deliveries
               where channel_id = $1 and user_id = $2 and due_at is not null and due_at <= $3 and digest_id is null
                   and attempts = 0
               limit $4 for update skip locked
           )
           update deliveries d set due_at = $5, attempts = d.attempts + 1, digest_id = $6
           from taken where d.project_id = taken.project_id and d.id = taken.id"#,
        lane.channel.0,
        lane.user.0,
        now,
        MOST_IN_DIGEST,
        until,
        digest,
    );
    Ok(taken.execute(&mut **tx).await?.rows_affected())
}

/// A digest that a worker was to tell and did not, taken again, with how often it was tried.
pub(super) async fn take_digest(
    tx: &mut Tx<'_>,
    lane: LaneKey,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Option<(Uuid, i32)>> {
    // Once, and not for each of the deliveries, whatever the planner thinks of a table it does not know yet.
    let row = sqlx::query!(
        r#"with due as materialized (
               select digest_id from deliveries
               where channel_id = $1 and user_id = $2 and due_at is not null and due_at <= $3 and digest_id is not null
               order by due_at limit 1
           ), taken as (
               update deliveries d set due_at = $4, attempts = d.attempts + 1
               from due where d.channel_id = $1 and d.user_id = $2 and d.due_at is not null and d.digest_id = due.digest_id
               returning d.digest_id, d.attempts
           )
           select digest_id as "id!", max(attempts) as "attempts!" from taken group by digest_id"#,
        lane.channel.0,
        lane.user.0,
        now,
        until,
    )
    .fetch_optional(&mut **tx)
    .await?;
    Ok(row.map(|row| (row.id, row.attempts)))
}

/// What a digest is made of: of each issue, how often, and the first and last times.
pub(super) struct Part {
    pub project: ProjectId,
    pub issue: IssueId,
    pub event: Uuid,
    pub alerts: i64,
    pub since: DateTime<Utc>,
    pub until: DateTime<Utc>,
}

/// The issues of a digest, those with most alerts first; of a person's, only those that they still see.
pub(super) async fn parts(db: impl PgExecutor<'_>, lane: LaneKey, digest: Uuid) -> sqlx::Result<Vec<Part>> {
    sqlx::query_as!(
        Part,
        r#"select project_id as "project!: ProjectId", issue_id as "issue!: IssueId",
                  (array_agg(event_id order by created_at desc))[1] as "event!", count(*) as "alerts!",
                  min(created_at) as "since!", max(created_at) as "until!"
           from deliveries d where channel_id = $1 and user_id = $2 and due_at is not null and digest_id = $3
             and ($2::bigint = 0 or exists (select from project_viewers v where v.project_id = d.project_id and v.user_id = $2))
           group by project_id, issue_id order by count(*) desc, max(created_at) desc"#,
        lane.channel.0,
        lane.user.0,
        digest,
    )
    .fetch_all(db)
    .await
}

/// How something ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct End<'a> {
    pub state: State,
    /// When it is tried again; none where that is over.
    pub again: Option<DateTime<Utc>>,
    pub failure: Option<&'a Failure>,
    pub now: DateTime<Utc>,
}

/// Writes down how a message ended.
pub(super) async fn end(db: impl PgExecutor<'_>, project: ProjectId, id: Uuid, end: End<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries set state = $3, due_at = $4, code = $5, said = $6,
             finished_at = case when $4::timestamptz is null then $7::timestamptz end
         where project_id = $1 and id = $2 and due_at is not null",
        project.0,
        id,
        end.state as i16,
        end.again,
        end.failure.map_or("", |failure| failure.code.as_str()),
        end.failure.map_or("", |failure| failure.said.as_str()),
        end.now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes down how a digest ended.
pub(super) async fn end_digest(db: impl PgExecutor<'_>, lane: LaneKey, digest: Uuid, end: End<'_>) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries set state = $4, due_at = $5, code = $6, said = $7,
             finished_at = case when $5::timestamptz is null then $8::timestamptz end
         where channel_id = $1 and user_id = $2 and due_at is not null and digest_id = $3",
        lane.channel.0,
        lane.user.0,
        digest,
        end.state as i16,
        end.again,
        end.failure.map_or("", |failure| failure.code.as_str()),
        end.failure.map_or("", |failure| failure.said.as_str()),
        end.now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whatever waits for a channel that was deleted is over.
pub(super) async fn give_up_orphans(db: impl PgExecutor<'_>, lane: LaneKey, now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        "update deliveries set state = 2, due_at = null, code = 'gone', finished_at = $2
         where channel_id = $1 and due_at is not null",
        lane.channel.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers that a channel is to hear of the issue's end.
pub(super) async fn open_incident(
    db: impl PgExecutor<'_>,
    delivery: &Delivery,
    channel: ChannelId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incidents (project_id, issue_id, channel_id, rule_id, opened_at) values ($1, $2, $3, $4, $5)
         on conflict (project_id, issue_id, channel_id) do update set opened_at = excluded.opened_at",
        delivery.project.0,
        delivery.issue.0,
        channel.0,
        delivery.rule.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Remembers the same of a digest that was about one issue only: that is the issue's incident too.
pub(super) async fn open_incident_of_digest(
    db: impl PgExecutor<'_>,
    channel: ChannelId,
    digest: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into incidents (project_id, issue_id, channel_id, rule_id, opened_at)
         select min(project_id), min(issue_id), $1, min(rule_id), $3 from deliveries
         where channel_id = $1 and user_id = 0 and digest_id = $2 and state = 3
         having min(issue_id) = max(issue_id)
         on conflict (project_id, issue_id, channel_id) do update set opened_at = excluded.opened_at",
        channel.0,
        digest,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Has channels told of issues that were resolved since they heard of them.
pub(super) async fn close_incidents(db: impl PgExecutor<'_>, now: DateTime<Utc>) -> sqlx::Result<u64> {
    let closed = sqlx::query!(
        r#"with closed as (
               delete from incidents n using issues i
               where i.project_id = n.project_id and i.id = n.issue_id and i.status = 1
               returning n.project_id, n.issue_id, n.channel_id, n.rule_id, n.opened_at
           )
           insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, due_at)
           select project_id, md5(concat_ws(':', 'resolved', issue_id, channel_id, opened_at))::uuid, rule_id,
                  md5(concat_ws(':', 'resolved', issue_id, opened_at))::uuid, issue_id, channel_id, 0, 4, $1, $1
           from closed on conflict do nothing"#,
        now,
    );
    Ok(closed.execute(db).await?.rows_affected())
}

/// Gives back what was taken and not tried.
pub(super) async fn give_back(db: impl PgExecutor<'_>, taken: &[Delivery], now: DateTime<Utc>) -> sqlx::Result<()> {
    sqlx::query!(
        r#"update deliveries d set due_at = $3, attempts = greatest(d.attempts - 1, 0)
           from unnest($1::bigint[], $2::uuid[]) as given (project_id, id)
           where d.project_id = given.project_id and d.id = given.id and d.due_at is not null"#,
        &taken.iter().map(|delivery| delivery.project.0).collect::<Vec<_>>(),
        &taken.iter().map(|delivery| delivery.id).collect::<Vec<_>>(),
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whether the other side took what it was sent, for the lane's next plan.
pub(super) async fn settle(db: impl PgExecutor<'_>, key: LaneKey, lane: &Lane) -> sqlx::Result<()> {
    sqlx::query!(
        "update delivery_lanes set failures = $3, not_before = $4 where channel_id = $1 and user_id = $2",
        key.channel.0,
        key.user.0,
        lane.failures,
        lane.not_before,
    )
    .execute(db)
    .await?;
    Ok(())
}
