//! Where attachments and the spool live: can it be written and synced?

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use super::{Finding, Reason};
use crate::{
    config::{Config, Queue, QueueKind},
    files::Files,
};

/// Writes and removes a small file: in the bucket where one is named, else in the folder.
pub async fn probe(config: &Config) -> Finding {
    let Some(bucket) = config.files.bucket() else { return probe_folder(&config.queue).await };
    let tried = match Files::new(config) {
        Ok(files) => files.probe().await,
        Err(error) => Err(error),
    };
    match tried {
        Ok(()) => Finding::new(Reason::Writable, format!("the bucket {bucket} can be written")),
        Err(error) => Finding::new(
            Reason::NotWritable,
            format!(
                "the bucket {bucket}: {error:#}: let the key read, write and delete there, or correct SENTRY_FILESTORE_S3_*"
            ),
        ),
    }
}

async fn probe_folder(config: &Queue) -> Finding {
    let folder = config.filestore_dir.clone();
    let tried = tokio::task::spawn_blocking(move || (try_to_write(&folder), folder)).await;
    match tried {
        Ok((Ok(()), folder)) => Finding::new(Reason::Writable, format!("{} can be written", folder.display())),
        // Read-only pods do without: attachments travel in the queue then.
        Ok((Err(_), folder)) if config.kind != QueueKind::Spool => Finding::new(
            Reason::NotUsed,
            format!(
                "{} cannot be written, so attachments are kept in PostgreSQL; a bucket or a volume takes them",
                folder.display()
            ),
        ),
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
    async fn a_folder_is_probed_and_left_as_it_was() {
        let folder = std::env::temp_dir().join(format!("picket-check-{}", uuid::Uuid::new_v4().simple()));
        for kind in [QueueKind::Redis, QueueKind::Spool] {
            assert_eq!(probe_folder(&queue(kind, folder.clone())).await.reason, Reason::Writable);
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        }
        fs::remove_dir(&folder).unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_a_failure_where_nothing_else_would_do() {
        let finding = probe_folder(&queue(QueueKind::Spool, PathBuf::from("/proc/picket"))).await;
        assert_eq!(finding.reason, Reason::NotWritable);
        assert!(finding.message.contains("SENTRY_FILESTORE_DIR"));
        let skipped = probe_folder(&queue(QueueKind::Redis, PathBuf::from("/proc/picket"))).await;
        assert_eq!(skipped.reason, Reason::NotUsed);
    }
}
