//! The folder of the spool and other files: can it be written and synced?

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{Finding, Reason};
use crate::config::{Queue, QueueKind};

/// Writes, syncs and removes a small file where the settings use the folder at all.
pub async fn probe(config: &Queue) -> Finding {
    if config.kind != QueueKind::Spool {
        return Finding::new(Reason::NotUsed, "the queue is not the spool, so nothing is kept in SENTRY_FILESTORE_DIR");
    }
    let folder = config.filestore_dir.clone();
    let tried = tokio::task::spawn_blocking(move || (try_to_write(&folder), folder)).await;
    match tried {
        Ok((Ok(()), folder)) => Finding::new(Reason::Writable, format!("{} can be written", folder.display())),
        Ok((Err(error), folder)) => Finding::new(
            Reason::NotWritable,
            format!("{}: {error}: let this user write there, or correct SENTRY_FILESTORE_DIR", folder.display()),
        ),
        Err(error) => Finding::new(Reason::UnexpectedAnswer, format!("trying to write: {error}")),
    }
}

/// Writes, syncs and removes a small file.
pub(super) fn try_to_write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join(format!(".check-{}", uuid::Uuid::new_v4().simple()));
    let mut file = File::create_new(&path)?;
    let written = file.write_all(b"picket").and_then(|()| file.sync_all());
    fs::remove_file(&path)?;
    written
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn queue(kind: QueueKind, filestore_dir: PathBuf) -> Queue {
        Queue {
            kind,
            filestore_dir,
            most_spooled_bytes: 1,
            most_queued_bytes: 1,
            reclaim_seconds: 30,
            worker_batch: 500,
        }
    }

    #[tokio::test]
    async fn a_folder_is_probed_only_where_it_is_used_and_left_as_it_was() {
        let folder = std::env::temp_dir().join(format!("picket-check-{}", uuid::Uuid::new_v4().simple()));
        assert_eq!(probe(&queue(QueueKind::Redis, folder.clone())).await.reason, Reason::NotUsed);
        assert!(!folder.exists());
        assert_eq!(probe(&queue(QueueKind::Spool, folder.clone())).await.reason, Reason::Writable);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::remove_dir(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_not_writable() {
        let finding = probe(&queue(QueueKind::Spool, PathBuf::from("/proc/picket"))).await;
        assert_eq!(finding.reason, Reason::NotWritable);
        assert!(finding.message.contains("SENTRY_FILESTORE_DIR"));
    }
}
