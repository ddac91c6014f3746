//! The spool: what waits on this machine, of how much that may, and whether its folder can be written.
//!
//! Beside Redis it is a second net. Where its folder cannot be written there is none, which is worth a word but no failure: the
//! check may run where web does not.

use std::path::{Path, PathBuf};

use super::{Finding, Reason, filestore::try_to_write};
use crate::{
    config::{Queue, QueueKind},
    queue::{Look, look},
};

/// Looks at every spool in the folder, and tries to write beside them.
pub async fn probe(config: &Queue) -> Finding {
    let (folder, kind, most) = (config.filestore_dir.clone(), config.kind, config.most_spooled_bytes);
    let tried = tokio::task::spawn_blocking(move || {
        let below = if kind == QueueKind::Redis { folder.join("overflow") } else { folder.clone() };
        let writable = if folder.exists() || kind == QueueKind::Spool { try_to_write(&below) } else { not_there() };
        (below, look(&folder), writable)
    });
    match tried.await {
        Ok((folder, spools, Ok(()))) => Finding::new(Reason::Writable, describe(&folder, &spools, most)),
        Ok((folder, _, Err(error))) => without(kind, &folder, &error.to_string()),
        Err(error) => Finding::new(Reason::UnexpectedAnswer, format!("looking at the spool: {error}")),
    }
}

fn not_there() -> std::io::Result<()> {
    Err(std::io::ErrorKind::NotFound.into())
}

fn without(kind: QueueKind, folder: &Path, error: &str) -> Finding {
    let folder = folder.display();
    match kind {
        QueueKind::Spool => Finding::new(
            Reason::NotWritable,
            format!("{folder}: {error}: let this user write there, or correct SENTRY_FILESTORE_DIR"),
        ),
        QueueKind::Redis => Finding::new(
            Reason::NotUsed,
            format!("{folder}: {error}: without a spool, events are answered 503 while Redis is away"),
        ),
    }
}

fn describe(folder: &Path, spools: &[(PathBuf, Look)], most: u64) -> String {
    let folder = folder.display();
    if spools.is_empty() {
        return format!("{folder} can be written; nothing waits, {most} bytes may");
    }
    let told = spools.iter().map(|(path, look)| {
        let path = path.display();
        match look {
            Look::Held { size } => {
                format!("{path} is held by a running process, {size} bytes on disk (its depth is the metric picket_spool_depth)")
            }
            Look::Left { messages, bytes } => format!("{path}: {messages} messages wait, {bytes} of {most} bytes"),
            Look::Broken(why) => format!("{path}: {why}"),
        }
    });
    format!("{folder} can be written; {}", told.collect::<Vec<_>>().join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told_with_its_bound() {
        let folder = Path::new("/files");
        assert_eq!(describe(folder, &[], 10), "/files can be written; nothing waits, 10 bytes may");
        let left = (folder.join("spool.redb"), Look::Left { messages: 2, bytes: 7 });
        assert_eq!(
            describe(folder, &[left], 10),
            "/files can be written; /files/spool.redb: 2 messages wait, 7 of 10 bytes"
        );
    }

    #[test]
    fn beside_redis_a_folder_that_cannot_be_written_is_no_failure() {
        let reason = |kind| without(kind, Path::new("/files"), "denied").reason;
        assert_eq!((reason(QueueKind::Redis), reason(QueueKind::Spool)), (Reason::NotUsed, Reason::NotWritable));
    }
}
