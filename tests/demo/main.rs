//! `cargo demo`: from nothing to an error tracker with an issue in it, on this machine.
//!
//! Three ways: a local Kubernetes with everything in it (as root), a cluster of the user's kubeconfig (`--context`), or
//! one process without any server to install (`--standalone`). Each sends an event with the `sentry-sdk` of `PyPI`, waits for
//! its mail, opens the issue in Chromium, prints how to sign in and stays until Ctrl-C. A step that needs something of
//! the machine that may not be installed says the one line to run.

mod kubernetes;
mod show;
mod standalone;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use harness::net::require_root;

/// Shows Picket at work on this machine.
#[derive(Debug, Parser)]
struct Demo {
    /// One process and no cluster: needs neither root nor Go.
    #[arg(long, conflicts_with = "context")]
    standalone: bool,
    /// The cluster of this context of your kubeconfig; it must be able to reach this machine and to pull the images
    /// picket:dev and picket-operator:dev, or have them loaded.
    #[arg(long)]
    context: Option<String>,
    /// Ends after printing, instead of staying until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Where the picture of the page goes.
    #[arg(long, default_value = "target/demo/issue.png")]
    picture: PathBuf,
}

fn main() -> ExitCode {
    match run(&Demo::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(demo: &Demo) -> Result<()> {
    let picture = harness::workspace().join(&demo.picture);
    if let Some(context) = &demo.context {
        return kubernetes::on_context(context, &picture, demo.then());
    }
    if demo.standalone {
        return standalone::run(&picture, demo.then());
    }
    match require_root("the local cluster") {
        Ok(()) => kubernetes::on_local_cluster(&picture, demo.then()),
        Err(reason) => {
            eprintln!("{reason:#}\nShowing one process instead, as `cargo demo -- --standalone` does.");
            standalone::run(&picture, demo.then())
        }
    }
}

impl Demo {
    fn then(&self) -> Then {
        if self.once { Then::End } else { Then::Stay }
    }
}

/// What happens after everything is printed.
#[derive(Clone, Copy, Debug)]
enum Then {
    /// Everything is torn down.
    End,
    /// Everything stays until Ctrl-C, which tears it down.
    Stay,
}

impl Then {
    fn happen(self) {
        if matches!(self, Self::Stay) {
            println!("Ctrl-C ends it and removes everything.");
            loop {
                std::thread::park();
            }
        }
    }
}
