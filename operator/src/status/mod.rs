//! PURE. What was decided and what is there → what the instance is told.
//!
//! `Ready` is the one condition to wait for; `Reconciling` and `Stalled` are only ever true when something is abnormal, as
//! kstatus reads them; each dependency has a condition of its own, whose reasons are a closed set. A condition's time changes
//! only with its status, and nothing here changes by itself, so a steady instance is never written.

mod components;
mod dependencies;
pub mod reasons;
#[cfg(test)]
mod tests;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;

use crate::advance::{Progress, awaits_approval};
use crate::instance::{
    Concern, JobPhase, Phase, SecretKeyStatus, SentryInstance, SentryInstanceSpec, SentryInstanceStatus, Severity,
};
use crate::resources::labels::{Role, child_name};
use crate::resources::{Desired, GatewayApi, concern};
use crate::secrets::generated_secret;
use crate::validate::{KeyProblem, Validated};

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

impl Told<'_> {
    /// Whether an upgrade waits for somebody to approve it.
    fn awaits_approval(&self) -> bool {
        awaits_approval(self.instance, self.valid)
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
    let mut verdicts = vec![dependencies::secret_key(told)];
    verdicts.extend(dependencies::tried(told));
    verdicts.push(dependencies::migrations(told));
    verdicts.extend(components::overrides(told));
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

/// The status of an instance one of whose objects the API server refused: a person has to change the spec. Where the object
/// is a Deployment with a `podTemplate` or an affinity, it is that which has to change.
pub fn rejected(instance: &SentryInstance, message: &str, now: Timestamp) -> SentryInstanceStatus {
    let before = instance.status.clone().unwrap_or_default();
    let overridden =
        components::overridden(instance).into_iter().find(|role| message.contains(&child_name(instance, *role)));
    let mut verdicts = Vec::from_iter(overridden.map(|role| components::refused(role, message)));
    let reason = if overridden.is_some() { components::OVERRIDE_REJECTED } else { "Rejected" };
    verdicts.extend([
        Verdict::new("Ready", Truth::False, reason, message),
        Verdict::new("Reconciling", Truth::False, "Rejected", "waiting for the spec to change"),
        Verdict::new("Stalled", Truth::True, reason, message),
    ]);
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
    let spec = &told.instance.spec;
    let progress = told.progress;
    let migration = progress.migration.as_ref().map(|migration| migration.phase);
    if spec.paused {
        return Phase::Paused;
    }
    let candidates = match &told.valid.candidates {
        Err(KeyProblem::Lost(_)) => return Phase::Stalled,
        Err(KeyProblem::Missing(_) | KeyProblem::NotYet) => return Phase::WaitingForSecret,
        Ok(candidates) => candidates,
    };
    if told.desired.rejected.is_some() {
        return Phase::Stalled;
    }
    if migration == Some(JobPhase::Failed) {
        return Phase::MigrationFailed;
    }
    let blocking = |verdict: &Verdict| is_tried(verdict) && !is_tolerated(spec, verdict);
    if verdicts.iter().any(|verdict| blocking(verdict) && verdict.truth == Truth::False) {
        let missing = candidates.tried.values().any(Result::is_err);
        return match progress.rolled_out {
            Some(_) if rollout.complete() => Phase::Degraded,
            _ if missing => Phase::WaitingForSecret,
            _ => Phase::PreflightFailed,
        };
    }
    if verdicts.iter().any(|verdict| is_tried(verdict) && verdict.truth == Truth::Unknown) {
        return Phase::Preflight;
    }
    if migration != Some(JobPhase::Succeeded) {
        return if told.awaits_approval() { Phase::AwaitingApproval } else { Phase::Migrating };
    }
    if !rollout.complete() {
        return Phase::RollingOut;
    }
    if spec.suspended {
        return Phase::Suspended;
    }
    let fails =
        |verdict: &Verdict| verdict.truth == Truth::False && (is_tried(verdict) || verdict.kind == "RouteReady");
    let limping = verdicts.iter().any(fails) || !progress.lost.is_empty();
    if limping { Phase::Degraded } else { Phase::Running }
}

/// Whether it tells of something that a preflight tries.
fn is_tried(verdict: &Verdict) -> bool {
    concern_of(verdict).is_some()
}

fn concern_of(verdict: &Verdict) -> Option<Concern> {
    let tells = |concern: &Concern| concern::checks(*concern).iter().any(|(_, kind)| *kind == verdict.kind);
    concern::TRIED.into_iter().find(tells)
}

/// Whether the instance is ready without it, as the spec says.
fn is_tolerated(spec: &SentryInstanceSpec, verdict: &Verdict) -> bool {
    concern_of(verdict).is_some_and(|concern| concern::severity(concern, spec) == Severity::Warn)
}

/// `Ready`, `Reconciling` and `Stalled`. Mail that does not work, unless the spec says otherwise, leaves the instance ready:
/// it takes in and shows events.
fn summary(
    instance: &SentryInstance,
    phase: Phase,
    verdicts: &[Verdict],
    rollout: &components::Rollout,
) -> [Verdict; 3] {
    let good = |verdict: &Verdict| verdict.truth == Truth::True || is_tolerated(&instance.spec, verdict);
    let needed =
        verdicts.iter().all(|verdict| good(verdict) || (verdict.kind == "RouteReady" && verdict.truth != Truth::False));
    let ready = needed && rollout.complete() && !instance.spec.suspended;
    let stalled = matches!(phase, Phase::Stalled | Phase::MigrationFailed);
    let waits = matches!(phase, Phase::Paused | Phase::Suspended | Phase::AwaitingApproval);
    let busy = matches!(phase, Phase::Preflight | Phase::Migrating | Phase::RollingOut) || !ready;
    let reconciling = busy && !stalled && !waits;
    let reason = format!("{phase:?}");
    let message = story(instance, phase, verdicts, rollout);
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

/// Where the instance stands, in one line: what is worst, or else what is waited for.
fn story(instance: &SentryInstance, phase: Phase, verdicts: &[Verdict], rollout: &components::Rollout) -> String {
    let problem = |truth: Truth| {
        let is_it =
            |verdict: &&Verdict| verdict.truth == truth && !(truth == Truth::Unknown && verdict.kind == "RouteReady");
        verdicts
            .iter()
            .find(|verdict| is_it(verdict) && !is_tolerated(&instance.spec, verdict))
            .or_else(|| verdicts.iter().find(is_it))
    };
    match (problem(Truth::False).or_else(|| problem(Truth::Unknown)), rollout.waiting_for()) {
        (Some(problem), _) => format!("{} {}: {}", problem.kind, problem.reason, problem.message),
        (None, Some(waiting)) => waiting,
        (None, None) if phase == Phase::Suspended => "suspended: no pods run until spec.suspended is false".to_owned(),
        (None, None) => format!("serving at {}", instance.spec.public_url),
    }
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
