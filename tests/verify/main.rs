//! `cargo verify`: everything that must pass, from formatting to the cluster, on a machine with Rust, Go and Debian's
//! package manager. What is missing is installed; what is built once is cached outside the checkout.
//!
//! The steps are a table. Each is a command, run to its end even when an earlier one failed, so that one run tells all. The
//! last line counts the tests. `cargo verify STEP …` runs some of them.

mod checked_sql;
mod readme;
mod steps;

use std::{
    env,
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use steps::STEPS;

/// Runs everything that must pass.
#[derive(Parser)]
#[command(name = "cargo verify")]
struct Options {
    /// Only these steps.
    #[arg(value_parser = steps::names())]
    steps: Vec<String>,
}

/// Tests seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u32,
    failed: u32,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut tally = Tally::default();
    let mut broken = Vec::new();
    for step in
        STEPS.iter().filter(|step| options.steps.is_empty() || options.steps.iter().any(|name| name == step.name))
    {
        println!("\n── {}: {}", step.name, step.claim);
        let started = Instant::now();
        let outcome = (step.run)(&mut tally);
        let seconds = started.elapsed().as_secs();
        match outcome {
            Ok(()) => println!("── {} ok, {seconds} s", step.name),
            Err(error) => {
                println!("── {} FAILED after {seconds} s: {error:#}", step.name);
                broken.push(step.name);
            }
        }
    }
    if !broken.is_empty() {
        println!("\nbroken: {}", broken.join(", "));
    }
    // A step that breaks without a failing test (a lint, a build) counts as one.
    let failed = tally.failed.max(u32::try_from(broken.len()).unwrap_or(u32::MAX));
    println!("\n{} passed, {failed} failed", tally.passed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a command, shows what it prints, and counts the tests it reports.
fn run(command: &mut Command, tally: &mut Tally) -> Result<()> {
    if env::var_os("CI").is_some() {
        // Nothing is built twice there, and what a second build would start from takes gigabytes.
        command.env("CARGO_INCREMENTAL", "0");
    }
    command.current_dir(harness::workspace()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
    let output = child.stdout.take().context("the output is not piped")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("reading the output")?;
        println!("{line}");
        if let Some(counted) = result(&line) {
            tally.passed += counted.passed;
            tally.failed += counted.failed;
        }
    }
    let status = child.wait()?;
    ensure!(status.success(), "{} ended with {status}", command.get_program().display());
    Ok(())
}

/// Reads a test runner's closing line: `test result: ok. 12 passed; 0 failed; …`
fn result(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| counts.split("; ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
    Some(Tally { passed: count("passed")?, failed: count("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runners_closing_line_is_counted() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s";
        assert_eq!(result(line), Some(Tally { passed: 12, failed: 3 }));
        assert_eq!(result("running 12 tests"), None);
    }
}
