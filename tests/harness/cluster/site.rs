//! What all parts of a cluster share: its folder, its authority, its programs, and its fixed addresses.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::{Client, Tools};
use crate::certificates::{Authority, Identity, Subject};
use crate::net::NODE;
use crate::process::Program;
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

    /// A client that uses this kubeconfig.
    pub(super) fn client(&self, kubeconfig: &Path) -> Client {
        Client::new(self.run.place(), &self.tools, kubeconfig, &self.folder.join("home"))
    }
}
