//! Projects and their keys in PostgreSQL.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgExecutor, query, query_as, query_scalar, types::Json};

use super::{
    Changes, Project, ProjectId,
    settings::{Demands, Settings},
};
use crate::{
    auth::User,
    issues::IssueId,
    organizations::{Organization, OrganizationId, Standing},
    permissions::Role,
};

/// The project with its organisation, as a row of a join.
struct Row {
    organization_id: OrganizationId,
    organization_slug: String,
    organization_name: String,
    id: ProjectId,
    slug: String,
    name: String,
    platform: String,
    role: Option<Role>,
    in_reach: bool,
}

/// A project of an organisation that somebody may see.
#[derive(Clone, Debug)]
pub struct Seen {
    pub organization: Organization,
    pub project: Project,
    pub standing: Standing,
    /// Whether they may see the project too: by their role, one of its teams, or because membership is open.
    pub in_reach: bool,
}

impl From<Row> for Seen {
    fn from(row: Row) -> Seen {
        let organization =
            Organization { id: row.organization_id, slug: row.organization_slug, name: row.organization_name };
        let project = Project {
            id: row.id,
            organization_id: row.organization_id,
            slug: row.slug,
            name: row.name,
            platform: row.platform,
        };
        Seen { organization, project, standing: Standing { role: row.role }, in_reach: row.in_reach }
    }
}

/// The project of this name, if somebody is of its organisation.
pub async fn visible(
    db: impl PgExecutor<'_>,
    user: &User,
    organization_slug: &str,
    project_slug: &str,
) -> sqlx::Result<Option<Seen>> {
    let row = query_as!(
        Row,
        r#"select p.organization_id, o.slug as organization_slug, o.name as organization_name,
                  p.id, p.slug, p.name, p.platform, m.role as "role?: Role",
                  exists (select from project_viewers v where v.project_id = p.id and v.user_id = $4) as "in_reach!"
           from projects p join organizations o on o.id = p.organization_id
           left join members m on m.organization_id = o.id and m.user_id = $4
           where o.slug = $1 and p.slug = $2 and p.deleted_at is null and ($3 or o.id = $5 or m.user_id is not null)"#,
        organization_slug,
        project_slug,
        user.is_superuser,
        user.id.0,
        user.machine_of.map(|organization| organization.0),
    );
    Ok(row.fetch_optional(db).await?.map(Row::into))
}

/// The project that has this issue, if somebody is of its organisation.
pub async fn visible_with_issue(db: impl PgExecutor<'_>, user: &User, issue: IssueId) -> sqlx::Result<Option<Seen>> {
    let row = query_as!(
        Row,
        r#"select p.organization_id, o.slug as organization_slug, o.name as organization_name,
                  p.id, p.slug, p.name, p.platform, m.role as "role?: Role",
                  exists (select from project_viewers v where v.project_id = p.id and v.user_id = $3) as "in_reach!"
           from projects p join organizations o on o.id = p.organization_id
           join issues i on i.project_id = p.id and i.id = $1
           left join members m on m.organization_id = o.id and m.user_id = $3
           where p.deleted_at is null and ($2 or o.id = $4 or m.user_id is not null)"#,
        issue.0,
        user.is_superuser,
        user.id.0,
        user.machine_of.map(|organization| organization.0),
    );
    Ok(row.fetch_optional(db).await?.map(Row::into))
}

/// Every project somebody may see, by organisation.
pub async fn all_visible(db: impl PgExecutor<'_>, user: &User) -> sqlx::Result<Vec<(Organization, Project)>> {
    let rows = query!(
        "select o.slug as organization_slug, o.name as organization_name,
                p.organization_id, p.id, p.slug, p.name, p.platform
         from projects p join organizations o on o.id = p.organization_id
         join project_viewers v on v.project_id = p.id and v.user_id = $1
         where p.deleted_at is null
         order by o.slug, p.slug",
        user.id.0,
    );
    let rows = rows.fetch_all(db).await?.into_iter().map(|row| {
        let organization =
            Organization { id: row.organization_id, slug: row.organization_slug, name: row.organization_name };
        let project = Project {
            id: row.id,
            organization_id: row.organization_id,
            slug: row.slug,
            name: row.name,
            platform: row.platform,
        };
        (organization, project)
    });
    Ok(rows.collect())
}

