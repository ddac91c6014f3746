//! What /proc says about processes: enough to name one without being fooled by a reused pid.
//!
//! A process is identified by its pid and its start time. A zombie counts as gone. Nothing here sends signals except
//! [`signal_group`] and [`kill_tree`], which check that identity first.

use std::fs;

use anyhow::{Context as _, Result};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// A process: its pid and when it started, in clock ticks since boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The pid.
    pub pid: i32,
    /// The start time that tells it from a later process with the same pid.
    pub started: u64,
}

impl Process {
    /// This process.
    pub fn this() -> Result<Self> {
        Self::find(std::process::id().cast_signed()).context("reading /proc/self/stat")
    }

    /// The process that has this pid now, zombies included.
    pub fn find(pid: i32) -> Option<Self> {
        Some(Self { pid, started: Stat::read(pid)?.started })
    }

    /// Whether it still runs.
    pub fn is_alive(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.started == self.started && stat.state != 'Z')
    }
}

/// Signals the process group a process leads or led, unless its pid now belongs to somebody else.
pub fn signal_group(leader: Process, signal: Signal) {
    if Process::find(leader.pid).is_none_or(|now| now == leader) {
        let _ = killpg(Pid::from_raw(leader.pid), signal);
    }
}

/// Kills a process and everything it started, also what moved to process groups or sessions of its own.
pub fn kill_tree(root: Process) -> Vec<Process> {
    if Process::find(root.pid) != Some(root) {
        return Vec::new();
    }
    let mut tree = vec![root];
    tree.extend(descendants(root.pid));
    for process in &tree {
        let _ = kill(Pid::from_raw(process.pid), Signal::SIGKILL);
    }
    tree
}

/// Whether any live process still belongs to this process group.
pub fn group_is_alive(pgid: i32) -> bool {
    all().any(|(_, stat)| stat.group == pgid && stat.state != 'Z')
}

/// Every process whose command line mentions `text`.
pub fn mentioning(text: &str) -> Vec<Process> {
    let mentions = |pid: i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).replace('\0', " ").contains(text)
    };
    all().filter(|(pid, _)| mentions(*pid)).map(|(pid, stat)| Process { pid, started: stat.started }).collect()
}

fn descendants(root: i32) -> Vec<Process> {
    let everyone: Vec<_> = all().collect();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        for (pid, stat) in everyone.iter().filter(|(_, stat)| stat.parent == parent) {
            parents.push(*pid);
            found.push(Process { pid: *pid, started: stat.started });
        }
    }
    found
}

fn all() -> impl Iterator<Item = (i32, Stat)> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, Stat::read(pid)?)))
}

struct Stat {
    state: char,
    parent: i32,
    group: i32,
    started: u64,
}

impl Stat {
    /// The fields after the command name, which may itself hold spaces and parentheses (proc(5)).
    fn read(pid: i32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        Some(Self {
            state: fields.first()?.chars().next()?,
            parent: fields.get(1)?.parse().ok()?,
            group: fields.get(2)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }
}
