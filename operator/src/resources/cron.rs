//! The cron pod: one, replaced rather than rolled.

use k8s_openapi::api::apps::v1::Deployment;

use super::deployment::{Replacement, deployment, snapshots, with_container};
use super::labels::Role;
use super::pod::{METRICS, Pods, Program, port, probe, template};
use crate::instance::{RolledOut, SentryInstance};
use crate::validate::ImageToRun;

/// The Deployment `<instance>-cron`.
pub fn cron(instance: &SentryInstance, image: &ImageToRun, rolled_out: &RolledOut) -> Result<Deployment, String> {
    let program = Program {
        role: Role::Cron,
        image: &rolled_out.image,
        args: &["run", "cron"],
        snapshots: snapshots(instance, Role::Cron, rolled_out),
        pods: Pods::of(&instance.spec, Role::Cron),
    };
    let template = with_container(template(instance, image, &program), |container| {
        container.ports = Some(vec![port(METRICS, 9100)]);
        container.startup_probe = Some(probe("/_health/", METRICS, 60));
        container.liveness_probe = Some(probe("/_health/", METRICS, 6));
        container.readiness_probe = Some(probe("/_health/", METRICS, 2));
    });
    deployment(instance, Role::Cron, &Replacement::Recreate, template)
}
