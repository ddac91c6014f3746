//! A PostgreSQL server of our own, as a child process: made, started, stopped, and taken over from a picket that was killed.
//!
//! It listens on a Unix socket in its folder where the path is short enough for one, else on a free port of the loopback, and
//! asks for a password either way. It has a process group of its own, so that Ctrl-C in a terminal stops it after us and not
//! before. What it says goes to `log` in its folder.

use std::{
    fs::{self, File},
    io::ErrorKind,
    net::{Ipv4Addr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail, ensure};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{ConnectOptions, Connection, postgres::PgConnectOptions};
use tokio::process::{Child, Command};

use super::{
    account::Account,
    binaries,
    home::{Home, write_secret},
};

/// Who the platform signs in as.
pub const USER: &str = "picket";
/// The database that `initdb` makes.
pub const DATABASE: &str = "postgres";

/// It recovers from a crash before it answers, which can take a while.
const START_WITHIN: Duration = Duration::from_mins(2);
const STOP_WITHIN: Duration = Duration::from_secs(30);
const ASK_EVERY: Duration = Duration::from_millis(20);
/// The name of a socket is `.s.PGSQL.` and this.
const SOCKET_PORT: u16 = 5432;
/// The longest path the kernel takes for a socket, with its closing zero.
const LONGEST_SOCKET_PATH: usize = 108;
/// Lines of the log that are shown when it does not start.
const LOG_LINES: usize = 10;

/// "Fast" shutdown: clients are disconnected, everything is written.
const STOP_FAST: Signal = Signal::SIGINT;
/// "Immediate": as if the power had gone; the next start recovers.
const STOP_NOW: Signal = Signal::SIGQUIT;

const SETTINGS: [&str; 7] = [
    "unix_socket_permissions=0700",
    "password_encryption=scram-sha-256",
    "shared_buffers=64MB",
    "max_connections=40",
    "synchronous_commit=on",
    "log_checkpoints=off",
    "logging_collector=off",
];

/// Where it listens, in the words of our settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

/// The running server.
pub struct Server {
    pub address: Address,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts it on its data, which are made first where there are none.
    pub async fn start(home: &Home, password: &str) -> Result<Server> {
        let folder = home.postgres();
        let data = folder.join("data");
        let account = Account::instead_of_root()?;
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).context("closing PostgreSQL's folder")?;
        if let Some(account) = &account {
            account.can_reach(&folder)?;
            account.own(&folder)?;
        }
        let bin = binaries::find_or_download(&folder, made_by(&data)?).await?;
        if let Some(account) = account.as_ref().filter(|_| bin.starts_with(&folder)) {
            account.own_all(&folder.join("binaries"))?;
        }
        let programs = Programs { bin, folder, account };
        if !data.exists() {
            programs.make_data(password).await?;
        }
        stop_left_behind(&programs.folder).await?;
        programs.start(password).await
    }

    /// Returns when it ended without being told to.
    pub async fn died(&mut self) -> anyhow::Error {
        match self.child.wait().await {
            Ok(status) => died(status, &self.log),
            Err(error) => anyhow!(error).context("waiting for PostgreSQL"),
        }
    }

    /// Stops it and waits until it is gone.
    pub async fn stop(mut self) -> Result<()> {
        for signal in [STOP_FAST, STOP_NOW] {
            let Some(pid) = self.child.id() else { return Ok(()) };
            send(pid, signal)?;
            if let Ok(ended) = tokio::time::timeout(STOP_WITHIN, self.child.wait()).await {
                ended.context("waiting for PostgreSQL to stop")?;
                return Ok(());
            }
        }
        self.child.kill().await.context("killing PostgreSQL")
    }

    async fn until_it_answers(&mut self, password: &str) -> Result<()> {
        let mut tick = tokio::time::interval(ASK_EVERY);
        loop {
            tick.tick().await;
            if let Some(status) = self.child.try_wait().context("looking after PostgreSQL")? {
                return Err(died(status, &self.log));
            }
            match self.address.options(password).connect().await {
                Ok(connection) => return connection.close().await.context("closing a connection"),
                // Anything but "not yet" will not go away by waiting.
                Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() != Some("57P03") => {
                    return Err(sqlx::Error::Database(refusal)).context("signing in to our own PostgreSQL");
                }
                Err(_) => (),
            }
        }
    }
}

