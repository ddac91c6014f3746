//! The file store: attachments, crash dumps and other large bodies, in S3 or in a folder, and neither in PostgreSQL nor in the queue.
//!
//! Web writes a file before it answers, synced where it is a folder, and reads it for a download; cron removes it. A file is
//! named by the day its item was received on, its project and its item, so that a day is one prefix, and the item's row needs
//! no name. Where there is neither a bucket nor a folder that can be written, files travel in the queue and are kept whole.

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::{Context, Result};
use bytes::Bytes;
use chrono::NaiveDate;
use futures_util::{Stream, StreamExt, TryStreamExt};
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    local::LocalFileSystem,
    path::Path,
};
use secrecy::ExposeSecret;
use uuid::Uuid;

use crate::{
    config::{Config, FileStore},
    projects::ProjectId,
};

/// An SDK waits for its answer meanwhile; after it the answer is 503, and the SDK sends again.
const PATIENCE: Duration = Duration::from_secs(20);
const MOST_RETRIES: usize = 2;
const ROOT: &str = "attachments";

/// Names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The UTC day its item was received on.
    pub day: NaiveDate,
    /// Whose it is.
    pub project: ProjectId,
    /// The id of its item.
    pub id: Uuid,
}

impl Key {
    fn path(self) -> Path {
        Path::from(format!("{ROOT}/{}/{}/{}", self.day, self.project.0, self.id.simple()))
    }

    fn parse(path: &Path) -> Option<Key> {
        let mut parts = path.parts().skip(1);
        let day = parts.next()?.as_ref().parse().ok()?;
        let project = parts.next()?.as_ref().parse().map(ProjectId).ok()?;
        Some(Key { day, project, id: parts.next()?.as_ref().parse().ok()? })
    }
}

/// The store, cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    bucket: Option<Arc<AmazonS3>>,
    folder: PathBuf,
    /// The folder is made when a file is first written or read: most commands do neither.
    opened: Arc<OnceLock<Option<Arc<LocalFileSystem>>>>,
}

impl Files {
    /// The store that the settings name. No server is asked and no folder is made yet.
    pub fn new(config: &Config) -> Result<Files> {
        let bucket = config.files.bucket().map(|bucket| s3(&config.files, bucket)).transpose()?;
        Ok(Files { bucket: bucket.map(Arc::new), folder: config.queue.filestore_dir.clone(), opened: Arc::default() })
    }

    /// The store, where there is one.
    fn store(&self) -> Option<&dyn ObjectStore> {
        if let Some(bucket) = &self.bucket {
            return Some(bucket.as_ref());
        }
        let opened = self.opened.get_or_init(|| match folder(&self.folder) {
            Ok(folder) => Some(Arc::new(folder)),
            Err(error) => {
                tracing::info!("attachments travel in the queue: {}: {error:#}", self.folder.display());
                None
            }
        });
        opened.as_ref().map(|folder| folder.as_ref() as &dyn ObjectStore)
    }

    /// Whether files can be kept here at all.
    pub fn is_there(&self) -> bool {
        self.store().is_some()
    }

    /// Returns when the file is durable.
    pub async fn put(&self, key: Key, body: Bytes) -> Result<()> {
        let store = self.store().context("there is no file store")?;
        let written = tokio::time::timeout(PATIENCE, store.put(&key.path(), body.into())).await;
        written.context("writing a file took too long")?.context("writing a file")?;
        Ok(())
    }

    /// The content of a file, as it is read; none where it is gone.
    pub async fn get(&self, key: Key) -> Result<Option<impl Stream<Item = object_store::Result<Bytes>> + use<>>> {
        let store = self.store().context("there is no file store")?;
        match store.get(&key.path()).await {
            Ok(found) => Ok(Some(found.into_stream())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error).context("reading a file"),
        }
    }

    /// Removes a file; one that is gone is removed.
    pub async fn remove(&self, key: Key) -> Result<()> {
        self.remove_path(&key.path()).await
    }

    /// The days that have files.
    pub async fn days(&self) -> Result<Vec<NaiveDate>> {
        let Some(store) = self.store() else { return Ok(Vec::new()) };
        let listed = store.list_with_delimiter(Some(&Path::from(ROOT))).await.context("listing the days of files")?;
        let days = listed.common_prefixes.iter().filter_map(|prefix| prefix.filename()?.parse().ok());
        Ok(days.collect())
    }

