//! PURE. What was decided and what is there → what the instance is told.
//!
//! `Ready` is the one condition to wait for; `Reconciling` and `Stalled` are only ever true when something is abnormal, as
//! kstatus reads them; each dependency has a condition of its own, whose reasons are a closed set. A condition's time changes
//! only with its status, and nothing here changes by itself, so a steady instance is never written.

mod components;
mod dependencies;
#[cfg(test)]
mod tests;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;

use crate::advance::Progress;
use crate::instance::{JobPhase, Phase, SecretKeyStatus, SentryInstance, SentryInstanceStatus};
use crate::resources::labels::Role;
use crate::resources::{Desired, GatewayApi};
use crate::validate::{KeyProblem, Validated, generated_secret};

/// The objects that were there after applying.
#[derive(Clone, Debug)]
pub struct Live {
    /// The Deployments.
    pub deployments: Vec<Deployment>,
    /// The `HTTPRoute`s.
    pub routes: Vec<DynamicObject>,
    /// Whether there can be any.
    pub gateway: GatewayApi,
}

/// What the instance is told from.
pub struct Told<'a> {
    /// The instance.
    pub instance: &'a SentryInstance,
    /// What it asks for.
    pub valid: &'a Validated,
    /// What was decided.
    pub progress: &'a Progress,
    /// What should exist.
    pub desired: &'a Desired,
    /// What exists.
    pub live: &'a Live,
    /// The time.
    pub now: Timestamp,
}

/// A condition before it is compared with the one from before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The condition's type.
    pub kind: &'static str,
    /// Whether it holds.
    pub truth: Truth,
    /// Why, in one word of a closed set.
    pub reason: String,
    /// Why, and what to do.
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    True,
    /// It does not.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl Truth {
    fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

impl Verdict {
    /// A condition in the making.
    pub fn new(kind: &'static str, truth: Truth, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, truth, reason: reason.into(), message: message.into() }
    }
}

/// The status of an instance that was never seen before: everything is yet unknown.
pub fn first_sight(instance: &SentryInstance, now: Timestamp) -> SentryInstanceStatus {
    let kinds = ["Ready", "SecretKeyReady", "DatabaseReady", "RedisReady", "MigrationsApplied", "Available"];
    let mut verdicts: Vec<Verdict> =
        kinds.map(|kind| Verdict::new(kind, Truth::Unknown, "Pending", "seen for the first time")).into();
    verdicts.push(Verdict::new("Reconciling", Truth::True, "Pending", "seen for the first time"));
    verdicts.push(Verdict::new("Stalled", Truth::False, "Pending", ""));
    let before = SentryInstanceStatus::default();
    SentryInstanceStatus {
        observed_generation: instance.metadata.generation,
        phase: Some(Phase::Pending),
        conditions: conditions(instance, &before, verdicts, now),
        ..before
    }
}

/// The status after this step.
pub fn status(told: &Told) -> SentryInstanceStatus {
    let Told { instance, valid, progress, live, .. } = told;
    let before = instance.status.clone().unwrap_or_default();
    let rollout = components::rollout(told);
    let mut verdicts = vec![dependencies::secret_key(told), dependencies::database(told), dependencies::redis(told)];
    verdicts.extend(dependencies::mail(told));
    verdicts.push(dependencies::migrations(told));
    verdicts.extend(components::route(instance, live));
    let phase = phase(told, &verdicts, &rollout);
    let summary = summary(instance, phase, &verdicts, &rollout);
    verdicts.push(components::available(told));
    verdicts.extend(summary);
    let generated = valid.candidates.is_ok() && !brings_own_key(instance);
    let just_generated = generated.then(|| SecretKeyStatus { generated_secret: generated_secret(instance) });
    SentryInstanceStatus {
        observed_generation: instance.metadata.generation,
        phase: Some(phase),
        url: Some(instance.spec.public_url.clone()),
        conditions: conditions(instance, &before, verdicts, told.now),
        secret_key: before.secret_key.clone().or(just_generated),
        verified: progress.verified.clone(),
        preflight: progress.preflight.clone(),
        migration: progress.migration.clone(),
        rolled_out: progress.rolled_out.clone(),
        rollout: progress.rollout.clone(),
        web: components::count(told, Role::Web),
        worker: components::count(told, Role::Worker),
        cron: components::count(told, Role::Cron),
    }
}

/// The status of an instance whose objects the API server refused: a person has to change the spec.
pub fn rejected(instance: &SentryInstance, message: &str, now: Timestamp) -> SentryInstanceStatus {
    let before = instance.status.clone().unwrap_or_default();
    let verdicts = vec![
        Verdict::new("Ready", Truth::False, "Rejected", message),
        Verdict::new("Reconciling", Truth::False, "Rejected", "waiting for the spec to change"),
        Verdict::new("Stalled", Truth::True, "Rejected", message),
    ];
    let replaced: Vec<&str> = verdicts.iter().map(|verdict| verdict.kind).collect();
    let mut conditions = conditions(instance, &before, verdicts.clone(), now);
    let others = before.conditions.iter().filter(|condition| !replaced.contains(&condition.type_.as_str()));
    conditions.extend(others.cloned());
    SentryInstanceStatus {
        observed_generation: instance.metadata.generation,
        phase: Some(Phase::Stalled),
        conditions,
        ..before
    }
}

