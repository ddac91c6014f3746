//! A program under supervision: started with a log file in a process group of its own, stopped when dropped.
//!
//! [`Program`] says what to start; it can be started again, so a server that was killed comes back with its data. A
//! [`Supervised`] process is registered with the run. It runs where the run's place is, and as another user where that
//! is asked (PostgreSQL refuses root). Not here: short commands whose output is wanted; see [`output`].

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User};

use crate::net::{wait_for, wait_for_some};
use crate::proc::{self, Process};
use crate::run::{Entry, Run};

const PATIENCE: Duration = Duration::from_secs(15);

/// What to start, and how it likes to be stopped.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    folder: Option<PathBuf>,
    user: Option<Account>,
    stop_with: Signal,
}

impl Program {
    /// A program by its path, or by its name on PATH.
    pub fn new(path: impl AsRef<OsStr>) -> Self {
        let name = Path::new(&path).file_name().unwrap_or(path.as_ref()).to_string_lossy().into_owned();
        Self {
            name,
            path: path.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            folder: None,
            user: None,
            stop_with: Signal::SIGTERM,
        }
    }

    /// The name of its log file; the program's own name if not set.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable, besides those of this process.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The folder to start in.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The user to run as; nobody else where that is `None`.
    #[must_use]
    pub fn user(mut self, account: impl Into<Option<Account>>) -> Self {
        self.user = account.into();
        self
    }

    /// The signal that stops it in order, where that is not SIGTERM.
    #[must_use]
    pub fn stop_with(mut self, signal: Signal) -> Self {
        self.stop_with = signal;
        self
    }

    /// Starts it; its output goes to a log file in the run's folder.
    pub fn start(self, run: &Run) -> Result<Supervised> {
        let logs = run.path().join("logs");
        fs::create_dir_all(&logs)?;
        let log = (1..)
            .map(|number| logs.join(format!("{}-{number}.log", self.name)))
            .find(|path| File::create_new(path).is_ok())
            .context("making a log file")?;
        let running = Mutex::new(Some(self.spawn(run, &log)?));
        Ok(Supervised { program: self, run: run.clone(), log, running })
    }

    fn spawn(&self, run: &Run, log: &Path) -> Result<Running> {
        let output = File::options().append(true).open(log)?;
        let mut command = match &self.user {
            Some(account) => {
                let mut command = run.place().command("setpriv");
                command.args(account.setpriv()).arg("--").arg(&self.path);
                command
            }
            None => run.place().command(&self.path),
        };
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).process_group(0);
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        run.register(|| {
            let child = command.spawn().with_context(|| format!("starting {}", self.path.display()))?;
            let process = Process::find(child.id().cast_signed()).context("the new process is gone")?;
            Ok((Running { child, process }, Entry::Process(process)))
        })
    }
}

/// A process that ends when this is dropped.
#[derive(Debug)]
pub struct Supervised {
    program: Program,
    run: Run,
    log: PathBuf,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    process: Process,
}

impl Supervised {
    /// The pid; an error when it was stopped.
    pub fn pid(&self) -> Result<i32> {
        let running = self.running();
        Ok(running.as_ref().with_context(|| format!("{} was stopped", self.program.name))?.process.pid)
    }

    /// The file with everything it wrote.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// The end of its log, for error messages.
    pub fn last_words(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.running().as_mut().is_some_and(|running| matches!(running.child.try_wait(), Ok(None)))
    }

    /// Waits until it is ready for its users; an early end is an error that carries its last words.
    pub fn wait_until(&self, deadline: Duration, mut ready: impl FnMut() -> bool) -> Result<()> {
        let name = &self.program.name;
        let outcome = wait_for_some(name, deadline, || match (self.is_running(), ready()) {
            (false, _) => Some(Err(anyhow::anyhow!("{name} ended early"))),
            (true, true) => Some(Ok(())),
            (true, false) => None,
        });
        outcome.and_then(|ready| ready).with_context(|| format!("the end of its log:\n{}", self.last_words()))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill(Pid::from_raw(self.pid()?), signal).with_context(|| format!("sending {signal} to {}", self.program.name))
    }

    /// Sends it what Ctrl-C sends.
    pub fn interrupt(&self) -> Result<()> {
        self.signal(Signal::SIGINT)
    }

    /// Waits for it to end by itself.
    pub fn wait(&self, deadline: Duration) -> Result<ExitStatus> {
        let status = wait_for_some(&format!("the end of {}", self.program.name), deadline, || {
            self.running().as_mut().map_or(Some(None), |running| running.child.try_wait().ok()?.map(Some))
        })?;
        status.with_context(|| format!("{} was stopped", self.program.name))
    }

    /// Stops it in order; what is not gone in time is killed.
    pub fn stop(&self) {
        let Some(mut running) = self.running().take() else { return };
        proc::signal_group(running.process, self.program.stop_with);
        if wait_for("its end", PATIENCE, || !matches!(running.child.try_wait(), Ok(None))).is_err() {
            proc::kill_tree(running.process);
        }
        self.bury(running);
    }

    /// Kills it and everything it started, as a power cut would, and waits until all of it is gone.
    pub fn kill_now(&self) {
        let Some(running) = self.running().take() else { return };
        let killed = proc::kill_tree(running.process);
        self.bury(running);
        let _ = wait_for("killed processes to end", PATIENCE, || !killed.iter().any(|process| process.is_alive()));
    }

    /// Starts it again, stopping it in order first where it still runs; the log goes on.
    pub fn restart(&self) -> Result<()> {
        self.stop();
        *self.running() = Some(self.program.spawn(&self.run, &self.log)?);
        Ok(())
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn bury(&self, mut running: Running) {
        let _ = running.child.wait();
        proc::signal_group(running.process, Signal::SIGKILL);
        self.run.ended(running.process);
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A user of this machine, to run a program as.
#[derive(Clone, Debug)]
pub struct Account {
    user: User,
}

impl Account {
    /// The first of these users that exists, when this program is root; nobody to become otherwise.
    pub fn instead_of_root(names: &[&str]) -> Result<Option<Self>> {
        if !nix::unistd::geteuid().is_root() {
            return Ok(None);
        }
        for name in names {
            if let Some(user) = User::from_name(name)? {
                return Ok(Some(Self { user }));
            }
        }
        bail!("none of the users {} exists", names.join(", "))
    }

    /// Gives a file or folder to this user.
    pub fn own(&self, path: &Path) -> Result<()> {
        nix::unistd::chown(path, Some(self.user.uid), Some(self.user.gid))
            .with_context(|| format!("giving {} to {}", path.display(), self.user.name))
    }

    /// Makes a command run as this user.
    pub fn apply(&self, command: &mut Command) {
        command.uid(self.user.uid.as_raw()).gid(self.user.gid.as_raw());
    }

    fn setpriv(&self) -> [String; 3] {
        [format!("--reuid={}", self.user.uid), format!("--regid={}", self.user.gid), "--clear-groups".to_owned()]
    }
}

/// Runs a command to its end and returns what it printed; its errors are in the error.
pub fn output(command: &mut Command) -> Result<String> {
    let what = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("running {what}"))?;
    if !output.status.success() {
        let arguments: Vec<_> = command.get_args().map(OsStr::to_string_lossy).collect();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        bail!("{what} {} ended with {}\n{}{}", arguments.join(" "), output.status, out, err);
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
