//! Debian's packages: installed when missing and when this program may, else an error with the line to run.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

/// Makes sure these packages are installed.
pub fn packages(names: &[&str]) -> Result<()> {
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !nix::unistd::geteuid().is_root() {
        bail!("some Debian packages are missing; please run: sudo apt-get install -y {list}");
    }
    eprintln!("installing {list}");
    // The package lists of a fresh machine are empty or too old to name files that still exist.
    if apt(&["install", "--no-install-recommends"], &missing).is_err() {
        apt(&["update"], &[])?;
        apt(&["install", "--no-install-recommends"], &missing)?;
    }
    let still: Vec<&str> = missing.into_iter().filter(|name| !is_installed(name)).collect();
    ensure!(still.is_empty(), "apt-get did not install {}", still.join(" "));
    Ok(())
}

fn is_installed(name: &str) -> bool {
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", name]).output();
    query.is_ok_and(|output| output.stdout == b"installed")
}

fn apt(action: &[&str], packages: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        // Stories run side by side and may want packages at the same time.
        .args(["--yes", "--quiet", "--option", "DPkg::Lock::Timeout=600"])
        .args(action)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .context("running apt-get (only Debian and its children are supported)")?;
    if !output.status.success() {
        bail!("apt-get {}: {}", action.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}
