//! A small disk in memory, to be filled. Mounting needs root; a run that was killed is unmounted by the next one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::run::Run;

/// A mounted disk, unmounted when this is dropped.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    /// Mounts one of so many bytes.
    pub fn mount(run: &Run, bytes: u64) -> Result<Self> {
        let folder = run.folder("disk")?;
        let options = format!("size={bytes}");
        mount(Some("picket"), &folder, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .with_context(|| format!("mounting a small disk at {} (this needs root)", folder.display()))?;
        Ok(Self { folder })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Processes that still have files open on it keep it until they end.
        let _ = umount2(&self.folder, MntFlags::MNT_DETACH);
    }
}
