//! The parts of a cluster that an API server alone does not have: Job controller, Deployment controller, kubelet.

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::json;

/// For a moment: every Job ends well and every Deployment has its pods, in one namespace or in all.
pub(crate) async fn work(client: &Client, namespace: Option<&str>) -> Result<()> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=picket-operator");
    let jobs: Api<Job> = namespace.map_or_else(|| Api::all(client.clone()), |it| Api::namespaced(client.clone(), it));
    for job in jobs.list(&ours).await? {
        if job.status.as_ref().is_none_or(|status| status.conditions.is_none()) {
            job_ends(client, &job, "Complete").await?;
        }
    }
    pods_become_ready(client, namespace).await
}

/// Every Deployment gets the pods it asks for.
pub(crate) async fn pods_become_ready(client: &Client, namespace: Option<&str>) -> Result<()> {
    let ours = ListParams::default().labels("app.kubernetes.io/managed-by=picket-operator");
    let all: Api<Deployment> =
        namespace.map_or_else(|| Api::all(client.clone()), |it| Api::namespaced(client.clone(), it));
    for deployment in all.list(&ours).await? {
        let (replicas, generation) = (deployment.spec.replicas, deployment.metadata.generation);
        let seen = deployment.status.as_ref();
        if seen.is_some_and(|s| {
            s.observed_generation == generation && s.available_replicas.unwrap_or(0) == replicas.unwrap_or(1)
        }) {
            continue;
        }
        let status = json!({"status": {
            "observedGeneration": generation, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": replicas, "availableReplicas": replicas,
        }});
        let own: Api<Deployment> = Api::namespaced(client.clone(), &deployment.namespace().unwrap_or_default());
        gone_is_fine(own.patch_status(&deployment.name_any(), &PatchParams::default(), &Patch::Merge(status)).await)?;
    }
    Ok(())
}

/// A Job ends, as `Complete` or `Failed`.
pub(crate) async fn job_ends(client: &Client, job: &Job, how: &str) -> Result<()> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = |kind: &str| {
        let reason = "BecauseAStorySaysSo";
        json!({"type": kind, "status": "True", "reason": reason, "lastTransitionTime": now, "lastProbeTime": now})
    };
    let status = if how == "Complete" {
        let conditions = [condition("SuccessCriteriaMet"), condition("Complete")];
        json!({"startTime": now, "completionTime": now, "succeeded": 1, "conditions": conditions})
    } else {
        let conditions = [condition("FailureTarget"), condition("Failed")];
        json!({"startTime": now, "failed": 1, "conditions": conditions})
    };
    let own: Api<Job> = Api::namespaced(client.clone(), &job.namespace().unwrap_or_default());
    let status = Patch::Merge(json!({ "status": status }));
    gone_is_fine(own.patch_status(&job.name_any(), &PatchParams::default(), &status).await)
}

/// The operator may have deleted it in the meantime.
fn gone_is_fine<K>(written: kube::Result<K>) -> Result<()> {
    match written {
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(()),
        written => Ok(written.map(drop)?),
    }
}
