//! A Kubernetes API without nodes: etcd and kube-apiserver.
//!
//! It validates, defaults, merges and authorizes like any other; nothing runs, schedules or collects garbage. Whoever tests plays
//! those parts by writing statuses, and so decides when what happens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

use super::site::Site;
use super::{Client, Tools, control_plane};
use crate::net::require_root;
use crate::process::Supervised;
use crate::run::Run;

const READY: Duration = Duration::from_mins(2);

/// A running API server.
#[derive(Debug)]
pub struct ApiServer {
    site: Site,
    kubeconfig: PathBuf,
    client: Client,
    etcd: Supervised,
    apiserver: Supervised,
}

impl ApiServer {
    /// Starts it in the place of the run, which has to be a network namespace, and waits until it is ready.
    pub fn start(run: &Run, tools: &Tools) -> Result<Self> {
        require_root("an API server in a network namespace")?;
        let site = Site::prepare(run, tools)?;
        let kubeconfig = site.kubeconfig("admin", "kubernetes-admin", "system:masters")?;
        let client = site.client(&kubeconfig);
        let (etcd, apiserver) = control_plane::start_apiserver(&site)?;
        apiserver.wait_until(READY, || client.kubectl(&["get", "--raw", "/readyz"]).is_ok())?;
        Ok(Self { site, kubeconfig, client, etcd, apiserver })
    }

    /// The administrator's kubeconfig; its server is reachable in the place of the run only.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// `kubectl` and `helm` as the administrator.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The run it belongs to.
    pub fn run(&self) -> &Run {
        &self.site.run
    }
}

impl Drop for ApiServer {
    /// Its data is thrown away, so nothing is lost by being quick.
    fn drop(&mut self) {
        self.apiserver.kill_now();
        self.etcd.kill_now();
    }
}
