//! Names, labels and owners of an instance's objects.
//!
//! The labels are ours alone: `app.kubernetes.io/instance` and every annotation of the instance are left out, because Argo CD
//! tracks what it owns by them and would prune our children.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, OwnerReference};
use kube::{Resource, ResourceExt};
use sha2::{Digest, Sha256};

use crate::instance::SentryInstance;

/// The label that says whose an object is.
pub const INSTANCE: &str = "picket.dev/instance";
/// The label that says what part an object plays.
pub const COMPONENT: &str = "app.kubernetes.io/component";
/// The label that says which concern a snapshot is of.
pub const SNAPSHOT: &str = "picket.dev/snapshot";
/// The annotation with the hash of what was applied last.
pub const APPLIED: &str = "picket.dev/applied";
/// The annotation of an instance that, given a new value, runs a migration again.
pub const RETRY_MIGRATION: &str = "picket.dev/retry-migration";
/// The label and value that every object we manage carries.
pub const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "picket-operator");

/// A part of an instance that runs in pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes in events, serves pages.
    Web,
    /// Processes events.
    Worker,
    /// Runs schedules.
    Cron,
    /// Tries settings.
    Preflight,
    /// Migrates the database.
    Migrate,
}

impl Role {
    /// The word used in names and labels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Cron => "cron",
            Self::Preflight => "preflight",
            Self::Migrate => "migrate",
        }
    }
}

/// Metadata of a child: its name, our labels, the instance as its owner.
pub fn metadata(instance: &SentryInstance, name: String, component: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: instance.namespace(),
        labels: Some(labels(instance, component)),
        owner_references: Some(owners(instance)),
        ..ObjectMeta::default()
    }
}

/// The labels of a child.
pub fn labels(instance: &SentryInstance, component: &str) -> BTreeMap<String, String> {
    let mut labels = selector_labels(instance, component);
    labels.insert("app.kubernetes.io/name".to_owned(), "picket".to_owned());
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    labels
}

/// The labels that select a component's pods; they never change.
fn selector_labels(instance: &SentryInstance, component: &str) -> BTreeMap<String, String> {
    BTreeMap::from([(COMPONENT.to_owned(), component.to_owned()), (INSTANCE.to_owned(), instance.name_any())])
}

/// The selector of a component's pods.
pub fn selector(instance: &SentryInstance, role: Role) -> LabelSelector {
    LabelSelector { match_labels: Some(selector_labels(instance, role.as_str())), match_expressions: None }
}

/// The same selector as the scale subresource wants it.
pub fn selector_text(instance: &SentryInstance, role: Role) -> String {
    let pairs: Vec<String> =
        selector_labels(instance, role.as_str()).into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(",")
}

/// The selector of everything that belongs to an instance.
pub fn all_of(instance: &str) -> String {
    format!("{INSTANCE}={instance},{}={}", MANAGED_BY.0, MANAGED_BY.1)
}

/// The name of a component's objects.
pub fn child_name(instance: &SentryInstance, role: Role) -> String {
    format!("{}-{}", instance.name_any(), role.as_str())
}

/// Ten hexadecimal digits that stand for `parts`. For public inputs only: it is no secret's keeper.
pub fn short_hash<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex10(&hash.finalize())
}

/// The first ten hexadecimal digits of a digest.
pub fn hex10(digest: &[u8]) -> String {
    digest.iter().take(5).fold(String::with_capacity(10), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The instance as the owner of what goes with it.
pub fn owners(instance: &SentryInstance) -> Vec<OwnerReference> {
    instance.controller_owner_ref(&()).into_iter().collect()
}
