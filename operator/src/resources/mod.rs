//! PURE. The objects that should exist at this step, complete: what is not in here and not in `keep` may go.
//!
//! One file per kind of object. No clock, no client: the same step always gives the same objects.

pub mod cron;
pub mod deployment;
pub mod env;
pub mod labels;
pub mod migrate;
pub mod pod;
pub mod policy;
pub mod preflight;
pub mod route;
pub mod service;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod web;
pub mod worker;

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;

use crate::advance::Progress;
use crate::instance::{JobPhase, Phase, SentryInstance, SentryInstanceStatus};
use crate::validate::{Candidate, Candidates, Validated};
use labels::Role;
use snapshot::Snapshot;

/// Everything that should exist, in the order it is applied.
#[derive(Clone, Debug, Default)]
pub struct Desired {
    /// Settings that are tried or run with.
    pub snapshots: Vec<Secret>,
    /// The preflight and the migration, while they run. Jobs are created, never changed.
    pub jobs: Vec<Job>,
    /// Worker, cron, web: those who process come before those who take in.
    pub deployments: Vec<Deployment>,
    /// In front of web.
    pub services: Vec<Service>,
    /// For web and worker.
    pub budgets: Vec<PodDisruptionBudget>,
    /// If asked for.
    pub ingresses: Vec<Ingress>,
    /// If asked for.
    pub routes: Vec<DynamicObject>,
    /// What else may stay.
    pub keep: Keep,
}

/// What is not applied, but not removed either.
#[derive(Clone, Debug, Default)]
pub struct Keep {
    /// Snapshots that pods may still use.
    pub snapshots: SnapshotsKept,
    /// The current preflight and migration, finished or not, until their time to live ends.
    pub jobs: BTreeSet<String>,
}

/// Which snapshots stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotsKept {
    /// All: pods of an earlier rollout may still start with theirs.
    All,
    /// These.
    Named(BTreeSet<String>),
}

impl Default for SnapshotsKept {
    fn default() -> Self {
        Self::Named(BTreeSet::new())
    }
}

impl SnapshotsKept {
    /// Whether a snapshot stays.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Named(names) => names.contains(name),
        }
    }
}

/// Whether the cluster has the Gateway API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GatewayApi {
    /// It has.
    Installed,
    /// Not yet.
    Missing,
}

/// What should exist at this step.
pub fn desired(
    instance: &SentryInstance,
    valid: &Validated,
    progress: &Progress,
    before: &SentryInstanceStatus,
    gateway: GatewayApi,
) -> Desired {
    let route = http_route_if_possible(instance, gateway);
    Desired {
        snapshots: wanted_snapshots(valid, progress, before).iter().map(|it| it.secret(instance)).collect(),
        jobs: jobs(instance, valid, progress, before),
        deployments: deployments(instance, valid, progress),
        services: vec![service::service(instance)],
        budgets: vec![policy::budget(instance, Role::Worker), policy::budget(instance, Role::Web)],
        ingresses: route::ingress(instance).into_iter().collect(),
        routes: route.into_iter().collect(),
        keep: keep(progress, before),
    }
}

fn http_route_if_possible(instance: &SentryInstance, gateway: GatewayApi) -> Option<DynamicObject> {
    match gateway {
        GatewayApi::Installed => route::http_route(instance),
        GatewayApi::Missing => None,
    }
}

fn wanted_snapshots<'a>(valid: &'a Validated, progress: &Progress, before: &SentryInstanceStatus) -> Vec<&'a Snapshot> {
    let Ok(Candidates { core, database, redis, mail, admin }) = &valid.candidates else { return Vec::new() };
    let candidates: [Option<&Candidate>; 3] = [Some(database), Some(redis), mail.as_ref()];
    let migrating = is(progress.migration.as_ref().map(|it| it.phase), JobPhase::Running);
    let superuser = admin.as_ref().ok().filter(|_| migrating && before.rolled_out.is_none());
    std::iter::once(core)
        .chain(candidates.into_iter().flatten().filter_map(|candidate| candidate.as_ref().ok()))
        .chain(superuser)
        .collect()
}

fn is(phase: Option<JobPhase>, wanted: JobPhase) -> bool {
    phase == Some(wanted)
}

fn jobs(instance: &SentryInstance, valid: &Validated, progress: &Progress, before: &SentryInstanceStatus) -> Vec<Job> {
    let Ok(candidates) = &valid.candidates else { return Vec::new() };
    let name = |candidate: &'_ Candidate| candidate.as_ref().ok().map(|it| it.name.clone());
    let core = Some(candidates.core.name.clone());
    let database = name(&candidates.database);
    let preflight = progress.preflight.as_ref().filter(|it| it.phase == JobPhase::Running).map(|it| {
        let mail = candidates.mail.as_ref().and_then(name);
        let snapshots = [&core, &database, &name(&candidates.redis), &mail].map(Clone::clone);
        let snapshots: Vec<&str> = snapshots.iter().flatten().map(String::as_str).collect();
        preflight::preflight(instance, &valid.image, &it.job_name, snapshots)
    });
    let migration = progress.migration.as_ref().filter(|it| it.phase == JobPhase::Running).map(|it| {
        let admin = name(&candidates.admin).filter(|_| before.rolled_out.is_none());
        let snapshots = [&core, &database, &admin].into_iter().flatten().map(String::as_str).collect();
        migrate::migrate(instance, &valid.image, &it.job_name, snapshots)
    });
    preflight.into_iter().chain(migration).collect()
}

fn deployments(instance: &SentryInstance, valid: &Validated, progress: &Progress) -> Vec<Deployment> {
    let Some(rolled_out) = progress.rolled_out.as_ref().filter(|_| progress.lost.is_empty()) else { return Vec::new() };
    vec![
        worker::worker(instance, &valid.image, rolled_out),
        cron::cron(instance, &valid.image, rolled_out),
        web::web(instance, &valid.image, rolled_out),
    ]
}

fn keep(progress: &Progress, before: &SentryInstanceStatus) -> Keep {
    let settled = matches!(before.phase, Some(Phase::Running | Phase::Degraded));
    let nothing_runs = before.rolled_out.is_none();
    let snapshots = if nothing_runs || (settled && before.rolled_out == progress.rolled_out) {
        let rolled_out = progress.rolled_out.iter().flat_map(|rolled_out| rolled_out.snapshots.names());
        SnapshotsKept::Named(rolled_out.chain(progress.verified.names()).map(str::to_owned).collect())
    } else {
        SnapshotsKept::All
    };
    let preflight = progress.preflight.as_ref().map(|it| it.job_name.clone());
    let migration = progress.migration.as_ref().map(|it| it.job_name.clone());
    Keep { snapshots, jobs: preflight.into_iter().chain(migration).collect() }
}
