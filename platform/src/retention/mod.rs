//! What is deleted by age, and how: `picket cleanup`, and cron once a day. [`RULES`] says for every table when its rows go.
//!
//! Events and items go by the day, with their partition: dropping it costs the same for one row and a hundred million. Then the
//! issues nothing has been heard of since, with all that belongs to them, and old counters of those that stay; then what has a
//! time of its own: all in small steps, so that ingest never waits for long. Every step is harmless when it is done twice, or
//! by two at once. Files are swept by `attachments`: those of a day that is gone, and those that no row names.

mod rules;
mod store;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use clap::Args;
use sqlx::PgPool;

use crate::{
    app::{App, connect_options, now},
    config::Config,
};
pub use rules::{RULES, Rule};
use store::{Partition, Place};

/// Issues looked at in one transaction.
const ISSUES_AT_A_TIME: i64 = 500;
/// Rows of other tables deleted in one.
const ROWS_AT_A_TIME: i64 = 10_000;

/// `picket cleanup`
#[derive(Args)]
pub struct Options {
    /// Deletes what is older than so many days.
    #[arg(long, value_name = "N")]
    pub days: u32,
    #[command(flatten)]
    pub config: Config,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    pub partitions: usize,
    pub issues: u64,
    /// Counters, tags, sessions, check-ins …
    pub rows: u64,
}

/// Runs the command; says what it does as it goes.
pub async fn run(options: Options) -> Result<()> {
    ensure!(options.days > 0, "--days has to be 1 at least");
    let db =
        PgPool::connect_with(connect_options(&options.config.postgres)?).await.context("connecting to PostgreSQL")?;
    let deleted = clean(&db, options.days, now(), |step| println!("{step}")).await?;
    println!("deleted {} days, {} issues, {} other rows", deleted.partitions, deleted.issues, deleted.rows);
    Ok(())
}

/// Deletes what the installation does not keep any longer.
pub async fn clean_by_settings(app: &App) -> Result<()> {
    let days = app.config.retention.event_days;
    if days == 0 {
        return Ok(());
    }
    let deleted = clean(&app.db, days, app.now(), |step| tracing::info!("{step}")).await?;
    tracing::info!("what is older than {days} days is deleted: {deleted:?}");
    Ok(())
}

async fn clean(db: &PgPool, days: u32, now: DateTime<Utc>, progress: impl Fn(&str)) -> Result<Deleted> {
    let first_kept = now.date_naive().checked_sub_days(Days::new(days.into())).context("counting days")?;
    let mut deleted = Deleted::default();
    for partition in store::partitions_before(db, first_kept).await.context("listing partitions")? {
        drop_partition(db, &partition).await.with_context(|| format!("dropping {}", partition.name))?;
        progress(&format!("dropped {}", partition.name));
        deleted.partitions += 1;
    }
    clean_issues(db, first_kept, &mut deleted, &progress).await.context("deleting issues")?;
    for (table, column) in rules::dated() {
        loop {
            let rows = store::delete_dated(db, (table, column), midnight(first_kept), ROWS_AT_A_TIME)
                .await
                .context("deleting rows")?;
            deleted.rows += rows;
            if rows == 0 {
                break;
            }
            progress(&format!("deleted {rows} rows of {table}"));
        }
    }
    Ok(deleted)
}

/// Detached first, which lets inserts into the other days go on.
async fn drop_partition(db: &PgPool, partition: &Partition) -> Result<()> {
    if partition.place != Place::Loose {
        store::detach(db, partition).await.context("detaching it")?;
    }
    store::drop_loose(db, partition).await?;
    Ok(())
}

async fn clean_issues(
    db: &PgPool,
    first_kept: NaiveDate,
    deleted: &mut Deleted,
    progress: &impl Fn(&str),
) -> Result<()> {
    let mut after = (0, 0);
    let mut seen = 0;
    loop {
        let step = store::clean_issues(db, after, midnight(first_kept), ISSUES_AT_A_TIME).await?;
        deleted.issues += step.issues;
        deleted.rows += step.rows;
        seen += step.seen;
        let Some(last) = step.last else { break };
        if step.issues > 0 {
            progress(&format!("deleted {} of {seen} issues", deleted.issues));
        }
        after = last;
    }
    deleted.rows += store::clean_tag_values(db, first_kept).await?;
    Ok(())
}

fn midnight(day: NaiveDate) -> DateTime<Utc> {
    day.and_time(NaiveTime::MIN).and_utc()
}