impl Address {
    /// A socket in the folder where the path fits, else a free port.
    fn choose(folder: &Path) -> Result<Address> {
        let socket = folder.join(format!(".s.PGSQL.{SOCKET_PORT}"));
        if socket.as_os_str().len() < LONGEST_SOCKET_PATH
            && let Some(host) = folder.to_str()
        {
            return Ok(Address { host: host.to_owned(), port: SOCKET_PORT });
        }
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("looking for a free port for PostgreSQL")?;
        Ok(Address { host: Ipv4Addr::LOCALHOST.to_string(), port: free.local_addr()?.port() })
    }

    fn settings(&self) -> [String; 3] {
        let (socket, address) =
            if self.host.starts_with('/') { (self.host.as_str(), "") } else { ("", self.host.as_str()) };
        [
            format!("unix_socket_directories={}", quoted(socket)),
            format!("listen_addresses={address}"),
            format!("port={}", self.port),
        ]
    }

    fn options(&self, password: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .username(USER)
            .password(password)
            .database(DATABASE)
            .ssl_mode(sqlx::postgres::PgSslMode::Disable)
    }
}

/// A folder in a list of folders: quoted, since a comma or a blank would begin the next one.
fn quoted(folder: &str) -> String {
    if folder.is_empty() { String::new() } else { format!("\"{}\"", folder.replace('"', "\"\"")) }
}

/// The programs, and how they are run.
struct Programs {
    bin: PathBuf,
    folder: PathBuf,
    account: Option<Account>,
}

impl Programs {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        // Messages in English whatever the machine speaks: we read some of them.
        command.env("LC_ALL", "C.UTF-8").current_dir(&self.folder).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(account) = &self.account {
            account.apply(&mut command);
        }
        command
    }

    /// Makes the data aside and moves them in place when they are whole.
    async fn make_data(&self, password: &str) -> Result<()> {
        let new = self.folder.join("data.new");
        if new.exists() {
            fs::remove_dir_all(&new).with_context(|| format!("removing {}", new.display()))?;
        }
        eprintln!("making a database in {} …", self.folder.display());
        let password_file = self.folder.join("password");
        write_secret(&password_file, password.as_bytes())?;
        if let Some(account) = &self.account {
            account.own(&password_file)?;
        }
        let mut initdb = self.command("initdb");
        initdb.args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"]);
        initdb.arg(format!("--username={USER}")).arg(format!("--pwfile={}", password_file.display())).arg(&new);
        let output = initdb.output().await.context("running initdb");
        fs::remove_file(&password_file).context("removing the password file")?;
        let output = output?;
        ensure!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr).trim());
        fs::rename(&new, self.folder.join("data")).context("moving the new database in place")
    }

    async fn start(&self, password: &str) -> Result<Server> {
        let address = Address::choose(&self.folder)?;
        let log = self.folder.join("log");
        let said = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
        let mut postgres = self.command("postgres");
        postgres.arg("-D").arg(self.folder.join("data")).process_group(0);
        for setting in SETTINGS.map(str::to_owned).iter().chain(&address.settings()) {
            postgres.args(["-c", setting]);
        }
        postgres.stdout(said.try_clone().context("opening the log twice")?).stderr(said);
        let child = postgres.spawn().with_context(|| format!("starting {}", self.bin.join("postgres").display()))?;
        let mut server = Server { address, child, log };
        match tokio::time::timeout(START_WITHIN, server.until_it_answers(password)).await {
            Ok(answered) => answered.map(|()| server),
            Err(_) => bail!("PostgreSQL does not answer; it says:\n{}", last_lines(&server.log)),
        }
    }
}

