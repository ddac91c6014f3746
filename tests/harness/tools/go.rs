//! Go programs built from a module of ours that pins them by `go.mod` and `go.sum`.
//!
//! A newcomer needs Go and nothing else: the sources come as Go modules, and the binaries stay in the cache. Programs
//! that `KUBEBUILDER_ASSETS` already holds are taken from there and not built.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use super::cached;
use crate::process::output;

/// Programs of one Go module.
#[derive(Clone, Copy, Debug)]
pub struct GoModule<'a> {
    /// What the user sees, with the version and how long it takes.
    pub title: &'a str,
    /// The folder with `go.mod` and `go.sum`.
    pub folder: &'a Path,
    /// The programs: the name of the binary and its package.
    pub programs: &'a [(&'a str, &'a str)],
    /// What the linker gets besides `-s -w`.
    pub linker: &'a str,
}

impl GoModule<'_> {
    /// The path of each program by its name, built if it is not in the cache.
    pub fn build(&self) -> Result<BTreeMap<String, PathBuf>> {
        let mut paths: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut wanted = Vec::new();
        for (name, package) in self.programs {
            match asset(name) {
                Some(path) => drop(paths.insert((*name).to_owned(), path)),
                None => wanted.push((*name, *package)),
            }
        }
        if wanted.is_empty() {
            return Ok(paths);
        }
        let binaries = self.build_into_cache(&wanted)?;
        paths.extend(wanted.iter().map(|(name, _)| ((*name).to_owned(), binaries.join(name))));
        Ok(paths)
    }

    fn build_into_cache(&self, programs: &[(&str, &str)]) -> Result<PathBuf> {
        let module = fs::read(self.folder.join("go.mod")).context("reading go.mod")?;
        let sums = fs::read(self.folder.join("go.sum")).context("reading go.sum")?;
        let recipe = format!("{programs:?} {FLAGS:?} {}", self.linker);
        let name = self.folder.file_name().context("a module without a folder name")?.to_string_lossy();
        let folder = cached(&name, &[&module, &sums, recipe.as_bytes()], |folder| {
            eprintln!("building {}", self.title);
            self.compile(programs, &folder.join("bin"))
        })?;
        Ok(folder.join("bin"))
    }

    /// In one go, so that what the programs share is compiled once and their links run side by side. What is compiled on the
    /// way takes gigabytes, and nobody needs it again.
    fn compile(&self, programs: &[(&str, &str)], folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let compiled = tempfile::tempdir_in(folder).context("making a folder for what is compiled")?;
        let mut go = Command::new("go");
        go.arg("build").args(FLAGS).arg(format!("-ldflags=-s -w {}", self.linker)).arg("-o").arg(folder);
        go.args(programs.iter().map(|(_, package)| package)).current_dir(self.folder).env("GOCACHE", compiled.path());
        output(&mut go).context("building with Go (1.26 or newer, from https://go.dev/dl, must be on PATH)")?;
        for (name, package) in programs {
            let built = folder.join(binary_of(package));
            fs::rename(&built, folder.join(name)).with_context(|| format!("Go did not make {}", built.display()))?;
        }
        Ok(())
    }
}

const FLAGS: [&str; 2] = ["-trimpath", "-buildvcs=false"];

/// What Go calls the binary of a package: the last part of its path that is not a major version.
fn binary_of(package: &str) -> &str {
    let is_version = |part: &str| part.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
    package.rsplit('/').find(|part| !is_version(part)).unwrap_or(package)
}

fn asset(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os("KUBEBUILDER_ASSETS")?).join(name);
    path.is_file().then_some(path)
}
