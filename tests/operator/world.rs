//! The API server with the CRD, and clients for it.

use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::cluster::ApiServer;
use harness::net::wait_for;
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, MutexGuard};

use crate::wire::Wire;

/// Long enough for two cores that are shared.
pub(crate) const SOON: Duration = Duration::from_mins(4);

/// The API server, with what every story needs.
pub(crate) struct World {
    pub(crate) server: ApiServer,
    pub(crate) runtime: Runtime,
    pub(crate) admin: Client,
    config: Config,
    next: AtomicU32,
    gateway: Mutex<()>,
}

/// The Gateway API of the whole cluster, held by one story at a time.
pub(crate) struct GatewayApi<'w> {
    server: &'w ApiServer,
    _turn: MutexGuard<'w, ()>,
}

/// As much of `HTTPRoute` as the operator sees of it.
const HTTP_ROUTES: &str = r#"{
    "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
    "metadata": {
        "name": "httproutes.gateway.networking.k8s.io",
        "annotations": {"api-approved.kubernetes.io": "unapproved, for a story"}
    },
    "spec": {
        "group": "gateway.networking.k8s.io", "scope": "Namespaced",
        "names": {"plural": "httproutes", "singular": "httproute", "kind": "HTTPRoute", "listKind": "HTTPRouteList"},
        "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
        }}]
    }
}"#;

impl GatewayApi<'_> {
    /// Installs it.
    pub(crate) fn install(&self) -> Result<()> {
        self.server.client().apply(HTTP_ROUTES).map(drop)
    }

    /// Removes it, if it is there.
    pub(crate) fn uninstall(&self) -> Result<()> {
        let delete = ["delete", "crd", "httproutes.gateway.networking.k8s.io", "--ignore-not-found", "--wait=true"];
        self.server.client().kubectl(&delete).map(drop)
    }
}

impl World {
    /// Applies the CRD as people do, from the client's side, which is trap 14.
    pub(crate) fn prepare(server: ApiServer) -> Result<Self> {
        let runtime = Runtime::new().context("starting a runtime")?;
        let kubeconfig = Kubeconfig::read_from(server.kubeconfig()).context("reading the kubeconfig")?;
        let options = KubeConfigOptions::default();
        let config = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options))?;
        let admin = runtime.block_on(async { Client::try_from(config.clone()) })?;
        server.client().apply(&file("crds/sentryinstance.yaml")?)?;
        let established = ["get", "crd", "sentryinstances.picket.dev", "-o", "jsonpath={.status.conditions[*].type}"];
        wait_for("the CRD", SOON, || {
            server.client().kubectl(&established).is_ok_and(|conditions| conditions.contains("Established"))
        })?;
        Ok(Self { server, runtime, admin, config, next: AtomicU32::new(0), gateway: Mutex::new(()) })
    }

    /// A client over a wire.
    pub(crate) fn client(&self, wire: &Wire) -> Result<Client> {
        self.client_of(wire, &[])
    }

    /// A client over a wire, with headers on every request.
    pub(crate) fn client_of(&self, wire: &Wire, headers: &[(&'static str, &str)]) -> Result<Client> {
        let _inside = self.runtime.enter();
        let mut config = self.config.clone();
        for (name, value) in headers {
            config.headers.push((name.parse()?, value.parse()?));
        }
        Ok(ClientBuilder::try_from(config)?.with_layer(wire).build())
    }

    /// The turn of one story to install and remove the Gateway API.
    pub(crate) async fn gateway_api(&self) -> GatewayApi<'_> {
        GatewayApi { server: &self.server, _turn: self.gateway.lock().await }
    }

    /// A name that no other story has.
    pub(crate) fn name(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// A file of the checkout.
pub(crate) fn file(path: &str) -> Result<String> {
    fs::read_to_string(harness::workspace().join(path)).with_context(|| format!("reading {path}"))
}
