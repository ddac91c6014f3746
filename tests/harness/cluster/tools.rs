//! The programs a cluster is made of: Debian's container tools, and Kubernetes, etcd, Helm and CoreDNS as Go modules.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::images::{self, Image};
use crate::tools::{self, GoModule};

const PACKAGES: [&str; 9] = [
    "buildah",
    "containerd",
    "containernetworking-plugins",
    "iproute2",
    "iptables",
    "musl-tools",
    "nftables",
    "runc",
    "util-linux",
];

const KUBERNETES: [(&str, &str); 6] = [
    ("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
    ("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"),
    ("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
    ("kubelet", "k8s.io/kubernetes/cmd/kubelet"),
    ("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy"),
    ("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
];

/// Everything a cluster needs, ready on disk: prepare it before entering a namespace, which has no way out.
#[derive(Clone, Debug)]
pub struct Tools {
    programs: BTreeMap<String, PathBuf>,
    pause: Option<PathBuf>,
}

impl Tools {
    /// Installs and builds what is missing.
    pub fn prepare() -> Result<Self> {
        tools::packages(&PACKAGES)?;
        let modules = crate::workspace().join("tests/cluster");
        let mut programs = client_programs(&modules)?;
        programs.extend(build(&modules, "etcd", "etcd 3.6 (about a minute, once)", &ETCD, "")?);
        programs.extend(build(&modules, "coredns", "CoreDNS (about 4 minutes, once)", &COREDNS, "")?);
        Ok(Self { programs, pause: Some(images::build(&Image::pause()?)?) })
    }

    /// Builds what a Kubernetes API without nodes is made of.
    pub fn prepare_api_server() -> Result<Self> {
        tools::packages(&["iproute2", "util-linux"])?;
        let modules = crate::workspace().join("tests/cluster");
        let mut programs = client_programs(&modules)?;
        programs.extend(build(&modules, "etcd", "etcd 3.6 (about a minute, once)", &ETCD, "")?);
        Ok(Self { programs, pause: None })
    }

    /// Builds `kubectl` and `helm`, for somebody else's cluster.
    pub fn prepare_clients() -> Result<Self> {
        let programs = client_programs(&crate::workspace().join("tests/cluster"))?;
        Ok(Self { programs, pause: None })
    }

    /// The path of a program.
    pub fn path(&self, name: &str) -> Result<&Path> {
        Ok(self.programs.get(name).with_context(|| format!("{name} was not prepared"))?)
    }

    /// The archive of the image every pod's sandbox runs.
    pub(super) fn pause(&self) -> Result<&Path> {
        self.pause.as_deref().context("the image of pods' sandboxes was not prepared")
    }
}

const ETCD: [(&str, &str); 1] = [("etcd", "go.etcd.io/etcd/server/v3")];
const COREDNS: [(&str, &str); 1] = [("coredns", "github.com/coredns/coredns")];
const HELM: [(&str, &str); 1] = [("helm", "helm.sh/helm/v3/cmd/helm")];

/// `kubectl` and `helm`; what Kubernetes itself is made of comes with the former.
fn client_programs(modules: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let version = "-X k8s.io/component-base/version.gitVersion=v1.36.3";
    let mut programs = build(modules, "kubernetes", "Kubernetes 1.36 (about 5 minutes, once)", &KUBERNETES, version)?;
    programs.extend(build(modules, "helm", "Helm 3 (about 2 minutes, once)", &HELM, "")?);
    Ok(programs)
}

fn build(
    modules: &Path,
    folder: &str,
    title: &str,
    programs: &[(&str, &str)],
    linker: &str,
) -> Result<BTreeMap<String, PathBuf>> {
    GoModule { title, folder: &modules.join(folder), programs, linker }.build()
}
