//! The Job that migrates the database and creates the first superuser: `picket upgrade --noinput`.
//!
//! It is named after the image and the database's address, never after credentials, so a rotated password migrates nothing.

use k8s_openapi::api::batch::v1::{Job, JobSpec};
use kube::ResourceExt;

use super::labels::{Role, metadata};
use super::pod::{Program, template};
use super::preflight::{disruptions_do_not_count, never_restarted};
use crate::instance::SentryInstance;
use crate::validate::ImageToRun;

/// A day, to look at. Whether it ran is remembered in the status.
const KEEP_SECONDS: i32 = 86_400;

/// The name of the Job of a revision.
pub fn job_name(instance: &SentryInstance, revision: &str) -> String {
    format!("{}-migrate-{revision}", instance.name_any())
}

/// The Job of a revision, with the settings of core and database and, the first time, of the superuser.
pub fn migrate(instance: &SentryInstance, image: &ImageToRun, job_name: &str, snapshots: Vec<&str>) -> Job {
    let program = Program {
        role: Role::Migrate,
        image: &image.reference,
        args: &["upgrade", "--noinput"],
        snapshots,
        pods: None,
    };
    let spec = JobSpec {
        backoff_limit: Some(0),
        pod_failure_policy: Some(disruptions_do_not_count()),
        active_deadline_seconds: instance.spec.migrations.deadline_seconds,
        ttl_seconds_after_finished: Some(KEEP_SECONDS),
        template: never_restarted(template(instance, image, &program)),
        ..JobSpec::default()
    };
    Job { metadata: metadata(instance, job_name.to_owned(), Role::Migrate.as_str()), spec: Some(spec), status: None }
}
