//! Migrating the database to an image, once. What was rolled out is migrated, so going back to it needs no Job.
//!
//! The status remembers; a Job that its time to live has removed is not run again.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Known;
use super::preflight::shorten;
use crate::instance::{JobPhase, MigrationPolicy, MigrationStatus, Migrations, SentryInstance};
use crate::observe::JobOutcome;
use crate::resources::migrate::job_name;
use crate::validate::{Candidates, Validated};

/// The migration to remember. It may start when `gate` says that both servers answer.
pub fn advance(known: &Known, candidates: &Candidates, gate: Gate) -> MigrationStatus {
    let remembered = known.before.migration.clone().filter(|migration| migration.revision == known.valid.revision);
    let current = remembered.unwrap_or_else(|| pending(known));
    if already_rolled_out(known) && current.phase != JobPhase::Succeeded {
        return MigrationStatus { phase: JobPhase::Succeeded, message: None, ..current };
    }
    match current.phase {
        JobPhase::Succeeded | JobPhase::Failed => current,
        JobPhase::Running => judge(known, current),
        JobPhase::Pending => match (gate, &candidates.admin) {
            (Gate::Closed, _) => current,
            _ if awaits_approval(known.instance, known.valid) => current,
            (Gate::Open, Err(missing)) if known.before.rolled_out.is_none() => {
                MigrationStatus { message: Some(missing.message.clone()), ..current }
            }
            (Gate::Open, _) => judge(
                known,
                MigrationStatus {
                    phase: JobPhase::Running,
                    started_at: Some(Time(known.now)),
                    message: None,
                    ..current
                },
            ),
        },
    }
}

/// Whether an upgrade waits for somebody to approve it.
pub fn awaits_approval(instance: &SentryInstance, valid: &Validated) -> bool {
    let Migrations { policy, approved_image, .. } = &instance.spec.migrations;
    let rolled_out = instance.status.as_ref().and_then(|status| status.rolled_out.as_ref());
    let is_upgrade = rolled_out.is_some_and(|rolled_out| rolled_out.revision != valid.revision);
    let is_approved = approved_image.as_deref() == Some(valid.image.reference.as_str());
    is_upgrade && *policy == MigrationPolicy::Manual && !is_approved
}

/// Whether a migration may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// PostgreSQL and Redis answered with the settings that the spec asks for.
    Open,
    /// Not yet.
    Closed,
}

fn already_rolled_out(known: &Known) -> bool {
    known.before.rolled_out.as_ref().is_some_and(|rolled_out| rolled_out.revision == known.valid.revision)
}

fn pending(known: &Known) -> MigrationStatus {
    MigrationStatus {
        revision: known.valid.revision.clone(),
        image: known.valid.image.reference.clone(),
        phase: JobPhase::Pending,
        job_name: job_name(known.instance, &known.valid.revision),
        started_at: None,
        finished_at: None,
        last_error: None,
        message: None,
    }
}

fn judge(known: &Known, current: MigrationStatus) -> MigrationStatus {
    let seen = known.jobs.iter().find(|job| job.name == current.job_name).map(|job| &job.outcome);
    match seen {
        None => current,
        Some(JobOutcome::Running { waiting }) => MigrationStatus { message: waiting.clone(), ..current },
        Some(JobOutcome::Succeeded { at }) => {
            MigrationStatus { phase: JobPhase::Succeeded, finished_at: at.clone(), message: None, ..current }
        }
        Some(JobOutcome::Failed { at, output }) => MigrationStatus {
            phase: JobPhase::Failed,
            finished_at: at.clone(),
            last_error: Some(shorten(output)),
            message: None,
            ..current
        },
    }
}
