//! Where attachments are kept: in S3 where a bucket is named, else in the folder of the spool.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{ArgAction, Args};
use secrecy::SecretString;

use super::{flag, path, read, secret};

/// S3, or anything that speaks its protocol. Without a bucket, files live in `SENTRY_FILESTORE_DIR` where it can be written.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "File store")]
pub struct FileStore {
    /// The bucket that takes attachments and crash dumps; it must exist.
    #[arg(id = "filestore-s3-bucket", long, value_name = "NAME", env = "SENTRY_FILESTORE_S3_BUCKET")]
    pub bucket: Option<String>,
    /// Where the server is, for one that is not Amazon's: scheme, host and port.
    #[arg(id = "filestore-s3-endpoint", long, value_name = "URL", env = "SENTRY_FILESTORE_S3_ENDPOINT")]
    pub endpoint: Option<String>,
    /// The bucket's region.
    #[arg(
        id = "filestore-s3-region",
        long,
        value_name = "REGION",
        env = "SENTRY_FILESTORE_S3_REGION",
        default_value = "us-east-1"
    )]
    pub region: String,
    /// The name of the key that may read, write and delete there.
    #[arg(id = "filestore-s3-access-key", long, value_name = "SECRET", env = "SENTRY_FILESTORE_S3_ACCESS_KEY", value_parser = secret(), hide_env_values = true)]
    pub access_key: Option<SecretString>,
    /// A file that holds the name of the key.
    #[arg(id = "filestore-s3-access-key-file", long, value_name = "FILE", env = "SENTRY_FILESTORE_S3_ACCESS_KEY_FILE", value_parser = path())]
    pub access_key_file: Option<PathBuf>,
    /// The key itself.
    #[arg(id = "filestore-s3-secret-key", long, value_name = "SECRET", env = "SENTRY_FILESTORE_S3_SECRET_KEY", value_parser = secret(), hide_env_values = true)]
    pub secret_key: Option<SecretString>,
    /// A file that holds the key.
    #[arg(id = "filestore-s3-secret-key-file", long, value_name = "FILE", env = "SENTRY_FILESTORE_S3_SECRET_KEY_FILE", value_parser = path())]
    pub secret_key_file: Option<PathBuf>,
    /// The bucket stands in the path and not in the host name, as most servers that are not Amazon's want it.
    #[arg(id = "filestore-s3-path-style", long, value_name = "BOOL", env = "SENTRY_FILESTORE_S3_PATH_STYLE", default_value_t = true, value_parser = flag(), action = ArgAction::Set)]
    pub path_style: bool,
}

impl FileStore {
    /// The bucket, where one is named.
    pub fn bucket(&self) -> Option<&str> {
        self.bucket.as_deref().filter(|bucket| !bucket.is_empty())
    }

    /// The server, where it is not Amazon's.
    pub fn endpoint(&self) -> Option<&str> {
        self.endpoint.as_deref().filter(|endpoint| !endpoint.is_empty())
    }

    /// Name and key, from the variables or their files.
    pub fn keys(&self) -> Result<(SecretString, SecretString)> {
        let access = read("SENTRY_FILESTORE_S3_ACCESS_KEY", self.access_key.as_ref(), self.access_key_file.as_ref())?;
        let secret = read("SENTRY_FILESTORE_S3_SECRET_KEY", self.secret_key.as_ref(), self.secret_key_file.as_ref())?;
        let access = access.context("SENTRY_FILESTORE_S3_ACCESS_KEY is not set, and a bucket is named")?;
        Ok((access, secret.context("SENTRY_FILESTORE_S3_SECRET_KEY is not set, and a bucket is named")?))
    }
}
