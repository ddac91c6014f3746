//! People and issues in PostgreSQL.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, query_as, query_scalar};
use uuid::Uuid;

use super::{Assigned, Assignee, Mark, Marks, Set, Subscription};
use crate::{
    auth::UserId,
    issues::{By, Issue, IssueId},
    organizations::OrganizationId,
    projects::ProjectId,
    protocol::tags,
};

/// Somebody of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: UserId,
    pub email: String,
    pub name: String,
}

/// Several of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: i64,
    pub slug: String,
    pub name: String,
}

fn numbers(issues: &[IssueId]) -> Vec<i64> {
    issues.iter().map(|issue| issue.0).collect()
}

/// What somebody has to do with each of the issues.
pub async fn marks(db: impl PgExecutor<'_>, user: UserId, issues: &[Issue]) -> sqlx::Result<HashMap<IssueId, Marks>> {
    let rows = query!(
        r#"select i.id as "id!: IssueId", a.user_id as "assigned_user?: UserId", u.email as "email?", u.name as "user_name?",
                  a.team_id as "team?", t.slug as "team_slug?", t.name as "team_name?",
                  exists(select from issue_bookmarks b where b.project_id = i.project_id and b.issue_id = i.id and b.user_id = $4)
                      as "is_bookmarked!",
                  s.is_active as "is_active?", s.reason as "reason?", v.seen_at as "seen_at?", sh.id as "share?",
                  (select count(*) from issue_activity n
                   where n.project_id = i.project_id and n.issue_id = i.id and n.kind = 'note') as "comments!",
                  exists(select from issue_tags h where h.project_id = i.project_id and h.issue_id = i.id and h.tag = i.unhandled)
                      as "is_unhandled!"
           from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as i (project_id, id, unhandled)
           left join issue_assignees a on a.project_id = i.project_id and a.issue_id = i.id
           left join users u on u.id = a.user_id
           left join teams t on t.id = a.team_id
           left join issue_subscriptions s on s.project_id = i.project_id and s.issue_id = i.id and s.user_id = $4
           left join issue_views v on v.project_id = i.project_id and v.issue_id = i.id and v.user_id = $4
           left join issue_shares sh on sh.project_id = i.project_id and sh.issue_id = i.id"#,
        &issues.iter().map(|issue| issue.project_id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| issue.id.0).collect::<Vec<_>>(),
        &issues.iter().map(|issue| tags::number(issue.project_id.0, "handled", "no")).collect::<Vec<_>>(),
        user.0,
    )
    .fetch_all(db)
    .await?;
    let marks = rows.into_iter().map(|row| {
        let person = row.assigned_user.map(|id| {
            Assigned::Person(Person {
                id,
                email: row.email.unwrap_or_default(),
                name: row.user_name.unwrap_or_default(),
            })
        });
        let team = row.team.map(|id| {
            Assigned::Team(Team {
                id,
                slug: row.team_slug.unwrap_or_default(),
                name: row.team_name.unwrap_or_default(),
            })
        });
        let marks = Marks {
            assigned: person.or(team),
            is_bookmarked: row.is_bookmarked,
            subscription: row.is_active.zip(row.reason).map(|(is_active, reason)| Subscription { is_active, reason }),
            seen_at: row.seen_at,
            share: row.share,
            comments: row.comments,
            is_unhandled: row.is_unhandled,
        };
        (row.id, marks)
    });
    Ok(marks.collect())
}

/// A member of an organisation, by number or address.
pub async fn member(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    named: &str,
) -> sqlx::Result<Option<Person>> {
    query_as!(
        Person,
        r#"select u.id, u.email, u.name from users u join members m on m.user_id = u.id
           where m.organization_id = $1 and u.is_active and (u.id::text = $2 or lower(u.email) = lower($2))"#,
        organization.0,
        named,
    )
    .fetch_optional(db)
    .await
}

