//! On which nodes a component's pods run.

use k8s_openapi::api::core::v1::{PodSpec, Toleration, TopologySpreadConstraint};

use super::labels::{Role, selector};
use crate::instance::{Scheduling, SentryInstance, WhenUnsatisfiable};

/// Writes what the spec asks for into a pod. An affinity that cannot be read is told by [`problem`] and left out here.
pub fn apply(instance: &SentryInstance, role: Role, scheduling: &Scheduling, pod: &mut PodSpec) {
    let Scheduling { node_selector, tolerations, affinity, topology_spread, priority_class_name } = scheduling;
    let tolerated = tolerations.iter().map(|it| Toleration {
        key: it.key.clone(),
        operator: it.operator.clone(),
        value: it.value.clone(),
        effect: it.effect.clone(),
        toleration_seconds: it.toleration_seconds,
    });
    let spread = topology_spread.iter().map(|it| TopologySpreadConstraint {
        topology_key: it.topology_key.clone(),
        max_skew: it.max_skew,
        when_unsatisfiable: match it.when_unsatisfiable {
            WhenUnsatisfiable::ScheduleAnyway => "ScheduleAnyway".to_owned(),
            WhenUnsatisfiable::DoNotSchedule => "DoNotSchedule".to_owned(),
        },
        label_selector: Some(selector(instance, role)),
        // Otherwise pods of the rollout before count, and those of the new one end up on one side.
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        ..TopologySpreadConstraint::default()
    });
    pod.node_selector = (!node_selector.is_empty()).then(|| node_selector.clone());
    pod.tolerations = (!tolerations.is_empty()).then(|| tolerated.collect());
    pod.topology_spread_constraints = (!topology_spread.is_empty()).then(|| spread.collect());
    pod.priority_class_name.clone_from(priority_class_name);
    pod.affinity = (!affinity.is_empty()).then(|| serde_json::from_value(affinity.clone().into()).ok()).flatten();
}
