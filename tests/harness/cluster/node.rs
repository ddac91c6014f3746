//! The node: containerd with its network plugins, kubelet, kube-proxy, and CoreDNS for everyone in the cluster.
//!
//! Settings that look odd are what a machine inside a container or a small VM needs; each says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use super::site::{DOMAIN, NODE_NAME, PODS, Site};
use crate::images::PAUSE;
use crate::net::NODE;
use crate::process::{Program, Supervised, output};
use crate::run::Entry;

const START: Duration = Duration::from_mins(1);

/// The running node.
#[derive(Debug)]
pub(super) struct Node {
    containerd: Supervised,
    kubelet: Supervised,
    kube_proxy: Supervised,
    coredns: Supervised,
}

impl Node {
    /// Starts the node beside a running containerd.
    pub(super) fn start(site: &Site, containerd: Supervised) -> Result<Self> {
        let kubelet = start_kubelet(site)?;
        let kube_proxy = start_kube_proxy(site)?;
        let coredns = start_coredns(site)?;
        Ok(Self { containerd, kubelet, kube_proxy, coredns })
    }

    pub(super) fn is_running(&self) -> bool {
        self.kubelet.is_running() && self.containerd.is_running()
    }

    pub(super) fn wait_until(&self, deadline: Duration, ready: impl FnMut() -> bool) -> Result<()> {
        self.kubelet.wait_until(deadline, ready)?;
        self.coredns.wait_until(deadline, || true)?;
        self.kube_proxy.wait_until(deadline, || true)
    }

    pub(super) fn stop(&self) {
        self.coredns.kill_now();
        self.kube_proxy.kill_now();
        self.kubelet.stop();
        self.containerd.stop();
    }
}

/// Starts containerd and waits until it answers.
pub(super) fn start_containerd(site: &Site) -> Result<Supervised> {
    let folder = folder(site)?;
    let network = json!({"cniVersion": "1.0.0", "name": "pods", "plugins": [
        // Not `bridge`: between two pods on one bridge, answers of a Service go past netfilter where br_netfilter is not loaded.
        {"type": "ptp", "ipMasq": false, "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": "10.244.0.0/24"}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": folder.join("addresses"),
        }},
        {"type": "portmap", "capabilities": {"portMappings": true}},
    ]});
    site.write("cni/10-pods.conflist", &network.to_string())?;
    let config = site.write("containerd.toml", &containerd_config(site, &folder))?;
    let containerd = Program::new("containerd").arg("--config").arg(config).start(&site.run)?;
    containerd.wait_until(START, || ctr(site, &["version"]).is_ok())?;
    Ok(containerd)
}

/// Imports an OCI archive into containerd.
pub(super) fn import(site: &Site, archive: &Path) -> Result<()> {
    let archive = archive.to_str().context("an archive whose path is not UTF-8")?;
    ctr(site, &["--namespace", "k8s.io", "images", "import", archive]).map(drop)
}