/// The members of an organisation.
pub async fn members(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Vec<Person>> {
    query_as!(
        Person,
        r#"select u.id, u.email, u.name from users u join members m on m.user_id = u.id
           where m.organization_id = $1 and u.is_active order by u.email limit 1000"#,
        organization.0,
    )
    .fetch_all(db)
    .await
}

/// A team of an organisation, by number or slug.
pub async fn team(db: impl PgExecutor<'_>, organization: OrganizationId, named: &str) -> sqlx::Result<Option<Team>> {
    query_as!(
        Team,
        r#"select id as "id: i64", slug, name from teams where organization_id = $1 and (id::text = $2 or slug = $2)"#,
        organization.0,
        named,
    )
    .fetch_optional(db)
    .await
}

/// The teams of an organisation.
pub async fn teams(db: impl PgExecutor<'_>, organization: OrganizationId) -> sqlx::Result<Vec<Team>> {
    query_as!(
        Team,
        r#"select id as "id: i64", slug, name from teams where organization_id = $1 order by slug limit 1000"#,
        organization.0,
    )
    .fetch_all(db)
    .await
}

/// The members of teams.
pub async fn of_teams(db: impl PgExecutor<'_>, teams: &[i64]) -> sqlx::Result<Vec<i64>> {
    query_scalar!("select distinct user_id from team_members where team_id = any($1)", teams).fetch_all(db).await
}

/// Who is told of what happens to an issue.
pub async fn participants(db: impl PgExecutor<'_>, issue: &Issue) -> sqlx::Result<Vec<Person>> {
    query_as!(
        Person,
        r#"select u.id, u.email, u.name from issue_subscriptions s join users u on u.id = s.user_id
           where s.project_id = $1 and s.issue_id = $2 and s.is_active order by u.email"#,
        issue.project_id.0,
        issue.id.0,
    )
    .fetch_all(db)
    .await
}

/// Who has looked at an issue, the last first.
pub async fn viewers(db: impl PgExecutor<'_>, issue: &Issue) -> sqlx::Result<Vec<(Person, DateTime<Utc>)>> {
    let rows = query!(
        r#"select u.id, u.email, u.name, v.seen_at from issue_views v join users u on u.id = v.user_id
           where v.project_id = $1 and v.issue_id = $2 order by v.seen_at desc limit 100"#,
        issue.project_id.0,
        issue.id.0,
    );
    let viewer = |id, email, name, at| (Person { id, email, name }, at);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| viewer(row.id, row.email, row.name, row.seen_at)).collect())
}

/// Gives issues to somebody or nobody; answers with those for which that is new.
pub(super) async fn assign(
    db: &mut PgConnection,
    project: ProjectId,
    issues: &[IssueId],
    assignee: Option<Assignee>,
    at: DateTime<Utc>,
) -> sqlx::Result<Vec<IssueId>> {
    let ids = numbers(issues);
    let (user, team) = match assignee {
        None => {
            return query_scalar!(
                r#"delete from issue_assignees where project_id = $1 and issue_id = any($2)
                   returning issue_id as "issue: IssueId""#,
                project.0,
                &ids,
            )
            .fetch_all(db)
            .await;
        }
        Some(Assignee::Person(user)) => (Some(user), None),
        Some(Assignee::Team(team)) => (None, Some(team)),
    };
    query_scalar!(
        r#"insert into issue_assignees as a (project_id, issue_id, user_id, team_id, assigned_at)
           select project_id, id, $3, $4, $5 from issues where project_id = $1 and id = any($2) order by id
           on conflict (project_id, issue_id) do update
               set user_id = excluded.user_id, team_id = excluded.team_id, assigned_at = excluded.assigned_at
               where (a.user_id, a.team_id) is distinct from (excluded.user_id, excluded.team_id)
           returning issue_id as "issue: IssueId""#,
        project.0,
        &ids,
        user,
        team,
        at,
    )
    .fetch_all(db)
    .await
}

