//! `picket`: web, worker and cron of the platform, and the commands to run it.

use std::process::ExitCode;

use clap::Parser;
use picket_platform::cli::Cli;

/// musl's allocator is slow, and one lock for all threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Cli::parse().run()
}