/// The projects of an organisation that somebody may see.
pub async fn seen(db: impl PgExecutor<'_>, user: &User, organization: OrganizationId) -> sqlx::Result<Vec<Project>> {
    query_as!(
        Project,
        "select p.id, p.organization_id, p.slug, p.name, p.platform
         from projects p join project_viewers v on v.project_id = p.id and v.user_id = $2
         where p.organization_id = $1 and p.deleted_at is null
         order by p.slug",
        organization.0,
        user.id.0,
    )
    .fetch_all(db)
    .await
}

/// A project with this slug in this organisation.
pub(super) async fn by_slug(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    slug: &str,
) -> sqlx::Result<Option<Project>> {
    query_as!(
        Project,
        "select id, organization_id, slug, name, platform from projects where organization_id = $1 and slug = $2 and deleted_at is null",
        organization.0,
        slug,
    )
    .fetch_optional(db)
    .await
}

/// Inserts a project; none when its slug is taken.
pub(super) async fn insert(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    name: &str,
    slug: &str,
    platform: &str,
) -> sqlx::Result<Option<Project>> {
    query_as!(
        Project,
        "insert into projects (organization_id, name, slug, platform, settings) values ($1, $2, $3, $4, $5)
         on conflict (organization_id, slug) do nothing
         returning id, organization_id, slug, name, platform",
        organization.0,
        name,
        slug,
        platform,
        Json(&Settings::of_new_project()) as Json<&Settings>,
    )
    .fetch_optional(db)
    .await
}

