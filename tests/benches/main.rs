//! `cargo bench`: how fast, as ratios against a ceiling measured in the same run on the same machine.
//!
//! - **accept**: envelopes a second that web answers, against a bare handler that reads the body and does one `XADD`.
//! - **prepare**: what a worker's making sense of an event costs, step by step, in CPU time: what else runs does not count.
//! - **process**: events a second that one worker stores, against `COPY` of the very same rows into the same tables.
//! - **end to end**: events a second from a client's request to the database, with everything on this machine, and what an event
//!   costs each process.
//! - **storm**: what it costs to tell of a hundred thousand events of one bug, against telling of none.
//! - **operator**: a hundred instances on a real API server without nodes: reconciles without change, restart, memory.
//! - **pages**: how long lists, issues and searches take with ten million events, against a hundred thousand.
//!
//! Rounds of the two take turns, and the median of their ratios is what to quote: these machines are shared and noisy.
//! `cargo bench -- --quick` does little of each, to show that it runs; `cargo bench -- accept process` measures just those. Nothing
//! here fails for being slow.

mod accept;
mod cost;
mod end_to_end;
mod events;
mod load;
#[path = "../operator/nodes.rs"]
mod nodes;
mod operator;
mod pages;
mod process;
mod steps;
mod storm;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use anyhow::{Context, Result};
use harness::{
    postgres::{Durability, Postgres},
    process::{Program, Supervised, output},
    programs,
    redis::{self, Redis},
    run::Run,
};

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// How much to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Quick,
    Full,
}

/// The servers, with durability as in production.
struct Bench {
    run: Run,
    postgres: Postgres,
    redis: Redis,
    picket: PathBuf,
    picket_operator: PathBuf,
    effort: Effort,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, address, redis] = arguments.as_slice()
        && flag == accept::BARE
    {
        return accept::serve_bare(address, redis);
    }
    let effort = if arguments.iter().any(|argument| argument == "--quick") { Effort::Quick } else { Effort::Full };
    let programs::Programs { picket, picket_operator } = programs::release()?;
    let run = Run::start()?;
    let postgres = Postgres::start_with(&run, LOOPBACK, Durability::Real)?;
    let redis = Redis::start_with(&run, LOOPBACK, redis::Durability::EverySecond, None)?;
    let bench = Bench { run, postgres, redis, picket, picket_operator, effort };
    let named: Vec<&String> = arguments.iter().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    MEASURES
        .iter()
        .filter(|(name, _)| named.is_empty() || named.iter().any(|named| named == name))
        .try_for_each(|(_, measure)| measure(&bench))
}

type Measure = fn(&Bench) -> Result<()>;

/// What is measured, by name.
const MEASURES: &[(&str, Measure)] = &[
    ("prepare", steps::measure),
    ("accept", accept::measure),
    ("end-to-end", end_to_end::measure),
    ("process", process::measure),
    ("pages", pages::measure),
    ("storm", storm::measure),
    ("operator", operator::measure),
];

impl Bench {
    /// A migrated database with one project, whose key is returned.
    fn database(&self, name: &str) -> Result<String> {
        self.postgres.create_database(name)?;
        self.picket(name, &["upgrade", "--noinput"])?;
        let dsn = self.picket(name, &["projects", "create", "--organization", "acme", "--name", "shop"])?;
        let key = dsn.split("://").nth(1).and_then(|rest| rest.split('@').next()).context("no DSN was printed")?;
        Ok(key.to_owned())
    }

    fn picket(&self, database: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.run.place().command(&self.picket);
        output(command.args(arguments).envs(self.environment(database)))
    }

    fn start(&self, role: &str, database: &str, more: &[(&str, String)]) -> Result<Supervised> {
        let program = Program::new(&self.picket).name(format!("bench-{role}")).args(["run", role]);
        let environment = self.environment(database).into_iter().chain(more.iter().cloned());
        environment.fold(program, |program, (name, value)| program.env(name, value)).start(&self.run)
    }

    fn environment(&self, database: &str) -> Vec<(&'static str, String)> {
        vec![
            ("SENTRY_SECRET_KEY", "a secret key of the benchmarks, long enough".to_owned()),
            ("SENTRY_LOG_LEVEL", "warn".to_owned()),
            ("SENTRY_METRICS_LISTEN", "127.0.0.1:0".to_owned()),
            ("SENTRY_POSTGRES_HOST", self.postgres.host.to_string()),
            ("SENTRY_POSTGRES_PORT", self.postgres.port.to_string()),
            ("SENTRY_DB_NAME", database.to_owned()),
            ("SENTRY_DB_USER", self.postgres.user.clone()),
            ("SENTRY_DB_PASSWORD", self.postgres.password.clone()),
            ("SENTRY_REDIS_HOST", self.redis.host.to_string()),
            ("SENTRY_REDIS_PORT", self.redis.port.to_string()),
        ]
    }
}

/// The median of what is not empty.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn smallest_and_largest(values: &[f64]) -> (f64, f64) {
    values.iter().fold((f64::INFINITY, 0.0), |(least, most), value| (least.min(*value), f64::max(most, *value)))
}