fn brings_own_key(instance: &SentryInstance) -> bool {
    instance.spec.secret_key.as_ref().is_some_and(|key| key.secret_ref.is_some())
}

fn phase(told: &Told, verdicts: &[Verdict], rollout: &components::Rollout) -> Phase {
    let truth = |kind: &str| verdicts.iter().find(|verdict| verdict.kind == kind).map(|verdict| verdict.truth);
    let any = |kinds: &[&str], wanted: Truth| kinds.iter().any(|kind| truth(kind) == Some(wanted));
    let progress = told.progress;
    let migration = progress.migration.as_ref().map(|migration| migration.phase);
    if told.instance.spec.paused {
        return Phase::Paused;
    }
    let candidates = match &told.valid.candidates {
        Err(KeyProblem::Lost(_)) => return Phase::Stalled,
        Err(KeyProblem::Missing(_) | KeyProblem::NotYet) => return Phase::WaitingForSecret,
        Ok(candidates) => candidates,
    };
    if migration == Some(JobPhase::Failed) {
        return Phase::MigrationFailed;
    }
    if any(&["DatabaseReady", "RedisReady"], Truth::False) {
        let missing = candidates.database.is_err() || candidates.redis.is_err();
        return match progress.rolled_out {
            Some(_) if rollout.complete() => Phase::Degraded,
            _ if missing => Phase::WaitingForSecret,
            _ => Phase::PreflightFailed,
        };
    }
    if any(&["DatabaseReady", "RedisReady", "MailReady"], Truth::Unknown) {
        return Phase::Preflight;
    }
    if migration != Some(JobPhase::Succeeded) {
        return Phase::Migrating;
    }
    if !rollout.complete() {
        return Phase::RollingOut;
    }
    let limping = any(&["MailReady", "RouteReady"], Truth::False) || !progress.lost.is_empty();
    if limping { Phase::Degraded } else { Phase::Running }
}

/// `Ready`, `Reconciling` and `Stalled`. Mail that does not work leaves the instance ready: it takes in and shows events.
fn summary(
    instance: &SentryInstance,
    phase: Phase,
    verdicts: &[Verdict],
    rollout: &components::Rollout,
) -> [Verdict; 3] {
    let good = |verdict: &Verdict| verdict.truth == Truth::True || verdict.kind == "MailReady";
    let needed =
        verdicts.iter().all(|verdict| good(verdict) || (verdict.kind == "RouteReady" && verdict.truth != Truth::False));
    let ready = needed && rollout.complete();
    let stalled = matches!(phase, Phase::Stalled | Phase::MigrationFailed);
    let busy = matches!(phase, Phase::Preflight | Phase::Migrating | Phase::RollingOut) || !ready;
    let reconciling = busy && !stalled && phase != Phase::Paused;
    let reason = format!("{phase:?}");
    let is_problem = |verdict: &&Verdict| match verdict.truth {
        Truth::True => false,
        Truth::False => true,
        Truth::Unknown => verdict.kind != "RouteReady",
    };
    let problem = verdicts.iter().find(is_problem);
    let message = match (problem, rollout.waiting_for()) {
        (Some(problem), _) => format!("{} {}: {}", problem.kind, problem.reason, problem.message),
        (None, Some(waiting)) => waiting,
        (None, None) => format!("serving at {}", instance.spec.public_url),
    };
    [
        Verdict::new("Ready", ready.into(), reason.clone(), message.clone()),
        Verdict::new(
            "Reconciling",
            reconciling.into(),
            reason.clone(),
            if reconciling { message.clone() } else { String::new() },
        ),
        Verdict::new("Stalled", stalled.into(), reason, if stalled { message } else { String::new() }),
    ]
}

fn conditions(
    instance: &SentryInstance,
    before: &SentryInstanceStatus,
    verdicts: Vec<Verdict>,
    now: Timestamp,
) -> Vec<Condition> {
    let since = |verdict: &Verdict| {
        let same = |old: &&Condition| old.type_ == verdict.kind && old.status == verdict.truth.as_str();
        before.conditions.iter().find(same).map_or(Time(now), |old| old.last_transition_time.clone())
    };
    let condition = |verdict: Verdict| Condition {
        last_transition_time: since(&verdict),
        type_: verdict.kind.to_owned(),
        status: verdict.truth.as_str().to_owned(),
        reason: verdict.reason,
        message: verdict.message,
        observed_generation: instance.metadata.generation,
    };
    let mut conditions: Vec<Condition> = verdicts.into_iter().map(condition).collect();
    conditions.sort_by_key(|condition| order(&condition.type_));
    conditions
}

/// The summary comes first for those who read YAML.
fn order(kind: &str) -> usize {
    const FIRST: [&str; 4] = ["Ready", "Reconciling", "Stalled", "Available"];
    FIRST.iter().position(|first| *first == kind).unwrap_or(FIRST.len())
}
