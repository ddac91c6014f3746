//! The Job that tries new settings where they will be used: in the instance's namespace, with its DNS and its policies.
//!
//! `picket config check --json` ends with one line of JSON; when it exits with 1, the kubelet copies that line into the
//! pod's termination message, so nobody needs the right to read logs.

use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::ResourceExt;

use super::labels::{Role, metadata, short_hash};
use super::pod::{Program, template};
use crate::instance::SentryInstance;
use crate::validate::ImageToRun;

/// A preflight that cannot finish (an image that cannot be pulled, a server that swallows packets) ends after this long.
const DEADLINE_SECONDS: i64 = 300;
/// Long enough to look at, short enough not to pile up.
const KEEP_SECONDS: i32 = 3600;

/// The name of an attempt's Job: every attempt has a Job of its own.
pub fn job_name(instance: &SentryInstance, revision: &str, attempt: i32) -> String {
    let hash = short_hash([revision, &attempt.to_string()]);
    format!("{}-preflight-{hash}", instance.name_any())
}

/// The Job of one attempt, with the candidate snapshots.
pub fn preflight(instance: &SentryInstance, image: &ImageToRun, job_name: &str, snapshots: Vec<&str>) -> Job {
    let program = Program {
        role: Role::Preflight,
        image: &image.reference,
        args: &["config", "check", "--json"],
        snapshots,
        pods: None,
    };
    let spec = JobSpec {
        backoff_limit: Some(0),
        pod_failure_policy: Some(disruptions_do_not_count()),
        active_deadline_seconds: Some(DEADLINE_SECONDS),
        ttl_seconds_after_finished: Some(KEEP_SECONDS),
        template: never_restarted(template(instance, image, &program)),
        ..JobSpec::default()
    };
    Job { metadata: metadata(instance, job_name.to_owned(), Role::Preflight.as_str()), spec: Some(spec), status: None }
}

/// A Job that fails says so at once; a pod that was evicted or preempted did not fail.
pub fn disruptions_do_not_count() -> PodFailurePolicy {
    PodFailurePolicy {
        rules: vec![PodFailurePolicyRule {
            action: "Ignore".to_owned(),
            on_exit_codes: None,
            on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                type_: "DisruptionTarget".to_owned(),
                status: Some("True".to_owned()),
            }]),
        }],
    }
}

/// The pod of a Job: it runs once, and the Job decides about another try.
pub fn never_restarted(mut template: PodTemplateSpec) -> PodTemplateSpec {
    if let Some(spec) = template.spec.as_mut() {
        spec.restart_policy = Some("Never".to_owned());
    }
    template
}
