//! The command line, as people script against it.

use std::{fs, process::Output};

use anyhow::{Context, Result, ensure};
use harness::{process::output, workspace};
use picket_platform::upgrade::MIGRATIONS;

use crate::{
    Story,
    platform::{ADMIN, Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "upgrade_may_run_again_and_keeps_what_is_there", run: upgrade_may_run_again },
    Story { name: "upgrade_refuses_a_database_of_a_newer_version", run: upgrade_refuses_a_newer_database },
    Story { name: "a_migration_that_fails_is_told_by_its_number_and_its_sqlstate", run: a_migration_that_fails },
    Story { name: "a_database_of_an_older_version_is_upgraded_whole", run: an_older_database_is_upgraded_whole },
    Story { name: "every_migration_applies_to_a_database_in_use", run: every_migration_applies_to_a_database_in_use },
    Story { name: "a_project_created_again_keeps_its_dsn", run: a_project_created_again_keeps_its_dsn },
    Story { name: "a_project_of_a_closed_organisation_has_a_team", run: a_project_of_a_closed_organisation_has_a_team },
    Story { name: "secrets_can_come_from_files", run: secrets_can_come_from_files },
    Story { name: "exit_codes_tell_failure_from_misuse", run: exit_codes_tell_failure_from_misuse },
];

fn upgrade_may_run_again(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "item"))?;
    platform.stores(1)?;
    let said = platform.picket(&["upgrade", "--noinput"])?;
    ensure!(said.is_empty(), "there is nothing to apply, yet it said {said:?}");
    ensure!(platform.sql("select email, is_superuser from users")? == format!("{ADMIN}|t"));
    platform.receives(&project, &error("Gone", "item"))?;
    platform.stores(2)
}

fn upgrade_refuses_a_newer_database(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.sql(
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9999, 'later', true, '', 0)",
    )?;
    let refused = run(&platform, &["upgrade", "--noinput"])?;
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(refused.status.code() == Some(1) && reason.contains("run a version at least as new"), "it said {reason}");
    Ok(())
}

fn a_migration_that_fails(world: &World) -> Result<()> {
    let database = world.database()?;
    world.postgres.sql(&database, "create table users (name text)")?;
    let output = world
        .run
        .place()
        .command(&world.picket)
        .args(["upgrade", "--noinput"])
        .env("SENTRY_SECRET_KEY", "a secret key of a story, long enough to be one")
        .env("SENTRY_POSTGRES_HOST", world.postgres.host.to_string())
        .env("SENTRY_POSTGRES_PORT", world.postgres.port.to_string())
        .env("SENTRY_DB_NAME", &database)
        .env("SENTRY_DB_USER", &world.postgres.user)
        .env("SENTRY_DB_PASSWORD", &world.postgres.password)
        .output()?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "a table that is in the way stops nothing");
    ensure!(told.contains("SQLSTATE 42P07") && told.contains("0001 "), "it says {told}");
    ensure!(world.postgres.sql(&database, "select count(*) from users")?.contains('0'), "what was there is gone");
    Ok(())
}

/// A database with the schema of the first version and its rows, as that version's `picket upgrade` left it.
fn an_older_database_is_upgraded_whole(world: &World) -> Result<()> {
    const FIRST_VERSION: i64 = 12;
    let database = world.database()?;
    let sql = |sql: &str| world.postgres.sql(&database, sql);
    sql("create table _sqlx_migrations (version bigint primary key, description text not null,
             installed_on timestamptz not null default now(), success boolean not null, checksum bytea not null,
             execution_time bigint not null)")?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version <= FIRST_VERSION) {
        sql(migration.sql.as_str())?;
        let checksum: Vec<String> = migration.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
        let checksum = checksum.concat();
        sql(&format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values ({}, '{}', true, '\\x{checksum}', 0)",
            migration.version, migration.description
        ))?;
        let file = format!("{:04}_{}.sql", migration.version, migration.description.replace(' ', "_"));
        sql(&fs::read_to_string(workspace().join("tests/stories/data").join(file))?)?;
    }
    let platform = Platform::start_on(world, database)?;
    let indexed =
        "select count(*) from pg_indexes where tablename ~ '^events_[0-9]{8}$' and indexdef like '% gin (tags) %'";
    let partitions = platform.sql("select count(*) from pg_inherits where inhparent = 'events'::regclass")?;
    ensure!(platform.sql(indexed)? == partitions, "older partitions have the new index too, of {partitions}");
    let before = platform.sql("select count(*) from events")?;
    let project = platform.project("bakery")?;
    platform.receives(&project, &error("Gone", "after the upgrade"))?;
    platform.stores(before.parse::<usize>()? + 1)
}

