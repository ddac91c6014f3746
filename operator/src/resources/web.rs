//! The web pods: they take in events and serve pages on 9000, and send what somebody waits for, as a lost password does.

use k8s_openapi::api::apps::v1::Deployment;

use super::deployment::{Replacement, deployment, snapshots, with_container};
use super::labels::Role;
use super::pod::{METRICS, Pods, Program, port, probe, template};
use super::service::HTTP;
use crate::instance::{RolledOut, SentryInstance};
use crate::validate::ImageToRun;

/// The Deployment `<instance>-web`.
pub fn web(instance: &SentryInstance, image: &ImageToRun, rolled_out: &RolledOut) -> Result<Deployment, String> {
    let program = Program {
        role: Role::Web,
        image: &rolled_out.image,
        args: &["run", "web"],
        snapshots: snapshots(instance, Role::Web, rolled_out),
        pods: Pods::of(&instance.spec, Role::Web),
    };
    let template = with_container(template(instance, image, &program), |container| {
        container.ports = Some(vec![port(HTTP, 9000), port(METRICS, 9100)]);
        container.startup_probe = Some(probe("/_health/", HTTP, 60));
        container.liveness_probe = Some(probe("/_health/", HTTP, 6));
        container.readiness_probe = Some(probe("/_ready/", HTTP, 2));
    });
    deployment(instance, Role::Web, &Replacement::Rolling, template)
}
