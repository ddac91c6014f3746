//! What all parts of a cluster share: its folder, its authority, its programs, and its fixed addresses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::Tools;
use crate::certificates::{Authority, Identity, Subject};
use crate::net::NODE;
use crate::process::{Program, output};
use crate::run::Run;

/// The addresses of pods.
pub(super) const PODS: &str = "10.244.0.0/16";
/// The addresses of Services; the first is the API server's.
pub(super) const SERVICES: &str = "10.96.0.0/16";
/// The domain of Services.
pub(super) const DOMAIN: &str = "cluster.local";
/// The name of the only node.
pub(super) const NODE_NAME: &str = "node";

/// The ground a cluster stands on.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) run: Run,
    pub(super) folder: PathBuf,
    pub(super) authority: Authority,
    tools: Tools,
}

impl Site {
    pub(super) fn prepare(run: &Run, tools: &Tools) -> Result<Self> {
        // Short, because the paths of sockets in it are limited to 107 bytes.
        let folder = run.folder("k")?;
        let authority = Authority::create(folder.join("pki"))?;
        Ok(Self { run: run.clone(), folder, authority, tools: tools.clone() })
    }

    /// A prepared program, to be started.
    pub(super) fn program(&self, name: &str) -> Result<Program> {
        Ok(Program::new(self.tools.path(name)?))
    }

    /// A certificate of the cluster's authority for a server on the node.
    pub(super) fn server(&self, name: &str, hosts: &[&str]) -> Result<Identity> {
        self.authority.issue(name, Subject { name, organization: None, hosts })
    }

    /// A kubeconfig for a user in a group, in a file of its own.
    pub(super) fn kubeconfig(&self, file: &str, user: &str, group: &str) -> Result<PathBuf> {
        let subject = Subject { name: user, organization: Some(group), hosts: &[] };
        let identity = self.authority.issue(file, subject)?;
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "picket",
            "clusters": [{"name": "picket", "cluster": {
                "server": format!("https://{NODE}:6443"),
                "certificate-authority": self.authority.certificate(),
            }}],
            "users": [{"name": user, "user": {
                "client-certificate": identity.certificate,
                "client-key": identity.key,
            }}],
            "contexts": [{"name": "picket", "context": {"cluster": "picket", "user": user}}],
        });
        self.write(&format!("{file}.kubeconfig"), &format!("{config:#}"))
    }

    /// Writes a file of the cluster.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A command of a client program, in the cluster's network.
    pub(super) fn command(&self, program: &str, kubeconfig: &Path) -> Result<Command> {
        let mut command = self.run.place().command(self.tools.path(program)?);
        command.env("KUBECONFIG", kubeconfig);
        // Caches and plugins of the person at this machine have no business here.
        command.env("HOME", &self.folder).env("KUBECACHEDIR", self.folder.join("kubectl-cache"));
        command.env_remove("XDG_CONFIG_HOME").env_remove("XDG_CACHE_HOME").env_remove("XDG_DATA_HOME");
        Ok(command)
    }

    pub(super) fn kubectl(&self, kubeconfig: &Path, arguments: &[&str]) -> Result<String> {
        output(self.command("kubectl", kubeconfig)?.args(arguments))
    }
}
