//! `picket events try`: what a worker would make of an event, and what each step of it costs.

use std::{fs, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::TimeDelta;
use clap::Args;
use nix::time::ClockId;
use serde_json::{Map, Value, json};

use super::{
    Outcome, Received, SentAs,
    prepare::{Prepared, Refused, Step, prepare_watched},
};
use crate::{
    app::now,
    projects::{
        ProjectId,
        settings::{Demands, Policy, Settings},
    },
    protocol::EventId,
};

/// What an installation keeps that says nothing else.
const RETENTION: TimeDelta = TimeDelta::days(90);

/// `picket events try`
#[derive(Args)]
pub struct Try {
    /// A file with the JSON of one event, as an SDK sends it.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Does it so many times, for what a step costs is told by its median.
    #[arg(long, value_name = "N", default_value_t = 100)]
    rounds: usize,
}

/// Prints as JSON what the event is called, its group, its size, and the CPU time of each step. Nothing is stored, and the
/// settings are those of a new project.
pub fn try_event(options: &Try) -> Result<()> {
    let sent = fs::read(&options.file).with_context(|| format!("reading {}", options.file.display()))?;
    let sent = Bytes::from(sent);
    let policy = Settings::of_new_project().policy(&Demands::default());
    let mut watch = Watch::default();
    let mut outcome = watch.prepare(&policy, &sent)?;
    for _ in 1..options.rounds {
        outcome = watch.prepare(&policy, &sent)?;
    }
    let mut found = match outcome {
        Ok(event) => shown(&event),
        Err(Refused::Invalid(rejected)) => json!({"refused": rejected.reason}),
        Err(Refused::Dropped(judged)) => match judged.outcome {
            Outcome::Filtered(reason) => json!({"refused": reason.name()}),
            other => json!({"refused": other.name()}),
        },
    };
    found["bytes_sent"] = sent.len().into();
    found["microseconds"] = watch.medians().into();
    println!("{found}");
    Ok(())
}

fn shown(event: &Prepared) -> Value {
    let group = format!("{:032x}", u128::from_be_bytes(event.fingerprint.0));
    json!({
        "title": event.title, "culprit": event.culprit, "type": event.kind, "level": event.level.name(),
        "platform": event.platform, "group": group, "bytes_stored": event.body.len(),
    })
}

/// Nanoseconds that each step took, one list a step and one for the whole.
#[derive(Default)]
struct Watch {
    steps: [Vec<i64>; Step::ALL.len()],
    whole: Vec<i64>,
}

impl Watch {
    fn prepare(&mut self, policy: &Policy, sent: &Bytes) -> Result<Result<Prepared, Refused>> {
        let received = Received {
            project: ProjectId(0),
            id: EventId::random(),
            received_at: now(),
            sent: Box::default(),
            sent_as: SentAs::Event,
            body: sent.clone(),
        };
        let start = cpu_time()?;
        let mut last = start;
        let outcome = prepare_watched((policy, &Arc::default()), RETENTION, received, |step| {
            let at = cpu_time().unwrap_or(last);
            self.steps[step as usize].push(at - last);
            last = at;
        });
        self.whole.push(cpu_time()? - start);
        Ok(outcome)
    }

    /// In microseconds, to a tenth.
    fn medians(self) -> Map<String, Value> {
        let steps = Step::ALL.iter().map(|step| step.name()).zip(self.steps);
        steps.chain([("all", self.whole)]).filter_map(|(name, took)| Some((name.to_owned(), median(took)?))).collect()
    }
}

fn median(mut nanoseconds: Vec<i64>) -> Option<Value> {
    nanoseconds.sort_unstable();
    let tenths = nanoseconds.get(nanoseconds.len() / 2)? / 100;
    Some((f64::from(i32::try_from(tenths).unwrap_or(i32::MAX)) / 10.0).into())
}

/// What this thread has worked, in nanoseconds: other processes do not count.
fn cpu_time() -> Result<i64> {
    let time = ClockId::CLOCK_THREAD_CPUTIME_ID.now().context("asking for the CPU time")?;
    Ok(time.tv_sec() * 1_000_000_000 + time.tv_nsec())
}
