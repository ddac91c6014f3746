//! Rules in PostgreSQL, what they told, and who wants to hear it.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::{PgExecutor, query, query_as, query_scalar, types::Json};
use uuid::Uuid;

use super::{
    By, RuleId,
    delivery::{News, State},
    rules::{Rule, Wrong},
};
use crate::{channels::Channel, projects::ProjectId};

/// Longer than anybody waits.
pub(super) const FOR_GOOD: DateTime<Utc> = DateTime::<Utc>::from_timestamp(253_370_764_800, 0).expect("it is a time");

/// A rule as it is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: RuleId,
    pub project: ProjectId,
    pub name: String,
    /// As Sentry's API writes it; none for the usual one.
    pub definition: Option<Json<Map<String, Value>>>,
    pub on_return: bool,
    pub muted_until: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
}

impl Kept {
    /// As Sentry's API writes it.
    pub fn json(&self) -> Map<String, Value> {
        let Some(Json(definition)) = &self.definition else {
            let mut usual = Rule::usual();
            usual.insert("name".to_owned(), json!(self.name));
            if !self.on_return {
                usual.insert("conditions".to_owned(), json!([usual["conditions"][0].clone()]));
            }
            return usual;
        };
        definition.clone()
    }

    /// What it means.
    pub fn rule(&self) -> Result<Rule, Vec<Wrong>> {
        let rule = Rule::read(self.id, self.project, &self.json())?;
        Ok(Rule { muted_until: self.muted_until, ..rule })
    }
}

/// The rules of projects.
pub(super) async fn rules(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<Kept>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    query_as!(
        Kept,
        r#"select id, project_id as "project: ProjectId", name, definition as "definition: Json<Map<String, Value>>", on_return,
                  muted_until, created_at
           from alert_rules where project_id = any($1) order by id"#,
        &projects
    )
    .fetch_all(db)
    .await
}

/// Adds a rule.
pub(super) async fn insert(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    name: &str,
    (json, by): (&Map<String, Value>, By),
) -> sqlx::Result<RuleId> {
    query_scalar!(
        "insert into alert_rules (project_id, name, trigger, definition, created_by, created_at)
         values ($1, $2, 'rule', $3, $4, $5) returning id",
        project.0,
        name,
        Json(json) as Json<&Map<String, Value>>,
        by.user.0,
        by.at,
    )
    .fetch_one(db)
    .await
}

/// Changes a rule; false where it is gone.
pub(super) async fn update(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    rule: RuleId,
    (name, json): (&str, &Map<String, Value>),
) -> sqlx::Result<bool> {
    let changed = query!(
        "update alert_rules set name = $3, trigger = 'rule', definition = $4 where project_id = $1 and id = $2",
        project.0,
        rule.0,
        name,
        Json(json) as Json<&Map<String, Value>>,
    );
    Ok(changed.execute(db).await?.rows_affected() == 1)
}

/// Deletes a rule; false where it is gone. What it wanted told is told all the same.
pub(super) async fn delete(db: impl PgExecutor<'_>, project: ProjectId, rule: RuleId) -> sqlx::Result<bool> {
    let deleted = query!("delete from alert_rules where project_id = $1 and id = $2", project.0, rule.0);
    Ok(deleted.execute(db).await?.rows_affected() == 1)
}

/// Has a rule be silent until a time; none has it speak again. False where it is gone.
pub(super) async fn mute(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    rule: RuleId,
    until: Option<DateTime<Utc>>,
) -> sqlx::Result<bool> {
    let muted =
        query!("update alert_rules set muted_until = $3 where project_id = $1 and id = $2", project.0, rule.0, until);
    Ok(muted.execute(db).await?.rows_affected() == 1)
}

/// When a rule last told of anything.
pub(super) async fn last_fired(
    db: impl PgExecutor<'_>,
    project: ProjectId,
) -> sqlx::Result<Vec<(RuleId, DateTime<Utc>)>> {
    let rows = query!(
        r#"select rule_id, max(fired_at) as "at!" from rule_fires where project_id = $1 group by rule_id"#,
        project.0
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (RuleId(row.rule_id), row.at)).collect())
}

/// Something that was told, or is to be.
#[derive(Clone, Debug)]
pub struct Told {
    pub id: Uuid,
    pub issue: i64,
    pub title: Option<String>,
    pub news: News,
    pub state: State,
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Of the channel; none where a person was told, or where it is gone.
    pub channel: Option<String>,
    pub kind: Option<String>,
    pub email: Option<String>,
    pub is_paused: bool,
    pub code: String,
    pub said: String,
}