/// Applies the migrations one by one, and before each the rows in `tests/stories/data/NNNN.sql` that an installation of that
/// age would hold.
fn every_migration_applies_to_a_database_in_use(world: &World) -> Result<()> {
    let database = world.database()?;
    let folder = workspace().join("migrations");
    let mut migrations: Vec<_> = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    migrations.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    migrations.sort();
    ensure!(migrations.len() >= 5, "the migrations were not found in {}", folder.display());
    for migration in migrations {
        let name = migration.file_name().and_then(|name| name.to_str()).context("a migration has a name")?.to_owned();
        let sql = fs::read_to_string(&migration)?;
        world.postgres.sql(&database, &sql).with_context(|| format!("applying {name}"))?;
        let data = workspace().join("tests/stories/data").join(&name);
        let data =
            fs::read_to_string(&data).with_context(|| format!("every migration has rows: {}", data.display()))?;
        world.postgres.sql(&database, &data).with_context(|| format!("filling what {name} made"))?;
    }
    Ok(())
}

fn a_project_created_again_keeps_its_dsn(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let first = platform.project("shop")?;
    let again = platform.project("shop")?;
    ensure!(first.dsn == again.dsn, "{} became {}", first.dsn, again.dsn);
    let alone = platform.picket(&["projects", "create", "--organization", "acme", "--name", "shop"])?;
    ensure!(alone.trim() == first.dsn, "the DSN alone is printed for scripts, got {alone:?}");
    ensure!(platform.picket(&["projects", "list"])?.contains(&first.dsn), "the list shows it");
    Ok(())
}

fn a_project_of_a_closed_organisation_has_a_team(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let create =
        |more: &[&str]| platform.picket(&[&["projects", "create", "--organization", "acme", "--name"], more].concat());
    let teams = "select string_agg(p.slug || ' ' || t.slug, ', ' order by p.slug, t.slug) from project_teams pt join projects p on p.id = pt.project_id join teams t on t.id = pt.team_id";
    create(&["shop"])?;
    ensure!(platform.sql(teams)?.is_empty(), "everybody sees it: {}", platform.sql(teams)?);
    platform.sql("update organizations set open_membership = false")?;
    for _ in 0..2 {
        create(&["books"])?;
        create(&["shop"])?;
        create(&["depot", "--team", "checkout"])?;
        create(&["ledger", "--team", "checkout"])?;
    }
    ensure!(platform.sql(teams)? == "books books, depot checkout, ledger checkout", "{}", platform.sql(teams)?);
    Ok(())
}

fn secrets_can_come_from_files(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), format!("{}\n", world.postgres.password))?;
    let mut command = platform.command(&["projects", "list"]);
    command.env_remove("SENTRY_DB_PASSWORD").env("SENTRY_DB_PASSWORD_FILE", file.path());
    output(&mut command)?;

    command.env("SENTRY_DB_PASSWORD", "both at once");
    let refused = command.output()?;
    let reason = String::from_utf8_lossy(&refused.stderr).into_owned();
    ensure!(reason.contains("SENTRY_DB_PASSWORD and SENTRY_DB_PASSWORD_FILE are both set"), "it said {reason}");
    Ok(())
}

fn exit_codes_tell_failure_from_misuse(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    ensure!(run(&platform, &["--version"])?.status.code() == Some(0));
    ensure!(run(&platform, &["run", "walk"])?.status.code() == Some(2));
    let mut command = platform.command(&["projects", "list"]);
    let failed = command.env("SENTRY_DB_PASSWORD", "wrong").output()?;
    ensure!(failed.status.code() == Some(1), "a wrong password is a failure");
    Ok(())
}

fn run(platform: &Platform, arguments: &[&str]) -> Result<Output> {
    Ok(platform.command(arguments).output()?)
}
