//! A real Kubernetes of one node: etcd, the control plane, containerd and kubelet, kube-proxy, CoreDNS.
//!
//! All of it runs in the place of its run, which is a network namespace without a way out (see [`crate::net`]), so images
//! are imported and never pulled. External servers belong on [`NODE`], where pods reach them by address or as
//! `NAME.external.test`. Times of each phase are printed. [`ApiServer`] is the part of it that remembers and decides, for
//! tests that play the node themselves. Not here: an ingress controller, storage classes, several nodes.

mod api_server;
mod client;
mod control_plane;
mod node;
mod site;
mod tools;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::forward::Forward;
use crate::net::{NODE, require_root, wait_for};
use crate::run::Run;
use control_plane::ControlPlane;
use node::Node;
use site::Site;

pub use api_server::ApiServer;
pub use client::Client;
pub use tools::Tools;

const READY: Duration = Duration::from_mins(2);

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    site: Site,
    kubeconfig: PathBuf,
    client: Client,
    control_plane: ControlPlane,
    node: Node,
}

impl Cluster {
    /// Starts a cluster where programs of this run start, and waits until pods can run in it.
    pub fn up(run: &Run, tools: &Tools) -> Result<Self> {
        require_root("a cluster")?;
        let mut clock = Clock::start();
        let site = Site::prepare(run, tools)?;
        let kubeconfig = site.kubeconfig("admin", "kubernetes-admin", "system:masters")?;
        let client = site.client(&kubeconfig);
        let containerd = node::start_containerd(&site)?;
        let (etcd, apiserver) = control_plane::start_apiserver(&site)?;
        node::import(&site, tools.pause()?)?;
        clock.lap("containerd");
        apiserver.wait_until(READY, || client.kubectl(&["get", "--raw", "/readyz"]).is_ok())?;
        clock.lap("the API server");
        let control_plane = ControlPlane::start(&site, etcd, apiserver)?;
        let node = Node::start(&site, containerd)?;
        let cluster = Self { site, kubeconfig, client, control_plane, node };
        cluster.wait_until_ready()?;
        clock.lap("the node");
        Ok(cluster)
    }

    /// The administrator's kubeconfig; its server is reachable inside the cluster's network only.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The address of the node.
    pub fn node_address(&self) -> IpAddr {
        NODE
    }

    /// The run the cluster belongs to: servers started with it are reachable from pods when they listen on the node.
    pub fn run(&self) -> &Run {
        &self.site.run
    }

    /// `kubectl` and `helm` as the administrator.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Runs `kubectl` as the administrator and returns what it printed.
    pub fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.client.kubectl(arguments)
    }

    /// Runs `helm` as the administrator and returns what it printed.
    pub fn helm(&self, arguments: &[&str]) -> Result<String> {
        self.client.helm(arguments)
    }

    /// Applies a manifest, YAML or JSON.
    pub fn apply(&self, manifest: &str) -> Result<String> {
        self.client.apply(manifest)
    }

    /// Makes an image from an OCI archive available to pods.
    pub fn import_image(&self, archive: &Path) -> Result<()> {
        node::import(&self.site, archive)
    }

    /// Makes a namespace that enforces the `restricted` Pod Security Standard.
    pub fn create_namespace(&self, name: &str) -> Result<()> {
        self.kubectl(&["create", "namespace", name])?;
        self.kubectl(&["label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted"])?;
        self.wait_for_account(name)
    }

    /// The address of a Service and its first port.
    pub fn service_address(&self, namespace: &str, service: &str) -> Result<SocketAddr> {
        let path = "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}";
        let address = self.kubectl(&["get", "service", service, "--namespace", namespace, "--output", path])?;
        address.parse().with_context(|| format!("service {service} has the address {address}"))
    }

    /// Forwards a free loopback port of this machine to a Service's first port.
    pub fn forward(&self, namespace: &str, service: &str) -> Result<Forward> {
        Forward::start(self.site.run.place(), self.service_address(namespace, service)?)
    }

    /// Ends the workloads, then the cluster, in the reverse order of its start.
    pub fn down(self) {
        drop(self);
    }

    /// Pods are refused until the controller manager has made the account they run as.
    fn wait_for_account(&self, namespace: &str) -> Result<()> {
        wait_for("the default service account", READY, || {
            self.kubectl(&["get", "serviceaccount", "default", "--namespace", namespace]).is_ok()
        })
    }

    fn wait_until_ready(&self) -> Result<()> {
        let ready = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}";
        self.node
            .wait_until(READY, || self.kubectl(&["get", "nodes", "--output", ready]).is_ok_and(|is| is == "True"))?;
        self.wait_for_account("default")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.control_plane.is_running() && self.node.is_running() {
            // Nothing may bring back the pods that are deleted: they would outlive containerd.
            self.control_plane.stop_controllers();
            let delete =
                ["delete", "pods", "--all", "--all-namespaces", "--grace-period=1", "--timeout=20s", "--wait=true"];
            if let Err(error) = self.kubectl(&delete) {
                eprintln!("some pods are killed with the run: {error:#}");
            }
        }
        self.node.stop();
        self.control_plane.stop();
    }
}

/// Prints how long each phase took.
struct Clock {
    last: Instant,
}

impl Clock {
    fn start() -> Self {
        Self { last: Instant::now() }
    }

    fn lap(&mut self, what: &str) {
        eprintln!("cluster: {what} after {:.1} s", self.last.elapsed().as_secs_f32());
        self.last = Instant::now();
    }
}
