//! Monitors and their check-ins in the database.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query, types::Json};
use uuid::Uuid;

use super::{Environment, Kept, Monitor, Received, State};
use crate::{
    projects::ProjectId,
    protocol::{check_in::Status, schedule::Config},
};

/// The monitor of a check-in, configured as it says; none where the project is gone or has too many.
pub async fn find_or_create(db: &mut PgConnection, received: &Received, most: i64) -> sqlx::Result<Option<Monitor>> {
    let Received { project, at, check_in, .. } = received;
    let config = check_in.config.as_ref().map(Json) as Option<Json<&Config>>;
    let row = query!(
        r#"with changed as (
               update monitors set config = coalesce($3::jsonb, config)
               where project_id = $1 and slug = $2
               returning id, config, created_at
           ), made as (
               insert into monitors (project_id, slug, config, created_at)
               select p.id, $2, $3::jsonb, $4 from projects p
               where p.id = $1 and p.deleted_at is null and not exists (select from changed)
                 and (select count(*) from monitors where project_id = $1) < $5
               on conflict (project_id, slug) do update set config = coalesce(excluded.config, monitors.config)
               returning id, config, created_at
           )
           select id as "id!", config as "config: Json<Config>", created_at as "created_at!"
           from (select * from changed union all select * from made) as one"#,
        project.0,
        check_in.slug,
        config as _,
        at,
        most,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| monitor((*project, row.id), check_in.slug.clone(), row.config, row.created_at)))
}

fn monitor(
    (project, id): (ProjectId, i64),
    slug: String,
    config: Option<Json<Config>>,
    created_at: DateTime<Utc>,
) -> Monitor {
    Monitor { project, id, slug, config: config.map(|Json(config)| config), created_at }
}

/// The state of a monitor in an environment, locked; none where it has too many of them.
pub async fn lock_environment(
    db: &mut PgConnection,
    monitor: &Monitor,
    environment: &str,
    most: i64,
) -> sqlx::Result<Option<Environment>> {
    query!(
        "insert into monitor_environments (project_id, monitor_id, environment)
         select $1, $2, $3
         where (select count(*) from monitor_environments where project_id = $1 and monitor_id = $2) < $4
         on conflict do nothing",
        monitor.project.0,
        monitor.id,
        environment,
        most,
    )
    .execute(&mut *db)
    .await?;
    let row = query!(
        "select environment, is_failing, failures, successes, last_check_in, next_expected, next_latest
         from monitor_environments where project_id = $1 and monitor_id = $2 and environment = $3 for update",
        monitor.project.0,
        monitor.id,
        environment,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Environment {
        name: row.environment,
        state: State { is_failing: row.is_failing, failures: row.failures, successes: row.successes },
        last_check_in: row.last_check_in,
        next_expected: row.next_expected,
        next_latest: row.next_latest,
    }))
}

/// Writes the state of a monitor in an environment.
pub async fn put_environment(
    db: impl PgExecutor<'_>,
    monitor: &Monitor,
    environment: &Environment,
) -> sqlx::Result<()> {
    query!(
        "update monitor_environments
         set is_failing = $4, failures = $5, successes = $6, last_check_in = $7, next_expected = $8, next_latest = $9
         where project_id = $1 and monitor_id = $2 and environment = $3",
        monitor.project.0,
        monitor.id,
        environment.name,
        environment.state.is_failing,
        environment.state.failures,
        environment.state.successes,
        environment.last_check_in,
        environment.next_expected,
        environment.next_latest,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The check-in of this id, with the monitor it belongs to.
pub async fn check_in(db: impl PgExecutor<'_>, project: ProjectId, id: Uuid) -> sqlx::Result<Option<(i64, Kept)>> {
    let row = query!(
        r#"select monitor_id, id, environment, status as "status: Status", started_at, updated_at, expected_at, duration
           from check_ins where project_id = $1 and id = $2"#,
        project.0,
        id,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| {
        let kept = Kept {
            id: row.id,
            environment: row.environment,
            status: row.status,
            started_at: row.started_at,
            updated_at: row.updated_at,
            expected_at: row.expected_at,
            duration: row.duration,
        };
        (row.monitor_id, kept)
    }))
}

/// The latest check-in of a monitor that is under way.
pub async fn latest_open(db: impl PgExecutor<'_>, monitor: &Monitor, environment: &str) -> sqlx::Result<Option<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select id, environment, status as "status: Status", started_at, updated_at, expected_at, duration
           from check_ins where project_id = $1 and monitor_id = $2 and environment = $3 and status = 0
           order by started_at desc, id desc limit 1"#,
        monitor.project.0,
        monitor.id,
        environment,
    )
    .fetch_optional(db)
    .await
}

