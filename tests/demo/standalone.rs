//! The demo in one process: `picket standalone`, an SDK, and a mail server where the machine has what it takes.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use harness::chromium::Browser;
use harness::net::LOOPBACK;
use harness::process::{Program, Supervised};
use harness::programs;
use harness::run::Run;
use harness::smtp::Smtp;
use serde_json::Value;

use crate::Then;
use crate::show::{self, Tracker, Witnesses};

/// The first start may fetch PostgreSQL.
const START: Duration = Duration::from_mins(5);

/// Runs the demo.
pub(crate) fn run(picture: &Path, then: Then) -> Result<()> {
    let picket = programs::platform()?;
    let run = Run::start()?;
    let smtp = available("no mail is shown", Smtp::start(&run, LOOPBACK));
    let browser = available("no picture is taken", Browser::prepare(&run));

    let process = start(&run, &picket, smtp.as_ref())?;
    let tracker = tracker(&process)?;
    show::a_crash(&tracker, &Witnesses { smtp, browser }, picture)?;
    then.happen();
    Ok(())
}

/// What may be missing on a machine one is not root on.
fn available<T>(otherwise: &str, part: Result<T>) -> Option<T> {
    part.inspect_err(|error| eprintln!("{otherwise}: {error:#}")).ok()
}

fn start(run: &Run, picket: &Path, smtp: Option<&Smtp>) -> Result<Supervised> {
    let data = run.folder("standalone")?;
    let port = run.place().free_port(LOOPBACK)?;
    let mut program = Program::new(picket)
        .args(["standalone", "--json", "--listen", &format!("{LOOPBACK}:{port}"), "--data-dir"])
        .arg(&data)
        .folder(&data);
    if let Some(smtp) = smtp {
        program = program
            .env("SENTRY_EMAIL_HOST", smtp.host.to_string())
            .env("SENTRY_EMAIL_PORT", smtp.port.to_string())
            .env("SENTRY_SERVER_EMAIL", "picket@example.com");
    }
    program.start(run)
}

/// What the program says about itself in its one line of JSON, once it is ready.
fn tracker(process: &Supervised) -> Result<Tracker> {
    let told = || fs::read_to_string(process.log()).ok()?.lines().find_map(|line| serde_json::from_str(line).ok());
    process.wait_until(START, || told().is_some_and(|value: Value| value["dsn"].is_string()))?;
    let value: Value = told().context("reading what picket standalone said")?;
    let text = |name: &str| {
        value[name].as_str().map(str::to_owned).with_context(|| format!("picket standalone did not say its {name}"))
    };
    Ok(Tracker {
        issues: format!("/{}/{}/issues/", text("org")?, text("project")?),
        url: text("url")?,
        email: text("email")?,
        password: text("password")?,
        dsn: text("dsn")?,
    })
}
