//! What the three Deployments have in common. Web and worker roll without ever having fewer pods than asked for; cron is
//! replaced, because two of it would be one too many.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{Container, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{Role, child_name, metadata, selector};
use crate::instance::SentryInstance;

/// How old pods give way to new ones.
pub enum Replacement {
    /// A new pod is ready before an old one goes.
    Rolling,
    /// The old pod is gone before the new one comes.
    Recreate,
}

/// A Deployment of `replicas` pods.
pub fn deployment(
    instance: &SentryInstance,
    role: Role,
    replicas: i32,
    replacement: &Replacement,
    template: PodTemplateSpec,
) -> Deployment {
    Deployment {
        metadata: metadata(instance, child_name(instance, role), role.as_str()),
        spec: DeploymentSpec {
            replicas: Some(replicas),
            revision_history_limit: Some(2),
            selector: selector(instance, role),
            strategy: Some(strategy(replacement)),
            template,
            ..DeploymentSpec::default()
        },
        status: None,
    }
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
