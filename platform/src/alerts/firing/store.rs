//! What rules ask, each for a whole batch at once, and what is written when they are met.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgExecutor, Postgres, Transaction};

use super::{Assigned, Fire, IssueFacts, Last, Pending, WindowKey};
use crate::{
    alerts::{RuleId, rules::Action},
    auth::UserId,
    issues::IssueId,
    projects::ProjectId,
};

type Tx<'a> = Transaction<'a, Postgres>;

/// Events that are looked at where users are counted.
pub(super) const MOST_LOOKED_AT: i64 = 10_000;

/// A window of time that is asked for.
#[derive(Clone, Debug)]
pub struct Window {
    pub project: ProjectId,
    pub key: WindowKey,
    pub since: DateTime<Utc>,
    /// As many of its latest events as are asked for.
    pub most: i64,
}

/// When rules last told of issues.
pub(super) async fn last(tx: &mut Tx<'_>, pending: &[Pending<'_>]) -> sqlx::Result<Last> {
    let asked: BTreeSet<(i64, i64, i64)> = pending
        .iter()
        .filter(|one| one.rule.frequency > 0)
        .map(|one| (one.candidate.project.0, one.rule.id.0, one.candidate.issue.0))
        .collect();
    if asked.is_empty() {
        return Ok(Last::new());
    }
    let column = |of: fn(&(i64, i64, i64)) -> i64| asked.iter().map(of).collect::<Vec<_>>();
    let rows = sqlx::query!(
        r#"select f.rule_id, f.issue_id, f.fired_at
           from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as asked (project_id, rule_id, issue_id)
           join rule_fires f on f.project_id = asked.project_id and f.rule_id = asked.rule_id and f.issue_id = asked.issue_id"#,
        &column(|key| key.0),
        &column(|key| key.1),
        &column(|key| key.2),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((RuleId(row.rule_id), IssueId(row.issue_id)), row.fired_at)).collect())
}

/// The latest events of windows of time, with their users.
pub async fn windows(
    db: impl PgExecutor<'_>,
    asked: &[Window],
) -> sqlx::Result<HashMap<WindowKey, Vec<(DateTime<Utc>, i64)>>> {
    // An event is received after it happened, but for clocks that are fast.
    let day = |window: &Window| window.since.date_naive().pred_opt().unwrap_or_default();
    let rows = sqlx::query!(
        r#"select asked.nth as "nth!", e.occurred_at, coalesce(e.tags[3], 0) as "user!"
           from unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::date[], $5::bigint[], $6::bigint[])
               with ordinality as asked (project_id, issue_id, since, day, environment, most, nth)
           cross join lateral (
               select occurred_at, tags from events e
               where e.project_id = asked.project_id and e.issue_id = asked.issue_id and e.occurred_at > asked.since
                   and e.received_on >= asked.day and (asked.environment = 0 or e.tags[1] = asked.environment)
               order by e.occurred_at desc limit asked.most
           ) e"#,
        &asked.iter().map(|window| window.project.0).collect::<Vec<_>>(),
        &asked.iter().map(|window| window.key.0.0).collect::<Vec<_>>(),
        &asked.iter().map(|window| window.since).collect::<Vec<_>>(),
        &asked.iter().map(day).collect::<Vec<NaiveDate>>(),
        &asked.iter().map(|window| window.key.2).collect::<Vec<_>>(),
        &asked.iter().map(|window| window.most).collect::<Vec<_>>(),
    )
    .fetch_all(db)
    .await?;
    let mut windows: HashMap<WindowKey, Vec<(DateTime<Utc>, i64)>> = HashMap::new();
    for row in rows {
        let nth = usize::try_from(row.nth - 1).unwrap_or(0);
        windows.entry(asked[nth].key).or_default().push((row.occurred_at, row.user));
    }
    Ok(windows)
}

/// What is known of issues.
pub(super) async fn issues(
    tx: &mut Tx<'_>,
    asked: &BTreeSet<(ProjectId, IssueId)>,
) -> sqlx::Result<HashMap<IssueId, IssueFacts>> {
    let (projects, issues): (Vec<i64>, Vec<i64>) = asked.iter().map(|(project, issue)| (project.0, issue.0)).unzip();
    let rows = sqlx::query!(
        r#"select i.id, i.first_seen, i.times_seen, a.user_id as "user?: i64", a.team_id as "team?"
           from unnest($1::bigint[], $2::bigint[]) as asked (project_id, id)
           join issues i on i.project_id = asked.project_id and i.id = asked.id
           left join issue_assignees a on a.project_id = i.project_id and a.issue_id = i.id"#,
        &projects,
        &issues,
    )
    .fetch_all(&mut **tx)
    .await?;
    let facts = rows.into_iter().map(|row| {
        let person = row.user.map(|user| Assigned::Member(UserId(user)));
        let assigned = person.or(row.team.map(Assigned::Team));
        (row.id, IssueFacts { first_seen: row.first_seen, times_seen: row.times_seen, assigned })
    });
    Ok(facts.collect())
}

/// How many events issues have in environments, those of the batch included.
pub(super) async fn counted_in(
    tx: &mut Tx<'_>,
    asked: &BTreeSet<(ProjectId, IssueId, i64)>,
) -> sqlx::Result<HashMap<(IssueId, i64), i64>> {
    let column = |of: fn(&(ProjectId, IssueId, i64)) -> i64| asked.iter().map(of).collect::<Vec<_>>();
    let rows = sqlx::query!(
        r#"select t.issue_id, t.tag, t.events
           from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as asked (project_id, issue_id, tag)
           join issue_tags t on t.project_id = asked.project_id and t.issue_id = asked.issue_id and t.tag = asked.tag"#,
        &column(|key| key.0.0),
        &column(|key| key.1.0),
        &column(|key| key.2),
    )
    .fetch_all(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| ((IssueId(row.issue_id), row.tag), row.events)).collect())
}