/// What a rule told last, and what became of it.
pub(super) async fn history(
    db: impl PgExecutor<'_>,
    (project, rule): (ProjectId, RuleId),
    most: i64,
) -> sqlx::Result<Vec<Told>> {
    query_as!(
        Told,
        r#"select d.id, d.issue_id as issue, i.title as "title?", d.news as "news: News",
                  d.state as "state: State", d.attempts, d.created_at, d.finished_at, c.name as "channel?",
                  c.kind as "kind?", u.email as "email?", c.paused_at is not null as "is_paused!", d.code, d.said
           from deliveries d
           left join issues i on i.project_id = d.project_id and i.id = d.issue_id
           left join channels c on c.id = d.channel_id left join users u on u.id = d.user_id
           where d.project_id = $1 and d.rule_id = $2 order by d.created_at desc, d.id limit $3"#,
        project.0,
        rule.0,
        most,
    )
    .fetch_all(db)
    .await
}

/// How many of a project's messages were given up lately, by rule.
pub(super) async fn given_up(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    since: DateTime<Utc>,
) -> sqlx::Result<Vec<(RuleId, i64)>> {
    let rows = query!(
        r#"select rule_id, count(*) as "count!" from deliveries
           where project_id = $1 and state = 2 and created_at > $2 group by rule_id"#,
        project.0,
        since,
    );
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (RuleId(row.rule_id), row.count)).collect())
}

/// Has something told once more, with the same id; false where there is nothing of the kind.
pub(super) async fn replay(
    db: impl PgExecutor<'_>,
    (project, rule): (ProjectId, RuleId),
    id: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<bool> {
    let replayed = query!(
        "update deliveries set state = 0, attempts = 0, due_at = $4, digest_id = null, finished_at = null, code = '', said = ''
         where project_id = $1 and rule_id = $2 and id = $3 and due_at is null",
        project.0,
        rule.0,
        id,
        now,
    );
    Ok(replayed.execute(db).await?.rows_affected() == 1)
}

/// Whom a worker of the version before has not told yet.
pub(super) async fn adopt(
    db: impl PgExecutor<'_>,
    (project, rule): (ProjectId, RuleId),
    event: Uuid,
    now: DateTime<Utc>,
) -> sqlx::Result<u64> {
    let adopted = query!(
        r#"insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, due_at)
           select e.project_id, md5(concat_ws(':', $2::bigint, e.id, 0, u.id))::uuid, $2, e.id, e.issue_id, 0, u.id,
                  case e.effect when 2 then 1 when 3 then 2 else 0 end, $4, $4
           from (select project_id, id, issue_id, effect from events where project_id = $1 and id = $3 limit 1) e
           join projects p on p.id = e.project_id join members m on m.organization_id = p.organization_id
           join users u on u.id = m.user_id and u.is_active
           join project_viewers v on v.project_id = p.id and v.user_id = u.id
           where not exists (
               select 1 from notifications n where n.project_id = $1 and n.rule_id = $2 and n.event_id = $3
                   and n.user_id = u.id and n.sent_at is not null
           )
           on conflict do nothing"#,
        project.0,
        rule.0,
        event,
        now,
    );
    Ok(adopted.execute(db).await?.rows_affected())
}

/// Somebody who looks after a channel, and where they do.
pub(super) struct Caretaker {
    pub email: String,
    pub language: Option<String>,
    pub path: String,
}

/// Who set a channel up, as long as they are there; else the organisation's owners.
pub(super) async fn owners(db: impl PgExecutor<'_>, channel: &Channel) -> sqlx::Result<Vec<Caretaker>> {
    query_as!(
        Caretaker,
        r#"select u.email, u.language,
                  concat('/', o.slug, '/', coalesce(p.slug, (select slug from projects where organization_id = o.id and deleted_at is null order by id limit 1)),
                         '/settings/channels/') as "path!"
           from organizations o left join projects p on p.id = $2
           join members m on m.organization_id = o.id join users u on u.id = m.user_id and u.is_active
           where o.id = $1 and case
               when exists (select 1 from users own join members mine on mine.user_id = own.id and mine.organization_id = o.id
                            where own.id = $3 and own.is_active) then u.id = $3
               else m.role = 'owner' end"#,
        channel.organization_id.0,
        channel.project_id.map(|project| project.0),
        channel.owner.map(|owner| owner.0),
    )
    .fetch_all(db)
    .await
}

/// The name of a project, and where it is.
pub(super) async fn project_name(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<String>> {
    query_scalar!("select name from projects where id = $1", project.0).fetch_optional(db).await
}
