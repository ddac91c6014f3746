//! The `SentryInstance`: what a platform team writes (`spec`) and what it gets told (`status`).
//!
//! The CRD is generated from these types; rules that span fields are CEL, evaluated by the API server and, in the unit
//! tests, by `validate_cel`. Defaults are static schema defaults, so nothing ever has to write `spec`. Every secret is a
//! reference: no field can hold one. Not here: what any of it means (`validate`, `resources`).

mod channels;
mod component;
mod connections;
mod ldap;
mod routing;
mod settings;
mod status;
#[cfg(test)]
mod tests;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use channels::*;
pub use component::*;
pub use connections::*;
pub use ldap::*;
pub use routing::*;
pub use settings::*;
pub use status::*;

/// What a Sentry-compatible error tracker should look like.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "picket.dev",
    version = "v1alpha1",
    kind = "SentryInstance",
    doc = "An error tracker that every Sentry SDK can report to, on external PostgreSQL and Redis.",
    namespaced,
    shortname = "si",
    category = "picket",
    status = "SentryInstanceStatus",
    derive = "PartialEq",
    cel,
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 40")
        .message("the name becomes part of Service and Job names: at most 40 of a-z, 0-9 and '-', starting with a letter"),
    scale(
        spec_replicas_path = ".spec.worker.replicas",
        status_replicas_path = ".status.worker.replicas",
        label_selector_path = ".status.worker.selector"
    ),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Web", type_ = "integer", json_path = ".status.web.readyReplicas"),
    printcolumn(name = "Workers", type_ = "integer", json_path = ".status.worker.readyReplicas"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].message"),
    printcolumn(name = "Image", type_ = "string", json_path = ".status.rolledOut.image", priority = "1"),
    printcolumn(name = "Migration", type_ = "string", json_path = ".status.migration.phase", priority = "1"),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url", priority = "1"),
    printcolumn(name = "Last rollout", type_ = "string", json_path = ".status.rollout.cause", priority = "1")
)]
#[x_kube(
    validation = Rule::new("has(self.version) != has(self.image)")
        .message("set exactly one of `version` (of the operator's default image) and `image`"),
)]
#[serde(rename_all = "camelCase")]
pub struct SentryInstanceSpec {
    /// The version to run, as a tag of the operator's default platform image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub version: Option<String>,

    /// The image to run, when the operator's default one is not wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,

    /// Where people and SDKs reach this instance: scheme and host, no path.
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^https?://[A-Za-z0-9.-]+(:[0-9]+)?$')")
        .message("publicUrl is http:// or https:// and a host, without a path: https://sentry.example.com"))]
    pub public_url: String,

    /// The time zone of schedules and mails, by its IANA name.
    #[serde(default = "utc")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: String,

    /// The language of people whose browser asks for none that is spoken, and of named channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,

    /// The external PostgreSQL.
    pub database: Database,

    /// The external Redis.
    pub redis: Redis,

    /// The key that signs sessions and links. Absent: generated once and kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key: Option<SecretKey>,

    /// The first superuser, created when there is none.
    pub bootstrap_admin: BootstrapAdmin,

    /// The SMTP server. Absent: nothing is mailed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<Mail>,

    /// The directories that people sign in by. Absent: nobody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ldap: Option<Ldap>,

    /// Channels of all projects, for their alerts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub channels: Vec<Channel>,

    /// Where attachments are. Absent: nowhere, and nothing waits while Redis is away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Files>,

    /// How much is taken in at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingest: Option<Ingest>,

    /// How long it is kept.
    #[serde(default)]
    pub retention: Retention,

    /// Where messages may be sent to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbound: Option<Outbound>,

    /// How `publicUrl` reaches the web pods. Absent: somebody else routes to the Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing: Option<Routing>,

    /// The pods that take in events and serve pages.
    #[serde(default)]
    pub web: Component,

    /// The pods that process events. `kubectl scale` changes `replicas` here.
    #[serde(default)]
    pub worker: Component,

    /// The one pod that runs schedules.
    #[serde(default)]
    pub cron: Cron,

    /// How new settings are tried.
    #[serde(default)]
    pub preflight: Preflight,

    /// How the database is brought to what an image needs.
    #[serde(default)]
    pub migrations: Migrations,

    /// Stop changing anything in the cluster; the status is still kept up to date.
    #[serde(default)]
    pub paused: bool,

    /// Run no pods, and keep everything else. SDKs are answered by nobody meanwhile.
    #[serde(default)]
    pub suspended: bool,

    /// What becomes of the generated secret key and the claimed volume when the instance is deleted.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// An image of the platform.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.tag) != has(self.digest)").message("set exactly one of `tag` and `digest`"),
)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The image's name without tag.
    #[serde(default = "default_repository")]
    #[schemars(length(min = 1, max = 255))]
    pub repository: String,

    /// The tag. Prefer one that never moves: a tag that is pushed again rolls nothing out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub tag: Option<String>,

    /// The digest, as `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = Rule::new("self.startsWith('sha256:')").message("a digest starts with sha256:"))]
    pub digest: Option<String>,

    /// When the kubelet pulls.
    #[serde(default)]
    pub pull_policy: PullPolicy,

    /// Secrets with credentials for the registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub pull_secrets: Vec<SecretName>,
}

fn default_repository() -> String {
    "picket".to_owned()
}

/// When the kubelet pulls the image.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PullPolicy {
    /// Unless the node has it.
    #[default]
    IfNotPresent,
    /// At every start of a pod.
    Always,
    /// Only what is on the node already.
    Never,
}
