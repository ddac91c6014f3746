//! The user that PostgreSQL runs as where we are root, which it refuses: `postgres`, or `nobody`.

use std::{
    fs,
    os::unix::fs::{MetadataExt, chown, lchown},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use nix::unistd::{User, geteuid};
use tokio::process::Command;

const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// Another user of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    name: String,
    uid: u32,
    gid: u32,
}

impl Account {
    /// Who runs PostgreSQL; none where that is ourselves.
    pub fn instead_of_root() -> Result<Option<Account>> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        for name in CANDIDATES {
            if let Some(user) = User::from_name(name).with_context(|| format!("looking for the user {name}"))? {
                return Ok(Some(Account { name: user.name, uid: user.uid.as_raw(), gid: user.gid.as_raw() }));
            }
        }
        bail!("PostgreSQL does not run as root, and there is no user postgres or nobody: run picket as another user")
    }

    /// Makes a command run as this user.
    pub fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }

    /// Gives a file or folder to this user.
    pub fn own(&self, path: &Path) -> Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
            .with_context(|| format!("giving {} to {}", path.display(), self.name))
    }

    /// Gives a folder and everything in it to this user.
    pub fn own_all(&self, folder: &Path) -> Result<()> {
        self.own(folder)?;
        for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && !path.is_symlink() {
                self.own_all(&path)?;
            } else {
                lchown(&path, Some(self.uid), Some(self.gid))
                    .with_context(|| format!("giving {} to {}", path.display(), self.name))?;
            }
        }
        Ok(())
    }

    /// Checks that this user can get to a folder, before PostgreSQL fails with fewer words.
    pub fn can_reach(&self, folder: &Path) -> Result<()> {
        let Some(closed) = self.closed_on_the_way(folder)? else { return Ok(()) };
        bail!(
            "PostgreSQL runs as the user {name} and cannot pass through {closed}: choose another folder with --data-dir \
             (/var/lib/picket, say), open it with `chmod o+x {closed}`, or run picket as another user than root",
            name = self.name,
            closed = closed.display()
        )
    }

    fn closed_on_the_way(&self, folder: &Path) -> Result<Option<PathBuf>> {
        for parent in folder.ancestors().skip(1) {
            let found = fs::metadata(parent).with_context(|| format!("looking at {}", parent.display()))?;
            if !self.may_pass(found.mode(), found.uid(), found.gid()) {
                return Ok(Some(parent.to_owned()));
            }
        }
        Ok(None)
    }

    fn may_pass(&self, mode: u32, owner: u32, group: u32) -> bool {
        let bit = if owner == self.uid {
            0o100
        } else if group == self.gid {
            0o010
        } else {
            0o001
        };
        mode & bit != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_bit_decides_who_may_pass() {
        let account = Account { name: "postgres".to_owned(), uid: 101, gid: 104 };
        let table = [
            (0o700, 0, 0, false),
            (0o711, 0, 0, true),
            (0o700, 101, 0, true),
            (0o077, 101, 0, false),
            (0o710, 0, 104, true),
            (0o701, 0, 104, false),
        ];
        for (mode, owner, group, may) in table {
            assert_eq!(account.may_pass(mode, owner, group), may, "{mode:o} {owner}:{group}");
        }
    }

    #[test]
    fn the_closed_folder_on_the_way_is_named() {
        let nobody = Account { name: "nobody".to_owned(), uid: u32::MAX - 7, gid: u32::MAX - 7 };
        let root = std::env::temp_dir().join(format!("picket-way-{}", uuid::Uuid::new_v4().simple()));
        let inner = root.join("closed/postgres");
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(root.join("closed"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        let error = nobody.can_reach(&inner).unwrap_err().to_string();
        assert!(error.contains("closed: choose") || error.contains("cannot pass through"), "{error}");
        fs::remove_dir_all(&root).unwrap();
    }
}
