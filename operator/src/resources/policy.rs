//! Disruption budgets: a drain takes one pod at a time unless the spec says otherwise, and never waits for a pod that is
//! broken anyway.

use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::labels::{Role, child_name, metadata, selector};
use crate::instance::{Budget, Component, SentryInstance};

/// The budget of a component that may have several pods, unless it is to have none.
pub fn budget(instance: &SentryInstance, role: Role, component: &Component) -> Option<PodDisruptionBudget> {
    let (min_available, max_unavailable) = match &component.pod_disruption_budget {
        None => (None, Some(IntOrString::Int(1))),
        Some(budget) if budget.disabled => return None,
        Some(Budget { min_available, max_unavailable, .. }) => (min_available.clone(), max_unavailable.clone()),
    };
    Some(PodDisruptionBudget {
        metadata: metadata(instance, child_name(instance, role), role.as_str()),
        spec: Some(PodDisruptionBudgetSpec {
            min_available,
            max_unavailable,
            selector: Some(selector(instance, role)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
        }),
        status: None,
    })
}
