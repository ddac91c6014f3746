//! The pod that every part of the platform runs in: settings from snapshots, the `restricted` Pod Security Standard, no
//! service account token, no service links (an instance called `sentry` would get `SENTRY_…` variables from them).

use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EmptyDirVolumeSource, EnvFromSource, EnvVar as PodEnvVar, EnvVarSource,
    HTTPGetAction, LocalObjectReference, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    SeccompProfile, SecretEnvSource, SecretKeySelector, SecurityContext, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use serde_json::{Map, Value};

use super::labels::{Role, labels};
use super::{env, files, scheduling};
use crate::instance::{Component, Cron, EnvVar, PullPolicy, Resources, Scheduling, SentryInstance, SentryInstanceSpec};
use crate::validate::ImageToRun;

/// The name of the one container that is ours; meshes add others.
pub const CONTAINER: &str = "picket";
/// The name of the port that every process serves `/metrics` and `/_health/` on.
pub const METRICS: &str = "metrics";

/// What differs between the parts.
pub struct Program<'a> {
    /// The part.
    pub role: Role,
    /// The image, which during an upgrade is still the previous one.
    pub image: &'a str,
    /// Arguments of `picket`.
    pub args: &'a [&'a str],
    /// The snapshots it takes.
    pub snapshots: Vec<&'a str>,
    /// What the spec says of these pods, where it says something.
    pub pods: Option<Pods<'a>>,
}

/// What the spec says of a component's pods.
#[derive(Clone, Copy)]
pub struct Pods<'a> {
    /// Requests and limits.
    pub resources: &'a Resources,
    /// On which nodes they run.
    pub scheduling: &'a Scheduling,
    /// Settings besides the snapshots.
    pub env: &'a [EnvVar],
    /// What has no field.
    pub patch: &'a Map<String, Value>,
}

impl<'a> Pods<'a> {
    /// What the spec says of a component; nothing of Jobs.
    pub fn of(spec: &'a SentryInstanceSpec, role: Role) -> Option<Self> {
        let of = |component: &'a Component| Self {
            resources: &component.resources,
            scheduling: &component.scheduling,
            env: &component.env,
            patch: &component.pod_template,
        };
        let Cron { resources, scheduling, env, pod_template } = &spec.cron;
        match role {
            Role::Web => Some(of(&spec.web)),
            Role::Worker => Some(of(&spec.worker)),
            Role::Cron => Some(Self { resources, scheduling, env, patch: pod_template }),
            Role::Preflight | Role::Migrate => None,
        }
    }
}

/// The pod of `program`, for a Job or, with ports and probes added, for a Deployment.
pub fn template(instance: &SentryInstance, image: &ImageToRun, program: &Program) -> PodTemplateSpec {
    let files = files::volume(instance, program.role);
    let security = PodSecurityContext {
        run_as_non_root: Some(true),
        seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
        fs_group: files.as_ref().map(|_| files::GROUP),
        fs_group_change_policy: files.as_ref().map(|_| "OnRootMismatch".to_owned()),
        ..PodSecurityContext::default()
    };
    let tmp = Volume { name: "tmp".to_owned(), empty_dir: Some(EmptyDirVolumeSource::default()), ..Volume::default() };
    let mut spec = PodSpec {
        containers: vec![container(instance, image, program)],
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: pull_secrets(image),
        security_context: Some(security),
        termination_grace_period_seconds: Some(30),
        volumes: Some(std::iter::once(tmp).chain(files).collect()),
        ..PodSpec::default()
    };
    if let Some(pods) = &program.pods {
        scheduling::apply(instance, program.role, pods.scheduling, &mut spec);
    }
    let metadata = ObjectMeta { labels: Some(labels(instance, program.role.as_str())), ..ObjectMeta::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
}

fn container(instance: &SentryInstance, image: &ImageToRun, program: &Program) -> Container {
    let policy = match image.pull_policy {
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Always => "Always",
        PullPolicy::Never => "Never",
    };
    let tmp = VolumeMount { name: "tmp".to_owned(), mount_path: "/tmp".to_owned(), ..VolumeMount::default() };
    let env = variables(instance, program);
    Container {
        name: CONTAINER.to_owned(),
        image: Some(program.image.to_owned()),
        image_pull_policy: Some(policy.to_owned()),
        args: Some(program.args.iter().map(|&arg| arg.to_owned()).collect()),
        env_from: Some(program.snapshots.iter().map(|name| from_secret(name)).collect()),
        env: (!env.is_empty()).then_some(env),
        resources: program.pods.map(|pods| pods.resources).filter(|resources| !resources.is_empty()).map(requirements),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            read_only_root_filesystem: Some(true),
            ..SecurityContext::default()
        }),
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        volume_mounts: Some(std::iter::once(tmp).chain(files::mount(instance, program.role)).collect()),
        ..Container::default()
    }
}

/// What the spec's fields say, then what its `env` says: the two never name the same variable.
fn variables(instance: &SentryInstance, program: &Program) -> Vec<PodEnvVar> {
    let plain = env::plain(&instance.spec, program.role).into_iter();
    let plain = plain.map(|(name, value)| PodEnvVar { name, value: Some(value), value_from: None });
    plain.chain(program.pods.iter().flat_map(|pods| pods.env).map(variable)).collect()
}

/// A named port of the container.
pub fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}

/// A probe that asks `path` on a named port every five seconds and gives up after `failures`.
pub fn probe(path: &str, port: &str, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(port.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(5),
        timeout_seconds: Some(3),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn from_secret(name: &str) -> EnvFromSource {
    EnvFromSource {
        secret_ref: Some(SecretEnvSource { name: name.to_owned(), optional: None }),
        ..EnvFromSource::default()
    }
}

fn variable(variable: &EnvVar) -> PodEnvVar {
    let value_from = variable.secret_key_ref.as_ref().map(|secret| EnvVarSource {
        secret_key_ref: Some(SecretKeySelector { name: secret.name.clone(), key: secret.key.clone(), optional: None }),
        ..EnvVarSource::default()
    });
    PodEnvVar { name: variable.name.clone(), value: variable.value.clone(), value_from }
}

fn requirements(resources: &Resources) -> ResourceRequirements {
    ResourceRequirements {
        requests: (!resources.requests.is_empty()).then(|| resources.requests.clone()),
        limits: (!resources.limits.is_empty()).then(|| resources.limits.clone()),
        claims: None,
    }
}

fn pull_secrets(image: &ImageToRun) -> Option<Vec<LocalObjectReference>> {
    let secrets = image.pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() });
    (!image.pull_secrets.is_empty()).then(|| secrets.collect())
}
