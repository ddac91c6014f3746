//! How an instance behaves: where files are, what is taken in, how long it is kept, who may be written to, and how careful a
//! change is.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where attachments are, and what waits while Redis is away.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!(has(self.volume) && has(self.existingClaim))")
        .message("set one of `volume`, which is claimed for you, and `existingClaim`"),
)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// A volume that is claimed as `<instance>-files`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub volume: Option<Volume>,

    /// The name of a `PersistentVolumeClaim` of yours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub existing_claim: Option<String>,

    /// A bucket for attachments; the volume then holds only what waits while Redis is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
}

/// A volume that is claimed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Volume {
    /// How large: `20Gi`. It may grow, where its class can.
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.matches('^[0-9]+([.][0-9]+)?[KMGTP]i?$')").message("a size is a number and a unit: 20Gi"))]
    pub size: String,

    /// The storage class; the cluster's default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("a claim keeps its class: name another claim with existingClaim"))]
    pub storage_class_name: Option<String>,

    /// Pods of several nodes share it only with `ReadWriteMany`.
    #[serde(default)]
    pub access_mode: AccessMode,
}

/// Who may mount a volume.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccessMode {
    /// Pods of every node.
    #[default]
    ReadWriteMany,
    /// Pods of one node.
    ReadWriteOnce,
}

impl AccessMode {
    /// As a claim writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadWriteMany => "ReadWriteMany",
            Self::ReadWriteOnce => "ReadWriteOnce",
        }
    }
}

/// A bucket of S3, or of anything that speaks its protocol.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// The bucket, which must exist.
    #[schemars(length(min = 3, max = 63))]
    pub bucket: String,

    /// Where the server is, for one that is not Amazon's: scheme, host and port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[^/@ ]+$')")
        .message("endpoint is http:// or https:// and a host: https://s3.example.com"))]
    pub endpoint: Option<String>,

    /// The bucket's region.
    #[serde(default = "region")]
    #[schemars(length(min = 1, max = 64))]
    pub region: String,

    /// The bucket stands in the path and not in the host name.
    #[serde(default = "yes")]
    pub path_style: bool,

    /// The key that may read, write and delete there.
    pub credentials_secret_ref: AccessKeyRef,
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn yes() -> bool {
    true
}

/// An access key and its secret in one Secret.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AccessKeyRef {
    /// The Secret's name.
    #[schemars(length(max = 253), regex(pattern = super::connections::NAME))]
    pub name: String,

    /// The key of the access key's name.
    #[serde(default = "access_key")]
    #[schemars(length(max = 253), regex(pattern = super::connections::KEY))]
    pub access_key_key: String,

    /// The key of its secret.
    #[serde(default = "secret_key")]
    #[schemars(length(max = 253), regex(pattern = super::connections::KEY))]
    pub secret_key_key: String,
}

fn access_key() -> String {
    "accessKey".to_owned()
}

fn secret_key() -> String {
    "secretKey".to_owned()
}

/// How much is taken in at once; beyond it SDKs are told to pause.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ingest {
    /// How many bytes may wait in Redis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576))]
    pub queue_bytes: Option<i64>,

    /// How many bytes may wait in each web pod while Redis is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1_048_576))]
    pub spool_bytes: Option<i64>,

    /// How many connections may be open to a web pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 16, max = 1_000_000))]
    pub max_connections: Option<i32>,

    /// How many events a worker takes at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10_000))]
    pub worker_batch: Option<i32>,
}

/// How long what was sent is kept.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// Days after which events, and issues that had none since, are deleted; 0 keeps them for ever.
    #[serde(default = "ninety")]
    #[schemars(range(min = 0, max = 3650))]
    pub days: i32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: ninety() }
    }
}

fn ninety() -> i32 {
    90
}

/// Where the instance may send messages of its own accord.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Outbound {
    /// Private networks that webhooks and robots may be in: addresses or CIDR ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allowed_networks: Vec<String>,
}

/// How new settings are tried before pods get them.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Preflight {
    /// What it means when something does not work. PostgreSQL and Redis always block.
    #[serde(default)]
    pub severity: Severities,
}

/// What it means when one of these does not work.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Severities {
    /// The SMTP server.
    #[serde(default = "warn")]
    pub mail: Severity,

    /// The directories.
    #[serde(default = "warn")]
    pub ldap: Severity,

    /// The named channels.
    #[serde(default = "warn")]
    pub channels: Severity,

    /// The bucket.
    #[serde(default = "block")]
    pub files: Severity,
}

impl Default for Severities {
    fn default() -> Self {
        Self { mail: Severity::Warn, ldap: Severity::Warn, channels: Severity::Warn, files: Severity::Block }
    }
}

fn warn() -> Severity {
    Severity::Warn
}

fn block() -> Severity {
    Severity::Block
}

/// What it means when a dependency does not work.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Nothing is migrated or installed until it works, and the instance is not Ready.
    Block,
    /// Everything else goes on; its condition and `Degraded` say so.
    Warn,
}

/// How the database is brought to what an image needs.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("self.policy == 'Manual' || !has(self.approvedImage)")
        .message("approvedImage is asked for only with policy: Manual"),
)]
#[serde(rename_all = "camelCase")]
pub struct Migrations {
    /// Whether an upgrade waits for somebody to approve it. A first installation never does.
    #[serde(default)]
    pub policy: MigrationPolicy,

    /// With `Manual`: the image whose migration may run, as `MigrationsApplied` names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub approved_image: Option<String>,

    /// After how long a migration is given up; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 604_800))]
    pub deadline_seconds: Option<i64>,
}

/// Whether an upgrade waits for somebody.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MigrationPolicy {
    /// It does not.
    #[default]
    Auto,
    /// It does.
    Manual,
}

/// What becomes of what was made for an instance that is deleted. External servers are never touched.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The generated secret key and the claimed volume stay, and an instance of the same name takes them up again.
    #[default]
    Retain,
    /// They go with it.
    Delete,
}
