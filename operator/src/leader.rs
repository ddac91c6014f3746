//! One operator writes at a time: a Lease decides which.
//!
//! Clocks are not compared. Who waits looks whether the Lease was written since the last look, by its version, and takes it once
//! that was not so for its whole duration, measured here; so a holder whose clock is wrong keeps it while it renews, and a dead
//! one loses it whatever time it left behind. Every write names the version it knows: of two that want it, one is refused.
//!
//! Controllers start once the Lease is ours. When it is lost, or could not be renewed for so long that another may soon take it,
//! the process exits: only an exit stops every write for sure. On SIGTERM it is given back, after the controllers have ended.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt};
use serde_json::json;
use tokio::time::{Instant, sleep, timeout, timeout_at};

const DURATION: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A request that hangs is one that failed.
const PATIENCE: Duration = Duration::from_secs(3);
/// Without a renewal for this long the process exits; the rest of the duration is left for that.
const TOO_LONG: Duration = Duration::from_secs(11);

/// The Lease, ours or not yet.
pub struct Leadership {
    leases: Api<Lease>,
    lease: String,
    identity: String,
    /// The version that we wrote last.
    ours: Mutex<String>,
}

/// What a waiting replica has seen of the Lease.
struct Seen {
    version: String,
    since: Instant,
}

impl Leadership {
    /// Prepares to compete for `lease`, as `identity`.
    pub fn new(client: Client, lease: &str, namespace: &str, identity: &str) -> Self {
        let leases = Api::namespaced(client, namespace);
        Self { leases, lease: lease.to_owned(), identity: identity.to_owned(), ours: Mutex::default() }
    }

    /// Returns once the Lease is ours.
    pub async fn acquire(&self) {
        let mut seen = Seen { version: String::new(), since: Instant::now() };
        loop {
            match self.try_to_take(&mut seen).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "looking at the Lease"),
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Takes the Lease if nobody holds it, if its holder no longer renews it, or if it is ours from before a restart.
    async fn try_to_take(&self, seen: &mut Seen) -> Result<bool> {
        let Some(lease) = timeout(PATIENCE, self.leases.get_opt(&self.lease)).await.context("no answer")?? else {
            return self.write(self.leases.create(&PostParams::default(), &self.new_lease())).await;
        };
        let version = lease.resource_version().unwrap_or_default();
        if version != seen.version {
            *seen = Seen { version: version.clone(), since: Instant::now() };
        }
        let spec = lease.spec.unwrap_or_default();
        let holder = spec.holder_identity.unwrap_or_default();
        if !holder.is_empty() && holder != self.identity && seen.since.elapsed() < DURATION {
            return Ok(false);
        }
        let changes_hands = i32::from(holder != self.identity);
        let transitions = spec.lease_transitions.unwrap_or(0) + changes_hands;
        let taken = json!({
            "holderIdentity": self.identity, "leaseDurationSeconds": DURATION.as_secs(),
            "acquireTime": now(), "renewTime": now(), "leaseTransitions": transitions,
        });
        self.patch(&version, &taken).await
    }

    /// Renews the Lease for as long as it can; returns with the reason why it is no longer ours.
    pub async fn hold(&self) -> anyhow::Error {
        let mut renewed = Instant::now();
        loop {
            sleep(LOOK_EVERY).await;
            let began = Instant::now();
            match timeout_at(renewed + TOO_LONG, self.renew()).await {
                Ok(Ok(true)) => renewed = began,
                Ok(Ok(false)) => return anyhow!("another operator has the Lease"),
                Ok(Err(error)) => tracing::warn!(%error, "renewing the Lease"),
                Err(_) => return anyhow!("the Lease was not renewed for {} s", TOO_LONG.as_secs()),
            }
        }
    }

    /// Whether the Lease is still ours and was renewed. One that we wrote without hearing of it is still ours.
    async fn renew(&self) -> Result<bool> {
        let renewal = json!({ "renewTime": now() });
        if self.patch(&self.version(), &renewal).await? {
            return Ok(true);
        }
        let lease = timeout(PATIENCE, self.leases.get(&self.lease)).await.context("no answer")??;
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
        if holder != Some(&self.identity) {
            return Ok(false);
        }
        self.patch(&lease.resource_version().unwrap_or_default(), &renewal).await
    }

    /// Gives the Lease back.
    pub async fn release(&self) -> Result<()> {
        self.patch(&self.version(), &json!({ "holderIdentity": "" })).await.context("releasing the Lease").map(drop)
    }

    /// Whether the Lease was changed: not if somebody else was there before.
    async fn patch(&self, version: &str, spec: &serde_json::Value) -> Result<bool> {
        let change = Patch::Merge(json!({ "metadata": { "resourceVersion": version }, "spec": spec }));
        self.write(self.leases.patch(&self.lease, &PatchParams::default(), &change)).await
    }

    async fn write(&self, request: impl Future<Output = kube::Result<Lease>>) -> Result<bool> {
        match timeout(PATIENCE, request).await.context("no answer")? {
            Ok(lease) => {
                if let Ok(mut ours) = self.ours.lock() {
                    *ours = lease.resource_version().unwrap_or_default();
                }
                Ok(true)
            }
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn version(&self) -> String {
        self.ours.lock().map(|ours| ours.clone()).unwrap_or_default()
    }

    fn new_lease(&self) -> Lease {
        let spec = LeaseSpec {
            holder_identity: Some(self.identity.clone()),
            lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
            acquire_time: Some(now()),
            renew_time: Some(now()),
            lease_transitions: Some(0),
            ..LeaseSpec::default()
        };
        let metadata = ObjectMeta { name: Some(self.lease.clone()), ..ObjectMeta::default() };
        Lease { metadata, spec: Some(spec) }
    }
}

fn now() -> MicroTime {
    MicroTime(Timestamp::now())
}
