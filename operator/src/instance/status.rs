//! What an instance is told about itself, and the operator's only memory.
//!
//! `verified`, `preflight`, `migration`, `rolledOut` and `secretKey` are what the operator has to remember across restarts;
//! the rest is derived for people. Nothing here is inferred from a Job's existence, which has a time to live.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What the operator saw and did.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SentryInstanceStatus {
    /// The generation of the spec that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Where things stand, in one word for people. Programs read `conditions`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,

    /// Where the instance answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Ready, Reconciling, Stalled, Available and one condition per dependency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// The generated secret key, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<SecretKeyStatus>,

    /// The settings that passed a preflight last.
    #[serde(default, skip_serializing_if = "Snapshots::is_empty")]
    pub verified: Snapshots,

    /// The last try of new settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preflight: Option<PreflightStatus>,

    /// The last migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<MigrationStatus>,

    /// What the Deployments are told to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_out: Option<RolledOut>,

    /// Why pods were last replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<RolloutStatus>,

    /// The web pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<ComponentStatus>,

    /// The worker pods, as `kubectl scale` and autoscalers see them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<ComponentStatus>,

    /// The cron pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<ComponentStatus>,
}

/// Where an instance stands, for people.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Seen for the first time.
    Pending,
    /// A Secret it names is missing.
    WaitingForSecret,
    /// New settings are being tried.
    Preflight,
    /// New settings do not work, and there are no older ones to run with.
    PreflightFailed,
    /// The migration Job runs, or waits to.
    Migrating,
    /// The migration failed; what ran before still runs.
    MigrationFailed,
    /// Pods are being replaced or started.
    RollingOut,
    /// All is as the spec asks.
    Running,
    /// It serves, but something the spec asks for does not work.
    Degraded,
    /// It cannot go on without a person.
    Stalled,
    /// Told not to touch anything.
    Paused,
    /// Told to run no pods.
    Suspended,
    /// The migration of a new image waits for somebody to approve it; what ran before still runs.
    AwaitingApproval,
}

/// The generated secret key.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretKeyStatus {
    /// The Secret it was written into. Once set, no other key is ever generated.
    pub generated_secret: String,
}

/// What settings are about: each concern is rendered, tried and rolled out by itself.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
pub enum Concern {
    /// Secret key, public URL, time zone.
    Core,
    /// PostgreSQL.
    Database,
    /// Redis.
    Redis,
    /// The bucket of attachments.
    Files,
    /// SMTP.
    Mail,
    /// The directories.
    Ldap,
    /// The named channels.
    Channels,
    /// The first superuser; part of no pod but the first migration's.
    Admin,
}

/// A Secret of rendered settings for each concern.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(transparent)]
pub struct Snapshots(pub BTreeMap<Concern, String>);

impl Snapshots {
    /// None of any concern.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The Secret of a concern.
    pub fn get(&self, concern: Concern) -> Option<&str> {
        self.0.get(&concern).map(String::as_str)
    }

    /// The Secrets' names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }
}

impl JsonSchema for Snapshots {
    fn schema_name() -> Cow<'static, str> {
        "Snapshots".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object", "description": "A Secret of rendered settings for each concern.", "maxProperties": 16,
            "additionalProperties": { "type": "string" },
        })
    }
}

/// One try of settings, by a Job that runs `picket config check`.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PreflightStatus {
    /// What is tried: a hash of the snapshots' names and the image.
    pub revision: String,
    /// How often it was tried, this one included.
    pub attempt: i32,
    /// How it went.
    pub phase: JobPhase,
    /// The Job of this attempt.
    pub job_name: String,
    /// When this attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What the last finished attempt of this revision found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub checks: Vec<Check>,
    /// What went wrong besides the checks, or what the Job waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// The verdict on one dependency.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// `postgresql`, `redis`, `mail` …
    pub name: String,
    /// Whether it works.
    pub status: CheckStatus,
    /// The layer that failed, as a condition's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether a dependency works.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum CheckStatus {
    /// It does.
    Ok,
    /// It does not.
    Failed,
    /// Not tried.
    Skipped,
}

/// How far a Job is.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobPhase {
    /// Something must happen before it may start.
    Pending,
    /// It was started.
    Running,
    /// It did what it should.
    Succeeded,
    /// It did not.
    Failed,
}

/// The migration of the database to what an image needs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MigrationStatus {
    /// What is migrated: a hash of the image and the database's address, never of credentials.
    pub revision: String,
    /// The image that migrates.
    pub image: String,
    /// How far it is. This, not the Job, says whether it ran.
    pub phase: JobPhase,
    /// The Job that runs it.
    pub job_name: String,
    /// When it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// What it said when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
    /// What it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What the Deployments are told to run.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RolledOut {
    /// The migration that allowed it.
    pub revision: String,
    /// The image.
    pub image: String,
    /// The database's address, hashed: other credentials are no other database.
    pub database_target: String,
    /// The settings.
    pub snapshots: Snapshots,
    /// What each component is told besides, hashed.
    #[serde(default)]
    pub components: ComponentHashes,
}

/// A hash of what each component's pods are told besides snapshots: resources, nodes, limits, patches.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ComponentHashes {
    /// Of the web pods.
    #[serde(default)]
    pub web: String,
    /// Of the worker pods.
    #[serde(default)]
    pub worker: String,
    /// Of the cron pod.
    #[serde(default)]
    pub cron: String,
}

/// The last replacement of pods.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStatus {
    /// What changed, in words.
    pub cause: String,
    /// When it was decided.
    pub started_at: Time,
}

/// How many pods a component has.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// Pods that exist.
    pub replicas: i32,
    /// Pods that are ready.
    pub ready_replicas: i32,
    /// Pods that run what the spec asks for.
    pub updated_replicas: i32,
    /// The label selector of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}
