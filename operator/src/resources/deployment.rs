//! What the three Deployments have in common. Web and worker roll without ever having fewer pods than asked for; cron is
//! replaced, because two of it would be one too many.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{Role, child_name, metadata, selector};
use super::pod::Pods;
use super::{concern, overrides};
use crate::instance::{Concern, RolledOut, SentryInstance};

/// How old pods give way to new ones.
pub enum Replacement {
    /// A new pod is ready before an old one goes.
    Rolling,
    /// The old pod is gone before the new one comes.
    Recreate,
}

/// The Deployment of a component, or why its `podTemplate` cannot be merged.
pub fn deployment(
    instance: &SentryInstance,
    role: Role,
    replacement: &Replacement,
    template: PodTemplateSpec,
) -> Result<Deployment, String> {
    let spec = &instance.spec;
    let replicas = match role {
        Role::Web => spec.web.replicas,
        Role::Worker => spec.worker.replicas,
        Role::Cron | Role::Preflight | Role::Migrate => 1,
    };
    let template = match Pods::of(spec, role) {
        Some(pods) => overrides::merged(template, pods, role)?,
        None => template,
    };
    Ok(Deployment {
        metadata: metadata(instance, child_name(instance, role), role.as_str()),
        spec: DeploymentSpec {
            replicas: Some(if spec.suspended { 0 } else { replicas }),
            revision_history_limit: Some(2),
            selector: selector(instance, role),
            strategy: Some(strategy(replacement)),
            template,
            ..DeploymentSpec::default()
        },
        status: None,
    })
}

/// The snapshots that a component takes, of those that are rolled out.
pub fn snapshots<'a>(instance: &SentryInstance, role: Role, rolled_out: &'a RolledOut) -> Vec<&'a str> {
    let used = |concern: Concern| concern::is_used_by(concern, role, &instance.spec);
    let all = rolled_out.snapshots.0.iter();
    all.filter(|(concern, _)| used(**concern)).map(|(_, name)| name.as_str()).collect()
}

fn strategy(replacement: &Replacement) -> DeploymentStrategy {
    match replacement {
        Replacement::Recreate => DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None },
        Replacement::Rolling => DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(RollingUpdateDeployment {
                max_unavailable: Some(IntOrString::Int(0)),
                max_surge: Some(IntOrString::Int(1)),
            }),
        },
    }
}

/// Changes the one container of a pod.
pub fn with_container(mut template: PodTemplateSpec, change: impl FnOnce(&mut Container)) -> PodTemplateSpec {
    if let Some(container) = template.spec.as_mut().and_then(|spec| spec.containers.first_mut()) {
        change(container);
    }
    template
}
