//! What people want by mail, in PostgreSQL.

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as};

use super::Wants;
use crate::{auth::UserId, projects::ProjectId};

/// What somebody said.
pub(super) async fn of(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<(ProjectId, Wants)>> {
    let rows = query!("select project_id, alerts, activity from mail_preferences where user_id = $1", user.0);
    let wants = |alerts, activity| Wants { alerts, activity };
    Ok(rows
        .fetch_all(db)
        .await?
        .into_iter()
        .map(|row| (ProjectId(row.project_id), wants(row.alerts, row.activity)))
        .collect())
}

/// Notes what somebody wants of projects.
pub(super) async fn set(db: impl PgExecutor<'_>, user: UserId, wants: &[(ProjectId, Wants)]) -> sqlx::Result<()> {
    let projects: Vec<i64> = wants.iter().map(|(project, _)| project.0).collect();
    let alerts: Vec<Option<bool>> = wants.iter().map(|(_, wants)| wants.alerts).collect();
    let activity: Vec<Option<bool>> = wants.iter().map(|(_, wants)| wants.activity).collect();
    query!(
        "insert into mail_preferences (user_id, project_id, alerts, activity)
         select u.id, w.project, w.alerts, w.activity
         from users u, unnest($2::bigint[], $3::boolean[], $4::boolean[]) as w (project, alerts, activity) where u.id = $1
         on conflict (user_id, project_id) do update set alerts = excluded.alerts, activity = excluded.activity",
        user.0,
        &projects,
        &alerts as &[Option<bool>],
        &activity as &[Option<bool>],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// By what robots call somebody.
pub(super) async fn contacts(db: impl PgExecutor<'_>, user: UserId) -> sqlx::Result<Vec<(String, String)>> {
    let rows = query!("select kind, value from user_contacts where user_id = $1", user.0);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.kind, row.value)).collect())
}

/// The only things that somebody is called by from now on.
pub(super) async fn set_contacts(
    db: impl PgExecutor<'_>,
    user: UserId,
    (kinds, values): (&[String], &[String]),
) -> sqlx::Result<()> {
    query!(
        "with gone as (delete from user_contacts where user_id = $1 and kind <> all($2))
         insert into user_contacts (user_id, kind, value)
         select $1, kind, value from unnest($2::text[], $3::text[]) as given (kind, value)
         on conflict (user_id, kind) do update set value = excluded.value",
        user.0,
        kinds,
        values,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A mail that did not come to somebody.
#[derive(Clone, Debug)]
pub struct Refused {
    pub at: DateTime<Utc>,
    /// Of the issue; none where it is gone.
    pub title: Option<String>,
    pub code: String,
    pub said: String,
}

/// The latest mails to somebody that their mail server did not take.
pub async fn refused(db: impl PgExecutor<'_>, user: UserId, since: DateTime<Utc>) -> sqlx::Result<Vec<Refused>> {
    query_as!(
        Refused,
        r#"select d.created_at as at, i.title as "title?", d.code, d.said from deliveries d
           left join issues i on i.project_id = d.project_id and i.id = d.issue_id
           where d.user_id = $1 and d.user_id <> 0 and d.created_at > $2 and (d.state = 2 or (d.state = 0 and d.code <> ''))
           order by d.created_at desc limit 5"#,
        user.0,
        since,
    )
    .fetch_all(db)
    .await
}
