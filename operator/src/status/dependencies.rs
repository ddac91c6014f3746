//! The conditions of what an instance depends on: its key, its servers, its schema.
//!
//! Their reasons are those of `reasons`.

use super::{Told, Truth, Verdict, reasons};
use crate::instance::{Check, CheckStatus, Concern, JobPhase, MigrationStatus};
use crate::resources::concern;
use crate::resources::labels::RETRY_MIGRATION;
use crate::secrets::Missing;
use crate::validate::KeyProblem;

/// `SecretKeyReady`.
pub fn secret_key(told: &Told) -> Verdict {
    const KIND: &str = "SecretKeyReady";
    match &told.valid.candidates {
        Ok(_) => Verdict::new(KIND, Truth::True, "Available", "the secret key is there"),
        Err(KeyProblem::Missing(Missing { reason, message })) => Verdict::new(KIND, Truth::False, *reason, message),
        Err(KeyProblem::NotYet) => {
            Verdict::new(KIND, Truth::Unknown, "Paused", "a key is generated once the instance is no longer paused")
        }
        Err(KeyProblem::Lost(secret)) => Verdict::new(KIND, Truth::False, "SecretKeyLost", lost(told, secret)),
    }
}

fn lost(told: &Told, secret: &str) -> String {
    let copy = told.progress.rolled_out.as_ref().and_then(|rolled_out| rolled_out.snapshots.get(Concern::Core));
    let help = copy.map_or_else(
        || "restore it from a backup".to_owned(),
        |copy| {
            format!("restore it from a backup, or from SENTRY_SECRET_KEY in Secret {copy}, which the pods still use")
        },
    );
    format!("Secret {secret} is gone; another key would end every session, so none is generated: {help}")
}

/// The conditions of everything that is tried: one per check, of what the spec asks for.
pub fn tried(told: &Told) -> Vec<Verdict> {
    let spec = &told.instance.spec;
    let asked_for = |concern: &Concern| match concern {
        Concern::Files => spec.files.as_ref().is_some_and(|files| files.s3.is_some()),
        Concern::Mail => spec.mail.is_some(),
        Concern::Ldap => spec.ldap.is_some(),
        Concern::Channels => !spec.channels.is_empty(),
        Concern::Core | Concern::Database | Concern::Redis | Concern::Admin => true,
    };
    let has_robot = spec.channels.iter().any(|channel| channel.dingtalk.is_some());
    let checks = concern::TRIED.into_iter().filter(asked_for).flat_map(|concern| {
        let checks = concern::checks(concern).iter();
        checks.map(move |(check, kind)| (concern, *check, *kind))
    });
    checks
        .filter(|(_, check, _)| *check != "dingtalk" || has_robot)
        .map(|(concern, check, kind)| dependency(told, concern, check, kind))
        .collect()
}

fn dependency(told: &Told, concern: Concern, check: &str, kind: &'static str) -> Verdict {
    let candidate = told.valid.candidates.as_ref().ok().and_then(|candidates| candidates.tried.get(&concern));
    let verified = told.progress.verified.get(concern);
    let Some(candidate) = candidate else {
        return Verdict::new(kind, Truth::Unknown, "Pending", "waiting for the secret key");
    };
    let snapshot = match candidate {
        Ok(snapshot) => snapshot,
        Err(Missing { reason, message }) => {
            return Verdict::new(kind, Truth::False, *reason, format!("{message}{}", keeps(verified, None)));
        }
    };
    let keeps = keeps(verified, Some(&snapshot.name));
    let preflight = told.progress.preflight.as_ref();
    let found = preflight.and_then(|preflight| preflight.checks.iter().find(|it| it.name == check));
    match (found, preflight) {
        (Some(Check { status: CheckStatus::Failed, reason, message, .. }), _) => {
            let message = message.as_deref().unwrap_or("it does not work");
            let known = reason.clone().filter(|reason| reasons::is_known(reason));
            Verdict::new(kind, Truth::False, known.unwrap_or_else(failed), format!("{message}{keeps}"))
        }
        (Some(_), _) => Verdict::new(kind, Truth::True, "Connected", "it answers as it should"),
        _ if verified == Some(&snapshot.name) => {
            Verdict::new(kind, Truth::True, "Connected", "it answers as it should")
        }
        (None, Some(preflight)) if preflight.phase == JobPhase::Failed => {
            let message = preflight.message.as_deref().unwrap_or("the preflight did not come to it");
            Verdict::new(kind, Truth::False, failed(), format!("{message}{keeps}"))
        }
        (_, Some(preflight)) => {
            let waiting = preflight.message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            Verdict::new(
                kind,
                Truth::Unknown,
                "Checking",
                format!("Job {} tries it{waiting}{keeps}", preflight.job_name),
            )
        }
        (_, None) => Verdict::new(kind, Truth::Unknown, "Pending", "tried once the Secrets of both servers are there"),
    }
}

/// What the pods have meanwhile, where settings worked before.
fn keeps(verified: Option<&str>, wanted: Option<&str>) -> &'static str {
    if verified.is_some() && verified != wanted { "; the pods keep the settings that worked" } else { "" }
}

fn failed() -> String {
    "PreflightFailed".to_owned()
}

/// `MigrationsApplied`.
pub fn migrations(told: &Told) -> Verdict {
    const KIND: &str = "MigrationsApplied";
    let Some(MigrationStatus { phase, image, job_name, last_error, message, .. }) = &told.progress.migration else {
        return Verdict::new(KIND, Truth::Unknown, "Pending", "waiting for the secret key");
    };
    match phase {
        JobPhase::Succeeded => Verdict::new(KIND, Truth::True, "UpToDate", format!("the schema is what {image} needs")),
        JobPhase::Pending if told.awaits_approval() => {
            let help =
                format!("set spec.migrations.approvedImage to {image} to let it run; what ran before still runs");
            Verdict::new(KIND, Truth::False, "AwaitingApproval", help)
        }
        JobPhase::Pending => {
            let why = message.as_deref().unwrap_or("starts once PostgreSQL and Redis answer");
            Verdict::new(KIND, Truth::False, "Pending", why)
        }
        JobPhase::Running => {
            let waiting = message.as_ref().map_or_else(String::new, |message| format!(": {message}"));
            Verdict::new(KIND, Truth::False, "Running", format!("Job {job_name} migrates to {image}{waiting}"))
        }
        JobPhase::Failed => {
            let error = last_error.as_deref().unwrap_or("no message");
            let help =
                "what ran before still runs: change the image, or, after repairing the cause, give the annotation";
            let message = format!("migrating to {image} failed: {error}; {help} {RETRY_MIGRATION} a new value");
            Verdict::new(KIND, Truth::False, "Failed", message)
        }
    }
}
