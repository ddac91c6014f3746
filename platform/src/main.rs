//! `picket`: web, worker and cron of the platform, and the commands to run it.

use std::process::ExitCode;

use clap::Parser;
use picket_platform::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().run()
}
