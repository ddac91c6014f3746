//! The worker pods: they process events and send what has to be told.

use k8s_openapi::api::apps::v1::Deployment;

use super::deployment::{Replacement, deployment, snapshots, with_container};
use super::labels::Role;
use super::pod::{METRICS, Pods, Program, port, probe, template};
use crate::instance::{RolledOut, SentryInstance};
use crate::validate::ImageToRun;

/// The Deployment `<instance>-worker`. Its replicas are the spec's, which `kubectl scale` writes: nobody is fought.
pub fn worker(instance: &SentryInstance, image: &ImageToRun, rolled_out: &RolledOut) -> Result<Deployment, String> {
    let program = Program {
        role: Role::Worker,
        image: &rolled_out.image,
        args: &["run", "worker"],
        snapshots: snapshots(instance, Role::Worker, rolled_out),
        pods: Pods::of(&instance.spec, Role::Worker),
    };
    let template = with_container(template(instance, image, &program), |container| {
        container.ports = Some(vec![port(METRICS, 9100)]);
        container.startup_probe = Some(probe("/_health/", METRICS, 60));
        container.liveness_probe = Some(probe("/_health/", METRICS, 6));
        container.readiness_probe = Some(probe("/_health/", METRICS, 2));
    });
    deployment(instance, Role::Worker, &Replacement::Rolling, template)
}
