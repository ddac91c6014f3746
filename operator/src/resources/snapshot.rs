//! Snapshots: all settings of one concern, rendered into one immutable Secret that is named after its content.
//!
//! Pods take a snapshot whole (`envFrom`), so a pod template changes exactly when an input it uses changes, what was tried is
//! what is rolled out, and a restart during a bad rotation still finds the last good values. The name's hash is keyed with
//! the instance's secret key: a reader of names cannot guess passwords against it.

use std::collections::BTreeMap;

use hmac::{Hmac, KeyInit, Mac};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use sha2::Sha256;

use super::concern;
use super::labels::{SNAPSHOT, hex10, metadata};
use crate::instance::{Concern, SentryInstance};

/// Environment variables of the platform, by name.
pub type Env = BTreeMap<String, String>;

/// Rendered settings and the name they give themselves.
#[derive(Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// What they are about.
    pub concern: Concern,
    /// `<instance>-<concern>-<hash>`.
    pub name: String,
    env: Env,
}

/// Names the settings, never shows them.
impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Names `env` after its content.
    pub fn new(instance: &SentryInstance, secret_key: &[u8], concern: Concern, env: Env) -> Self {
        let hash = keyed_hash(secret_key, concern, &env);
        let name = format!("{}-{}-{hash}", instance.name_any(), concern::word(concern));
        Self { concern, name, env }
    }

    /// The Secret that holds it.
    pub fn secret(&self, instance: &SentryInstance) -> Secret {
        let mut metadata = metadata(instance, self.name.clone(), "settings");
        metadata.labels.get_or_insert_default().insert(SNAPSHOT.to_owned(), concern::word(self.concern).to_owned());
        let data = self.env.iter().map(|(name, value)| (name.clone(), ByteString(value.clone().into_bytes())));
        Secret {
            metadata,
            immutable: Some(true),
            type_: Some("Opaque".to_owned()),
            data: Some(data.collect()),
            ..Secret::default()
        }
    }

    /// The settings themselves.
    pub fn env(&self) -> &Env {
        &self.env
    }
}

fn keyed_hash(secret_key: &[u8], concern: Concern, env: &Env) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret_key).expect("HMAC takes keys of every length");
    mac.update(concern::word(concern).as_bytes());
    for (name, value) in env {
        for part in [name, value] {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
    }
    hex10(&mac.finalize().into_bytes())
}
