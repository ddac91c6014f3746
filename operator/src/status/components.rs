//! What the pods and the route say about themselves.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::Value;

use super::{Live, Told, Truth, Verdict};
use crate::drift;
use crate::instance::{ComponentStatus, SentryInstance};
use crate::resources::GatewayApi;
use crate::resources::labels::{Role, child_name, selector_text};
use crate::resources::pod::Pods;

/// How far the Deployments are from what they should be: a sentence for each that is not there yet.
pub struct Rollout {
    waiting: Vec<String>,
}

impl Rollout {
    /// Every Deployment is as asked for, and every pod of it is available.
    pub fn complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// What is still to come, if anything.
    pub fn waiting_for(&self) -> Option<String> {
        (!self.waiting.is_empty()).then(|| self.waiting.join("; "))
    }
}

const ROLES: [Role; 3] = [Role::Worker, Role::Cron, Role::Web];

/// Compares the Deployments with what they should be.
pub fn rollout(told: &Told) -> Rollout {
    let lost = &told.progress.lost;
    if !lost.is_empty() {
        return Rollout {
            waiting: vec![format!("Secret {} is gone: the Deployments stay as they are", lost.join(", "))],
        };
    }
    let waiting = ROLES.into_iter().filter_map(|role| {
        let name = child_name(told.instance, role);
        let wanted = told.desired.deployments.iter().find(|deployment| deployment.name_any() == name);
        waiting_for(role, wanted, find(told, role))
    });
    Rollout { waiting: waiting.collect() }
}

fn find<'a>(told: &'a Told, role: Role) -> Option<&'a Deployment> {
    let name = child_name(told.instance, role);
    told.live.deployments.iter().find(|deployment| deployment.name_any() == name)
}

fn waiting_for(role: Role, wanted: Option<&Deployment>, live: Option<&Deployment>) -> Option<String> {
    let role = role.as_str();
    let (Some(wanted), Some(live)) = (wanted, live) else { return Some(format!("{role} is not there yet")) };
    if !drift::settled(wanted, live) {
        return Some(format!("{role} is not as it should be"));
    }
    let status = live.status.clone().unwrap_or_default();
    if status.observed_generation < live.metadata.generation {
        return Some(format!("{role} was just changed"));
    }
    let wanted = live.spec.replicas.unwrap_or(1);
    let all = status.replicas.unwrap_or(0);
    let updated = status.updated_replicas.unwrap_or(0);
    let available = status.available_replicas.unwrap_or(0);
    let complete = updated == wanted && all == wanted && available == wanted;
    (!complete).then(|| format!("{role}: {updated} of {wanted} pods are updated, {available} available"))
}

/// `Available`: somebody serves, if perhaps not yet as the spec asks.
pub fn available(told: &Told) -> Verdict {
    if told.instance.spec.suspended {
        return Verdict::new("Available", Truth::False, "Suspended", "no pods run until spec.suspended is false");
    }
    let serves = |role: &Role| {
        find(told, *role).is_some_and(|deployment| {
            let available = deployment.status.as_ref().and_then(|status| status.available_replicas).unwrap_or(0);
            available > 0 || deployment.spec.replicas == Some(0)
        })
    };
    let missing: Vec<&str> = ROLES.iter().filter(|role| !serves(role)).map(|role| role.as_str()).collect();
    if missing.is_empty() {
        return Verdict::new("Available", Truth::True, "PodsAvailable", "web, worker and cron have pods that serve");
    }
    Verdict::new("Available", Truth::False, "PodsUnavailable", format!("no pod of {} is available", missing.join(", ")))
}

/// Why a `podTemplate` or an affinity was not taken.
pub const OVERRIDE_REJECTED: &str = "OverrideRejected";
const OVERRIDES: &str = "OverridesAccepted";

/// The components whose pods the spec patches.
pub fn overridden(instance: &SentryInstance) -> Vec<Role> {
    let patched = |role: &Role| {
        Pods::of(&instance.spec, *role)
            .is_some_and(|pods| !pods.patch.is_empty() || !pods.scheduling.affinity.is_empty())
    };
    ROLES.into_iter().filter(patched).collect()
}

/// `OverridesAccepted`, where there are any.
pub fn overrides(told: &Told) -> Option<Verdict> {
    if let Some(why) = &told.desired.rejected {
        let message = format!("{why}; the pods stay as they are");
        return Some(Verdict::new(OVERRIDES, Truth::False, OVERRIDE_REJECTED, message));
    }
    let names: Vec<&str> = overridden(told.instance).into_iter().map(Role::as_str).collect();
    let message = format!("the pods of {} are patched as asked", names.join(", "));
    (!names.is_empty()).then(|| Verdict::new(OVERRIDES, Truth::True, "Accepted", message))
}

/// `OverridesAccepted` where the API server said no.
pub fn refused(role: Role, message: &str) -> Verdict {
    let field = format!("spec.{}.podTemplate", role.as_str());
    Verdict::new(OVERRIDES, Truth::False, OVERRIDE_REJECTED, format!("{field}: {message}; the pods stay as they are"))
}

/// How many pods a component has; `None` before its Deployment exists, except that a scaler may always read the worker's.
pub fn count(told: &Told, role: Role) -> Option<ComponentStatus> {
    let status = find(told, role).map(|deployment| deployment.status.clone().unwrap_or_default());
    if status.is_none() && role != Role::Worker {
        return None;
    }
    let status = status.unwrap_or_default();
    Some(ComponentStatus {
        replicas: status.replicas.unwrap_or(0),
        ready_replicas: status.ready_replicas.unwrap_or(0),
        updated_replicas: status.updated_replicas.unwrap_or(0),
        selector: Some(selector_text(told.instance, role)),
    })
}

/// `RouteReady`, if a route is asked for.
pub fn route(instance: &SentryInstance, live: &Live) -> Option<Verdict> {
    const KIND: &str = "RouteReady";
    let routing = instance.spec.routing.as_ref()?;
    if routing.ingress.is_some() {
        return Some(Verdict::new(KIND, Truth::True, "Applied", "the Ingress is there"));
    }
    if live.gateway == GatewayApi::Missing {
        let message =
            "this cluster has no HTTPRoute: install the Gateway API's CRDs; they are noticed without a restart";
        return Some(Verdict::new(KIND, Truth::False, "GatewayApiMissing", message));
    }
    let accepted = live.routes.first().map(accepted).unwrap_or_default();
    let refused = accepted.iter().find(|(status, _, _)| status == "False");
    Some(match (refused, accepted.is_empty()) {
        (Some((_, reason, message)), _) => Verdict::new(KIND, Truth::False, reason.as_str(), message.as_str()),
        (None, true) => Verdict::new(KIND, Truth::Unknown, "Pending", "no gateway has looked at the HTTPRoute yet"),
        (None, false) => Verdict::new(KIND, Truth::True, "Accepted", "every gateway has accepted the HTTPRoute"),
    })
}

/// Status, reason and message of each gateway's `Accepted` condition.
fn accepted(route: &DynamicObject) -> Vec<(String, String, String)> {
    let parents = route.data.pointer("/status/parents").and_then(Value::as_array).cloned().unwrap_or_default();
    let conditions = parents.iter().filter_map(|parent| parent.get("conditions")?.as_array()).flatten();
    let text = |condition: &Value, key: &str| condition.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    conditions
        .filter(|condition| text(condition, "type") == "Accepted")
        .map(|condition| (text(condition, "status"), text(condition, "reason"), text(condition, "message")))
        .collect()
}