/// Writes down when rules told of issues.
pub(super) async fn note(tx: &mut Tx<'_>, fires: &[Fire]) -> sqlx::Result<()> {
    let mut latest: std::collections::BTreeMap<(i64, i64, i64), DateTime<Utc>> = std::collections::BTreeMap::new();
    for fire in fires {
        let at = latest.entry((fire.project.0, fire.rule.0, fire.issue.0)).or_insert(fire.at);
        *at = fire.at.max(*at);
    }
    let column = |of: fn(&(i64, i64, i64)) -> i64| latest.keys().map(of).collect::<Vec<_>>();
    sqlx::query!(
        r#"insert into rule_fires as f (project_id, rule_id, issue_id, fired_at)
           select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])
           on conflict (project_id, rule_id, issue_id) do update set fired_at = greatest(f.fired_at, excluded.fired_at)"#,
        &column(|key| key.0),
        &column(|key| key.1),
        &column(|key| key.2),
        &latest.values().copied().collect::<Vec<_>>(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The columns of what fired, once for each action that fits.
struct Columns {
    projects: Vec<i64>,
    rules: Vec<i64>,
    issues: Vec<i64>,
    events: Vec<uuid::Uuid>,
    news: Vec<i16>,
}

fn columns<'a>(fires: impl Iterator<Item = &'a Fire> + Clone) -> Columns {
    Columns {
        projects: fires.clone().map(|fire| fire.project.0).collect(),
        rules: fires.clone().map(|fire| fire.rule.0).collect(),
        issues: fires.clone().map(|fire| fire.issue.0).collect(),
        events: fires.clone().map(|fire| fire.event.0).collect(),
        news: fires.map(|fire| fire.news as i16).collect(),
    }
}

/// Has members told by mail who see the project, and want it.
pub(super) async fn tell_members(tx: &mut Tx<'_>, fires: &[Fire], now: DateTime<Utc>) -> sqlx::Result<()> {
    let whom = |action: &Action| match action {
        Action::Everything | Action::Members => Some(0),
        Action::Member(user) => Some(user.0),
        _ => None,
    };
    let told: Vec<(&Fire, i64)> = fires
        .iter()
        .flat_map(|fire| fire.actions.iter().filter_map(move |action| Some((fire, whom(action)?))))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let columns = columns(told.iter().map(|(fire, _)| *fire));
    sqlx::query!(
        r#"insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, due_at)
           select f.project_id, md5(concat_ws(':', f.rule_id, f.event_id, 0, u.id))::uuid, f.rule_id, f.event_id, f.issue_id, 0,
                  u.id, f.news, $7, $7
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::smallint[], $6::bigint[])
               as f (project_id, rule_id, issue_id, event_id, news, user_id)
           join projects p on p.id = f.project_id
           join members m on m.organization_id = p.organization_id and (f.user_id = 0 or f.user_id = m.user_id)
           join users u on u.id = m.user_id and u.is_active
           join project_viewers v on v.project_id = f.project_id and v.user_id = u.id
           left join mail_preferences own on own.user_id = u.id and own.project_id = f.project_id
           left join mail_preferences all_of on all_of.user_id = u.id and all_of.project_id = 0
           where coalesce(own.alerts, all_of.alerts, true)
           on conflict do nothing"#,
        &columns.projects,
        &columns.rules,
        &columns.issues,
        &columns.events,
        &columns.news,
        &told.iter().map(|(_, user)| *user).collect::<Vec<_>>(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Has channels told: one, those of a kind, or all that the project may use.
pub(super) async fn tell_channels(tx: &mut Tx<'_>, fires: &[Fire], now: DateTime<Utc>) -> sqlx::Result<()> {
    let which = |action: &Action| match action {
        Action::Everything => Some((0, String::new())),
        Action::Channel(channel) => Some((channel.0, String::new())),
        Action::Kind(kind) => Some((0, kind.clone())),
        Action::Members | Action::Member(_) => None,
    };
    let told: Vec<(&Fire, (i64, String))> = fires
        .iter()
        .flat_map(|fire| fire.actions.iter().filter_map(move |action| Some((fire, which(action)?))))
        .collect();
    if told.is_empty() {
        return Ok(());
    }
    let columns = columns(told.iter().map(|(fire, _)| *fire));
    sqlx::query!(
        r#"insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, due_at)
           select f.project_id, md5(concat_ws(':', f.rule_id, f.event_id, c.id, 0))::uuid, f.rule_id, f.event_id, f.issue_id,
                  c.id, 0, f.news, $8, $8
           from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::uuid[], $5::smallint[], $6::bigint[], $7::text[])
               as f (project_id, rule_id, issue_id, event_id, news, channel_id, kind)
           join projects p on p.id = f.project_id
           join channels c on c.organization_id = p.organization_id and (c.project_id is null or c.project_id = p.id)
           where (f.channel_id = 0 or f.channel_id = c.id) and (f.kind = '' or f.kind = c.kind)
           on conflict do nothing"#,
        &columns.projects,
        &columns.rules,
        &columns.issues,
        &columns.events,
        &columns.news,
        &told.iter().map(|(_, (channel, _))| *channel).collect::<Vec<_>>(),
        &told.iter().map(|(_, (_, kind))| kind.clone()).collect::<Vec<_>>(),
        now,
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