/// Adds the rule that tells members of new issues, and of those that come back.
pub(super) async fn insert_rule(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<()> {
    query!(
        "insert into alert_rules (project_id, name, trigger) values ($1, 'Send a mail for new issues and regressions', 'first_seen')",
        project.0,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The key an SDK should be configured with: the oldest that works and is not being replaced.
pub async fn active_key(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<String>> {
    query_scalar!(
        "select public_key from project_keys
         where project_id = $1 and is_active and (expires_at is null or expires_at > now())
         order by expires_at desc nulls first, created_at, public_key limit 1",
        project.0,
    )
    .fetch_optional(db)
    .await
}

/// Adds a key and returns it.
pub(super) async fn insert_key(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    public_key: &str,
    label: &str,
) -> sqlx::Result<String> {
    query_scalar!(
        "insert into project_keys (public_key, project_id, label) values ($1, $2, $3) returning public_key",
        public_key,
        project.0,
        label,
    )
    .fetch_one(db)
    .await
}

/// The sites that may send to a project.
pub(super) async fn origins(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Vec<String>> {
    query_scalar!("select allowed_origins from projects where id = $1", project.0).fetch_one(db).await
}

/// Sets the sites that may send to a project.
pub(super) async fn set_origins(db: impl PgExecutor<'_>, project: ProjectId, origins: &[String]) -> sqlx::Result<()> {
    query!("update projects set allowed_origins = $2 where id = $1", project.0, origins).execute(db).await.map(|_| ())
}

/// A line of `picket projects list`.
pub(super) struct Line {
    pub organization_slug: String,
    pub project: ProjectId,
    pub project_slug: String,
    pub public_key: String,
}

/// Every project with each of its working keys.
pub(super) async fn all_with_keys(db: impl PgExecutor<'_>) -> sqlx::Result<Vec<Line>> {
    query_as!(
        Line,
        r#"select o.slug as organization_slug, p.id as project, p.slug as project_slug, k.public_key
           from projects p join organizations o on o.id = p.organization_id
           join project_keys k on k.project_id = p.id and k.is_active
               and (k.expires_at is null or k.expires_at > now())
           order by o.slug, p.slug, k.created_at"#,
    )
    .fetch_all(db)
    .await
}

/// What a project is besides its names.
#[derive(Clone, Debug)]
pub struct Details {
    pub created_at: DateTime<Utc>,
    pub origins: Vec<String>,
    pub settings: Settings,
}

/// A project's details.
pub async fn details(db: impl PgExecutor<'_>, project: ProjectId) -> sqlx::Result<Option<Details>> {
    let row = query!(
        r#"select created_at, allowed_origins, settings as "settings: Json<Settings>" from projects where id = $1"#,
        project.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Details { created_at: row.created_at, origins: row.allowed_origins, settings: row.settings.0 }))
}

/// Changes a project; none when it is gone.
pub(super) async fn update(
    db: impl PgExecutor<'_>,
    project: ProjectId,
    changes: &Changes,
) -> sqlx::Result<Option<(Project, Details)>> {
    let row = query!(
        r#"update projects set
               name = coalesce($2, name), slug = coalesce($3, slug), platform = coalesce($4, platform),
               allowed_origins = coalesce($5, allowed_origins), settings = $6
           where id = $1 and deleted_at is null
           returning id, organization_id, slug, name, platform, created_at, allowed_origins,
                     settings as "settings: Json<Settings>""#,
        project.0,
        changes.name.as_deref(),
        changes.slug.as_deref(),
        changes.platform.as_deref(),
        changes.origins.as_deref(),
        Json(&changes.settings) as Json<&Settings>,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let project = Project {
            id: row.id,
            organization_id: row.organization_id,
            slug: row.slug,
            name: row.name,
            platform: row.platform,
        };
        let details = Details { created_at: row.created_at, origins: row.allowed_origins, settings: row.settings.0 };
        (project, details)
    }))
}

/// A project's settings, with what its organisation demands.
pub(super) struct Kept {
    pub id: ProjectId,
    pub settings: Json<Settings>,
    pub demands: Json<Demands>,
}

/// The settings of projects, as far as they are there.
pub(super) async fn settings_of(db: impl PgExecutor<'_>, projects: &[ProjectId]) -> sqlx::Result<Vec<Kept>> {
    let projects: Vec<i64> = projects.iter().map(|project| project.0).collect();
    query_as!(
        Kept,
        r#"select p.id, p.settings as "settings: Json<Settings>", o.privacy as "demands: Json<Demands>"
           from projects p join organizations o on o.id = p.organization_id where p.id = any($1) and p.deleted_at is null"#,
        &projects,
    )
    .fetch_all(db)
    .await
}

/// When an organisation began, and what it demands of its projects.
pub(super) async fn demands(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
) -> sqlx::Result<Option<(DateTime<Utc>, Demands)>> {
    let row = query!(
        r#"select created_at, privacy as "privacy: Json<Demands>" from organizations where id = $1"#,
        organization.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| (row.created_at, row.privacy.0)))
}

/// Changes what an organisation is called and demands.
pub(super) async fn set_demands(
    db: impl PgExecutor<'_>,
    organization: OrganizationId,
    name: &str,
    demands: &Demands,
) -> sqlx::Result<()> {
    query!(
        "update organizations set name = $2, privacy = $3 where id = $1",
        organization.0,
        name,
        Json(demands) as Json<&Demands>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When projects began.
pub(super) async fn began(
    db: impl PgExecutor<'_>,
    projects: &[ProjectId],
) -> sqlx::Result<HashMap<ProjectId, DateTime<Utc>>> {
    let ids: Vec<i64> = projects.iter().map(|project| project.0).collect();
    let rows = query!(r#"select id as "id: ProjectId", created_at from projects where id = any($1)"#, &ids);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.created_at)).collect())
}

/// When organisations began.
pub(super) async fn organizations_began(
    db: impl PgExecutor<'_>,
    organizations: &[i64],
) -> sqlx::Result<HashMap<i64, DateTime<Utc>>> {
    let rows = query!(r#"select id as "id: i64", created_at from organizations where id = any($1)"#, organizations);
    Ok(rows.fetch_all(db).await?.into_iter().map(|row| (row.id, row.created_at)).collect())
}
