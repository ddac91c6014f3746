//! PURE. What the status remembers, what the spec asks for and how the Jobs went → the next step.
//!
//! New settings are tried first (preflight); a concern whose settings work is *verified*. With database and redis verified,
//! the database is migrated to the image; once it is, the Deployments are told to run the image with the verified
//! settings (*rolled out*). Whatever fails on the way leaves what was rolled out before untouched, except that settings
//! which were verified reach the pods without waiting for a migration.

mod migration;
mod preflight;
mod rollout;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use migration::Gate;
pub use migration::awaits_approval;

use crate::instance::{
    CheckStatus, Concern, MigrationStatus, PreflightStatus, RolledOut, RolloutStatus, SentryInstance,
    SentryInstanceStatus, Severity, Snapshots,
};
use crate::observe::JobSeen;
use crate::resources::concern;
use crate::validate::{Candidates, Validated};

/// What a decision is made from.
pub struct Known<'a> {
    /// The instance's name, for the names of Jobs.
    pub instance: &'a SentryInstance,
    /// What the spec asks for.
    pub valid: &'a Validated,
    /// What is remembered.
    pub before: &'a SentryInstanceStatus,
    /// The Jobs that exist.
    pub jobs: &'a [JobSeen],
    /// The snapshots that exist.
    pub snapshots: &'a BTreeSet<String>,
    /// The time.
    pub now: Timestamp,
}

/// The next step: what is to be remembered, and with it what is to exist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Settings that work.
    pub verified: Snapshots,
    /// The try of new settings.
    pub preflight: Option<PreflightStatus>,
    /// The migration.
    pub migration: Option<MigrationStatus>,
    /// What the Deployments are told to run.
    pub rolled_out: Option<RolledOut>,
    /// Why pods were last replaced.
    pub rollout: Option<RolloutStatus>,
    /// Snapshots that pods were told to take and that are gone: while there are any, the Deployments stay as they are.
    pub lost: Vec<String>,
    /// When to look again although nothing changes.
    pub look_again: Option<Duration>,
}

/// Decides the next step.
pub fn advance(known: &Known) -> Progress {
    let before = known.before;
    let Ok(candidates) = &known.valid.candidates else {
        return Progress {
            verified: usable(known, &before.verified),
            preflight: before.preflight.clone(),
            migration: before.migration.clone(),
            rolled_out: before.rolled_out.clone(),
            rollout: before.rollout.clone(),
            lost: lost(known, before.rolled_out.as_ref()),
            look_again: None,
        };
    };
    let (preflight, look_again) = preflight::advance(known, candidates);
    let works = |concern: Concern| verdict(preflight.as_ref(), concern) == Some(true);
    let mut verified = usable(known, &before.verified);
    let asked_for = |concern: &Concern| *concern == Concern::Core || candidates.tried.contains_key(concern);
    verified.0.retain(|concern, _| asked_for(concern));
    if works(Concern::Database) || works(Concern::Redis) {
        verified.0.insert(Concern::Core, candidates.core.name.clone());
    }
    for concern in concern::TRIED.into_iter().filter(|concern| works(*concern)) {
        verified.0.extend(candidates.whole(concern).map(|snapshot| (concern, snapshot.name.clone())));
    }
    let blocks = |concern: &&Concern| concern::severity(**concern, &known.instance.spec) == Severity::Block;
    let open = candidates.tried.keys().filter(blocks).all(|concern| works(*concern));
    let migration = migration::advance(known, candidates, if open { Gate::Open } else { Gate::Closed });
    let rolled_out = rollout::advance(known, &verified, &migration);
    let rollout = rollout::cause(known, rolled_out.as_ref());
    let lost = lost(known, rolled_out.as_ref());
    Progress { verified, preflight, migration: Some(migration), rolled_out, rollout, lost, look_again }
}

/// Whether a concern works, as far as its checks were done: none of them failed. What none of the settings uses is skipped,
/// and does not stand in the way.
pub fn verdict(preflight: Option<&PreflightStatus>, concern: Concern) -> Option<bool> {
    let checks = &preflight?.checks;
    let names = concern::checks(concern);
    let mut found = checks.iter().filter(|check| names.iter().any(|(name, _)| *name == check.name)).peekable();
    found.peek()?;
    Some(found.all(|check| check.status != CheckStatus::Failed))
}

/// The snapshots among `names` that exist or can be rendered again.
fn usable(known: &Known, names: &Snapshots) -> Snapshots {
    let kept = names.0.iter().filter(|(_, name)| exists(known, name));
    Snapshots(kept.map(|(concern, name)| (*concern, name.clone())).collect())
}

fn lost(known: &Known, rolled_out: Option<&RolledOut>) -> Vec<String> {
    let names = rolled_out.into_iter().flat_map(|rolled_out| rolled_out.snapshots.names());
    names.filter(|name| !exists(known, name)).map(str::to_owned).collect()
}

fn exists(known: &Known, name: &str) -> bool {
    let rendered = |candidates: &Candidates| candidates.snapshots().any(|snapshot| snapshot.name == name);
    known.valid.candidates.as_ref().is_ok_and(rendered) || known.snapshots.contains(name)
}
