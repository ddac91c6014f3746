//! etcd, the API server, the controller manager and the scheduler.

use std::path::Path;

use anyhow::Result;

use super::site::{DOMAIN, PODS, SERVICES, Site};
use crate::certificates::Subject;
use crate::net::NODE;
use crate::process::Supervised;

/// The running control plane.
#[derive(Debug)]
pub(super) struct ControlPlane {
    etcd: Supervised,
    apiserver: Supervised,
    controller_manager: Supervised,
    scheduler: Supervised,
}

impl ControlPlane {
    /// Starts the controllers beside a ready API server.
    pub(super) fn start(site: &Site, etcd: Supervised, apiserver: Supervised) -> Result<Self> {
        let controller_manager = start_controller_manager(site)?;
        let scheduler = start_scheduler(site)?;
        Ok(Self { etcd, apiserver, controller_manager, scheduler })
    }

    pub(super) fn is_running(&self) -> bool {
        self.apiserver.is_running() && self.etcd.is_running()
    }

    pub(super) fn stop_controllers(&self) {
        self.scheduler.kill_now();
        self.controller_manager.kill_now();
    }

    /// Stops it; its data is thrown away, so nothing is lost by being quick.
    pub(super) fn stop(&self) {
        self.stop_controllers();
        self.apiserver.kill_now();
        self.etcd.kill_now();
    }
}

/// Starts etcd and the API server, which waits for it.
pub(super) fn start_apiserver(site: &Site) -> Result<(Supervised, Supervised)> {
    let etcd = start_etcd(site)?;
    let node = NODE.to_string();
    let hosts = ["127.0.0.1", &node, "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"];
    let serving = site.server("kube-apiserver", &hosts)?;
    let subject = Subject { name: "kube-apiserver-kubelet-client", organization: Some("system:masters"), hosts: &[] };
    let kubelet_client = site.authority.issue("kubelet-client", subject)?;
    let accounts = site.server("service-accounts", &[])?;
    let authority = site.authority.certificate();
    let apiserver = site
        .program("kube-apiserver")?
        .arg(format!("--advertise-address={NODE}"))
        .arg("--allow-privileged=true")
        .arg("--authorization-mode=Node,RBAC")
        .arg("--enable-admission-plugins=NodeRestriction")
        .arg("--etcd-servers=http://127.0.0.1:2379")
        .arg(format!("--service-cluster-ip-range={SERVICES}"))
        .arg(format!("--service-account-issuer=https://kubernetes.default.svc.{DOMAIN}"))
        .arg("--kubelet-preferred-address-types=InternalIP")
        .args(file_flags(&[
            ("client-ca-file", &authority),
            ("tls-cert-file", &serving.certificate),
            ("tls-private-key-file", &serving.key),
            ("kubelet-client-certificate", &kubelet_client.certificate),
            ("kubelet-client-key", &kubelet_client.key),
            ("service-account-key-file", &accounts.certificate),
            ("service-account-signing-key-file", &accounts.key),
        ]))
        .start(&site.run)?;
    Ok((etcd, apiserver))
}

fn start_etcd(site: &Site) -> Result<Supervised> {
    site.program("etcd")?
        .arg("--data-dir")
        .arg(site.folder.join("etcd"))
        .args(["--listen-client-urls=http://127.0.0.1:2379", "--advertise-client-urls=http://127.0.0.1:2379"])
        .args(["--listen-peer-urls=http://127.0.0.1:2380", "--unsafe-no-fsync=true"])
        .start(&site.run)
}

fn start_controller_manager(site: &Site) -> Result<Supervised> {
    let name = "kube-controller-manager";
    let kubeconfig = site.kubeconfig(name, "system:kube-controller-manager", "system:kube-controller-manager")?;
    site.program(name)?
        .args(["--allocate-node-cidrs=true", "--use-service-account-credentials=true", "--leader-elect=false"])
        .args([format!("--cluster-cidr={PODS}"), format!("--service-cluster-ip-range={SERVICES}")])
        .args(file_flags(&[
            ("kubeconfig", &kubeconfig),
            ("authentication-kubeconfig", &kubeconfig),
            ("authorization-kubeconfig", &kubeconfig),
            ("root-ca-file", &site.authority.certificate()),
            ("service-account-private-key-file", &site.folder.join("pki/service-accounts.key")),
        ]))
        .start(&site.run)
}

fn start_scheduler(site: &Site) -> Result<Supervised> {
    let name = "kube-scheduler";
    let kubeconfig = site.kubeconfig(name, "system:kube-scheduler", "system:kube-scheduler")?;
    site.program(name)?
        .arg("--leader-elect=false")
        .args(file_flags(&[
            ("kubeconfig", &kubeconfig),
            ("authentication-kubeconfig", &kubeconfig),
            ("authorization-kubeconfig", &kubeconfig),
        ]))
        .start(&site.run)
}

fn file_flags(flags: &[(&str, &Path)]) -> Vec<String> {
    flags.iter().map(|(name, path)| format!("--{name}={}", path.display())).collect()
}
