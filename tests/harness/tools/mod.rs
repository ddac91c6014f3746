//! What the workshop needs on the machine: Debian's packages, Rust targets, Go programs, Python and npm folders.
//!
//! Each is checked first, so that a prepared machine pays nothing; what is built or fetched lands in a cache outside
//! the checkout, keyed by the hash of what describes it, made under a temporary name and renamed when complete.

mod cargo;
mod debian;
mod go;
mod java;
mod npm;
mod python;
mod rust;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use sha2::{Digest as _, Sha256};

pub use cargo::{cargo_program, cargo_tool};
pub use debian::packages;
pub use go::GoModule;
pub use java::{java, jdk};
pub use npm::node_modules;
pub use python::python_env;
pub use rust::rust_target;

/// The folder of `name` in the cache for these inputs; `make` fills it (given a temporary path) when it is not there.
pub(crate) fn cached(name: &str, inputs: &[&[u8]], make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
    let cache = cache_folder()?;
    let folder = cache.join(format!("{name}-{}", hash(inputs)));
    if folder.exists() {
        return Ok(folder);
    }
    let lock = File::create(folder.with_added_extension("lock"))?;
    lock.lock().with_context(|| format!("waiting for another run that makes {name}"))?;
    if !folder.exists() {
        let unfinished = folder.with_added_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        make(&unfinished)?;
        fs::rename(&unfinished, &folder).with_context(|| format!("moving {name} into the cache"))?;
    }
    Ok(folder)
}

/// A short name for inputs: equal inputs, equal name.
pub(crate) fn hash(inputs: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for input in inputs {
        hasher.update(input.len().to_le_bytes());
        hasher.update(input);
    }
    let start = hasher.finalize().iter().take(8).fold(0_u64, |start, byte| (start << 8) | u64::from(*byte));
    format!("{start:016x}")
}

fn cache_folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let folder = base.or_else(home).context("neither XDG_CACHE_HOME nor HOME is set")?.join("picket/tools");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}
