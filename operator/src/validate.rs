//! PURE. The spec and the Secrets it names → the settings to try, or what is missing.
//!
//! A missing Secret is no error: it is a state that waits, and each concern waits for itself. Without the secret key nothing
//! can be rendered, since snapshots are named by a hash that is keyed with it.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::instance::{CredentialsRef, PullPolicy, SecretKeyRef, SentryInstance, SentryInstanceSpec};
use crate::resources::env::{self, Credentials};
use crate::resources::labels::{RETRY_MIGRATION, short_hash};
use crate::resources::snapshot::{Concern, Env, Snapshot};

/// The key within the generated Secret.
pub const GENERATED_KEY: &str = "secret-key";

/// The Secrets that an instance names, by name; those that do not exist are left out.
pub type Secrets = BTreeMap<String, BTreeMap<String, Vec<u8>>>;

/// Where the secret key stands.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretKeyFound {
    /// Here it is.
    Known(String),
    /// The instance names a Secret that is not there, or not whole.
    Missing(Missing),
    /// It was generated once and its Secret is gone: a new one would end every session and break every link.
    Lost {
        /// The Secret that is gone.
        secret: String,
    },
    /// None was generated yet, and the instance is paused.
    NotYet,
}

/// Why a concern cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// `SecretNotFound` or `SecretKeyMissing`.
    pub reason: &'static str,
    /// What to do.
    pub message: String,
}

/// Settings to try, or why there are none.
pub type Candidate = Result<Snapshot, Missing>;

/// The settings that the spec asks for, per concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// Secret key, public URL, time zone.
    pub core: Snapshot,
    /// PostgreSQL.
    pub database: Candidate,
    /// Redis.
    pub redis: Candidate,
    /// SMTP, if asked for.
    pub mail: Option<Candidate>,
    /// The first superuser.
    pub admin: Candidate,
}

/// The image to run and how to get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageToRun {
    /// As a container runtime takes it.
    pub reference: String,
    /// When to pull.
    pub pull_policy: PullPolicy,
    /// Secrets for the registry.
    pub pull_secrets: Vec<String>,
}

/// What the spec asks for, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validated {
    /// The image.
    pub image: ImageToRun,
    /// The database's address, hashed. A rotated password is the same database.
    pub database_target: String,
    /// What has to be migrated: this image on that database.
    pub revision: String,
    /// The settings, unless there is no secret key.
    pub candidates: Result<Candidates, KeyProblem>,
}

/// Why there is no secret key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyProblem {
    /// See [`SecretKeyFound::Missing`].
    Missing(Missing),
    /// See [`SecretKeyFound::Lost`].
    Lost(String),
    /// See [`SecretKeyFound::NotYet`].
    NotYet,
}

/// The names of every Secret whose content matters to an instance.
pub fn secret_names(instance: &SentryInstance) -> Vec<String> {
    let SentryInstanceSpec { database, redis, secret_key, bootstrap_admin, mail, .. } = &instance.spec;
    let own_key = secret_key.as_ref().and_then(|key| key.secret_ref.as_ref());
    let mut names = vec![
        database.credentials_secret_ref.name.clone(),
        bootstrap_admin.password_secret_ref.name.clone(),
        own_key.map_or_else(|| generated_secret(instance), |secret| secret.name.clone()),
    ];
    names.extend(redis.password_secret_ref.as_ref().map(|secret| secret.name.clone()));
    names.extend(mail.as_ref().and_then(|mail| mail.credentials_secret_ref.as_ref()).map(|secret| secret.name.clone()));
    names.sort();
    names.dedup();
    names
}

/// The Secret that a generated key is kept in.
pub fn generated_secret(instance: &SentryInstance) -> String {
    format!("{}-secret-key", instance.name_any())
}

