//! What is known of an issue and of who reads about it, when it is told.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{alerts::RuleId, auth::UserId, issues::IssueId, projects::ProjectId, protocol::Level};

/// What is told of an issue and an event of it.
pub(super) struct About {
    pub organization: String,
    pub project: String,
    pub project_name: String,
    pub short_id: i64,
    pub title: String,
    pub culprit: String,
    pub level: Level,
    pub times_seen: i64,
    pub users_seen: i64,
    pub first_seen: DateTime<Utc>,
    pub last_seen: DateTime<Utc>,
    pub rule: String,
    pub environment: Option<String>,
    pub release: Option<String>,
}

/// None where the issue or its project was deleted, and where a person is told who does not see it any more.
pub(super) async fn about(
    db: impl PgExecutor<'_>,
    (project, issue, rule): (ProjectId, IssueId, RuleId),
    (event, user): (Uuid, UserId),
) -> sqlx::Result<Option<About>> {
    sqlx::query_as!(
        About,
        r#"select o.slug as organization, p.slug as project, p.name as project_name, i.short_id, i.title, i.culprit, i.level,
                  i.times_seen, i.users_seen, i.first_seen, i.last_seen, coalesce(r.name, '') as "rule!",
                  (select t.value from tag_values t where t.project_id = $1 and t.tag = e.tags[1] and t.key = 'environment')
                      as environment,
                  (select t.value from tag_values t where t.project_id = $1 and t.tag = e.tags[2] and t.key = 'release')
                      as release
           from issues i join projects p on p.id = i.project_id join organizations o on o.id = p.organization_id
           left join alert_rules r on r.id = $3
           left join lateral (select tags from events where project_id = $1 and id = $4 limit 1) e on true
           where i.project_id = $1 and i.id = $2
             and ($5::bigint = 0 or exists (select from project_viewers v where v.project_id = $1 and v.user_id = $5))"#,
        project.0,
        issue.0,
        rule.0,
        event,
        user.0,
    )
    .fetch_optional(db)
    .await
}

/// Who sees to an issue, and by what its robots call them, each after its kind and a colon.
pub(super) struct Assignee {
    pub name: String,
    pub contacts: Vec<String>,
}

/// None where nobody does.
pub(super) async fn assignee(
    db: impl PgExecutor<'_>,
    (project, issue): (ProjectId, IssueId),
) -> sqlx::Result<Option<Assignee>> {
    sqlx::query_as!(
        Assignee,
        r#"select coalesce(nullif(u.name, ''), u.email, '#' || t.slug, '') as "name!",
                  array(
                      select c.kind || ':' || c.value from user_contacts c join users o on o.id = c.user_id and o.is_active
                      where c.user_id = a.user_id
                          or c.user_id in (select tm.user_id from team_members tm where tm.team_id = a.team_id)
                      order by c.user_id, c.kind limit 80
                  ) as "contacts!: Vec<String>"
           from issue_assignees a left join users u on u.id = a.user_id left join teams t on t.id = a.team_id
           where a.project_id = $1 and a.issue_id = $2"#,
        project.0,
        issue.0,
    )
    .fetch_optional(db)
    .await
}

/// Something that happened to an issue.
pub(super) struct Activity {
    pub kind: String,
    pub by: Option<String>,
    pub data: Value,
}

/// None where it is gone: a comment that was deleted.
pub(super) async fn activity(
    db: impl PgExecutor<'_>,
    (project, issue): (ProjectId, IssueId),
    activity: i64,
) -> sqlx::Result<Option<Activity>> {
    sqlx::query_as!(
        Activity,
        r#"select a.kind, coalesce(nullif(u.name, ''), u.email) as "by?", a.data
           from issue_activity a left join users u on u.id = a.user_id
           where a.project_id = $1 and a.issue_id = $2 and a.id = $3"#,
        project.0,
        issue.0,
        activity,
    )
    .fetch_optional(db)
    .await
}

/// A person who is told by mail.
pub(super) struct Person {
    pub email: String,
    pub language: Option<String>,
    pub timezone: Option<String>,
}

/// None where they were deleted or may not sign in any more.
pub(super) async fn person(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Option<Person>> {
    sqlx::query_as!(Person, "select email, language, timezone from users where id = $1 and is_active", user.0)
        .fetch_optional(db)
        .await
}
