//! `kubectl` and `helm` for one cluster: ours, or one of the kubeconfig of the person at this machine.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::Tools;
use crate::net::Place;
use crate::process::{Program, output};

/// A way to talk to a cluster as its administrator.
#[derive(Clone, Debug)]
pub struct Client {
    place: Place,
    tools: Tools,
    environment: Vec<(&'static str, OsString)>,
    context: Option<String>,
}

impl Client {
    /// A client for a kubeconfig of ours; what it caches goes into `home`.
    pub(super) fn new(place: &Place, tools: &Tools, kubeconfig: &Path, home: &Path) -> Self {
        let environment = vec![
            ("KUBECONFIG", kubeconfig.into()),
            ("KUBECACHEDIR", home.join("kubectl-cache").into()),
            ("XDG_CACHE_HOME", home.join("cache").into()),
            ("XDG_CONFIG_HOME", home.join("config").into()),
            ("XDG_DATA_HOME", home.join("data").into()),
        ];
        Self { place: place.clone(), tools: tools.clone(), environment, context: None }
    }

    /// A client for a context of the user's own kubeconfig.
    pub fn of_context(context: &str) -> Result<Self> {
        let tools = Tools::prepare_clients()?;
        let context = Some(context.to_owned());
        Ok(Self { place: Place::Here, tools, environment: Vec::new(), context })
    }

    /// Runs `kubectl` and returns what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        output(self.kubectl_command()?.args(arguments))
    }

    /// Runs `helm` and returns what it printed.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        let mut helm = self.command("helm")?;
        helm.args(self.context.iter().map(|context| format!("--kube-context={context}")));
        output(helm.args(arguments))
    }

    /// Applies a manifest, YAML or JSON.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        let mut kubectl = self.kubectl_command()?;
        kubectl.args(["apply", "--filename", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = kubectl.spawn().context("running kubectl")?;
        child.stdin.take().context("kubectl without a stdin")?.write_all(manifest.as_bytes())?;
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "kubectl apply: {}", String::from_utf8_lossy(&output.stderr).trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// `kubectl` as a program that goes on running, such as `port-forward`; started with a run of the same place.
    pub fn program(&self) -> Result<Program> {
        let program = Program::new(self.tools.path("kubectl")?);
        let program = self.environment.iter().fold(program, |program, (name, value)| program.env(name, value));
        Ok(program.args(self.context.iter().map(|context| format!("--context={context}"))))
    }

    /// What a person types before `kubectl`'s arguments to reach this cluster from a shell of this machine.
    pub fn command_line(&self) -> Result<String> {
        let mut words = match &self.place {
            Place::Here => Vec::new(),
            Place::Inside(path) => vec![format!("nsenter --net={}", path.display())],
        };
        let kubeconfig = self.environment.iter().filter(|(name, _)| *name == "KUBECONFIG");
        words.extend(kubeconfig.map(|(name, value)| format!("env {name}={}", value.display())));
        words.push(self.tools.path("kubectl")?.display().to_string());
        words.extend(self.context.iter().map(|context| format!("--context={context}")));
        Ok(words.join(" "))
    }

    fn kubectl_command(&self) -> Result<Command> {
        let mut kubectl = self.command("kubectl")?;
        kubectl.args(self.context.iter().map(|context| format!("--context={context}")));
        Ok(kubectl)
    }

    fn command(&self, program: &str) -> Result<Command> {
        let mut command = self.place.command(self.tools.path(program)?);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}
