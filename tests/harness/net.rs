//! Where programs live on the network, and how to wait for them.
//!
//! A [`Place`] is here or inside a network namespace; every server of the harness starts, listens and is asked in the
//! place of its run. Code that must act inside a namespace runs on a thread of its own that has entered it, since a
//! namespace belongs to a thread and a socket stays where it was made. A [`Namespace`] has no way out: stories in it
//! are hermetic. Not here: name resolution (the cluster's DNS does that).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use nix::sched::{CloneFlags, setns};

use crate::run::{Entry, Run};

/// This machine's loopback address.
pub const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The address of the node, and of every server outside the cluster, in a namespace.
pub const NODE: IpAddr = IpAddr::V4(Ipv4Addr::new(172, 30, 0, 1));

/// Below those that the kernel gives to connections, so that none of them takes a server's port before the server does; and each is
/// given out once in a long while, so that two servers that start at once do not get the same.
const PORTS: Range<u16> = 11_000..30_000;
/// A prime, so that neighbouring pids are far apart.
const SPREAD: u32 = 7_919;
static TURN: AtomicU32 = AtomicU32::new(0);

/// Waits until a condition holds, asking often at first and then four times a second.
pub fn wait_for(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) -> Result<()> {
    wait_for_some(what, deadline, || condition().then_some(()))
}

/// Waits until there is an answer, and returns it.
pub fn wait_for_some<T>(what: &str, deadline: Duration, mut answer: impl FnMut() -> Option<T>) -> Result<T> {
    let start = Instant::now();
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = answer() {
            return Ok(answer);
        }
        ensure!(start.elapsed() < deadline, "waited {} s in vain for {what}", deadline.as_secs());
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(250));
    }
}

/// A free loopback port.
pub fn free_port() -> Result<u16> {
    Place::Here.free_port(LOOPBACK)
}

/// Where programs start and connections are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the namespace this process is in.
    Here,
    /// In the network namespace at this path.
    Inside(PathBuf),
}

impl Place {
    /// A command that will run in this place.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Here => Command::new(program),
            Self::Inside(path) => {
                // Not `ip netns exec`, which remounts /sys and hides the cgroups from kubelet.
                let mut command = Command::new("nsenter");
                command.arg(format!("--net={}", path.display())).arg("--").arg(program);
                command
            }
        }
    }

    /// Runs a closure in this place, on a thread of its own where that is another namespace.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        let Self::Inside(path) = self else { return Ok(work()) };
        thread::scope(|scope| {
            let thread = scope.spawn(|| enter(path).map(|()| work()));
            thread.join().map_err(|_| anyhow!("the thread inside {} panicked", path.display()))?
        })
    }

    /// A port that is free on this address now.
    pub fn free_port(&self, address: IpAddr) -> Result<u16> {
        // Runs that live side by side begin at different places.
        let first = process::id().wrapping_mul(SPREAD);
        for _ in 0..PORTS.len() {
            let turn = first.wrapping_add(TURN.fetch_add(1, Ordering::Relaxed));
            let port = PORTS.start + u16::try_from(turn % u32::try_from(PORTS.len())?)?;
            if self.run(|| TcpListener::bind((address, port)))?.is_ok() {
                return Ok(port);
            }
        }
        bail!("every port of {PORTS:?} is taken on {address}")
    }

    /// The port a server of this kind usually has, if nobody took it and others may expect it there; a free one on the
    /// loopback address, where many runs live side by side.
    pub fn port_for(&self, address: IpAddr, usual: u16) -> Result<u16> {
        let usual_is_free = || TcpListener::bind((address, usual)).is_ok();
        if !address.is_loopback() && self.run(usual_is_free)? { Ok(usual) } else { self.free_port(address) }
    }

    /// Whether somebody accepts connections at this address.
    pub fn accepts(&self, address: SocketAddr) -> bool {
        let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok();
        self.run(connect).unwrap_or(false)
    }
}

/// Moves the calling thread into a network namespace; called before other threads start, it moves the process.
pub fn enter(namespace: &Path) -> Result<()> {
    let file = File::open(namespace).with_context(|| format!("opening {}", namespace.display()))?;
    setns(file, CloneFlags::CLONE_NEWNET).with_context(|| format!("entering {} (as root?)", namespace.display()))
}

/// A network namespace of the run, with a node address and no way out.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    path: PathBuf,
}

impl Namespace {
    /// Makes it; it goes away with the run.
    pub fn create(run: &Run) -> Result<Self> {
        require_root("a network namespace")?;
        let name = format!("picket-{}", std::process::id());
        run.register(|| {
            ip(&["netns", "add", &name])?;
            Ok(((), Entry::Namespace(name.clone())))
        })?;
        let namespace = Self { path: Path::new("/run/netns").join(&name), name };
        namespace.configure()?;
        Ok(namespace)
    }

    /// Its file under /run/netns.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name for `ip -n`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The place inside it.
    pub fn place(&self) -> Place {
        Place::Inside(self.path.clone())
    }

    fn configure(&self) -> Result<()> {
        let node = format!("{NODE}/32");
        let steps: [&[&str]; 5] = [
            &["link", "set", "lo", "up"],
            &["link", "add", "node0", "type", "bridge"],
            &["address", "add", &node, "dev", "node0"],
            &["link", "set", "node0", "up"],
            &["route", "add", "default", "dev", "node0"],
        ];
        for step in steps {
            ip(&[&["-n", &self.name], step].concat())?;
        }
        self.place().run(|| fs::write("/proc/sys/net/ipv4/ip_forward", "1"))?.context("turning on forwarding")
    }

    pub(crate) fn delete(name: &str) {
        let _ = ip(&["netns", "delete", name]);
    }
}

/// An error where this program does not run as root; stories that need root are red without it, never skipped.
pub fn require_root(what: &str) -> Result<()> {
    ensure!(nix::unistd::geteuid().is_root(), "{what} needs root: run this as root (sudo -E …)");
    Ok(())
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("running ip (Debian package iproute2)")?;
    if !output.status.success() {
        bail!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
