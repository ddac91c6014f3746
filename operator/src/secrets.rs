//! PURE. The Secrets that an instance names, and the values its references point at.
//!
//! Every field that ends in `SecretRef` is a reference, wherever it stands in the spec: a new one is noticed, read and watched
//! without being listed anywhere. A missing Secret is no error: it is a state that waits.

use std::collections::{BTreeMap, BTreeSet};

use kube::ResourceExt;
use serde_json::Value;

use crate::instance::{CaRef, CertificateRef, CredentialsRef, SecretKeyRef, SentryInstance};

/// The Secrets that an instance names, by name; those that do not exist are left out.
pub type Secrets = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Why a reference has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `SecretNotFound` or `SecretKeyMissing`.
    pub reason: &'static str,
    /// What to do.
    pub message: String,
}

/// A user name and a password, read from a Secret.
pub struct Credentials {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
}

/// The Secret that a generated key is kept in.
pub fn generated_secret(instance: &SentryInstance) -> String {
    format!("{}-secret-key", instance.name_any())
}

/// The names of every Secret whose content matters to an instance.
pub fn names(instance: &SentryInstance) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let spec = serde_json::to_value(&instance.spec).unwrap_or_default();
    collect(&spec, &mut names);
    if instance.spec.secret_key.as_ref().is_none_or(|key| key.secret_ref.is_none()) {
        names.insert(generated_secret(instance));
    }
    names
}

fn collect(value: &Value, names: &mut BTreeSet<String>) {
    let name = |reference: &Value| reference.get("name").and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                match field {
                    Value::Array(references) if key.ends_with("ecretRefs") => {
                        names.extend(references.iter().filter_map(name));
                    }
                    reference if key.ends_with("ecretRef") => names.extend(name(reference)),
                    // What it names is the kubelet's to read, and none of our settings.
                    _ if key == "podTemplate" => (),
                    other => collect(other, names),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => (),
    }
}

/// The value that a reference points at.
pub fn key(secrets: &Secrets, reference: &SecretKeyRef) -> Result<String, Missing> {
    value(secrets, &reference.name, &reference.key)
}

/// The certificates that a reference points at, if there is one.
pub fn ca(secrets: &Secrets, reference: Option<&CaRef>) -> Result<Option<String>, Missing> {
    reference.map(|reference| pem(secrets, &reference.name, &reference.key)).transpose()
}

/// The certificate and the private key that a reference points at, if there is one.
pub fn certificate(secrets: &Secrets, reference: Option<&CertificateRef>) -> Result<Option<(String, String)>, Missing> {
    let both = |reference: &CertificateRef| {
        let certificate = pem(secrets, &reference.name, &reference.certificate_key)?;
        Ok((certificate, pem(secrets, &reference.name, &reference.private_key_key)?))
    };
    reference.map(both).transpose()
}

/// The user name and the password that a reference points at.
pub fn credentials(secrets: &Secrets, reference: &CredentialsRef) -> Result<Credentials, Missing> {
    let username = value(secrets, &reference.name, &reference.username_key)?;
    let password = value(secrets, &reference.name, &reference.password_key)?;
    Ok(Credentials { username, password })
}

/// What a process takes of one variable, on Linux.
const LONGEST_VARIABLE: usize = 128 << 10;

fn pem(secrets: &Secrets, name: &str, key: &str) -> Result<String, Missing> {
    let text = value(secrets, name, key)?;
    let wrong = |what: &str| Err(incomplete(format!("{key} of Secret {name} {what}")));
    if !text.trim_start().starts_with("-----BEGIN ") {
        return wrong("is no PEM: it begins with -----BEGIN");
    }
    if text.len() >= LONGEST_VARIABLE {
        return wrong("is longer than 128 KiB: leave only the certificates that are needed");
    }
    Ok(text)
}

/// One value of a Secret as text, without the line end that files and editors leave behind.
pub fn value(secrets: &Secrets, name: &str, key: &str) -> Result<String, Missing> {
    let Some(secret) = secrets.get(name) else {
        let message = format!("Secret {name} does not exist in this namespace: create it with the key {key}");
        return Err(Missing { reason: "SecretNotFound", message });
    };
    let Some(bytes) = secret.get(key) else {
        let present: Vec<&str> = secret.keys().map(String::as_str).collect();
        let present = if present.is_empty() { "no keys".to_owned() } else { present.join(", ") };
        return Err(incomplete(format!(
            "Secret {name} has no key {key} (it has {present}): add it, or name another key"
        )));
    };
    let text =
        std::str::from_utf8(bytes).map_err(|_| incomplete(format!("{key} of Secret {name} is not UTF-8 text")))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Err(incomplete(format!("{key} of Secret {name} is empty")));
    }
    Ok(text.to_owned())
}

fn incomplete(message: String) -> Missing {
    Missing { reason: "SecretKeyMissing", message }
}

#[cfg(test)]
mod tests {
    use super::{ca, names};
    use crate::instance::CaRef;
    use crate::testing::{instance, secrets};

    #[test]
    fn every_reference_of_a_spec_is_noticed() {
        let mut shop = instance();
        assert_eq!(
            names(&shop).into_iter().collect::<Vec<_>>(),
            ["shop-admin", "shop-postgresql", "shop-redis", "shop-secret-key"]
        );
        let key =
            r#"{"secretRef": {"name": "mine", "key": "key"}, "previousSecretRefs": [{"name": "old", "key": "key"}]}"#;
        shop.spec.secret_key = serde_json::from_str(key).expect("a secret key");
        let robot = r#"[{"name": "oncall", "dingtalk": {"accessTokenSecretRef": {"name": "robot", "key": "token"}}}]"#;
        shop.spec.channels = serde_json::from_str(robot).expect("channels");
        let patch = r#"{"spec": {"volumes": [{"name": "x", "csi": {"nodeStageSecretRef": {"name": "theirs"}}}]}}"#;
        shop.spec.web.pod_template = serde_json::from_str(patch).expect("a patch");
        let found = names(&shop);
        assert!(["mine", "old", "robot"].iter().all(|name| found.contains(*name)), "{found:?}");
        assert!(!found.contains("theirs") && !found.contains("shop-secret-key"));
    }

    #[test]
    fn a_ca_is_pem() {
        let mut all = secrets();
        let reference = CaRef { name: "shop-redis".to_owned(), key: "password".to_owned() };
        let missing = ca(&all, Some(&reference)).expect_err("a password is no CA");
        assert!(missing.message.contains("is no PEM"), "{}", missing.message);
        let pem = b"-----BEGIN CERTIFICATE-----\n".to_vec();
        all.insert("shop-redis".to_owned(), [("password".to_owned(), pem)].into());
        assert!(ca(&all, Some(&reference)).is_ok_and(|pem| pem.is_some()));
    }
}
