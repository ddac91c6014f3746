//! The folder of a standalone installation: what lies where, and that only one process uses it.
//!
//! `secrets.json` (ours alone), `spool/` (the queue), `postgres/` (owned by the user that PostgreSQL runs as) and `lock`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Others may pass through the folder, to `postgres/`, and read nothing in it.
const PASS_THROUGH: u32 = 0o711;
const OURS_ALONE: u32 = 0o600;

/// The open folder; it is ours until this is dropped.
pub struct Home {
    root: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens or creates the folder and takes its lock.
    pub fn open(root: &Path) -> Result<Home> {
        let context = || format!("creating {}", root.display());
        DirBuilder::new().recursive(true).mode(0o755).create(root).with_context(context)?;
        let root = root.canonicalize().with_context(context)?;
        fs::set_permissions(&root, Permissions::from_mode(PASS_THROUGH))
            .with_context(|| format!("opening {}", root.display()))?;
        let lock = lock(&root)?;
        let home = Home { root, _lock: lock };
        let spool = home.spool();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&spool)
            .with_context(|| format!("creating {}", spool.display()))?;
        Ok(home)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Everything of `PostgreSQL`.
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The queue's file, and files to come.
    pub fn spool(&self) -> PathBuf {
        self.root.join("spool")
    }

    /// The secrets of this installation.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets.json")
    }
}

fn lock(root: &Path) -> Result<File> {
    let path = root.join("lock");
    let context = || format!("locking {}", path.display());
    let mut file = OpenOptions::new()
        .create(true)
        .read(true)
        .write(true)
        .truncate(false)
        .mode(OURS_ALONE)
        .open(&path)
        .with_context(context)?;
    match file.try_lock() {
        Ok(()) => (),
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            // Who holds it only makes the message better.
            let _ = file.read_to_string(&mut owner);
            bail!(
                "{} is in use by another picket (process {}): stop it, or choose another folder with --data-dir",
                root.display(),
                owner.trim()
            );
        }
        Err(TryLockError::Error(error)) => return Err(error).with_context(context),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).with_context(context)?;
    Ok(file)
}

/// Writes a file that only we may read, so that it is there as a whole or not at all.
pub fn write_secret(path: &Path, text: &[u8]) -> Result<()> {
    let context = || format!("writing {}", path.display());
    let new = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true).mode(OURS_ALONE);
    let mut file = options.open(&new).with_context(context)?;
    file.write_all(text).and_then(|()| file.sync_all()).with_context(context)?;
    fs::rename(&new, path).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("picket-home-{}", uuid::Uuid::new_v4().simple()))
    }

    #[test]
    fn a_folder_belongs_to_one_process_at_a_time() {
        let folder = folder();
        let home = Home::open(&folder).unwrap();
        let error = Home::open(&folder).err().unwrap().to_string();
        assert!(error.contains(&format!("process {}", std::process::id())), "{error}");
        drop(home);
        assert!(Home::open(&folder).is_ok());
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_secret_is_for_us_alone() {
        let folder = folder();
        let home = Home::open(&folder).unwrap();
        write_secret(&home.secrets(), b"one").unwrap();
        write_secret(&home.secrets(), b"two").unwrap();
        assert_eq!(fs::read(home.secrets()).unwrap(), b"two");
        assert_eq!(fs::metadata(home.secrets()).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(&folder).unwrap();
    }
}
