//! Picket's operator: a `SentryInstance` becomes a running, migrated error tracker.
//!
//! `fetch → validate → advance → desired → apply → status`: what to do is decided by pure functions from what was read;
//! `reconcile` is the line that calls them, `apply` the only place that writes objects. Not here: `SentryProject`, scaling by
//! load and monitoring objects, which will be slices beside these.

pub mod advance;
pub mod apply;
pub mod context;
pub mod controller;
pub mod drift;
pub mod events;
pub mod fetch;
pub mod instance;
pub mod leader;
pub mod metrics;
pub mod observe;
pub mod reconcile;
pub mod reference;
pub mod resources;
pub mod secret_key;
pub mod status;
#[cfg(test)]
mod testing;
pub mod validate;

use kube::CustomResourceExt;

/// The CRD, as committed in `crds/sentryinstance.yaml`.
pub fn crd_yaml() -> anyhow::Result<String> {
    Ok(serde_saphyr::to_string(&instance::SentryInstance::crd())?)
}
