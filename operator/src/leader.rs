//! One operator writes at a time: a Lease decides which.
//!
//! Controllers start once the Lease is ours. When it is lost, or was not seen renewed for so long that another may soon take
//! it, the process exits: only an exit stops every write for sure. A request that hangs counts as not renewed, since the
//! renewals are watched from beside. On SIGTERM the Lease is given back, after the controllers have ended.

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::time::{Instant, interval, timeout};

const DURATION_SECONDS: u64 = 15;
/// The Lease is renewed this long before it ends.
const GRACE_SECONDS: u64 = 8;
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A renewal is seen at most one look late, and so is its absence; the rest is left for exiting.
const TOO_LONG: Duration = Duration::from_secs(DURATION_SECONDS - 4);

/// The Lease, ours or not yet.
pub struct Leadership {
    manager: LeaseManager,
    leases: Api<Lease>,
    lease: String,
}

impl Leadership {
    /// Prepares to compete for `lease`.
    pub async fn new(client: Client, lease: &str, namespace: &str, identity: &str) -> Result<Self> {
        let leases = Api::namespaced(client.clone(), namespace);
        let manager = LeaseManagerBuilder::new(client, lease)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_field_manager(format!("picket-operator/{identity}"))
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await
            .context("preparing the Lease")?;
        Ok(Self { manager, leases, lease: lease.to_owned() })
    }

    /// Returns once the Lease is ours.
    pub async fn acquire(&self) -> Result<()> {
        while !self.manager.changed().await.context("acquiring the Lease")? {}
        Ok(())
    }

    /// Renews the Lease for as long as it can; returns with the reason why it is no longer ours.
    pub async fn hold(&self) -> anyhow::Error {
        tokio::select! {
            reason = self.renew() => reason,
            reason = self.watch_over() => reason,
        }
    }

    async fn renew(&self) -> anyhow::Error {
        let mut pause = interval(LOOK_EVERY / 2);
        loop {
            match self.manager.changed().await {
                Ok(true) => {}
                Ok(false) => return anyhow!("another operator has the Lease"),
                Err(error) => tracing::warn!(%error, "renewing the Lease"),
            }
            pause.tick().await;
        }
    }

    async fn watch_over(&self) -> anyhow::Error {
        let mut look = interval(LOOK_EVERY);
        let mut renewed = None;
        let mut seen_at = Instant::now();
        loop {
            look.tick().await;
            if let Ok(Ok(lease)) = timeout(LOOK_EVERY, self.leases.get(&self.lease)).await {
                let now_renewed = lease.spec.and_then(|spec| spec.renew_time);
                if now_renewed != renewed {
                    renewed = now_renewed;
                    seen_at = Instant::now();
                }
            }
            if seen_at.elapsed() > TOO_LONG {
                return anyhow!("the Lease was not renewed for {} s", TOO_LONG.as_secs());
            }
        }
    }

    /// Gives the Lease back.
    pub async fn release(&self) -> Result<()> {
        self.manager.release().await.context("releasing the Lease")
    }
}
