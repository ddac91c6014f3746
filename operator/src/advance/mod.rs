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

use crate::instance::{
    CheckStatus, MigrationStatus, PreflightStatus, RolledOut, RolloutStatus, SentryInstance, SentryInstanceStatus,
    Snapshots,
};
use crate::observe::JobSeen;
use crate::validate::{Candidate, Validated};

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

/// Names of the checks of `picket config check`.
pub mod check {
    /// The check of PostgreSQL.
    pub const DATABASE: &str = "postgresql";
    /// The check of Redis.
    pub const REDIS: &str = "redis";
    /// The check of SMTP.
    pub const MAIL: &str = "mail";
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
    let works = |name: &str| {
        let checks = preflight.iter().flat_map(|preflight| &preflight.checks);
        checks.clone().any(|check| check.name == name && check.status == CheckStatus::Ok)
    };
    let known_good = usable(known, &before.verified);
    let verify = |candidate: &Candidate, name: &str, previous: Option<String>| match candidate {
        Ok(snapshot) if works(name) => Some(snapshot.name.clone()),
        _ => previous,
    };
    let core_tried = works(check::DATABASE) || works(check::REDIS);
    let verified = Snapshots {
        core: if core_tried { Some(candidates.core.name.clone()) } else { known_good.core },
        database: verify(&candidates.database, check::DATABASE, known_good.database),
        redis: verify(&candidates.redis, check::REDIS, known_good.redis),
        mail: candidates.mail.as_ref().and_then(|mail| verify(mail, check::MAIL, known_good.mail)),
    };
    let gate = if works(check::DATABASE) && works(check::REDIS) { Gate::Open } else { Gate::Closed };
    let migration = migration::advance(known, candidates, gate);
    let rolled_out = rollout::advance(known, &verified, &migration);
    let rollout = rollout::cause(known, rolled_out.as_ref());
    let lost = lost(known, rolled_out.as_ref());
    Progress { verified, preflight, migration: Some(migration), rolled_out, rollout, lost, look_again }
}

/// The snapshots among `names` that exist or can be rendered again.
fn usable(known: &Known, names: &Snapshots) -> Snapshots {
    let keep = |name: &Option<String>| name.clone().filter(|name| exists(known, name));
    Snapshots {
        core: keep(&names.core),
        database: keep(&names.database),
        redis: keep(&names.redis),
        mail: keep(&names.mail),
    }
}

fn lost(known: &Known, rolled_out: Option<&RolledOut>) -> Vec<String> {
    let names = rolled_out.into_iter().flat_map(|rolled_out| rolled_out.snapshots.names());
    names.filter(|name| !exists(known, name)).map(str::to_owned).collect()
}

fn exists(known: &Known, name: &str) -> bool {
    let rendered = known.valid.candidates.as_ref().is_ok_and(|candidates| {
        let others = [Some(&candidates.database), Some(&candidates.redis), candidates.mail.as_ref()];
        candidates.core.name == name
            || others.into_iter().flatten().any(|candidate| candidate.as_ref().is_ok_and(|it| it.name == name))
    });
    rendered || known.snapshots.contains(name)
}
