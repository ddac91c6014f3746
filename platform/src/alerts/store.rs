//! Rules, recipients, and who has been told.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;

use super::{Notification, Recipient, RuleId, Subject};
use crate::{
    auth::UserId,
    events::{Effect, Seen},
    projects::ProjectId,
};

/// A rule and its project.
pub(super) struct Rule {
    pub id: RuleId,
    pub project_id: ProjectId,
    on_return: bool,
}

impl Rule {
    /// Whether it has something to say about an event.
    pub fn is_met_by(&self, seen: &Seen) -> bool {
        self.project_id == seen.project
            && match seen.effect {
                Effect::Counted => false,
                Effect::CreatedIssue => true,
                Effect::Regressed | Effect::Unignored => self.on_return,
            }
    }
}

/// The rules of these projects that fire on a new issue, and on one that comes back.
pub(super) async fn rules(db: impl PgExecutor<'_>, projects: &BTreeSet<ProjectId>) -> sqlx::Result<Vec<Rule>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    sqlx::query_as!(
        Rule,
        "select id, project_id, on_return from alert_rules where trigger = 'first_seen' and project_id = any($1)",
        &projects
    )
    .fetch_all(db)
    .await
}

/// What a mail says of an issue; none when it or its project was deleted.
pub(super) async fn subject(db: impl PgExecutor<'_>, notification: &Notification) -> sqlx::Result<Option<Subject>> {
    sqlx::query_as!(
        Subject,
        r#"select o.slug as organization, p.slug as project, p.name as project_name,
                  i.short_id, i.title, i.culprit, i.level,
                  (select e.effect from events e where e.project_id = $1 and e.id = $3 limit 1) as "effect: Effect"
           from issues i join projects p on p.id = i.project_id join organizations o on o.id = p.organization_id
           where i.project_id = $1 and i.id = $2"#,
        notification.project.0,
        notification.issue.0,
        notification.event.0,
    )
    .fetch_optional(db)
    .await
}

/// The active members of the project's organisation.
pub(super) async fn recipients(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<Recipient>> {
    sqlx::query_as!(
        Recipient,
        r#"select u.id as user, u.email from users u
           join members m on m.user_id = u.id join projects p on p.organization_id = m.organization_id
           where p.id = $1 and u.is_active order by u.id"#,
        project.0,
    )
    .fetch_all(db)
    .await
}

/// Notes whom a notification is for; who is noted already stays as they are.
pub(super) async fn plan(
    db: impl PgExecutor<'_>,
    notification: &Notification,
    recipients: &[Recipient],
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    let users: Vec<i64> = recipients.iter().map(|recipient| recipient.user.0).collect();
    sqlx::query!(
        r#"insert into notifications (project_id, rule_id, event_id, user_id, issue_id, created_at)
           select $1, $2, $3, unnest($4::bigint[]), $5, $6 on conflict do nothing"#,
        notification.project.0,
        notification.rule.0,
        notification.event.0,
        &users,
        notification.issue.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Locks the row of a recipient who is still to be told; false when told already, or being told by another worker.
pub(super) async fn claim(db: impl PgExecutor<'_>, notification: &Notification, user: UserId) -> sqlx::Result<bool> {
    let claimed = sqlx::query!(
        r#"select issue_id from notifications
           where project_id = $1 and rule_id = $2 and event_id = $3 and user_id = $4 and sent_at is null
           for update skip locked"#,
        notification.project.0,
        notification.rule.0,
        notification.event.0,
        user.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(claimed.is_some())
}

/// Notes that a recipient was told.
pub(super) async fn sent(
    db: impl PgExecutor<'_>,
    notification: &Notification,
    user: UserId,
    now: DateTime<Utc>,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update notifications set sent_at = $5 where project_id = $1 and rule_id = $2 and event_id = $3 and user_id = $4",
        notification.project.0,
        notification.rule.0,
        notification.event.0,
        user.0,
        now,
    )
    .execute(db)
    .await?;
    Ok(())
}
