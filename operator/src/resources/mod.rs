//! PURE. The objects that should exist at this step, complete: what is not in here and not in `keep` may go.
//!
//! One file per kind of object. No clock, no client: the same step always gives the same objects.

pub mod concern;
pub mod cron;
pub mod deployment;
pub mod env;
pub mod files;
pub mod labels;
pub mod migrate;
pub mod overrides;
pub mod pod;
pub mod policy;
pub mod preflight;
#[cfg(test)]
mod production;
pub mod route;
pub mod scheduling;
pub mod service;
pub mod snapshot;
#[cfg(test)]
mod tests;
pub mod web;
pub mod worker;

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Secret, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::DynamicObject;
use serde_json::json;

use crate::advance::Progress;
use crate::instance::{Concern, JobPhase, Phase, SentryInstance, SentryInstanceSpec, SentryInstanceStatus};
use crate::validate::Validated;
use labels::{Role, short_hash};
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
    /// The volume for files, if one is to be claimed. It is never pruned.
    pub claims: Vec<PersistentVolumeClaim>,
    /// Why there are no Deployments, where a `podTemplate` cannot be merged: those that are there stay as they are.
    pub rejected: Option<String>,
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
    let (deployments, rejected) = match deployments(instance, valid, progress) {
        Ok(deployments) => (deployments, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let SentryInstanceSpec { web, worker, .. } = &instance.spec;
    let budgets = [(Role::Worker, worker), (Role::Web, web)];
    Desired {
        snapshots: wanted_snapshots(valid, progress, before).iter().map(|it| it.secret(instance)).collect(),
        jobs: jobs(instance, valid, progress, before),
        deployments,
        claims: files::claim(instance).into_iter().collect(),
        rejected,
        services: vec![service::service(instance)],
        budgets: budgets
            .into_iter()
            .filter_map(|(role, component)| policy::budget(instance, role, component))
            .collect(),
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
    let Ok(candidates) = &valid.candidates else { return Vec::new() };
    let migrating = is(progress.migration.as_ref().map(|it| it.phase), JobPhase::Running);
    let superuser = candidates.admin.as_ref().ok().filter(|_| migrating && before.rolled_out.is_none());
    candidates.snapshots().chain(superuser).collect()
}

fn is(phase: Option<JobPhase>, wanted: JobPhase) -> bool {
    phase == Some(wanted)
}

fn jobs(instance: &SentryInstance, valid: &Validated, progress: &Progress, before: &SentryInstanceStatus) -> Vec<Job> {
    let Ok(candidates) = &valid.candidates else { return Vec::new() };
    let preflight = progress.preflight.as_ref().filter(|it| it.phase == JobPhase::Running).map(|it| {
        let snapshots = candidates.snapshots().map(|snapshot| snapshot.name.as_str()).collect();
        preflight::preflight(instance, &valid.image, &it.job_name, snapshots)
    });
    let migration = progress.migration.as_ref().filter(|it| it.phase == JobPhase::Running).map(|it| {
        let admin = candidates.admin.as_ref().ok().filter(|_| before.rolled_out.is_none());
        let snapshots = std::iter::once(&candidates.core).chain(candidates.whole(Concern::Database)).chain(admin);
        let snapshots = snapshots.map(|snapshot| snapshot.name.as_str()).collect();
        migrate::migrate(instance, &valid.image, &it.job_name, snapshots)
    });
    preflight.into_iter().chain(migration).collect()
}

fn deployments(instance: &SentryInstance, valid: &Validated, progress: &Progress) -> Result<Vec<Deployment>, String> {
    let rolled_out = progress.rolled_out.as_ref().filter(|_| progress.lost.is_empty());
    let Some(rolled_out) = rolled_out else { return Ok(Vec::new()) };
    Ok(vec![
        worker::worker(instance, &valid.image, rolled_out)?,
        cron::cron(instance, &valid.image, rolled_out)?,
        web::web(instance, &valid.image, rolled_out)?,
    ])
}

/// A hash of what a component's pods are told besides snapshots. How many there are is nothing they are told.
pub fn component_hash(spec: &SentryInstanceSpec, role: Role) -> String {
    let pods = pod::Pods::of(spec, role).map(|pods| {
        json!([
            pods.resources,
            pods.scheduling,
            pods.env,
            pods.patch,
            spec.files,
            spec.image.as_ref().map(|it| &it.pull_secrets)
        ])
    });
    short_hash([json!([pods, env::plain(spec, role)]).to_string().as_str()])
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
