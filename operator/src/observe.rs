//! PURE. Jobs and their pods → how each Job went and what it said.
//!
//! The kubelet leaves the end of a failed container's output in the pod's status, so this needs no right to read logs. A mesh's
//! proxy that never ends keeps a Job from ever finishing: then the end of our own container is what counts.

use std::collections::BTreeSet;

use k8s_openapi::api::batch::v1::{Job, JobCondition};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::instance::{Check, CheckStatus};
use crate::resources::pod::CONTAINER;

/// The pod label with the name of its Job, set by the Job controller.
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

/// A Job as far as decisions need it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobSeen {
    /// Its name.
    pub name: String,
    /// How it went.
    pub outcome: JobOutcome,
}

/// How a Job went.
#[derive(Clone, Debug, PartialEq)]
pub enum JobOutcome {
    /// Not finished.
    Running {
        /// Why its pod does not start, if it does not.
        waiting: Option<String>,
    },
    /// Finished, and well.
    Succeeded {
        /// When.
        at: Option<Time>,
    },
    /// Finished, and not well.
    Failed {
        /// When.
        at: Option<Time>,
        /// The end of its output, or why there is none.
        output: String,
    },
}

/// How each Job went. One that is being deleted counts as gone.
pub fn jobs(jobs: &[Job], pods: &[Pod]) -> Vec<JobSeen> {
    let alive = jobs.iter().filter(|job| job.metadata.deletion_timestamp.is_none());
    alive.map(|job| JobSeen { name: job.name_any(), outcome: outcome(job, pods) }).collect()
}

/// The Jobs that will never finish although their program has: something beside it goes on running.
pub fn lingering(jobs: &[Job], pods: &[Pod]) -> BTreeSet<String> {
    let unfinished = jobs.iter().filter(|job| finished(job, "Complete").or(finished(job, "Failed")).is_none());
    unfinished
        .filter(|job| newest(job, pods).and_then(ended_beside_others).is_some())
        .map(ResourceExt::name_any)
        .collect()
}

fn outcome(job: &Job, pods: &[Pod]) -> JobOutcome {
    let pod = newest(job, pods);
    let container = pod.and_then(ours);
    if let Some(complete) = finished(job, "Complete") {
        return JobOutcome::Succeeded { at: complete.last_transition_time.clone() };
    }
    if let Some(failed) = finished(job, "Failed") {
        let output = container.and_then(last_words).unwrap_or_else(|| {
            let reason = failed.reason.as_deref().unwrap_or("Failed");
            format!("{reason}: {}", failed.message.as_deref().unwrap_or("the pod left no message"))
        });
        return JobOutcome::Failed { at: failed.last_transition_time.clone(), output };
    }
    match pod.and_then(ended_beside_others) {
        Some(ended) if ended.exit_code == 0 => JobOutcome::Succeeded { at: ended.finished_at.clone() },
        Some(ended) => JobOutcome::Failed {
            at: ended.finished_at.clone(),
            output: container.and_then(last_words).unwrap_or_default(),
        },
        None => JobOutcome::Running { waiting: container.and_then(waiting) },
    }
}

fn finished<'a>(job: &'a Job, kind: &str) -> Option<&'a JobCondition> {
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True")
}

fn newest<'a>(job: &Job, pods: &'a [Pod]) -> Option<&'a Pod> {
    let name = job.name_any();
    let own = pods.iter().filter(|pod| pod.labels().get(JOB_NAME) == Some(&name));
    own.max_by_key(|pod| pod.creation_timestamp().map(|created| created.0))
}

fn ours(pod: &Pod) -> Option<&ContainerStatus> {
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|it| it.name == CONTAINER)
}

/// How our container ended, if it did and others go on. A pod that is being evicted does not count: the Job makes another.
fn ended_beside_others(pod: &Pod) -> Option<&ContainerStateTerminated> {
    let status = pod.status.as_ref()?;
    let conditions = status.conditions.as_deref().unwrap_or_default();
    let evicted = conditions.iter().any(|it| it.type_ == "DisruptionTarget" && it.status == "True");
    let runs = |it: &ContainerStatus| it.state.as_ref().is_some_and(|state| state.running.is_some());
    let others_run = status.container_statuses.iter().flatten().any(|it| it.name != CONTAINER && runs(it));
    ours(pod)?.state.as_ref()?.terminated.as_ref().filter(|_| others_run && !evicted)
}

fn waiting(container: &ContainerStatus) -> Option<String> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason =
        waiting.reason.as_deref().filter(|&reason| reason != "ContainerCreating" && reason != "PodInitializing")?;
    Some(format!("{reason}: {}", waiting.message.as_deref().unwrap_or_default()))
}

fn last_words(container: &ContainerStatus) -> Option<String> {
    let terminated = container.state.as_ref()?.terminated.as_ref()?;
    let message = terminated.message.as_deref().map(str::trim).filter(|message| !message.is_empty());
    let reason = terminated.reason.as_deref().unwrap_or("Error");
    Some(message.map_or_else(|| format!("{reason}: exit code {}", terminated.exit_code), str::to_owned))
}

