//! Programs from crates.io, pinned by version, in the cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::cached;
use crate::process::output;

/// The path of a crate's program of that name, installed if it is not in the cache.
pub fn cargo_tool(name: &str, version: &str) -> Result<PathBuf> {
    let folder = cached(name, &[version.as_bytes()], |folder| {
        eprintln!("building {name} {version} (a few minutes, once)");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut install = Command::new(cargo);
        install.args(["install", "--quiet", "--locked", "--version", version, "--root"]).arg(folder).arg(name);
        // Its build must not share our settings: checked SQL, a target, a wrapper.
        install.current_dir(std::env::temp_dir()).env_remove("CARGO_TARGET_DIR");
        output(&mut install).map(|_| ())
    })?;
    Ok(folder.join("bin").join(name))
}

/// The program of a package of ours that is no part of the workspace; what is built stays in the cache.
pub fn cargo_program(folder: &Path) -> Result<PathBuf> {
    let lock = fs::read(folder.join("Cargo.lock")).context("reading Cargo.lock")?;
    let name = folder.file_name().context("a package without a folder name")?.to_string_lossy();
    let target = cached(&format!("cargo-{name}"), &[&lock], |target| {
        eprintln!("building the crates of {name} (a minute, once)");
        build(folder, target)
    })?;
    // Cargo knows best whether the sources have changed since.
    build(folder, &target)?;
    Ok(target.join("debug").join(format!("picket-sdk-{name}")))
}

fn build(folder: &Path, target: &Path) -> Result<()> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--locked", "--target-dir"]).arg(target).current_dir(folder);
    output(&mut cargo).map(|_| ())
}
