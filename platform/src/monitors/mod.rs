//! Monitors: periodic tasks that check in, and what it means when they do not.
//!
//! The first check-in makes its monitor, and `monitor_config` configures it; one that nobody configured is shown and never
//! missed. Check-ins are taken in the transaction that keeps their item; cron marks what was missed and what took too long.
//! When a task is expected is decided purely, in `protocol::schedule`.

pub mod api;
mod store;

use anyhow::Result;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    app::App,
    projects::ProjectId,
    protocol::{
        check_in::{CheckIn, Status},
        schedule::Config,
    },
};

/// Monitors a project may have: beyond it, slugs are made up at random.
const MOST_MONITORS: i64 = 500;
/// Environments a monitor may have.
const MOST_ENVIRONMENTS: i64 = 100;
/// Rows that one statement of cron's may touch.
const AT_A_TIME: i64 = 1_000;

/// A monitor.
#[derive(Clone, Debug)]
pub struct Monitor {
    pub project: ProjectId,
    pub id: i64,
    pub slug: String,
    pub config: Option<Config>,
    pub created_at: DateTime<Utc>,
}

/// How a monitor does in one environment.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    pub name: String,
    pub state: State,
    pub last_check_in: Option<DateTime<Utc>>,
    pub next_expected: Option<DateTime<Utc>>,
    pub next_latest: Option<DateTime<Utc>>,
}

/// Whether it fails, and how many check-ins in a row say so or the contrary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub is_failing: bool,
    pub failures: i32,
    pub successes: i32,
}

impl State {
    /// The state after one more check-in has come to an end.
    fn after(self, status: Status, config: Option<&Config>) -> State {
        let threshold =
            |of: fn(&Config) -> u32| config.map_or(1, |config| i32::try_from(of(config)).unwrap_or(i32::MAX));
        match status {
            Status::InProgress | Status::Unknown => self,
            Status::Ok => {
                let successes = self.successes.saturating_add(1);
                let is_well = successes >= threshold(|config| config.recovery_threshold);
                State { is_failing: self.is_failing && !is_well, failures: 0, successes }
            }
            Status::Error | Status::Missed | Status::Timeout => {
                let failures = self.failures.saturating_add(1);
                let fails = failures >= threshold(|config| config.failure_threshold);
                State { is_failing: self.is_failing || fails, failures, successes: 0 }
            }
        }
    }
}

/// A check-in that is kept.
#[derive(Clone, Debug)]
pub struct Kept {
    pub id: Uuid,
    pub environment: String,
    pub status: Status,
    pub started_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub expected_at: Option<DateTime<Utc>>,
    pub duration: Option<i64>,
}

/// What became of a check-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    Kept,
    /// There are too many monitors or environments already.
    TooMany,
    /// It had ended before, or belongs to another monitor.
    Late,
}

/// A check-in as it came in.
#[derive(Clone, Debug)]
pub struct Received {
    pub project: ProjectId,
    /// For a check-in that names no id.
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub check_in: CheckIn,
}

/// Takes a check-in, in the transaction that keeps its item. Callers come in the order of project and slug, so that two workers
/// wait for each other and never deadlock.
pub async fn take(db: &mut PgConnection, received: &Received) -> sqlx::Result<Taken> {
    let Received { project, at, check_in, .. } = received;
    let Some(monitor) = store::find_or_create(&mut *db, received, MOST_MONITORS).await? else {
        return Ok(Taken::TooMany);
    };
    let Some(mut environment) =
        store::lock_environment(&mut *db, &monitor, &check_in.environment, MOST_ENVIRONMENTS).await?
    else {
        return Ok(Taken::TooMany);
    };
    let known = match check_in.id {
        Some(id) => store::check_in(&mut *db, *project, id).await?,
        None => store::latest_open(&mut *db, &monitor, &environment.name).await?.map(|kept| (monitor.id, kept)),
    };
    let config = monitor.config.as_ref();
    let mut kept = match known {
        // Who ended well or badly has ended; who was given up by us may still end.
        Some((of, kept)) if of != monitor.id || matches!(kept.status, Status::Ok | Status::Error) => {
            return Ok(Taken::Late);
        }
        Some((_, kept)) => kept,
        None => Kept {
            id: check_in.id.unwrap_or(received.id),
            environment: environment.name.clone(),
            status: check_in.status,
            started_at: *at,
            updated_at: *at,
            expected_at: environment.next_expected,
            duration: None,
        },
    };
    kept.status = check_in.status;
    kept.updated_at = kept.updated_at.max(*at);
    let ran = (*at - kept.started_at).num_milliseconds();
    kept.duration =
        check_in.duration.or(kept.duration).or((check_in.status != Status::InProgress && ran > 0).then_some(ran));
    let times_out = (kept.status == Status::InProgress).then(|| config.map(|config| config.times_out(*at))).flatten();
    store::put(&mut *db, &monitor, &kept, times_out).await?;

    environment.state = environment.state.after(check_in.status, config);
    environment.last_check_in = environment.last_check_in.max(Some(*at));
    if let Some(next) = config.and_then(|config| config.next(kept.started_at)) {
        environment.expect(config, environment.next_expected.max(Some(next)));
    }
    store::put_environment(db, &monitor, &environment).await?;
    Ok(Taken::Kept)
}

