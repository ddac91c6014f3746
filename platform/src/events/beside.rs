//! What came beside an event, whichever was first: its files, and what users wrote about it.

use anyhow::Result;
use chrono::{DateTime, Utc};

use super::store::Stored;
use crate::{
    access::ProjectAccess,
    app::App,
    attachments::{self, Attachment, api::download_path},
    protocol::EventId,
    reports::{self, Kept},
    ui::{Phrases, When},
};

/// The parts of the page.
pub struct Beside {
    pub files: Vec<FileView>,
    pub reports: Vec<ReportView>,
}

/// A file, as the page lists it.
pub struct FileView {
    pub name: String,
    pub size: String,
    pub url: String,
}

/// What a user wrote.
pub struct ReportView {
    pub name: String,
    pub email: String,
    pub comments: String,
    pub when: When,
}

impl Beside {
    /// Reads what is there by now.
    pub async fn read(app: &App, access: &ProjectAccess, stored: &Stored, phrases: &Phrases) -> Result<Beside> {
        let event = EventId(stored.id);
        let files = attachments::of_event(&app.db, stored.project_id, event).await?;
        let reports = reports::about(&app.db, stored.project_id, event).await?;
        let now = app.now();
        Ok(Beside {
            files: files.iter().map(|file| FileView::new(file, access)).collect(),
            reports: reports.into_iter().map(|report| ReportView::new(report, now, phrases)).collect(),
        })
    }
}

impl FileView {
    fn new(file: &Attachment, access: &ProjectAccess) -> FileView {
        FileView {
            name: file.name().to_owned(),
            size: size(file.size),
            url: download_path(&access.organization.slug, &access.project.slug, file),
        }
    }
}

impl ReportView {
    fn new(report: Kept, now: DateTime<Utc>, phrases: &Phrases) -> ReportView {
        let when = When::new(report.received_at, now, phrases);
        ReportView { name: report.name, email: report.email, comments: report.comments, when }
    }
}

/// `742 B`, `1.4 KB`, `19.0 MB`
fn size(bytes: i64) -> String {
    let tenths = |unit: i64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KB", tenths(1_024)),
        _ => format!("{} MB", tenths(1_048_576)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_by_people() {
        let shown: Vec<String> = [0, 742, 1_024, 1_500, 20 << 20].into_iter().map(size).collect();
        assert_eq!(shown, ["0 B", "742 B", "1.0 KB", "1.4 KB", "20.0 MB"]);
    }
}
