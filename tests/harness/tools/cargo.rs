//! Programs from crates.io, pinned by version, in the cache.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

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