/// Tells somebody of what happens, unless they decided about it.
pub(super) async fn subscribe(
    db: &mut PgConnection,
    user: UserId,
    project: ProjectId,
    issues: &[IssueId],
    reason: &str,
) -> sqlx::Result<()> {
    query!(
        "insert into issue_subscriptions (project_id, issue_id, user_id, is_active, reason)
         select project_id, id, $3, true, $4 from issues where project_id = $1 and id = any($2) order by id
         on conflict do nothing",
        project.0,
        &numbers(issues),
        user.0,
        reason,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Sets or removes a mark.
pub(super) async fn mark(
    db: &mut PgConnection,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
    (mark, set): (Mark, Set),
) -> sqlx::Result<()> {
    let (ids, user) = (numbers(issues), by.user.0);
    let changed = match (mark, set) {
        (Mark::Bookmark, Set::On) => query!(
            "insert into issue_bookmarks (project_id, issue_id, user_id)
             select project_id, id, $3 from issues where project_id = $1 and id = any($2) order by id on conflict do nothing",
            project.0, &ids, user,
        )
        .execute(db),
        (Mark::Bookmark, Set::Off) => query!(
            "delete from issue_bookmarks where project_id = $1 and issue_id = any($2) and user_id = $3",
            project.0, &ids, user,
        )
        .execute(db),
        (Mark::Subscription, set) => query!(
            "insert into issue_subscriptions (project_id, issue_id, user_id, is_active, reason)
             select project_id, id, $3, $4, 'unknown' from issues where project_id = $1 and id = any($2) order by id
             on conflict (project_id, issue_id, user_id) do update set is_active = excluded.is_active",
            project.0, &ids, user, set == Set::On,
        )
        .execute(db),
        (Mark::Seen, Set::On) => query!(
            "insert into issue_views (project_id, issue_id, user_id, seen_at)
             select project_id, id, $3, $4 from issues where project_id = $1 and id = any($2) order by id
             on conflict (project_id, issue_id, user_id) do update set seen_at = excluded.seen_at",
            project.0, &ids, user, by.at,
        )
        .execute(db),
        (Mark::Seen, Set::Off) => query!(
            "delete from issue_views where project_id = $1 and issue_id = any($2) and user_id = $3",
            project.0, &ids, user,
        )
        .execute(db),
    };
    changed.await?;
    Ok(())
}

/// Gives issues new ids to read them by.
pub(super) async fn share(
    db: impl PgExecutor<'_>,
    by: By,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<Vec<IssueId>> {
    query_scalar!(
        r#"insert into issue_shares (project_id, issue_id, id, user_id, shared_at)
           select project_id, id, gen_random_uuid(), $3, $4 from issues where project_id = $1 and id = any($2) order by id
           on conflict (project_id, issue_id) do update set id = excluded.id, user_id = excluded.user_id
           returning issue_id as "issue: IssueId""#,
        project.0,
        &numbers(issues),
        by.user.0,
        by.at,
    )
    .fetch_all(db)
    .await
}

/// An issue that anybody may read, and where it is.
#[derive(Clone, Debug)]
pub struct Shared {
    pub project: ProjectId,
    pub issue: IssueId,
    pub project_slug: String,
    pub project_name: String,
    pub organization_slug: String,
}

/// The issue that is shared by this id.
pub async fn shared(db: impl PgExecutor<'_>, id: Uuid) -> sqlx::Result<Option<Shared>> {
    query_as!(
        Shared,
        r#"select s.project_id as "project: ProjectId", s.issue_id as "issue: IssueId", p.slug as project_slug,
                  p.name as project_name, o.slug as organization_slug
           from issue_shares s join projects p on p.id = s.project_id join organizations o on o.id = p.organization_id
           where s.id = $1 and p.deleted_at is null"#,
        id,
    )
    .fetch_optional(db)
    .await
}

/// Takes them away.
pub(super) async fn unshare(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    issues: &[IssueId],
) -> sqlx::Result<Vec<IssueId>> {
    query_scalar!(
        r#"delete from issue_shares where project_id = $1 and issue_id = any($2) returning issue_id as "issue: IssueId""#,
        project.0,
        &numbers(issues),
    )
    .fetch_all(db)
    .await
}

/// Gives an issue what people had to do with those that become part of it. An assignee of its own stays.
pub async fn absorb(
    db: &mut PgConnection,
    project: ProjectId,
    parent: IssueId,
    children: &[IssueId],
) -> sqlx::Result<()> {
    query!(
        r#"with assignees as (
               insert into issue_assignees (project_id, issue_id, user_id, team_id, assigned_at)
               select project_id, $2, user_id, team_id, assigned_at from issue_assignees
               where project_id = $1 and issue_id = any($3) order by assigned_at desc limit 1 on conflict do nothing
           ),
           bookmarks as (
               insert into issue_bookmarks (project_id, issue_id, user_id)
               select distinct project_id, $2::bigint, user_id from issue_bookmarks
               where project_id = $1 and issue_id = any($3) on conflict do nothing
           ),
           subscriptions as (
               insert into issue_subscriptions (project_id, issue_id, user_id, is_active, reason)
               select distinct on (user_id) project_id, $2::bigint, user_id, is_active, reason from issue_subscriptions
               where project_id = $1 and issue_id = any($3) order by user_id, is_active desc on conflict do nothing
           )
           insert into issue_traits (project_id, issue_id, key, trait, value)
           select distinct on (key, trait) project_id, $2::bigint, key, trait, value from issue_traits
           where project_id = $1 and issue_id = any($3) on conflict do nothing"#,
        project.0,
        parent.0,
        &numbers(children),
    )
    .execute(db)
    .await?;
    Ok(())
}
