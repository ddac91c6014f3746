//! A Python virtualenv with the packages of a requirements file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::{cached, packages};
use crate::process::output;

/// The Python of a virtualenv that holds what the requirements file pins.
pub fn python_env(requirements: &Path) -> Result<PathBuf> {
    let text = fs::read(requirements).with_context(|| format!("reading {}", requirements.display()))?;
    let system = system_python()?;
    let version = output(Command::new(&system).arg("--version"))?;
    let folder = cached("python", &[&text, version.as_bytes()], |folder| {
        eprintln!("installing the Python packages of {}", short(requirements));
        output(Command::new(&system).args(["-m", "venv"]).arg(folder))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        output(pip.arg(requirements))?;
        Ok(())
    })?;
    Ok(folder.join("bin/python"))
}

/// A Python that can make virtualenvs; Debian ships that part in a package of its own.
fn system_python() -> Result<PathBuf> {
    let complete = |python: &&str| output(Command::new(python).args(["-c", "import venv, ensurepip"])).is_ok();
    if let Some(python) = ["/usr/bin/python3", "python3"].into_iter().find(complete) {
        return Ok(PathBuf::from(python));
    }
    packages(&["python3", "python3-venv"])?;
    Ok(PathBuf::from("/usr/bin/python3"))
}

fn short(path: &Path) -> String {
    path.strip_prefix(crate::workspace()).unwrap_or(path).display().to_string()
}
