//! Disruption budgets: a drain takes one pod at a time, and never waits for a pod that is broken anyway.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{Role, child_name, metadata, selector};
use crate::instance::SentryInstance;

/// The budget of a component that may have several pods.
pub fn budget(instance: &SentryInstance, role: Role) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: metadata(instance, child_name(instance, role), role.as_str()),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector(instance, role)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
