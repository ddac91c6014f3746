//! A run: the folder of one process of the workshop, and the register of everything it started.
//!
//! Each process, namespace and cgroup is written into the register when it starts, with the start time of processes, so
//! that whoever cleans up later cannot hit a stranger. The last handle that is dropped tears the run down; so do Ctrl-C
//! and SIGTERM; what a run killed by SIGKILL left behind is cleaned by the next one. One run at a time per process, whose
//! pid names the folder. Not here: graceful ends (a server's own `Drop` has had its chance before).

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use anyhow::{Context as _, Result, bail};

use crate::net::{Namespace, Place};
use crate::proc::Process;
use crate::teardown::tear_down;

/// The handle of this process's run. Clones share it; [`Run::within`] gives one that starts programs in a namespace.
#[derive(Clone, Debug)]
pub struct Run {
    shared: Arc<Shared>,
    place: Place,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// `None` once teardown began: nothing more may start.
    register: Mutex<Option<fs::File>>,
}

impl Run {
    /// Cleans what dead runs left, makes the folder of this one, and arranges for Ctrl-C and SIGTERM to tear it down.
    pub fn start() -> Result<Self> {
        let runs = std::env::temp_dir().join("picket-runs");
        make_shared_folder(&runs)?;
        clean_dead_runs(&runs)?;
        let this = Process::this()?;
        let folder = runs.join(format!("{}-{}", this.pid, this.started));
        // Servers that run as another user must be able to reach their own folder in it.
        fs::DirBuilder::new().mode(0o711).create(&folder).with_context(|| format!("making {}", folder.display()))?;
        let register = fs::File::create_new(folder.join(REGISTER))?;
        let shared = Arc::new(Shared { folder, register: Mutex::new(Some(register)) });
        tear_down_on_signals(&shared)?;
        Ok(Self { shared, place: Place::Here })
    }

    /// The same run, starting programs inside a network namespace.
    #[must_use]
    pub fn within(&self, namespace: &Namespace) -> Self {
        Self { shared: Arc::clone(&self.shared), place: Place::Inside(namespace.path().to_path_buf()) }
    }

    /// Where programs of this handle start.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The folder of the run.
    pub fn path(&self) -> &Path {
        &self.shared.folder
    }

    /// Makes a new folder of the run; a number is added when `name` is taken.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        for number in 1.. {
            let path = if number == 1 { self.path().join(name) } else { self.path().join(format!("{name}-{number}")) };
            match fs::create_dir(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error).with_context(|| format!("making {}", path.display())),
            }
        }
        bail!("no free name for {name}")
    }

    /// Starts something and registers it, unless the run is already being torn down.
    pub(crate) fn register<T>(&self, start: impl FnOnce() -> Result<(T, Entry)>) -> Result<T> {
        let mut register = self.shared.register();
        let file = register.as_mut().context("the run is being torn down")?;
        let (started, entry) = start()?;
        writeln!(file, "{}", entry.to_line()).context("writing the register of the run")?;
        Ok(started)
    }

    /// Notes that a process has ended, so that teardown leaves its pid alone.
    pub(crate) fn ended(&self, process: Process) {
        if let Some(file) = self.shared.register().as_mut() {
            let _ = writeln!(file, "{}", Entry::Ended(process).to_line());
        }
    }
}

/// The run that signals tear down; a static, because signals are delivered to the process.
static CURRENT: Mutex<Option<Weak<Shared>>> = Mutex::new(None);

fn tear_down_on_signals(shared: &Arc<Shared>) -> Result<()> {
    let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    if current.replace(Arc::downgrade(shared)).is_some() {
        return Ok(());
    }
    ctrlc::set_handler(|| {
        let current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = current.as_ref().and_then(Weak::upgrade) {
            eprintln!("stopping …");
            shared.tear_down();
        }
        std::process::exit(130);
    })
    .context("asking for signals")
}

/// Ends this process as Ctrl-C does, with everything that its run started.
pub fn interrupt() {
    // A process may always send itself a signal.
    let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGTERM);
}

/// The name of the register in the run's folder.
pub(crate) const REGISTER: &str = "register";

/// A line of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A process that leads its own group.
    Process(Process),
    /// It ended in order.
    Ended(Process),
    /// A network namespace, by name.
    Namespace(String),
    /// The parent of the pods' cgroups, by its path below each hierarchy.
    Cgroup(String),
}

impl Entry {
    fn to_line(&self) -> String {
        match self {
            Self::Process(process) => format!("process {} {}", process.pid, process.started),
            Self::Ended(process) => format!("ended {} {}", process.pid, process.started),
            Self::Namespace(name) => format!("namespace {name}"),
            Self::Cgroup(path) => format!("cgroup {path}"),
        }
    }

    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let process = || Some(Process { pid: words.get(1)?.parse().ok()?, started: words.get(2)?.parse().ok()? });
        match *words.first()? {
            "process" => Some(Self::Process(process()?)),
            "ended" => Some(Self::Ended(process()?)),
            "namespace" => Some(Self::Namespace((*words.get(1)?).to_owned())),
            "cgroup" => Some(Self::Cgroup((*words.get(1)?).to_owned())),
            _ => None,
        }
    }
}

impl Shared {
    fn register(&self) -> MutexGuard<'_, Option<fs::File>> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the register to the end, so that whoever else is about to leave the program waits for it.
    fn tear_down(&self) {
        let mut register = self.register();
        if register.take().is_some() {
            tear_down(&self.folder);
        }
    }
}

impl Drop for Run {
    /// Waits for a teardown that Ctrl-C began in another thread: `main` must not end before it.
    fn drop(&mut self) {
        drop(self.shared.register());
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tear_down();
    }
}

/// Runs live side by side, also those of different users, so the folder is like /tmp itself.
fn make_shared_folder(runs: &Path) -> Result<()> {
    if !runs.is_dir() {
        fs::create_dir_all(runs)?;
        fs::set_permissions(runs, fs::Permissions::from_mode(0o1777))?;
    }
    Ok(())
}

/// Tears down the runs of this user whose process is gone; one user never trusts the register of another.
fn clean_dead_runs(runs: &Path) -> Result<()> {
    let user = nix::unistd::geteuid().as_raw();
    for entry in fs::read_dir(runs)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some((pid, started)) = name.to_str().and_then(|name| name.split_once('-')) else { continue };
        let (Ok(pid), Ok(started)) = (pid.parse(), started.parse()) else { continue };
        let ours = entry.metadata().is_ok_and(|folder| folder.uid() == user);
        if ours && !(Process { pid, started }).is_alive() {
            eprintln!("cleaning up after run {pid}, which was killed");
            tear_down(&entry.path());
        }
    }
    Ok(())
}