/// Writes a check-in.
pub async fn put(
    db: impl PgExecutor<'_>,
    monitor: &Monitor,
    kept: &Kept,
    times_out: Option<DateTime<Utc>>,
) -> sqlx::Result<()> {
    query!(
        "insert into check_ins (project_id, id, monitor_id, environment, status, started_at, updated_at, expected_at,
                                duration, times_out_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         on conflict (project_id, id) do update
             set status = excluded.status, updated_at = excluded.updated_at, duration = excluded.duration,
                 times_out_at = excluded.times_out_at",
        monitor.project.0,
        kept.id,
        monitor.id,
        kept.environment,
        kept.status as i16,
        kept.started_at,
        kept.updated_at,
        kept.expected_at,
        kept.duration,
        times_out,
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// Marks check-ins that took too long, and answers whose they were.
pub async fn time_out(db: &mut PgConnection, now: DateTime<Utc>, most: i64) -> sqlx::Result<Vec<(Monitor, String)>> {
    let rows = query!(
        r#"with due as (
               select project_id, id from check_ins where times_out_at <= $1
               order by times_out_at limit $2 for update skip locked
           ), marked as (
               update check_ins c set status = 4, updated_at = $1, times_out_at = null
               from due where c.project_id = due.project_id and c.id = due.id
               returning c.project_id, c.monitor_id, c.environment
           )
           select m.project_id, m.id, m.slug, m.config as "config: Json<Config>", m.created_at, k.environment
           from marked k join monitors m on m.project_id = k.project_id and m.id = k.monitor_id
           order by m.project_id, m.slug, k.environment"#,
        now,
        most,
    )
    .fetch_all(db)
    .await?;
    let due = rows.into_iter().map(|row| {
        let monitor = monitor((row.project_id, row.id), row.slug, row.config, row.created_at);
        (monitor, row.environment)
    });
    Ok(due.collect())
}

/// Monitors whose task did not begin in time, locked.
pub async fn lock_due(
    db: &mut PgConnection,
    now: DateTime<Utc>,
    most: i64,
) -> sqlx::Result<Vec<(Monitor, Environment)>> {
    let rows = query!(
        r#"select m.project_id, m.id, m.slug, m.config as "config: Json<Config>", m.created_at, e.environment,
                  e.is_failing, e.failures, e.successes, e.last_check_in, e.next_expected, e.next_latest
           from monitor_environments e join monitors m on m.project_id = e.project_id and m.id = e.monitor_id
           where e.next_latest <= $1
           order by e.next_latest limit $2 for update of e skip locked"#,
        now,
        most,
    )
    .fetch_all(db)
    .await?;
    let due = rows.into_iter().map(|row| {
        let monitor = monitor((row.project_id, row.id), row.slug, row.config, row.created_at);
        let environment = Environment {
            name: row.environment,
            state: State { is_failing: row.is_failing, failures: row.failures, successes: row.successes },
            last_check_in: row.last_check_in,
            next_expected: row.next_expected,
            next_latest: row.next_latest,
        };
        (monitor, environment)
    });
    Ok(due.collect())
}

/// The monitors of some projects, by slug.
pub async fn list(db: impl PgExecutor<'_>, projects: &[i64]) -> sqlx::Result<Vec<Monitor>> {
    let rows = query!(
        r#"select project_id, id, slug, config as "config: Json<Config>", created_at
           from monitors where project_id = any($1) order by slug, project_id"#,
        projects,
    )
    .fetch_all(db)
    .await?;
    let monitors = rows.into_iter().map(|row| monitor((row.project_id, row.id), row.slug, row.config, row.created_at));
    Ok(monitors.collect())
}

/// The environments of some projects' monitors, with the monitors' ids.
pub async fn environments(db: impl PgExecutor<'_>, projects: &[i64]) -> sqlx::Result<Vec<(i64, Environment)>> {
    let rows = query!(
        "select monitor_id, environment, is_failing, failures, successes, last_check_in, next_expected, next_latest
         from monitor_environments where project_id = any($1) order by environment",
        projects,
    )
    .fetch_all(db)
    .await?;
    let environments = rows.into_iter().map(|row| {
        let environment = Environment {
            name: row.environment,
            state: State { is_failing: row.is_failing, failures: row.failures, successes: row.successes },
            last_check_in: row.last_check_in,
            next_expected: row.next_expected,
            next_latest: row.next_latest,
        };
        (row.monitor_id, environment)
    });
    Ok(environments.collect())
}

/// The latest check-ins of a monitor.
pub async fn check_ins(db: impl PgExecutor<'_>, monitor: &Monitor, most: i64) -> sqlx::Result<Vec<Kept>> {
    sqlx::query_as!(
        Kept,
        r#"select id, environment, status as "status: Status", started_at, updated_at, expected_at, duration
           from check_ins where project_id = $1 and monitor_id = $2
           order by started_at desc, id desc limit $3"#,
        monitor.project.0,
        monitor.id,
        most,
    )
    .fetch_all(db)
    .await
}
