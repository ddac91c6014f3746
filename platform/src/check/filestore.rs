//! Where attachments and the spool live: can it be written and synced?

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use axum::http::Uri;

use super::{Finding, Reason, reach::reach};
use crate::{
    config::{Config, Queue, QueueKind},
    files::Files,
};

/// Writes and removes a small file: in the bucket where one is named, else in the folder.
pub async fn probe(config: &Config) -> Finding {
    let Some(bucket) = config.files.bucket() else { return probe_folder(&config.queue).await };
    if let Some(Err(finding)) = config.files.endpoint().map(parse) {
        return finding;
    }
    if let Some(Ok((host, port))) = config.files.endpoint().map(parse)
        && let Err(finding) = reach(&host, port, "SENTRY_FILESTORE_S3_ENDPOINT").await
    {
        return finding;
    }
    let tried = match Files::new(config) {
        Ok(files) => files.probe().await,
        Err(error) => Err(error),
    };
    match tried {
        Ok(()) => Finding::new(Reason::Writable, format!("the bucket {bucket} can be written")),
        Err(error) => refused(bucket, &format!("{error:#}")),
    }
}

/// Host and port of a server's address.
fn parse(endpoint: &str) -> Result<(String, u16), Finding> {
    let uri = endpoint.parse::<Uri>().ok();
    let found = uri.and_then(|uri| {
        let usual = if uri.scheme_str()? == "http" { 80 } else { 443 };
        Some((uri.host()?.to_owned(), uri.port_u16().unwrap_or(usual)))
    });
    found.ok_or_else(|| {
        let message = format!("SENTRY_FILESTORE_S3_ENDPOINT is no address: {endpoint}: write https://host:port");
        Finding::new(Reason::SettingsInvalid, message)
    })
}

/// What a server's refusal means, by the code that S3 has for it:
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
fn refused(bucket: &str, error: &str) -> Finding {
    let (reason, what) = match between(error, "<Code>", "</Code>") {
        // The second is the Versity gateway's own word.
        Some("InvalidAccessKeyId" | "XAdminUserNotFound") => (
            Reason::AuthenticationFailed,
            "the server knows no such access key: correct SENTRY_FILESTORE_S3_ACCESS_KEY",
        ),
        Some("SignatureDoesNotMatch") => {
            (Reason::AuthenticationFailed, "the secret is not the access key's: correct SENTRY_FILESTORE_S3_SECRET_KEY")
        }
        Some("NoSuchBucket") => {
            (Reason::BucketDoesNotExist, "there is no such bucket: create it, or correct SENTRY_FILESTORE_S3_BUCKET")
        }
        Some("AccessDenied") => (Reason::PrivilegeMissing, "let the access key read, write and delete there"),
        _ => {
            let error = between(error, "<Message>", "</Message>").unwrap_or(error);
            let advice = "let the access key read, write and delete there, or correct SENTRY_FILESTORE_S3_*";
            return Finding::new(Reason::NotWritable, format!("the bucket {bucket}: {error}: {advice}"));
        }
    };
    Finding::new(reason, format!("the bucket {bucket}: {what}"))
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

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    Some(text.split_once(start)?.1.split_once(end)?.0)
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

    #[test]
    fn a_refusal_is_named_by_the_code_the_server_gives() {
        let told = |code: &str| {
            let body = format!("403: <Error><Code>{code}</Code><Message>no</Message></Error>: 403: <Code>again</Code>");
            refused("files", &body)
        };
        for (code, reason, setting) in [
            ("InvalidAccessKeyId", Reason::AuthenticationFailed, "ACCESS_KEY"),
            ("SignatureDoesNotMatch", Reason::AuthenticationFailed, "SECRET_KEY"),
            ("NoSuchBucket", Reason::BucketDoesNotExist, "BUCKET"),
            ("AccessDenied", Reason::PrivilegeMissing, "read, write and delete"),
            ("EntityTooLarge", Reason::NotWritable, "bucket files: no: let"),
        ] {
            let finding = told(code);
            assert_eq!(finding.reason, reason, "{code}");
            assert!(finding.message.contains(setting), "{}", finding.message);
        }
        assert_eq!(refused("files", "the server hung up").reason, Reason::NotWritable);
    }
}
