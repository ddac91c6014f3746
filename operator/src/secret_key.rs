//! The generated secret key: minted once, kept for ever.
//!
//! Minted only when the API server says that its Secret does not exist *and* the status does not remember one: an error
//! while reading ends the reconcile, and a Secret that is gone stops everything until a person restores it. The Secret has
//! no owner, so it outlives the instance, and a new instance of the same name takes it up again.

use anyhow::{Context as _, Result};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::PostParams;
use kube::{Api, ResourceExt};
use rand::RngExt;
use rand::distr::Alphanumeric;

use crate::context::Context;
use crate::instance::{SecretKeyRef, SentryInstance};
use crate::resources::labels::labels;
use crate::validate::{GENERATED_KEY, Missing, SecretKeyFound, Secrets, generated_secret, secret_value};

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
        return Decision::Settled(found(secret_value(secrets, reference)));
    }
    let name = generated_secret(instance);
    if secrets.contains_key(&name) {
        let reference = SecretKeyRef { name, key: GENERATED_KEY.to_owned() };
        return Decision::Settled(found(secret_value(secrets, &reference)));
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

fn secret(instance: &SentryInstance, key: &str) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(generated_secret(instance)),
            namespace: instance.namespace(),
            labels: Some(labels(instance, "secret-key")),
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
    use super::{Decision, decide};
    use crate::instance::{SecretKeyStatus, SentryInstanceStatus};
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
    fn a_paused_instance_gets_no_key_and_a_kept_one_is_taken_up_again() {
        let mut shop = instance();
        shop.spec.paused = true;
        assert!(decide(&shop, &secrets()) == Decision::Settled(SecretKeyFound::NotYet));
        let mut kept = secrets();
        kept.insert("shop-secret-key".to_owned(), [("secret-key".to_owned(), b"kept".to_vec())].into());
        assert!(decide(&shop, &kept) == Decision::Settled(SecretKeyFound::Known("kept".to_owned())));
    }
}
