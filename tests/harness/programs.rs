//! The programs under test, built by cargo as users run them, or taken from the folder `PICKET_PROGRAMS`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The target whose binaries need nothing from the machine.
const STATIC: &str = "x86_64-unknown-linux-musl";

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The platform.
    pub picket: PathBuf,
    /// The operator.
    pub picket_operator: PathBuf,
}

/// The static release binaries, as they go into images.
pub fn release() -> Result<Programs> {
    build("release", &["--release", "--target", STATIC])
}

/// The platform for stories on this machine: the one given, or one of the dev profile, which is quicker to build.
pub fn under_test() -> Result<PathBuf> {
    if let Some(folder) = given() {
        return existing(folder.join("picket"));
    }
    eprintln!("building picket");
    cargo(&["-p", "picket-platform"])?;
    existing(target_folder().join("debug/picket"))
}

/// The platform alone, for this machine, in release: all that `--standalone` needs.
pub fn platform() -> Result<PathBuf> {
    if let Some(folder) = given() {
        return existing(folder.join("picket"));
    }
    eprintln!("building picket");
    cargo(&["--release", "-p", "picket-platform"])?;
    existing(target_folder().join("release/picket"))
}

fn build(profile: &str, arguments: &[&str]) -> Result<Programs> {
    let folder = if let Some(folder) = given() {
        folder
    } else {
        crate::tools::packages(&["musl-tools"])?;
        crate::tools::rust_target(STATIC)?;
        eprintln!("building picket and picket-operator");
        cargo(&[arguments, &["-p", "picket-platform", "-p", "picket-operator"]].concat())?;
        target_folder().join(STATIC).join(profile)
    };
    let picket_operator = existing(folder.join("picket-operator"))?;
    Ok(Programs { picket: existing(folder.join("picket"))?, picket_operator })
}

fn given() -> Option<PathBuf> {
    std::env::var_os("PICKET_PROGRAMS").map(PathBuf::from)
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    let folder = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    crate::workspace().join(folder)
}

/// With cargo's own output: a build takes minutes, and its errors are for the person who waits.
fn cargo(arguments: &[&str]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo).arg("build").args(arguments).current_dir(crate::workspace()).status();
    ensure!(status.context("running cargo")?.success(), "cargo build {} did not succeed", arguments.join(" "));
    Ok(())
}

fn existing(path: PathBuf) -> Result<PathBuf> {
    ensure!(path.is_file(), "there is no {}", path.display());
    Ok(path)
}
