//! A real Redis from Debian's package, with or without a password and an append-only file.
//!
//! Asked with its own `redis-cli`, in the place of the server. Not here: TLS, Sentinel, Cluster.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::Result;

use crate::net::Place;
use crate::process::{Account, Program, Supervised, output};
use crate::run::Run;
use crate::tools;

const START: Duration = Duration::from_secs(30);

/// Whether what Redis acknowledged survives a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Memory only.
    Memory,
    /// An append-only file, synced once a second: Redis's own choice, which survives a kill and may lose a second to a power cut.
    EverySecond,
    /// An append-only file, synced on every write.
    AppendOnly,
}

/// A running server.
#[derive(Debug)]
pub struct Redis {
    /// The address it listens on.
    pub host: IpAddr,
    /// Its port.
    pub port: u16,
    /// Its password, if it wants one.
    pub password: Option<String>,
    place: Place,
    server: Supervised,
}

impl Redis {
    /// Starts a server in memory, without a password.
    pub fn start(run: &Run, listen: IpAddr) -> Result<Self> {
        Self::start_with(run, listen, Durability::Memory, None)
    }

    /// Starts a server on its usual port on the node, on a free one elsewhere.
    pub fn start_with(run: &Run, listen: IpAddr, durability: Durability, password: Option<&str>) -> Result<Self> {
        tools::packages(&["redis-server", "redis-tools"])?;
        let folder = run.folder("redis")?;
        let account = Account::instead_of_root(&["redis", "nobody"])?;
        if let Some(account) = &account {
            account.own(&folder)?;
        }
        let port = run.place().port_for(listen, 6379)?;
        let (append, sync) = match durability {
            Durability::Memory => ("no", "no"),
            Durability::EverySecond => ("yes", "everysec"),
            Durability::AppendOnly => ("yes", "always"),
        };
        let mut program = Program::new("redis-server")
            .args(["--bind", &listen.to_string(), "--port", &port.to_string(), "--save", "", "--dir"])
            .arg(&folder)
            .args(["--protected-mode", "no", "--appendonly", append, "--appendfsync", sync])
            .user(account);
        if let Some(password) = password {
            program = program.args(["--requirepass", password]);
        }
        let server = program.start(run)?;
        let password = password.map(str::to_owned);
        let redis = Self { host: listen, port, password, place: run.place().clone(), server };
        redis.wait_until_ready()?;
        Ok(redis)
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: u8) -> String {
        let password = self.password.as_ref().map(|password| format!(":{password}@")).unwrap_or_default();
        format!("redis://{password}{}:{}/{database}", self.host, self.port)
    }

    /// Runs a command and returns its reply as `redis-cli` prints it.
    pub fn command(&self, words: &[&str]) -> Result<String> {
        let mut client = self.place.command("redis-cli");
        client.args(["-e", "-h", &self.host.to_string(), "-p", &self.port.to_string()]).args(words);
        if let Some(password) = &self.password {
            client.env("REDISCLI_AUTH", password);
        }
        Ok(output(&mut client)?.trim_end().to_owned())
    }

    /// Stops it in order.
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Kills it.
    pub fn kill(&self) {
        self.server.kill_now();
    }

    /// Starts it again on its port, with what its append-only file holds; stops it first where it still runs.
    pub fn restart(&self) -> Result<()> {
        self.server.restart()?;
        self.wait_until_ready()
    }

    /// The pid of the server.
    pub fn pid(&self) -> Result<i32> {
        self.server.pid()
    }

    fn wait_until_ready(&self) -> Result<()> {
        self.server.wait_until(START, || self.command(&["ping"]).is_ok_and(|reply| reply == "PONG"))
    }
}