fn folder(site: &Site) -> Result<PathBuf> {
    // Where the run looks for what outlives containerd.
    let folder = site.run.path().join("containerd");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn ctr(site: &Site, arguments: &[&str]) -> Result<String> {
    let socket = site.run.path().join("containerd/containerd.sock");
    output(site.run.place().command("ctr").arg("--address").arg(socket).args(arguments))
}

/// `restrict_oom_score_adj`: without `CAP_SYS_RESOURCE` every sandbox would fail. `netns_mounts_under_state_dir`: the
/// run finds and unmounts them there.
fn containerd_config(site: &Site, folder: &Path) -> String {
    let (folder, network) = (folder.display(), site.folder.join("cni"));
    format!(
        r#"version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
sandbox_image = "docker.io/library/{PAUSE}"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{}"
"#,
        network.display()
    )
}

fn start_kubelet(site: &Site) -> Result<Supervised> {
    let kubeconfig = site.kubeconfig("kubelet", &format!("system:node:{NODE_NAME}"), "system:nodes")?;
    let config = site.write("kubelet.json", &kubelet_config(site)?.to_string())?;
    site.program("kubelet")?
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--config")
        .arg(config)
        .arg("--root-dir")
        .arg(site.folder.join("kubelet"))
        .args([format!("--hostname-override={NODE_NAME}"), format!("--node-ip={NODE}")])
        .start(&site.run)
}

fn kubelet_config(site: &Site) -> Result<serde_json::Value> {
    let serving = site.server("kubelet-server", &[&NODE.to_string()])?;
    let resolver = site.write("resolv.conf", &format!("nameserver {NODE}\n"))?;
    Ok(json!({
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": site.authority.certificate()},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": serving.certificate,
        "tlsPrivateKeyFile": serving.key,
        "containerRuntimeEndpoint": format!("unix://{}/containerd/containerd.sock", site.run.path().display()),
        "podLogsDir": site.folder.join("pods"),
        "clusterDNS": [NODE],
        "clusterDomain": DOMAIN,
        "resolvConf": resolver,
        // A cgroup of the run's own: two kubelets with one root would kill each other's pods.
        "cgroupRoot": format!("/{}", pods_cgroup(site)?),
        "cgroupDriver": "cgroupfs",
        "failCgroupV1": false,
        "failSwapOn": false,
        "localStorageCapacityIsolation": false,
        // A developer's disk is often nearly full, which is no reason to evict anything.
        "evictionHard": {"memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "nodeStatusUpdateFrequency": "2s",
    }))
}

/// Makes the cgroup all pods of this run live under, in every hierarchy there is, and registers it with the run.
fn pods_cgroup(site: &Site) -> Result<String> {
    let name = format!("picket-{}", std::process::id());
    let root = Path::new("/sys/fs/cgroup");
    site.run.register(|| {
        if let Ok(controllers) = fs::read_to_string(root.join("cgroup.controllers")) {
            for controller in controllers.split_whitespace() {
                // kubelet wants them all; those that cannot be handed down here it can do without.
                let _ = fs::write(root.join("cgroup.subtree_control"), format!("+{controller}"));
            }
            fs::create_dir_all(root.join(&name)).context("making a cgroup")?;
        } else {
            for hierarchy in fs::read_dir(root)?.filter_map(Result::ok).filter(|entry| entry.path().is_dir()) {
                make_cgroup(&hierarchy.path(), &name)?;
            }
        }
        Ok(((), Entry::Cgroup(name.clone())))
    })?;
    Ok(name)
}

fn make_cgroup(hierarchy: &Path, name: &str) -> Result<()> {
    let cgroup = hierarchy.join(name);
    fs::create_dir_all(&cgroup).with_context(|| format!("making {}", cgroup.display()))?;
    // A new cpuset is empty, and nothing can run in it.
    for setting in ["cpuset.cpus", "cpuset.mems"] {
        if let Ok(inherited) = fs::read_to_string(hierarchy.join(setting)) {
            fs::write(cgroup.join(setting), inherited.trim())?;
        }
    }
    Ok(())
}

fn start_kube_proxy(site: &Site) -> Result<Supervised> {
    let kubeconfig = site.kubeconfig("kube-proxy", "system:kube-proxy", "system:kube-proxy")?;
    site.program("kube-proxy")?
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--proxy-mode=nftables", &format!("--hostname-override={NODE_NAME}"), &format!("--cluster-cidr={PODS}")])
        // Connection tracking is tuned machine-wide, which is not ours to change.
        .args(["--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0"])
        .arg("--conntrack-tcp-timeout-close-wait=0")
        .start(&site.run)
}

fn start_coredns(site: &Site) -> Result<Supervised> {
    let kubeconfig = site.kubeconfig("coredns", "coredns", "system:masters")?;
    let corefile = format!(
        ".:53 {{
    bind {NODE}
    errors
    kubernetes {DOMAIN} in-addr.arpa {{
        kubeconfig {}
        fallthrough in-addr.arpa
    }}
    template IN A external.test {{
        answer \"{{{{ .Name }}}} 60 IN A {NODE}\"
    }}
}}
",
        kubeconfig.display()
    );
    let corefile = site.write("Corefile", &corefile)?;
    let coredns = site.program("coredns")?.arg("-conf").arg(corefile).start(&site.run)?;
    coredns.wait_until(START, || site.run.place().accepts((NODE, 53).into()))?;
    Ok(coredns)
}
