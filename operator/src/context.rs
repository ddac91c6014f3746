//! What a reconcile is given besides the instance: the API server, its settings, its counters.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::events::{Recorder, Reporter};
use kube::{Client, Resource};

use crate::metrics::Metrics;

/// The field manager of children.
const MANAGER: &str = "picket-operator";
/// The field manager of statuses: one per concern, so that neither takes the other's fields away.
const STATUS_MANAGER: &str = "picket-operator/status";

/// No request of a reconcile has a time limit of its own, so a connection that died in silence would hold an instance for ever.
const PATIENCE: Duration = Duration::from_mins(1);
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_mins(2);

/// What a reconcile is given besides the instance.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The image that `spec.version` is a tag of.
    pub default_image: String,
    /// Counters.
    pub metrics: Metrics,
    /// Where events go.
    pub events: Recorder,
    /// How long a reconcile may take before it is given up and tried again.
    pub patience: Duration,
    failures: Mutex<HashMap<String, u32>>,
}

impl Context {
    /// A context for one process.
    pub fn new(client: Client, default_image: String, metrics: Metrics, identity: String) -> Self {
        let reporter = Reporter { controller: MANAGER.to_owned(), instance: Some(identity) };
        let events = Recorder::new(client.clone(), reporter);
        Self { client, default_image, metrics, events, patience: PATIENCE, failures: Mutex::default() }
    }

    /// The objects of a kind in a namespace.
    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// How long to wait before trying an object again that just failed: longer each time, for this object only.
    pub fn backoff(&self, object: String) -> Duration {
        let Ok(mut failures) = self.failures.lock() else { return LAST_RETRY };
        let count = failures.entry(object).or_default();
        *count = count.saturating_add(1);
        LAST_RETRY.min(FIRST_RETRY * 2_u32.pow((*count - 1).min(10)))
    }

    /// Forgets the failures of an object that worked.
    pub fn worked(&self, object: &str) {
        if let Ok(mut failures) = self.failures.lock() {
            failures.remove(object);
        }
    }
}

/// Server-side apply of children. We own what we send, so a conflict is somebody's drift.
pub fn apply_params() -> PatchParams {
    PatchParams::apply(MANAGER).force()
}

/// Server-side apply of a status.
pub fn status_params() -> PatchParams {
    PatchParams::apply(STATUS_MANAGER).force()
}

/// An apply of `object`.
pub fn as_apply<T: serde::Serialize>(object: T) -> Patch<T> {
    Patch::Apply(object)
}