/// The checks in the output of `picket config check --json`: its last line that is such a report.
pub fn report(output: &str) -> Option<Vec<Check>> {
    #[derive(serde::Deserialize)]
    struct Report {
        checks: Vec<Check>,
    }
    let report = output.lines().rev().find_map(|line| serde_json::from_str::<Report>(line.trim()).ok())?;
    Some(report.checks)
}

/// The report of a preflight that succeeded: whatever it was asked about works.
pub fn all_ok<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Check> {
    let check = |name: &str| Check { name: name.to_owned(), status: CheckStatus::Ok, reason: None, message: None };
    names.into_iter().map(check).collect()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::batch::v1::Job;
    use k8s_openapi::api::core::v1::Pod;
    use serde_json::{Value, json};

    use super::{JobOutcome, jobs, report};

    fn job(conditions: &Value) -> Job {
        let job = json!({"metadata": {"name": "shop-migrate-1"}, "status": {"conditions": conditions}});
        serde_json::from_value(job).expect("a Job")
    }

    fn pod(created: &str, containers: &Value) -> Pod {
        let labels = json!({"batch.kubernetes.io/job-name": "shop-migrate-1"});
        let metadata = json!({"name": created, "labels": labels, "creationTimestamp": created});
        let pod = json!({"metadata": metadata, "status": {"containerStatuses": containers}});
        serde_json::from_value(pod).expect("a pod")
    }

    fn container(name: &str, state: &Value) -> Value {
        json!({"name": name, "image": "i", "imageID": "i", "ready": false, "restartCount": 0, "state": state})
    }

    fn outcome(job: &Job, pods: &[Pod]) -> JobOutcome {
        jobs(std::slice::from_ref(job), pods).remove(0).outcome
    }

    const FAILED: &str =
        r#"[{"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too long"}]"#;

    #[test]
    fn trap_16_the_last_words_are_those_of_the_newest_pod_and_never_a_sidecars() {
        let failed = job(&serde_json::from_str(FAILED).expect("conditions"));
        let said = |words: &str| json!({"terminated": {"exitCode": 1, "message": words}});
        let sidecar = container("istio-proxy", &said("bye"));
        let old = pod("2026-01-01T00:00:00Z", &json!([container("picket", &said("old"))]));
        let new = pod("2026-01-01T00:00:09Z", &json!([sidecar, container("picket", &said("42501\n"))]));
        assert_eq!(outcome(&failed, &[new, old]), JobOutcome::Failed { at: None, output: "42501".to_owned() });
    }

    #[test]
    fn trap_16_a_program_that_ended_beside_a_proxy_has_ended_unless_it_was_evicted() {
        let proxy = container("istio-proxy", &json!({"running": {}}));
        let ended = |code: i32| container("picket", &json!({"terminated": {"exitCode": code, "message": "42501"}}));
        let seen = |code: i32| outcome(&job(&json!([])), &[pod("2026-01-01T00:00:00Z", &json!([ended(code), proxy]))]);
        assert_eq!(seen(0), JobOutcome::Succeeded { at: None });
        assert_eq!(seen(1), JobOutcome::Failed { at: None, output: "42501".to_owned() });
        let mut evicted = json!(pod("2026-01-01T00:00:00Z", &json!([ended(143), proxy])));
        evicted["status"]["conditions"] = json!([{"type": "DisruptionTarget", "status": "True"}]);
        let evicted: Pod = serde_json::from_value(evicted).expect("a pod");
        assert_eq!(outcome(&job(&json!([])), &[evicted]), JobOutcome::Running { waiting: None });
    }

    #[test]
    fn a_job_without_a_pod_speaks_for_itself() {
        let failed = job(&serde_json::from_str(FAILED).expect("conditions"));
        let output = "DeadlineExceeded: too long".to_owned();
        assert_eq!(outcome(&failed, &[]), JobOutcome::Failed { at: None, output });
    }

    #[test]
    fn a_pod_that_does_not_start_says_why_and_one_that_starts_says_nothing() {
        let waits = |reason: &str| {
            let state = json!({"waiting": {"reason": reason, "message": "no such image"}});
            outcome(&job(&json!([])), &[pod("2026-01-01T00:00:00Z", &json!([container("picket", &state)]))])
        };
        let waiting = Some("ImagePullBackOff: no such image".to_owned());
        assert_eq!(waits("ImagePullBackOff"), JobOutcome::Running { waiting });
        assert_eq!(waits("ContainerCreating"), JobOutcome::Running { waiting: None });
    }

    #[test]
    fn a_report_is_the_last_line_that_is_one() {
        let output = "INFO starting\n{\"checks\":[{\"name\":\"redis\",\"status\":\"ok\",\"reason\":\"Connected\"}]}\n";
        assert_eq!(report(output).map(|checks| checks.len()), Some(1));
        assert_eq!(report("panicked at main.rs"), None);
    }
}
