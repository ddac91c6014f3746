//! `picket upgrade`: brings the database to this version's schema, and makes the first superuser.
//!
//! Migrations are embedded, and sqlx holds an advisory lock while it applies them, so two upgrades at once are harmless.

mod partitions;

use anyhow::{Context, Result, anyhow, bail};
use chrono::{Days, NaiveDate};
use secrecy::SecretString;
use sqlx::{
    PgPool,
    migrate::{MigrateError, Migration, Migrator},
};

use crate::{
    app::{App, now},
    auth,
    cli::{UpgradeOptions, ask},
    organizations,
};

/// The migrations of this version.
pub static MIGRATIONS: Migrator = sqlx::migrate!("../migrations");

/// Days for which partitions are made ahead.
const DAYS_AHEAD: u64 = 3;

/// Runs the command.
pub async fn run(options: UpgradeOptions) -> Result<()> {
    let app = App::new(options.config)?;
    for migration in migrate(&app.db).await? {
        println!("applied {:04} {}", migration.version, migration.description);
    }
    if auth::store::superuser_exists(&app.db).await? {
        return Ok(());
    }
    let (email, password) = match (options.admin_email, options.admin_password, options.noinput) {
        (Some(email), Some(password), _) => (email, password),
        (_, _, true) => {
            eprintln!("There is no superuser yet: `picket createuser --superuser` makes one.");
            return Ok(());
        }
        (email, password, false) => {
            let email = email.map_or_else(|| ask("Email of the first superuser: "), Ok)?;
            let password = password.map_or_else(|| ask("Password: ").map(SecretString::from), Ok)?;
            (email, password)
        }
    };
    let user = auth::create_user(&app.db, &email, &password, auth::Rank::Superuser).await?;
    organizations::join_single(&app, user, auth::Rank::Superuser).await?;
    println!("{email} is the first superuser");
    Ok(())
}

/// Applies what is missing, makes the partitions of the next days, and answers with what was applied.
pub async fn migrate(db: &PgPool) -> Result<Vec<&'static Migration>> {
    let before = applied(db).await?;
    if let Some(newer) = before.iter().find(|version| !MIGRATIONS.version_exists(**version)) {
        bail!("the database has migration {newer}, which this version does not know: run a version at least as new");
    }
    MIGRATIONS.run(db).await.map_err(|error| in_words(&error))?;
    partitions::complete_indexes(db).await.context("indexing older partitions")?;
    make_partitions(db, now().date_naive()).await?;
    Ok(MIGRATIONS.iter().filter(|migration| !before.contains(&migration.version)).collect())
}

/// Which migration failed, and the database's code and words for it: `0007 tokens: SQLSTATE 42501: permission denied`.
fn in_words(error: &MigrateError) -> anyhow::Error {
    let (error, version) = match error {
        MigrateError::ExecuteMigration(error, version) => (error, Some(*version)),
        MigrateError::Execute(error) => (error, None),
        other => return anyhow!("migrating the database: {other}"),
    };
    let migration = MIGRATIONS.iter().find(|migration| Some(migration.version) == version);
    let step =
        migration.map_or_else(|| "its preparation".to_owned(), |it| format!("{:04} {}", it.version, it.description));
    let told = error.as_database_error().and_then(|refusal| Some((refusal.code()?, refusal.message())));
    match told {
        Some((code, words)) => anyhow!("migrating the database: {step}: SQLSTATE {code}: {words}"),
        None => anyhow!("migrating the database: {step}: {error}"),
    }
}

/// Makes the partitions of today and the days after it.
pub async fn make_partitions(db: &PgPool, today: NaiveDate) -> Result<()> {
    for ahead in 0..=DAYS_AHEAD {
        let day = today.checked_add_days(Days::new(ahead)).context("counting days")?;
        crate::events::save::make_partition(db, day).await?;
        crate::items::make_partition(db, day).await?;
    }
    Ok(())
}

/// The versions the database has; none when it is empty.
async fn applied(db: &PgPool) -> Result<Vec<i64>> {
    let exists = sqlx::query_scalar!(r#"select to_regclass('_sqlx_migrations') is not null as "exists!""#)
        .fetch_one(db)
        .await
        .context("asking the database for its version")?;
    if !exists {
        return Ok(Vec::new());
    }
    sqlx::query_scalar("select version from _sqlx_migrations where success")
        .fetch_all(db)
        .await
        .context("reading the migrations")
}

/// The newest migration the database has; 0 when it is empty.
pub async fn newest_migration(db: &PgPool) -> sqlx::Result<i64> {
    const UNDEFINED_TABLE: &str = "42P01";
    let newest = sqlx::query_scalar::<_, Option<i64>>("select max(version) from _sqlx_migrations where success");
    match newest.fetch_one(db).await {
        Ok(newest) => Ok(newest.unwrap_or(0)),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(UNDEFINED_TABLE) => Ok(0),
        Err(error) => Err(error),
    }
}