    /// The files of a day, as they are listed.
    pub fn of_day(&self, day: NaiveDate) -> impl Stream<Item = Result<Key>> + '_ {
        let listed = self.store().map(|store| store.list(Some(&Path::from(format!("{ROOT}/{day}")))));
        let listed = futures_util::stream::iter(listed).flatten();
        listed.map_err(anyhow::Error::from).try_filter_map(|file| std::future::ready(Ok(Key::parse(&file.location))))
    }

    async fn remove_path(&self, path: &Path) -> Result<()> {
        let Some(store) = self.store() else { return Ok(()) };
        match store.delete(path).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error).context("removing a file"),
        }
    }

    /// Writes, reads and removes a small file: what `picket config check` does.
    pub async fn probe(&self) -> Result<()> {
        let store = self.store().context("it cannot be opened")?;
        let path = Path::from(format!(".check-{}", Uuid::new_v4().simple()));
        store.put(&path, Bytes::from_static(b"picket").into()).await?;
        let read = store.get(&path).await?.bytes().await;
        store.delete(&path).await?;
        read.map(|_| ()).context("reading what was written")
    }
}

fn folder(folder: &std::path::Path) -> Result<LocalFileSystem> {
    std::fs::create_dir_all(folder.join(ROOT))?;
    // Creating is not writing: the folder may be there, and on a file system that is read-only.
    let probe = folder.join(ROOT).join(format!(".probe-{}", Uuid::new_v4().simple()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)?;
    Ok(LocalFileSystem::new_with_prefix(folder)?.with_fsync(true).with_automatic_cleanup(true))
}

fn s3(config: &FileStore, bucket: &str) -> Result<AmazonS3> {
    let (access, secret) = config.keys()?;
    let retry = RetryConfig { max_retries: MOST_RETRIES, retry_timeout: PATIENCE, ..RetryConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&config.region)
        .with_access_key_id(access.expose_secret())
        .with_secret_access_key(secret.expose_secret())
        .with_virtual_hosted_style_request(!config.path_style)
        .with_client_options(ClientOptions::new().with_timeout(PATIENCE))
        .with_retry(retry);
    let builder = match config.endpoint() {
        Some(endpoint) => builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint),
        None => builder,
    };
    builder.build().context("opening the bucket SENTRY_FILESTORE_S3_BUCKET")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(folder: PathBuf) -> Files {
        Files { bucket: None, folder, opened: Arc::default() }
    }

    fn key(day: &str, project: i64) -> Key {
        Key { day: day.parse().unwrap(), project: ProjectId(project), id: Uuid::now_v7() }
    }

    #[tokio::test]
    async fn a_file_is_read_as_it_was_written_and_found_by_its_day() {
        let folder = std::env::temp_dir().join(format!("picket-files-{}", Uuid::new_v4().simple()));
        let files = files(folder.clone());
        assert!(!folder.exists(), "nothing is made before it is used");
        let (one, other) = (key("2026-11-24", 7), key("2026-11-25", 7));
        for key in [one, other] {
            files.put(key, Bytes::from(key.id.to_string())).await.unwrap();
        }
        let read = files.get(one).await.unwrap().unwrap().try_collect::<Vec<_>>().await.unwrap().concat();
        assert_eq!(read, one.id.to_string().as_bytes());
        let mut days = files.days().await.unwrap();
        days.sort();
        assert_eq!(days, [one.day, other.day]);
        assert_eq!(files.of_day(one.day).try_collect::<Vec<_>>().await.unwrap(), [one]);
        files.remove(one).await.unwrap();
        files.remove(one).await.unwrap();
        assert!(files.get(one).await.unwrap().is_none());
        assert_eq!(files.days().await.unwrap(), [other.day], "an empty day is no day");
        files.probe().await.unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn where_nothing_can_be_written_there_is_no_store() {
        let files = files(PathBuf::from("/proc/picket"));
        assert!(!files.is_there());
        assert!(files.put(key("2026-11-24", 1), Bytes::new()).await.is_err());
        assert!(files.days().await.unwrap().is_empty());
    }
}
