//! Compiles the platform against a freshly migrated PostgreSQL, as `query!` does when it is not offline, and compares what it
//! learns with the committed `platform/.sqlx`: the job of `cargo sqlx prepare --check`, without its command line tool.
//!
//! With `PICKET_UPDATE_SQLX` set, what it learns is written there.

use std::{
    collections::BTreeMap,
    env, fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::SystemTime,
};

use anyhow::{Context, Result, bail, ensure};
use harness::{postgres::Postgres, run::Run};

use crate::{Tally, run, steps::cargo};

/// The step.
pub fn verify(tally: &mut Tally) -> Result<()> {
    let workspace = harness::workspace();
    let servers = Run::start()?;
    let postgres = Postgres::start(&servers, IpAddr::V4(Ipv4Addr::LOCALHOST))?;
    postgres.create_database("checked_sql")?;
    let mut migrations: Vec<_> =
        fs::read_dir(workspace.join("migrations"))?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    migrations.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
    migrations.sort();
    for migration in migrations {
        postgres
            .sql("checked_sql", &fs::read_to_string(&migration)?)
            .with_context(|| migration.display().to_string())?;
    }
    let learned = tempfile::tempdir()?;
    // The macros run again only when the crate is compiled again; other builds must not notice, so the old time comes back.
    let root = workspace.join("platform/src/lib.rs");
    let before = fs::metadata(&root)?.modified()?;
    set_modified(&root, SystemTime::now())?;
    let checked = run(
        cargo()
            .args(["check", "--quiet", "--package", "picket-platform"])
            .env("DATABASE_URL", postgres.url("checked_sql"))
            .env("SQLX_OFFLINE", "false")
            .env("SQLX_OFFLINE_DIR", learned.path()),
        tally,
    );
    set_modified(&root, before)?;
    checked?;
    compare(&read(learned.path())?, &workspace.join("platform/.sqlx"))
}

fn compare(learned: &BTreeMap<String, String>, committed: &Path) -> Result<()> {
    ensure!(!learned.is_empty(), "the compiler learned of no query: was the platform compiled at all?");
    if env::var_os("PICKET_UPDATE_SQLX").is_some() {
        fs::remove_dir_all(committed)
            .or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })?;
        fs::create_dir_all(committed)?;
        return learned.iter().try_for_each(|(name, text)| Ok(fs::write(committed.join(name), text)?));
    }
    let known = read(committed)?;
    let differ: Vec<&String> =
        learned.keys().chain(known.keys()).filter(|name| learned.get(*name) != known.get(*name)).collect();
    if !differ.is_empty() {
        bail!(
            "platform/.sqlx is not what the queries say ({differ:?}): run `PICKET_UPDATE_SQLX=1 cargo verify sql` and commit it"
        );
    }
    Ok(())
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    entries
        .map(|entry| {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Ok((name, fs::read_to_string(&path)?))
        })
        .collect()
}

fn set_modified(file: &Path, time: SystemTime) -> Result<()> {
    Ok(fs::File::options().append(true).open(file)?.set_modified(time)?)
}
