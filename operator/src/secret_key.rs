//! The generated secret key: minted once, kept for ever.
//!
//! Minted only when the API server says that its Secret does not exist *and* the status does not remember one: an error
//! while reading ends the reconcile, and a Secret that is gone stops everything until a person restores it. The Secret has
//! no owner, so it outlives the instance, and a new instance of the same name takes it up again; with `deletionPolicy: Delete`
//! it goes with it.

use anyhow::{Context as _, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::{PartialObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use rand::RngExt;
use rand::distr::Alphanumeric;
use serde_json::json;

use crate::context::Context;
use crate::instance::{DeletionPolicy, SecretKeyRef, SentryInstance};
use crate::resources::labels::{labels, owners};
use crate::secrets::{self, Missing, Secrets, generated_secret};
use crate::validate::{GENERATED_KEY, SecretKeyFound};

/// As long as a key of Django's, which is what people compare it with, and then some.
const LENGTH: usize = 64;

/// What is to be done about the secret key.
#[derive(Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: this is how it stands.
    Settled(SecretKeyFound),
    /// Generate one.
    Mint,
}

/// PURE. Decides from what was read; never called when reading failed.
pub fn decide(instance: &SentryInstance, secrets: &Secrets) -> Decision {
    let found = |value: Result<String, Missing>| match value {
        Ok(key) => SecretKeyFound::Known(key),
        Err(missing) => SecretKeyFound::Missing(missing),
    };
    if let Some(reference) = instance.spec.secret_key.as_ref().and_then(|key| key.secret_ref.as_ref()) {
        return Decision::Settled(found(secrets::key(secrets, reference)));
    }
    let name = generated_secret(instance);
    if secrets.contains_key(&name) {
        let reference = SecretKeyRef { name, key: GENERATED_KEY.to_owned() };
        return Decision::Settled(found(secrets::key(secrets, &reference)));
    }
    let generated_before = instance.status.as_ref().is_some_and(|status| status.secret_key.is_some());
    match (generated_before, instance.spec.paused) {
        (true, _) => Decision::Settled(SecretKeyFound::Lost { secret: name }),
        (false, true) => Decision::Settled(SecretKeyFound::NotYet),
        (false, false) => Decision::Mint,
    }
}

/// Finds the key, or mints it. Two that mint at once cannot both win: the Secret is created, never overwritten.
pub async fn find(
    ctx: &Context,
    instance: &SentryInstance,
    namespace: &str,
    secrets: &Secrets,
) -> Result<SecretKeyFound> {
    match decide(instance, secrets) {
        Decision::Settled(found) => Ok(found),
        Decision::Mint => {
            let key: String = rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect();
            let api: Api<Secret> = ctx.api(namespace);
            api.create(&PostParams::default(), &secret(instance, &key)).await.context("creating the secret key")?;
            ctx.metrics.wrote("secrets");
            tracing::info!(instance = %instance.name_any(), namespace, "generated the secret key");
            Ok(SecretKeyFound::Known(key))
        }
    }
}

/// PURE. The owners that the generated key's Secret should have, where it has others: none, so that it outlives the instance,
/// or the instance, where it is to go with it.
pub fn owners_to_set(instance: &SentryInstance, secret: &impl ResourceExt) -> Option<Vec<OwnerReference>> {
    let wanted = match instance.spec.deletion_policy {
        DeletionPolicy::Retain => Vec::new(),
        DeletionPolicy::Delete => owners(instance),
    };
    (secret.owner_references() != wanted).then_some(wanted)
}

/// Has the generated key's Secret go with the instance, or outlive it, as the spec asks.
pub async fn own(
    ctx: &Context,
    instance: &SentryInstance,
    namespace: &str,
    secret: Option<&PartialObjectMeta<Secret>>,
) -> Result<()> {
    let Some(secret) = secret.filter(|_| !instance.spec.paused) else { return Ok(()) };
    let Some(owners) = owners_to_set(instance, secret) else { return Ok(()) };
    let metadata = json!({ "uid": secret.uid(), "ownerReferences": owners });
    let patch = Patch::Merge(json!({ "metadata": metadata }));
    let api: Api<Secret> = ctx.api(namespace);
    let patched = api.patch_metadata(&secret.name_any(), &PatchParams::default(), &patch).await;
    patched.context("changing the owner of the secret key")?;
    ctx.metrics.wrote("secrets");
    Ok(())
}

fn secret(instance: &SentryInstance, key: &str) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(generated_secret(instance)),
            namespace: instance.namespace(),
            labels: Some(labels(instance, "secret-key")),
            owner_references: match instance.spec.deletion_policy {
                DeletionPolicy::Retain => None,
                DeletionPolicy::Delete => Some(owners(instance)),
            },
            ..ObjectMeta::default()
        },
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        data: Some([(GENERATED_KEY.to_owned(), ByteString(key.as_bytes().to_vec()))].into()),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, decide, owners_to_set, secret};
    use crate::instance::{DeletionPolicy, SecretKeyStatus, SentryInstanceStatus};
    use crate::testing::{instance, secrets};
    use crate::validate::SecretKeyFound;

    #[test]
    fn a_key_is_minted_once_and_its_loss_stops_everything() {
        let mut shop = instance();
        assert!(decide(&shop, &secrets()) == Decision::Mint);
        let generated = SecretKeyStatus { generated_secret: "shop-secret-key".to_owned() };
        shop.status = Some(SentryInstanceStatus { secret_key: Some(generated), ..SentryInstanceStatus::default() });
        let lost = SecretKeyFound::Lost { secret: "shop-secret-key".to_owned() };
        assert!(decide(&shop, &secrets()) == Decision::Settled(lost));
    }

    #[test]
    fn a_key_outlives_the_instance_unless_it_is_to_go_with_it() {
        let mut shop = instance();
        let kept = secret(&shop, "key");
        assert_eq!(owners_to_set(&shop, &kept), None);
        shop.spec.deletion_policy = DeletionPolicy::Delete;
        assert_eq!(owners_to_set(&shop, &kept).map(|owners| owners.len()), Some(1));
        assert_eq!(owners_to_set(&shop, &secret(&shop, "key")), None);
        shop.spec.deletion_policy = DeletionPolicy::Retain;
        let owned = kube::ResourceExt::owner_references(&kept).len();
        assert_eq!((owned, owners_to_set(&shop, &kept)), (0, None));
    }

    #[test]
    fn a_paused_instance_gets_no_key_and_a_kept_one_is_taken_up_again() {
        let mut shop = instance();
        shop.spec.paused = true;
        assert!(decide(&shop, &secrets()) == Decision::Settled(SecretKeyFound::NotYet));
        let mut kept = secrets();
        kept.insert("shop-secret-key".to_owned(), [("secret-key".to_owned(), b"kept".to_vec())].into());
        assert!(decide(&shop, &kept) == Decision::Settled(SecretKeyFound::Known("kept".to_owned())));
    }
}
