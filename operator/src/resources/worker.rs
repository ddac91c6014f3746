//! The worker pods: they process events and send what has to be sent, so they alone mount the mail settings.

use k8s_openapi::api::apps::v1::Deployment;

use super::deployment::{Replacement, deployment, with_container};
use super::labels::Role;
use super::pod::{METRICS, Program, port, probe, template};
use crate::instance::{RolledOut, SentryInstance};
use crate::validate::ImageToRun;

/// The Deployment `<instance>-worker`. Its replicas are the spec's, which `kubectl scale` writes: nobody is fought.
pub fn worker(instance: &SentryInstance, image: &ImageToRun, rolled_out: &RolledOut) -> Deployment {
    let component = &instance.spec.worker;
    let program = Program {
        role: Role::Worker,
        image: &rolled_out.image,
        args: &["run", "worker"],
        snapshots: rolled_out.snapshots.names().collect(),
        env: &component.env,
        resources: Some(&component.resources),
    };
    let template = with_container(template(instance, image, &program), |container| {
        container.ports = Some(vec![port(METRICS, 9100)]);
        container.startup_probe = Some(probe("/_health/", METRICS, 60));
        container.liveness_probe = Some(probe("/_health/", METRICS, 6));
        container.readiness_probe = Some(probe("/_health/", METRICS, 2));
    });
    deployment(instance, Role::Worker, component.replicas, &Replacement::Rolling, template)
}