/// The major version that made the data; none where there are none.
fn made_by(data: &Path) -> Result<Option<u32>> {
    let path = data.join("PG_VERSION");
    if !data.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    text.trim().parse().map(Some).with_context(|| format!("reading {}", path.display()))
}

/// Stops a server that still runs on the data because the picket that started it was killed, and removes its locks.
///
/// A lock names a process; the server refuses to start while there is a process of that number, be it another program by now
/// or a dead child that nobody has buried, as in a container without an init.
async fn stop_left_behind(folder: &Path) -> Result<()> {
    let data = folder.join("data");
    let lock = data.join("postmaster.pid");
    let Ok(text) = fs::read_to_string(&lock) else { return Ok(()) };
    if let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok())
        && works_in(pid, &data)
    {
        eprintln!("stopping the PostgreSQL (process {pid}) that a killed picket left behind …");
        stop_other(pid, &data).await?;
    }
    for lock in [lock, folder.join(format!(".s.PGSQL.{SOCKET_PORT}.lock"))] {
        match fs::remove_file(&lock) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", lock.display()));
            }
            _ => (),
        }
    }
    Ok(())
}

async fn stop_other(pid: u32, data: &Path) -> Result<()> {
    for signal in [STOP_FAST, STOP_NOW] {
        send(pid, signal)?;
        let gone = async {
            let mut tick = tokio::time::interval(ASK_EVERY);
            while works_in(pid, data) {
                tick.tick().await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, gone).await.is_ok() {
            return Ok(());
        }
    }
    bail!("process {pid}, a PostgreSQL on {}, does not stop: stop it by hand", data.display())
}

/// Whether a process is a server on these data: it works in their folder. One that has ended works nowhere.
fn works_in(pid: u32, data: &Path) -> bool {
    fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == data)
}

fn send(pid: u32, signal: Signal) -> Result<()> {
    let pid = Pid::from_raw(i32::try_from(pid).context("reading a process's number")?);
    kill(pid, signal).with_context(|| format!("sending {signal} to PostgreSQL (process {pid})"))
}

fn died(status: ExitStatus, log: &Path) -> anyhow::Error {
    anyhow!("PostgreSQL ended ({status}); it said:\n{}", last_lines(log))
}

fn last_lines(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_gets_a_socket_and_a_long_one_a_port() {
        let socket = Address::choose(Path::new("/var/lib/picket/postgres")).unwrap();
        assert_eq!(socket, Address { host: "/var/lib/picket/postgres".to_owned(), port: 5432 });
        let port = Address::choose(&Path::new("/").join("x".repeat(100))).unwrap();
        assert_eq!(port.host, "127.0.0.1");
        assert_ne!(port.port, 0);
    }

    #[test]
    fn a_folder_with_a_comma_stays_one_folder() {
        let address = Address { host: "/a, b".to_owned(), port: 5432 };
        assert_eq!(address.settings()[0], r#"unix_socket_directories="/a, b""#);
    }

    #[tokio::test]
    async fn the_pid_of_another_program_is_not_signalled() {
        let folder = std::env::temp_dir().join(format!("picket-pid-{}", uuid::Uuid::new_v4().simple()));
        let data = folder.join("data");
        fs::create_dir_all(&data).unwrap();
        let mut other = Command::new("sleep").arg("60").kill_on_drop(true).spawn().unwrap();
        fs::write(data.join("postmaster.pid"), format!("{}\n/data\n", other.id().unwrap())).unwrap();
        stop_left_behind(&folder).await.unwrap();
        assert!(other.try_wait().unwrap().is_none());
        assert!(!data.join("postmaster.pid").exists());
        other.kill().await.unwrap();
        fs::remove_dir_all(&folder).unwrap();
    }
}