/// Resolves what the spec asks for.
pub fn validate(
    instance: &SentryInstance,
    secrets: &Secrets,
    secret_key: &SecretKeyFound,
    default_image: &str,
) -> Validated {
    let image = image(&instance.spec, default_image);
    let database = &instance.spec.database;
    let database_target = short_hash([database.host.as_str(), &database.port.to_string(), &database.name]);
    let retry = instance.annotations().get(RETRY_MIGRATION).map_or("", String::as_str);
    let revision = short_hash([image.reference.as_str(), &database_target, retry]);
    let candidates = match secret_key {
        SecretKeyFound::Known(key) => Ok(candidates(instance, secrets, key)),
        SecretKeyFound::Missing(missing) => Err(KeyProblem::Missing(missing.clone())),
        SecretKeyFound::Lost { secret } => Err(KeyProblem::Lost(secret.clone())),
        SecretKeyFound::NotYet => Err(KeyProblem::NotYet),
    };
    Validated { image, database_target, revision, candidates }
}

fn image(spec: &SentryInstanceSpec, default_image: &str) -> ImageToRun {
    let Some(image) = &spec.image else {
        let version = spec.version.as_deref().unwrap_or("latest");
        return ImageToRun {
            reference: format!("{default_image}:{version}"),
            pull_policy: PullPolicy::default(),
            pull_secrets: Vec::new(),
        };
    };
    let repository = &image.repository;
    let reference = match (&image.digest, &image.tag) {
        (Some(digest), _) => format!("{repository}@{digest}"),
        (None, tag) => format!("{repository}:{}", tag.as_deref().unwrap_or("latest")),
    };
    let pull_secrets = image.pull_secrets.iter().map(|secret| secret.name.clone()).collect();
    ImageToRun { reference, pull_policy: image.pull_policy, pull_secrets }
}

fn candidates(instance: &SentryInstance, secrets: &Secrets, key: &str) -> Candidates {
    let SentryInstanceSpec { database, redis, bootstrap_admin, mail, .. } = &instance.spec;
    let snapshot = |concern: Concern, env: Env| Snapshot::new(instance, key.as_bytes(), concern, env);
    let redis_password =
        redis.password_secret_ref.as_ref().map(|reference| value(secrets, &reference.name, &reference.key)).transpose();
    Candidates {
        core: snapshot(Concern::Core, env::core(&instance.spec, key)),
        database: credentials(secrets, &database.credentials_secret_ref)
            .map(|credentials| snapshot(Concern::Database, env::database(database, credentials))),
        redis: redis_password.map(|password| snapshot(Concern::Redis, env::redis(redis, password))),
        mail: mail.as_ref().map(|mail| {
            let login = mail.credentials_secret_ref.as_ref().map(|reference| credentials(secrets, reference));
            login.transpose().map(|login| snapshot(Concern::Mail, env::mail(mail, login)))
        }),
        admin: secret_value(secrets, &bootstrap_admin.password_secret_ref)
            .map(|password| snapshot(Concern::Admin, env::admin(bootstrap_admin, password))),
    }
}

fn credentials(secrets: &Secrets, reference: &CredentialsRef) -> Result<Credentials, Missing> {
    let username = value(secrets, &reference.name, &reference.username_key)?;
    let password = value(secrets, &reference.name, &reference.password_key)?;
    Ok(Credentials { username, password })
}

/// The value that a reference points at.
pub fn secret_value(secrets: &Secrets, reference: &SecretKeyRef) -> Result<String, Missing> {
    value(secrets, &reference.name, &reference.key)
}

/// One value of a Secret as text, without the line end that files and editors leave behind.
fn value(secrets: &Secrets, name: &str, key: &str) -> Result<String, Missing> {
    let Some(secret) = secrets.get(name) else {
        let message = format!("Secret {name} does not exist in this namespace: create it with the key {key}");
        return Err(Missing { reason: "SecretNotFound", message });
    };
    let incomplete = |what: String| Missing { reason: "SecretKeyMissing", message: what };
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
