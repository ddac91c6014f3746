//! The end of a run: stops and removes all that its register lists and all that hides under its folder.
//!
//! It serves the run's own end, Ctrl-C and the run after a `kill -9` alike, so it relies on nothing but the folder. Every
//! step is tried even when one before it did not work: what stays behind is the next run's first job.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MntFlags, umount2};
use nix::sys::signal::Signal;

use crate::net::{Namespace, wait_for};
use crate::proc::{self, Process};
use crate::run::{Entry, REGISTER};

/// Tears down the run of this folder.
pub(crate) fn tear_down(folder: &Path) {
    let lines = fs::read_to_string(folder.join(REGISTER)).unwrap_or_default();
    let entries: Vec<Entry> = lines.lines().filter_map(Entry::from_line).collect();
    for entry in entries.iter().rev() {
        if let Entry::Process(process) = entry
            && !entries.contains(&Entry::Ended(*process))
        {
            stop_group(*process);
        }
    }
    kill_containers(folder);
    unmount_below(folder);
    remove_strays(folder);
    for entry in entries.iter().rev() {
        match entry {
            Entry::Namespace(name) => Namespace::delete(name),
            Entry::Cgroup(path) => remove_cgroup(path),
            Entry::Process(_) | Entry::Ended(_) => {}
        }
    }
    if let Err(error) = fs::remove_dir_all(folder) {
        eprintln!("{} stays behind: {error}", folder.display());
    }
}

fn stop_group(leader: Process) {
    const PATIENCE: Duration = Duration::from_secs(5);
    proc::signal_group(leader, Signal::SIGTERM);
    // What another process of ours forgot to reap is a zombie, which counts as gone.
    let gone = || !proc::group_is_alive(leader.pid);
    if wait_for("a process to end", PATIENCE, gone).is_err() {
        proc::signal_group(leader, Signal::SIGKILL);
        let _ = wait_for("a killed process to end", PATIENCE, gone);
    }
}

/// Containers outlive containerd: their shims name the run's containerd socket on the command line.
fn kill_containers(folder: &Path) {
    let shims = proc::mentioning(&format!("-address {}", folder.display()));
    let killed: Vec<Process> = shims.into_iter().flat_map(proc::kill_tree).collect();
    let _ = wait_for("containers to end", Duration::from_secs(10), || !killed.iter().any(|process| process.is_alive()));
    for task in files_named(&folder.join("containerd/state/io.containerd.runtime.v2.task/k8s.io"), "address") {
        let address = fs::read_to_string(task).unwrap_or_default();
        let _ = fs::remove_file(address.trim_start_matches("unix://"));
    }
}

fn files_named(folder: &Path, name: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path().join(name))).filter(|path| path.is_file()).collect()
}

fn unmount_below(folder: &Path) {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mut points: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    points.retain(|point| Path::new(point).starts_with(folder));
    points.sort_by_key(|point| std::cmp::Reverse(point.len()));
    for point in points {
        let _ = umount2(point, MntFlags::MNT_DETACH);
    }
}

/// What kubelet and the network plugins insist on writing elsewhere, when it speaks of this run.
fn remove_strays(folder: &Path) {
    let entries =
        |path: &str| fs::read_dir(path).into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    for link in entries("/var/log/containers") {
        if fs::read_link(&link).is_ok_and(|target| target.starts_with(folder)) {
            let _ = fs::remove_file(link);
        }
    }
    for result in entries("/var/lib/cni/results") {
        if fs::read_to_string(&result).is_ok_and(|text| text.contains(&folder.display().to_string())) {
            let _ = fs::remove_file(result);
        }
    }
}

/// Removes the cgroup below every hierarchy, children first: a cgroup is a folder whose files cannot be removed.
fn remove_cgroup(path: &str) {
    let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten();
    for hierarchy in hierarchies.filter_map(Result::ok) {
        remove_folders(&hierarchy.path().join(path));
    }
    remove_folders(&Path::new("/sys/fs/cgroup").join(path));
}

fn remove_folders(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_folders(&entry.path());
        }
    }
    let _ = fs::remove_dir(folder);
}
