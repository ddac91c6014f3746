//! The `SentryInstance`: what a platform team writes (`spec`) and what it gets told (`status`).
//!
//! The CRD is generated from these types; rules that span fields are CEL, evaluated by the API server and, in the unit
//! tests, by `validate_cel`. Defaults are static schema defaults, so nothing ever has to write `spec`. Every secret is a
//! reference: no field can hold one. Not here: scheduling, LDAP, channels and retention, which get blocks of their own
//! beside these, and the meaning of any of it (`validate`, `resources`).

mod connections;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use connections::*;
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
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Image", type_ = "string", json_path = ".status.rolledOut.image", priority = "1"),
    printcolumn(name = "Migration", type_ = "string", json_path = ".status.migration.phase", priority = "1"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type=='Ready')].message",
        priority = "1"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
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

    /// Stop changing anything in the cluster; the status is still kept up to date.
    #[serde(default)]
    pub paused: bool,
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

/// What web and worker pods have in common.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// How many pods.
    #[serde(default = "one")]
    #[schemars(range(min = 0, max = 1000))]
    pub replicas: i32,

    /// What each pod asks for and may use.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,

    /// Further settings of the platform, by their environment names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,
}

impl Default for Component {
    fn default() -> Self {
        Self { replicas: one(), resources: Resources::default(), env: Vec::new() }
    }
}

fn one() -> i32 {
    1
}

/// The cron pod: always one.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Cron {
    /// What the pod asks for and may use.
    #[serde(default, skip_serializing_if = "Resources::is_empty")]
    pub resources: Resources,
}

/// Requests and limits of a container.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// What is reserved, by resource name (`cpu`, `memory`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub requests: BTreeMap<String, Quantity>,

    /// What may not be exceeded, by resource name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub limits: BTreeMap<String, Quantity>,
}

impl Resources {
    /// Nothing requested, nothing limited.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }
}

fn quantities(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "pattern": "^[0-9]+([.][0-9]+)?([KMGTPE]i|[numkMGTPE])?$",
        },
    })
}

/// One environment variable of a component.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.value) != has(self.secretKeyRef)").message("set exactly one of `value` and `secretKeyRef`"),
    validation = Rule::new("!has(self.value) || !self.name.matches('(PASSWORD|SECRET|TOKEN|_KEY)$')")
        .message("a secret is not written here: put it into a Secret and name it with `secretKeyRef`"),
    validation = Rule::new("!self.name.matches('^(SENTRY_(SECRET_KEY|URL_PREFIX|SERVER_EMAIL|POSTGRES_.*|DB_.*|REDIS_.*|EMAIL_.*|ADMIN_.*)|TZ)$')")
        .message("this variable is set from database, redis, mail, secretKey, publicUrl or timeZone: change it there"),
)]
#[serde(rename_all = "camelCase")]
pub struct EnvVar {
    /// The variable's name.
    #[schemars(length(min = 1, max = 128))]
    pub name: String,

    /// Its value, when it is no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,

    /// Where its value is kept, when it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
}

/// How the public URL reaches the Service: by exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.gateway) != has(self.ingress)").message("set exactly one of `gateway` and `ingress`"),
)]
#[serde(rename_all = "camelCase")]
pub struct Routing {
    /// By an `HTTPRoute` of the Gateway API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayRouting>,

    /// By an `Ingress`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressRouting>,
}

/// The gateways that an `HTTPRoute` hangs on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRouting {
    /// The gateways, with a listener that admits `publicUrl`.
    #[schemars(length(min = 1, max = 8))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub parent_refs: Vec<ParentRef>,
}

/// A gateway, or one listener of it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// The gateway's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// Its namespace, when it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63))]
    pub namespace: Option<String>,

    /// The listener's name, when not every listener is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub section_name: Option<String>,
}

/// An `Ingress` for the public URL's host.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct IngressRouting {
    /// The ingress class; the cluster's default one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,

    /// The Secret with the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub tls_secret_name: Option<String>,

    /// Annotations for the ingress controller (its body-size limit, for one).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
}
