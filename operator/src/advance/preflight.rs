//! Trying new settings: one Job per attempt, again after 10 s, 20 s … 5 min while something does not work.
//!
//! What is tried is a revision: the candidates' names and the image. While a later attempt of the same revision runs, the
//! verdicts of the one before stand, so that conditions do not flap.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::Known;
use crate::instance::{Check, Concern, JobPhase, PreflightStatus};
use crate::observe::{self, JobOutcome};
use crate::resources::labels::{Role, short_hash};
use crate::resources::preflight::job_name;
use crate::resources::{concern, env};
use crate::validate::Candidates;

const FIRST_RETRY: Duration = Duration::from_secs(10);
const LAST_RETRY: Duration = Duration::from_mins(5);

/// The preflight to remember, and when to look again. Without settings for both servers there is nothing to try.
pub fn advance(known: &Known, candidates: &Candidates) -> (Option<PreflightStatus>, Option<Duration>) {
    let Some(revision) = revision(known, candidates) else { return (None, None) };
    let current = known.before.preflight.clone().filter(|preflight| preflight.revision == revision);
    let current = current.unwrap_or_else(|| attempt(known, revision, 1, Vec::new()));
    let judged = match current.phase {
        JobPhase::Pending | JobPhase::Running => judge(known, candidates, current),
        JobPhase::Succeeded | JobPhase::Failed => current,
    };
    if judged.phase != JobPhase::Failed {
        return (Some(judged), None);
    }
    let wait = time_to_retry(known, &judged);
    if wait.is_zero() {
        return (Some(attempt(known, judged.revision, judged.attempt.saturating_add(1), judged.checks)), None);
    }
    (Some(judged), Some(wait))
}

fn revision(known: &Known, candidates: &Candidates) -> Option<String> {
    candidates.whole(Concern::Database)?;
    candidates.whole(Concern::Redis)?;
    // Where messages may be sent decides whether a channel can be used.
    let plain = env::plain(&known.instance.spec, Role::Preflight);
    let names = candidates.snapshots().map(|snapshot| snapshot.name.as_str());
    let names = names.chain(plain.values().map(String::as_str));
    Some(short_hash(names.chain([known.valid.image.reference.as_str()])))
}

fn attempt(known: &Known, revision: String, attempt: i32, checks: Vec<Check>) -> PreflightStatus {
    let job_name = job_name(known.instance, &revision, attempt);
    PreflightStatus { revision, attempt, phase: JobPhase::Running, job_name, finished_at: None, checks, message: None }
}

fn judge(known: &Known, candidates: &Candidates, current: PreflightStatus) -> PreflightStatus {
    let seen = known.jobs.iter().find(|job| job.name == current.job_name).map(|job| &job.outcome);
    match seen {
        None => current,
        Some(JobOutcome::Running { waiting }) => PreflightStatus { message: waiting.clone(), ..current },
        Some(JobOutcome::Succeeded { at }) => PreflightStatus {
            phase: JobPhase::Succeeded,
            finished_at: at.clone(),
            checks: observe::all_ok(asked(candidates)),
            message: None,
            ..current
        },
        Some(JobOutcome::Failed { at, output }) => {
            let checks = observe::report(output);
            let waited = current.message.as_ref().map_or_else(String::new, |waited| format!(" (it waited: {waited})"));
            let message = checks.is_none().then(|| shorten(output) + &waited);
            PreflightStatus {
                phase: JobPhase::Failed,
                finished_at: at.clone().or(Some(Time(known.now))),
                checks: checks.unwrap_or_default(),
                message,
                ..current
            }
        }
    }
}

fn asked(candidates: &Candidates) -> impl Iterator<Item = &'static str> {
    let whole = candidates.tried.iter().filter(|(_, candidate)| candidate.is_ok());
    whole.flat_map(|(concern, _)| concern::checks(*concern)).map(|(check, _)| *check)
}

/// How long until the next attempt: zero when it is due.
fn time_to_retry(known: &Known, failed: &PreflightStatus) -> Duration {
    let doublings = u32::try_from(failed.attempt - 1).unwrap_or(0).min(10);
    let pause = LAST_RETRY.min(FIRST_RETRY * 2_u32.pow(doublings));
    let finished = failed.finished_at.as_ref().map_or(known.now, |at| at.0);
    let passed = Duration::try_from(known.now.duration_since(finished)).unwrap_or(Duration::ZERO);
    pause.saturating_sub(passed)
}

/// The end of an output that is no report, short enough for a condition.
pub fn shorten(output: &str) -> String {
    const ENOUGH: usize = 600;
    let output = output.trim();
    let skip = output.chars().count().saturating_sub(ENOUGH);
    output.chars().skip(skip).collect()
}
