//! `picket`: web, worker and cron of the platform, and the commands to run it.

use std::process::ExitCode;

use clap::Parser;
use picket_platform::cli::Cli;

/// musl's own allocator is slow, and slower with every thread.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
