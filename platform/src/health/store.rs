//! Release health in the database: a row per project, release, environment and hour.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgExecutor, query};

use super::{Distinct, Health, Place, Row};
use crate::projects::ProjectId;

/// Of releases on days, those that are new there and more than a project may have on one.
pub async fn beyond(db: &mut PgConnection, days: &BTreeSet<Place>, most: i64) -> sqlx::Result<BTreeSet<Place>> {
    let rows = query!(
        r#"with fresh as (
               select a.project, a.release, a.environment, a.day
               from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[]) as a (project, release, environment, day)
               where not exists (
                   select from health_hours h
                   where h.project_id = a.project and h.release = a.release and h.environment = a.environment
                     and h.hour >= a.day and h.hour < a.day + interval '24 hours'
               )
           ),
           known as (
               select asked.project, asked.day, count(distinct (h.release, h.environment)) filter (where h.release is not null) as many
               from (select distinct project, day from fresh) as asked
               left join health_hours h
                 on h.project_id = asked.project and h.hour >= asked.day and h.hour < asked.day + interval '24 hours'
               group by asked.project, asked.day
           ),
           numbered as (
               select fresh.*, row_number() over (partition by project, day order by release, environment) as nth from fresh
           )
           select project as "project!", release as "release!", environment as "environment!", day as "day!"
           from numbered join known using (project, day) where many + nth > $5"#,
        &days.iter().map(|place| place.project.0).collect::<Vec<_>>(),
        &days.iter().map(|place| place.release.clone()).collect::<Vec<_>>(),
        &days.iter().map(|place| place.environment.clone()).collect::<Vec<_>>(),
        &days.iter().map(|place| place.hour).collect::<Vec<_>>(),
        most,
    )
    .fetch_all(db)
    .await?;
    let beyond = rows.into_iter().map(|row| Place {
        project: ProjectId(row.project),
        release: row.release,
        environment: row.environment,
        hour: row.day,
    });
    Ok(beyond.collect())
}

/// Makes the rows that are missing, locks all in the order of their keys, and answers what they hold. Projects that are gone
/// have none.
pub async fn lock(
    db: &mut PgConnection,
    places: impl Iterator<Item = &Place> + Clone,
) -> sqlx::Result<BTreeMap<Place, Health>> {
    let projects: Vec<i64> = places.clone().map(|place| place.project.0).collect();
    let releases: Vec<String> = places.clone().map(|place| place.release.clone()).collect();
    let environments: Vec<String> = places.clone().map(|place| place.environment.clone()).collect();
    let hours: Vec<DateTime<Utc>> = places.map(|place| place.hour).collect();
    query!(
        "insert into health_hours (project_id, release, environment, hour)
         select a.project, a.release, a.environment, a.hour
         from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[])
             with ordinality as a (project, release, environment, hour, place)
         join projects p on p.id = a.project and p.deleted_at is null
         order by a.place
         on conflict do nothing",
        &projects,
        &releases,
        &environments,
        &hours,
    )
    .execute(&mut *db)
    .await?;
    let rows = query!(
        r#"select h.project_id, h.release, h.environment, h.hour, h.sessions, h.errored, h.crashed, h.abnormal,
                  h.unhandled, h.errored_sessions, h.users, h.errored_users, h.crashed_users, h.abnormal_users,
                  h.unhandled_users
           from health_hours h
           join unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[])
               as a (project, release, environment, hour)
             on h.project_id = a.project and h.release = a.release and h.environment = a.environment and h.hour = a.hour
           order by h.project_id, h.release collate "C", h.environment collate "C", h.hour for update of h"#,
        &projects,
        &releases,
        &environments,
        &hours,
    )
    .fetch_all(db)
    .await?;
    let known = rows.into_iter().map(|row| {
        let health = Health {
            counts: [row.sessions, row.errored, row.crashed, row.abnormal, row.unhandled],
            sets: [
                Distinct::from_bytes(&row.errored_sessions),
                Distinct::from_bytes(&row.users),
                Distinct::from_bytes(&row.errored_users),
                Distinct::from_bytes(&row.crashed_users),
                Distinct::from_bytes(&row.abnormal_users),
                Distinct::from_bytes(&row.unhandled_users),
            ],
        };
        let project: ProjectId = row.project_id;
        (Place { project, release: row.release, environment: row.environment, hour: row.hour }, health)
    });
    Ok(known.collect())
}

/// Writes rows that [`lock`] has locked.
pub async fn write(db: &mut PgConnection, rows: &BTreeMap<Place, Health>) -> sqlx::Result<()> {
    let count = |which: usize| rows.values().map(|health| health.counts[which]).collect::<Vec<i64>>();
    let set = |which: usize| rows.values().map(|health| health.sets[which].to_bytes()).collect::<Vec<_>>();
    query!(
        "update health_hours h set
             sessions = n.sessions, errored = n.errored, crashed = n.crashed, abnormal = n.abnormal,
             unhandled = n.unhandled, errored_sessions = n.errored_sessions, users = n.users,
             errored_users = n.errored_users, crashed_users = n.crashed_users, abnormal_users = n.abnormal_users,
             unhandled_users = n.unhandled_users
         from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[], $7::bigint[],
                     $8::bigint[], $9::bigint[], $10::bytea[], $11::bytea[], $12::bytea[], $13::bytea[], $14::bytea[],
                     $15::bytea[])
             as n (project, release, environment, hour, sessions, errored, crashed, abnormal, unhandled,
                   errored_sessions, users, errored_users, crashed_users, abnormal_users, unhandled_users)
         where h.project_id = n.project and h.release = n.release and h.environment = n.environment and h.hour = n.hour",
        &rows.keys().map(|place| place.project.0).collect::<Vec<_>>(),
        &rows.keys().map(|place| place.release.clone()).collect::<Vec<_>>(),
        &rows.keys().map(|place| place.environment.clone()).collect::<Vec<_>>(),
        &rows.keys().map(|place| place.hour).collect::<Vec<_>>(),
        &count(0),
        &count(1),
        &count(2),
        &count(3),
        &count(4),
        &set(0),
        &set(1),
        &set(2),
        &set(3),
        &set(4),
        &set(5),
    )
    .execute(db)
    .await
    .map(|_| ())
}

/// The hours of some projects in a time, the end left out.
pub async fn read(
    db: impl PgExecutor<'_>,
    projects: &[i64],
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> sqlx::Result<Vec<Row>> {
    let rows = query!(
        "select project_id, release, environment, hour, sessions, errored, crashed, abnormal, unhandled,
                errored_sessions, users, errored_users, crashed_users, abnormal_users, unhandled_users
         from health_hours where project_id = any($1) and hour >= $2 and hour < $3 order by hour",
        projects,
        from,
        to,
    )
    .fetch_all(db)
    .await?;
    let rows = rows.into_iter().map(|row| Row {
        project: row.project_id,
        release: row.release,
        environment: row.environment,
        hour: row.hour,
        health: Health {
            counts: [row.sessions, row.errored, row.crashed, row.abnormal, row.unhandled],
            sets: [
                Distinct::from_bytes(&row.errored_sessions),
                Distinct::from_bytes(&row.users),
                Distinct::from_bytes(&row.errored_users),
                Distinct::from_bytes(&row.crashed_users),
                Distinct::from_bytes(&row.abnormal_users),
                Distinct::from_bytes(&row.unhandled_users),
            ],
        },
    });
    Ok(rows.collect())
}
