//! The npm packages a lock file pins, and Node itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{cached, packages};
use crate::process::output;

/// A folder with the `package.json` of this one and its `node_modules`, installed by `npm ci`.
pub fn node_modules(folder: &Path) -> Result<PathBuf> {
    let package = fs::read(folder.join("package.json")).context("reading package.json")?;
    let lock = fs::read(folder.join("package-lock.json")).context("reading package-lock.json")?;
    // Node comes without npm from some, and with it from others, so packages are not what is asked for.
    if ["node", "npm"].iter().any(|program| output(Command::new(program).arg("--version")).is_err()) {
        packages(&["nodejs", "npm"])?;
    }
    let installed = cached("npm", &[&package, &lock], |target| {
        eprintln!("installing npm packages for {}", folder.file_name().unwrap_or_default().display());
        fs::create_dir_all(target)?;
        fs::write(target.join("package.json"), &package)?;
        fs::write(target.join("package-lock.json"), &lock)?;
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(target);
        output(&mut npm)?;
        Ok(())
    })?;
    Ok(installed)
}
