//! The pods of an instance: how many, on which nodes, with what, and the patch for what has no field here.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::connections::SecretKeyRef;

/// Pods of which there may be several: web and worker.
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

    /// On which nodes they run.
    #[serde(default, skip_serializing_if = "Scheduling::is_empty")]
    pub scheduling: Scheduling,

    /// How many a drain may take at a time; absent: one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<Budget>,

    /// Further settings of the platform, by their environment names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,

    /// A patch of the pod template, merged as `kubectl patch` does. Ours is the container `picket`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "anything")]
    pub pod_template: Map<String, Value>,
}

impl Default for Component {
    fn default() -> Self {
        Self {
            replicas: one(),
            resources: Resources::default(),
            scheduling: Scheduling::default(),
            pod_disruption_budget: None,
            env: Vec::new(),
            pod_template: Map::new(),
        }
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

    /// On which node it runs.
    #[serde(default, skip_serializing_if = "Scheduling::is_empty")]
    pub scheduling: Scheduling,

    /// Further settings of the platform, by their environment names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub env: Vec<EnvVar>,

    /// A patch of the pod template, as for web and worker.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "anything")]
    pub pod_template: Map<String, Value>,
}

fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
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

fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": {
            "x-kubernetes-int-or-string": true,
            "pattern": "^[0-9]+([.][0-9]+)?([KMGTPE]i|[numkMGTPE])?$",
        },
    })
}

/// On which nodes pods run. Without constraints they are spread over zones and nodes where that can be done.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that the nodes have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub node_selector: BTreeMap<String, String>,

    /// Taints that do not keep the pods away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tolerations: Vec<Toleration>,

    /// As a pod's own `affinity`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "anything")]
    pub affinity: Map<String, Value>,

    /// How evenly the pods are spread. Which pods are meant is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["topologyKey".into()]))]
    pub topology_spread: Vec<TopologySpread>,

    /// The name of a `PriorityClass`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,
}

impl Scheduling {
    /// Nothing asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A taint that does not keep the pods away.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Toleration {
    /// The taint's key; absent: every one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 316))]
    pub key: Option<String>,

    /// `Equal` (the default) or `Exists`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub operator: Option<String>,

    /// The taint's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub value: Option<String>,

    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub effect: Option<String>,

    /// How long `NoExecute` is put up with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// How evenly pods are spread over one kind of place.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct TopologySpread {
    /// The label of nodes that names the place: `topology.kubernetes.io/zone`, `kubernetes.io/hostname`.
    #[schemars(length(min = 1, max = 316))]
    pub topology_key: String,

    /// By how many pods two places may differ.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_skew: i32,

    /// Where that cannot be kept: whether pods start all the same.
    #[serde(default)]
    pub when_unsatisfiable: WhenUnsatisfiable,
}

/// Whether pods that cannot be spread start all the same.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenUnsatisfiable {
    /// They do.
    #[default]
    ScheduleAnyway,
    /// They wait.
    DoNotSchedule,
}

/// How many pods a drain may take at a time.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("[has(self.minAvailable), has(self.maxUnavailable), self.disabled].filter(it, it).size() == 1")
        .message("set exactly one of `minAvailable`, `maxUnavailable` and `disabled: true`"),
)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// So many stay: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "count")]
    pub min_available: Option<IntOrString>,

    /// So many may go: a number or a percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "count")]
    pub max_unavailable: Option<IntOrString>,

    /// No budget at all: a drain may take every pod at once.
    #[serde(default)]
    pub disabled: bool,
}

fn count(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "x-kubernetes-int-or-string": true, "pattern": "^[0-9]{1,3}%$" })
}

/// One environment variable of a component.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.value) != has(self.secretKeyRef)").message("set exactly one of `value` and `secretKeyRef`"),
    validation = Rule::new("!has(self.value) || !self.name.matches('(PASSWORD|SECRET|TOKEN|_KEY)$')")
        .message("a secret is not written here: put it into a Secret and name it with `secretKeyRef`"),
    validation = Rule::new("!self.name.matches('^(SENTRY_(SECRET_KEY.*|URL_PREFIX|USE_SSL|SERVER_EMAIL|LANGUAGE|CHANNELS|POSTGRES_.*|DB_.*|\
                            REDIS_.*|EMAIL_.*|ADMIN_.*|LDAP_.*|FILESTORE_.*|EVENT_RETENTION_DAYS|OUTBOUND_ALLOW|QUEUE_BYTES|SPOOL_BYTES|\
                            WEB_MAX_CONNECTIONS|WORKER_BATCH|ALERT_DIGEST_SECONDS)|TZ)$')")
        .message("this variable is set from a field of the spec (database, redis, ldap, ingest …): change it there"),
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
