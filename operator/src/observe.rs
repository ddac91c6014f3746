//! PURE. Jobs and their pods → how each Job went and what it said.
//!
//! The kubelet leaves the end of a failed container's output in the pod's status, so this needs no right to read logs.

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use crate::instance::{Check, CheckStatus};

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

fn outcome(job: &Job, pods: &[Pod]) -> JobOutcome {
    let name = job.name_any();
    let container = pods
        .iter()
        .filter(|pod| pod.labels().get(JOB_NAME) == Some(&name))
        .max_by_key(|pod| pod.creation_timestamp().map(|created| created.0))
        .and_then(|pod| pod.status.as_ref()?.container_statuses.as_ref()?.first());
    let conditions = job.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let finished =
        |kind: &str| conditions.iter().find(|condition| condition.type_ == kind && condition.status == "True");
    if let Some(complete) = finished("Complete") {
        return JobOutcome::Succeeded { at: complete.last_transition_time.clone() };
    }
    let Some(failed) = finished("Failed") else {
        return JobOutcome::Running { waiting: container.and_then(waiting) };
    };
    let output = container.and_then(last_words).unwrap_or_else(|| {
        let reason = failed.reason.as_deref().unwrap_or("Failed");
        format!("{reason}: {}", failed.message.as_deref().unwrap_or("the pod left no message"))
    });
    JobOutcome::Failed { at: failed.last_transition_time.clone(), output }
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
