//! PURE. The spec and the Secrets it names → the settings to try, or what is missing.
//!
//! A missing Secret is no error: it is a state that waits, and each concern waits for itself. Without the secret key nothing
//! can be rendered, since snapshots are named by a hash that is keyed with it.

use std::collections::BTreeMap;

use kube::ResourceExt;

use crate::instance::{Concern, PullPolicy, SentryInstance, SentryInstanceSpec};
use crate::resources::labels::{RETRY_MIGRATION, short_hash};
use crate::resources::snapshot::{Env, Snapshot};
use crate::resources::{concern, env};
use crate::secrets::{self, Missing, Secrets};

/// The key within the generated Secret.
pub const GENERATED_KEY: &str = "secret-key";

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

/// Settings to try, or why there are none.
pub type Candidate = Result<Snapshot, Missing>;

/// The settings that the spec asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidates {
    /// Secret key, public URL, time zone.
    pub core: Snapshot,
    /// Those that are tried: PostgreSQL, Redis, and what else is asked for.
    pub tried: BTreeMap<Concern, Candidate>,
    /// The first superuser.
    pub admin: Candidate,
}

impl Candidates {
    /// The settings of a concern that is tried, where there are any.
    pub fn whole(&self, concern: Concern) -> Option<&Snapshot> {
        self.tried.get(&concern)?.as_ref().ok()
    }

    /// Every snapshot that could be rendered, the superuser's left out.
    pub fn snapshots(&self) -> impl Iterator<Item = &Snapshot> {
        std::iter::once(&self.core).chain(self.tried.values().filter_map(|candidate| candidate.as_ref().ok()))
    }
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
        SecretKeyFound::Known(key) => candidates(instance, secrets, key).map_err(KeyProblem::Missing),
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

fn candidates(instance: &SentryInstance, secrets: &Secrets, key: &str) -> Result<Candidates, Missing> {
    let spec = &instance.spec;
    let snapshot = |concern: Concern, env: Env| Snapshot::new(instance, key.as_bytes(), concern, env);
    let previous = spec.secret_key.iter().flat_map(|key| &key.previous_secret_refs);
    let previous: Vec<String> = previous.map(|reference| secrets::key(secrets, reference)).collect::<Result<_, _>>()?;
    let rendered = concern::TRIED.into_iter().filter_map(|concern| Some((concern, render(concern, spec, secrets)?)));
    Ok(Candidates {
        core: snapshot(Concern::Core, env::core(spec, key, &previous)),
        tried: rendered.map(|(concern, env)| (concern, env.map(|env| snapshot(concern, env)))).collect(),
        admin: env::admin(&spec.bootstrap_admin, secrets).map(|env| snapshot(Concern::Admin, env)),
    })
}

/// The variables of a concern, if the spec asks for it.
fn render(concern: Concern, spec: &SentryInstanceSpec, secrets: &Secrets) -> Option<Result<Env, Missing>> {
    match concern {
        Concern::Core | Concern::Admin => None,
        Concern::Database => Some(env::database(&spec.database, secrets)),
        Concern::Redis => Some(env::redis(&spec.redis, secrets)),
        Concern::Files => Some(env::bucket(spec.files.as_ref()?.s3.as_ref()?, secrets)),
        Concern::Mail => Some(env::mail(spec.mail.as_ref()?, secrets)),
        Concern::Ldap => Some(env::ldap(spec.ldap.as_ref()?, secrets)),
        Concern::Channels if spec.channels.is_empty() => None,
        Concern::Channels => Some(env::channels(spec, secrets)),
    }
}
