//! Standard libraries of targets this toolchain can build for: rustup adds what `rust-toolchain.toml` names by itself, unless the
//! machine told it not to.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Makes sure the toolchain of this checkout can build for `target`.
pub fn rust_target(target: &str) -> Result<()> {
    if has(target)? {
        return Ok(());
    }
    eprintln!("adding the Rust target {target}");
    let added = here("rustup").args(["target", "add", target]).status();
    let hint = format!("the Rust target {target} is missing; please run: rustup target add {target}");
    ensure!(added.is_ok_and(|status| status.success()) && has(target)?, hint);
    Ok(())
}

/// Whether the target's standard library is there: the compiler names its folder either way.
fn has(target: &str) -> Result<bool> {
    let output = here("rustc").args(["--print", "target-libdir", "--target", target]).output();
    let output = output.context("running rustc")?;
    Ok(output.status.success() && PathBuf::from(String::from_utf8(output.stdout)?.trim()).is_dir())
}

/// In the checkout, whose `rust-toolchain.toml` names the toolchain.
fn here(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::workspace());
    command
}
