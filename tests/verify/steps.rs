//! The table of steps.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::Result;
use clap::builder::PossibleValuesParser;
use harness::{chromium, programs, tools};

use crate::{Tally, checked_sql, readme, run};

/// One thing that must be true.
pub struct Step {
    pub name: &'static str,
    pub claim: &'static str,
    pub run: fn(&mut Tally) -> Result<()>,
}

pub const STEPS: &[Step] = &[
    Step { name: "packages", claim: "Debian's packages are here", run: packages },
    Step { name: "format", claim: "the code is formatted", run: format },
    Step { name: "lint", claim: "clippy has nothing to say", run: lint },
    Step {
        name: "sql",
        claim: "checked SQL fits the schema, and platform/.sqlx is what it says",
        run: checked_sql::verify,
    },
    Step { name: "unit", claim: "pure decisions, layout, drift, contract and chart", run: unit },
    Step { name: "programs", claim: "both programs build into static binaries", run: build_programs },
    Step { name: "stories", claim: "the platform on real servers", run: stories },
    Step { name: "operator", claim: "the operator against a real API server, call by call", run: operator },
    Step { name: "cluster", claim: "the operator on a real Kubernetes", run: cluster },
    Step { name: "readme", claim: "the README's commands do what it says", run: readme::verify },
    Step { name: "bench", claim: "the benchmarks run", run: bench },
    Step { name: "deny", claim: "licences, duplicates and sources of dependencies", run: deny },
];

/// What `cargo verify STEP` takes.
pub fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(STEPS.iter().map(|step| step.name))
}

fn packages(_: &mut Tally) -> Result<()> {
    tools::packages(&[
        "musl-tools",
        "postgresql",
        "redis-server",
        "slapd",
        "ldap-utils",
        "python3-venv",
        "python3-aiosmtpd",
    ])?;
    tools::packages(&chromium::PACKAGES)?;
    tools::jdk()
}

fn format(tally: &mut Tally) -> Result<()> {
    run(cargo().args(["fmt", "--all", "--check"]), tally)
}

fn lint(tally: &mut Tally) -> Result<()> {
    run(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"]), tally)?;
    // A workspace of its own, which has to follow what the protocol needs.
    let fuzz = ["check", "--quiet", "--manifest-path", "platform/fuzz/Cargo.toml", "--lib"];
    run(cargo().args(fuzz).env("RUSTFLAGS", "--cfg fuzzing"), tally)
}

fn unit(tally: &mut Tally) -> Result<()> {
    run(cargo().args(["test", "--quiet", "--workspace", "--lib", "--bins"]), tally)?;
    run(cargo().args(["test", "--quiet", "--package", "picket-tests", "--test", "workspace"]), tally)
}

fn build_programs(_: &mut Tally) -> Result<()> {
    programs::release().map(|_| ())
}

fn stories(tally: &mut Tally) -> Result<()> {
    run(on_release(&mut cargo())?.args(["test", "--quiet", "--package", "picket-tests", "--test", "stories"]), tally)
}

fn operator(tally: &mut Tally) -> Result<()> {
    run(cargo().args(["test", "--quiet", "--package", "picket-tests", "--test", "operator"]), tally)
}

fn cluster(tally: &mut Tally) -> Result<()> {
    run(on_release(&mut cargo())?.args(["test", "--quiet", "--package", "picket-tests", "--test", "cluster"]), tally)
}

/// With the load of an unoptimised program, which is built already; what it measures are the release binaries.
fn bench(tally: &mut Tally) -> Result<()> {
    run(
        on_release(&mut cargo())?.args([
            "bench",
            "--quiet",
            "--profile",
            "dev",
            "--package",
            "picket-tests",
            "--",
            "--quick",
        ]),
        tally,
    )
}

fn deny(tally: &mut Tally) -> Result<()> {
    let deny = tools::cargo_tool("cargo-deny", "0.20.2")?;
    run(Command::new(deny).args(["--workspace", "check", "bans", "licenses", "sources"]), tally)
}

/// Cargo, as it runs this program.
pub fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Has a command use the static release binaries, so that nothing builds them another way.
pub fn on_release(command: &mut Command) -> Result<&mut Command> {
    let picket = programs::release()?.picket;
    let folder: PathBuf = picket.parent().map(Path::to_path_buf).unwrap_or_default();
    Ok(command.env("PICKET_PROGRAMS", folder))
}
