//! A real PostgreSQL from Debian's binaries: TCP, scram passwords, a data folder of its own.
//!
//! It runs as `postgres` or `nobody` where this program is root, since it refuses root. SQL goes through `psql`, in the
//! place of the server. A killed server comes back with [`Postgres::restart`], as after a power cut when its durability
//! is [`Durability::Real`]. Not here: TLS, replication.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use nix::sys::signal::Signal;

use crate::net::Place;
use crate::process::{Account, Program, Supervised, output};
use crate::run::Run;
use crate::tools;

const START: Duration = Duration::from_mins(1);

/// Whether a commit survives a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// No fsync: fast, for stories that do not kill the server.
    Fast,
    /// PostgreSQL's own defaults.
    Real,
}

/// A running server and its superuser.
#[derive(Debug)]
pub struct Postgres {
    /// The address it listens on.
    pub host: IpAddr,
    /// Its port.
    pub port: u16,
    /// The superuser.
    pub user: String,
    /// The superuser's password.
    pub password: String,
    binaries: PathBuf,
    place: Place,
    server: Supervised,
}

impl Postgres {
    /// Starts a fast server on its usual port on the node, on a free one elsewhere.
    pub fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        Self::start_with(run, listen, Durability::Fast)
    }

    /// Starts a server on its usual port on the node, on a free one elsewhere.
    pub fn start_with(run: &Run, listen: IpAddr, durability: Durability) -> Result<Self> {
        let binaries = binaries()?;
        let account = Account::instead_of_root(&["postgres", "nobody"])?;
        let folder = run.folder("postgres")?;
        let (user, password) = ("postgres".to_owned(), "postgres-superuser".to_owned());
        make_database_folder(&binaries, &folder, account.as_ref(), &password)?;
        let port = run.place().port_for(listen, 5432)?;
        let program = Program::new(binaries.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"))
            .args(settings(listen, port, durability))
            .user(account)
            .folder(&folder)
            // SIGINT is PostgreSQL's "fast" stop; SIGTERM waits for its clients.
            .stop_with(Signal::SIGINT);
        let server = program.start(run)?;
        let postgres = Self { host: listen, port, user, password, binaries, place: run.place().clone(), server };
        postgres.wait_until_ready()?;
        Ok(postgres)
    }

    /// The URL of a database for the superuser.
    pub fn url(&self, database: &str) -> String {
        self.url_for(&self.user, &self.password, database)
    }

    /// The URL of a database for some user.
    pub fn url_for(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgres://{user}:{password}@{}:{}/{database}", self.host, self.port)
    }

    /// Makes an empty database that the superuser owns.
    pub fn create_database(&self, name: &str) -> Result<()> {
        self.sql("postgres", &format!("create database {}", identifier(name))).map(drop)
    }

    /// Makes a user and an empty database of its own.
    pub fn create_database_with_owner(&self, user: &str, password: &str, name: &str) -> Result<()> {
        let (owner, password) = (identifier(user), password.replace('\'', "''"));
        self.sql("postgres", &format!("create user {owner} password '{password}'"))?;
        self.sql("postgres", &format!("create database {} owner {owner}", identifier(name))).map(drop)
    }

    /// Removes a database, also from under its users.
    pub fn drop_database(&self, name: &str) -> Result<()> {
        self.sql("postgres", &format!("drop database if exists {} with (force)", identifier(name))).map(drop)
    }

    /// Runs SQL as the superuser and returns the rows as `psql` prints them, unaligned, without a header.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.place.command(self.binaries.join("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        psql.arg(format!("--dbname={}", self.url(database))).arg(format!("--command={sql}"));
        Ok(output(&mut psql)?.trim_end().to_owned())
    }

    /// Stops it in order.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Kills it, as a power cut would.
    pub fn kill(&self) {
        self.server.kill_now();
    }

    /// Starts it again with its data and port, stopping it first where it still runs.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()?;
        self.wait_until_ready()
    }

    /// The pid of the postmaster.
    pub fn pid(&self) -> Result<i32> {
        self.server.pid()
    }

    fn wait_until_ready(&self) -> Result<()> {
        self.server.wait_until(START, || self.sql("postgres", "select 1").is_ok())
    }
}

fn settings(listen: IpAddr, port: u16, durability: Durability) -> Vec<String> {
    let mut settings = vec![
        format!("listen_addresses={listen}"),
        format!("port={port}"),
        "unix_socket_directories=".to_owned(),
        "max_connections=300".to_owned(),
        "password_encryption=scram-sha-256".to_owned(),
    ];
    if durability == Durability::Fast {
        settings.extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        // Some stories count what is asked.
        settings.push("shared_preload_libraries=pg_stat_statements".to_owned());
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

fn make_database_folder(binaries: &Path, folder: &Path, account: Option<&Account>, password: &str) -> Result<()> {
    let password_file = folder.join("password");
    fs::write(&password_file, password)?;
    let mut initdb = Command::new(binaries.join("initdb"));
    initdb.args(["--username=postgres", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    initdb.arg(format!("--pwfile={}", password_file.display())).arg(folder.join("data")).current_dir(folder);
    if let Some(account) = account {
        account.own(folder)?;
        account.own(&password_file)?;
        account.apply(&mut initdb);
    }
    output(&mut initdb).context("making the database folder")?;
    fs::remove_file(password_file)?;
    // As initdb leaves it, only this machine's own addresses may connect; pods come from theirs.
    fs::write(folder.join("data/pg_hba.conf"), "host all all all scram-sha-256\n").context("writing pg_hba.conf")
}

/// The newest PostgreSQL of this machine; Debian's package is installed where there is none.
fn binaries() -> Result<PathBuf> {
    if let Some(folder) = installed() {
        return Ok(folder);
    }
    tools::packages(&["postgresql"])?;
    installed().context("there is no /usr/lib/postgresql/*/bin after installing postgresql")
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let complete = |folder: &PathBuf| ["postgres", "initdb", "psql"].iter().all(|name| folder.join(name).is_file());
    versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| complete(folder))
        .max_by_key(|(version, _)| *version)
        .map(|(_, folder)| folder)
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
