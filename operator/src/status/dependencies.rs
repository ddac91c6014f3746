//! The conditions of what an instance depends on: its key, its servers, its schema.
//!
//! Reasons: `Available` `SecretNotFound` `SecretKeyMissing` `SecretKeyLost` `Paused`; `Connected` `Checking` `PreflightFailed`
//! and those that `picket config check` names (`AuthenticationFailed`, `DnsLookupFailed`, …); `UpToDate` `Pending` `Running`
//! `Failed`.

use super::{Told, Truth, Verdict};
use crate::advance::check;
use crate::instance::{Check, CheckStatus, JobPhase, MigrationStatus};
use crate::resources::labels::RETRY_MIGRATION;
use crate::validate::{Candidate, KeyProblem, Missing};

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
    let copy = told.progress.rolled_out.as_ref().and_then(|rolled_out| rolled_out.snapshots.core.as_deref());
    let help = copy.map_or_else(
        || "restore it from a backup".to_owned(),
        |copy| {
            format!("restore it from a backup, or from SENTRY_SECRET_KEY in Secret {copy}, which the pods still use")
        },
    );
    format!("Secret {secret} is gone; another key would end every session, so none is generated: {help}")
}

/// `DatabaseReady`.
pub fn database(told: &Told) -> Verdict {
    let candidate = told.valid.candidates.as_ref().ok().map(|candidates| &candidates.database);
    dependency(told, "DatabaseReady", check::DATABASE, candidate, told.progress.verified.database.as_deref())
}

/// `RedisReady`.
pub fn redis(told: &Told) -> Verdict {
    let candidate = told.valid.candidates.as_ref().ok().map(|candidates| &candidates.redis);
    dependency(told, "RedisReady", check::REDIS, candidate, told.progress.verified.redis.as_deref())
}

/// `MailReady`, if mail is asked for.
pub fn mail(told: &Told) -> Option<Verdict> {
    told.instance.spec.mail.as_ref()?;
    let candidate = told.valid.candidates.as_ref().ok().and_then(|candidates| candidates.mail.as_ref());
    Some(dependency(told, "MailReady", check::MAIL, candidate, told.progress.verified.mail.as_deref()))
}

fn dependency(
    told: &Told,
    kind: &'static str,
    check: &str,
    candidate: Option<&Candidate>,
    verified: Option<&str>,
) -> Verdict {
    let Some(candidate) = candidate else {
        return Verdict::new(kind, Truth::Unknown, "Pending", "waiting for the secret key");
    };
    let snapshot = match candidate {
        Ok(snapshot) => snapshot,
        Err(Missing { reason, message }) => return Verdict::new(kind, Truth::False, *reason, message),
    };
    let keeps = match verified {
        Some(name) if name != snapshot.name => "; the pods keep the settings that worked",
        _ => "",
    };
    let preflight = told.progress.preflight.as_ref();
    let found = preflight.and_then(|preflight| preflight.checks.iter().find(|it| it.name == check));
    match (found, preflight) {
        (Some(Check { status: CheckStatus::Failed, reason, message, .. }), _) => {
            let reason = reason.clone().filter(|reason| is_a_reason(reason));
            let message = message.as_deref().unwrap_or("it does not work");
            Verdict::new(kind, Truth::False, reason.unwrap_or_else(failed), format!("{message}{keeps}"))
        }
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
        (_, None) => Verdict::new(kind, Truth::Unknown, "Pending", "tried once the other server's Secret is there"),
    }
}

fn failed() -> String {
    "PreflightFailed".to_owned()
}

/// What the API server accepts as a condition's reason.
fn is_a_reason(word: &str) -> bool {
    let starts_well = word.chars().next().is_some_and(|first| first.is_ascii_alphabetic());
    starts_well && word.len() <= 128 && word.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `MigrationsApplied`.
pub fn migrations(told: &Told) -> Verdict {
    const KIND: &str = "MigrationsApplied";
    let Some(MigrationStatus { phase, image, job_name, last_error, message, .. }) = &told.progress.migration else {
        return Verdict::new(KIND, Truth::Unknown, "Pending", "waiting for the secret key");
    };
    match phase {
        JobPhase::Succeeded => Verdict::new(KIND, Truth::True, "UpToDate", format!("the schema is what {image} needs")),
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