impl Environment {
    fn expect(&mut self, config: Option<&Config>, next: Option<DateTime<Utc>>) {
        self.next_expected = next;
        self.next_latest = next.zip(config).map(|(next, config)| config.late_after(next));
    }
}

/// Marks what was missed and what took too long: what cron does every half minute. Rows that another
/// replica works on are left to it.
pub async fn look(app: &App) -> Result<()> {
    let now = app.now();
    while mark_timeouts(&app.db, now).await? == AT_A_TIME {}
    while mark_missed(&app.db, now).await? == AT_A_TIME {}
    Ok(())
}

async fn mark_timeouts(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let mut tx = db.begin().await?;
    let due = store::time_out(&mut tx, now, AT_A_TIME).await?;
    for (monitor, environment) in &due {
        fail(&mut tx, monitor, environment, Status::Timeout).await?;
    }
    tx.commit().await?;
    Ok(i64::try_from(due.len()).unwrap_or(i64::MAX))
}

async fn fail(db: &mut PgConnection, monitor: &Monitor, environment: &str, status: Status) -> sqlx::Result<()> {
    let Some(mut environment) = store::lock_environment(&mut *db, monitor, environment, MOST_ENVIRONMENTS).await?
    else {
        return Ok(());
    };
    environment.state = environment.state.after(status, monitor.config.as_ref());
    store::put_environment(db, monitor, &environment).await
}

async fn mark_missed(db: &PgPool, now: DateTime<Utc>) -> sqlx::Result<i64> {
    let mut tx = db.begin().await?;
    let due = store::lock_due(&mut tx, now, AT_A_TIME).await?;
    let many = due.len();
    for (monitor, mut environment) in due {
        let (Some(expected), config) = (environment.next_expected, monitor.config.as_ref()) else { continue };
        let missed = Kept {
            id: Uuid::now_v7(),
            environment: environment.name.clone(),
            status: Status::Missed,
            started_at: expected,
            updated_at: now,
            expected_at: Some(expected),
            duration: None,
        };
        store::put(&mut *tx, &monitor, &missed, None).await?;
        environment.state = environment.state.after(Status::Missed, config);
        environment.expect(config, config.and_then(|config| config.after_miss(expected, now)));
        store::put_environment(&mut *tx, &monitor, &environment).await?;
    }
    tx.commit().await?;
    Ok(i64::try_from(many).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_monitor_fails_and_recovers_by_its_thresholds() {
        let config = json!({
            "schedule": {"type": "interval", "value": 1, "unit": "hour"},
            "failure_issue_threshold": 2, "recovery_threshold": 2,
        });
        let config = Config::read(config.as_object().unwrap());
        let mut state = State::default();
        let mut told = Vec::new();
        for status in
            [Status::Error, Status::Ok, Status::Missed, Status::InProgress, Status::Timeout, Status::Ok, Status::Ok]
        {
            state = state.after(status, config.as_ref());
            told.push(state.is_failing);
        }
        assert_eq!(told, [false, false, false, false, true, true, false]);
        assert!(State::default().after(Status::Error, None).is_failing, "without thresholds one failure is enough");
    }
}
