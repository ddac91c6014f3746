//! The file of a spool, on a disk that may be full or fail.

use std::{
    path::{Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use anyhow::{Context, Result};
use redb::Database;

/// Memory the store may keep of its file.
const CACHE_BYTES: usize = 8 << 20;
/// Room on the disk that no push takes: forgetting a message writes before it frees.
const RESERVE: u64 = 4 << 20;
/// What a push writes, pages and their copies included, for each byte.
const OVERHEAD: u64 = 2;

/// An open file.
pub struct File {
    path: PathBuf,
    /// None where it could not be opened again.
    db: RwLock<Option<Database>>,
}

impl File {
    /// Opens or creates it, and repairs it if the last process was killed.
    pub fn open(path: PathBuf) -> Result<File> {
        let db = RwLock::new(Some(open(&path)?));
        Ok(File { path, db })
    }

    /// Does something with the store in it.
    pub fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        run(db.as_ref().context("the spool's file is not open")?)
    }

    /// Closes it and opens it once more.
    pub fn open_again(&self) -> Result<()> {
        let mut db = self.db.write().unwrap_or_else(PoisonError::into_inner);
        // It is locked until it is closed.
        *db = None;
        *db = Some(open(&self.path)?);
        Ok(())
    }

    /// Whether the disk has room for so many bytes of messages. Where nobody can say, it has.
    pub fn has_room_for(&self, bytes: u64) -> bool {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let Ok(disk) = nix::sys::statvfs::statvfs(folder) else { return true };
        disk.blocks_available().saturating_mul(disk.fragment_size()) >= RESERVE + OVERHEAD * bytes
    }
}

fn open(path: &Path) -> Result<Database> {
    let database = Database::builder().set_cache_size(CACHE_BYTES).create(path);
    database.with_context(|| format!("opening the spool {}", path.display()))
}
