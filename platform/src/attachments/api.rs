//! Sentry's Web API v0 of an event's files: list, one, download, delete.
//!
//! What others sent never runs in a browser: a download is always saved, under a type that is no markup.

use std::fmt::Write;

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, RawQuery, State},
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Attachment;
use crate::{
    access::ProjectAccess,
    app::App,
    protocol::EventId,
    web::{Error, api_route},
};

/// The routes of this slice.
pub fn routes() -> Router<App> {
    let of_event = "/api/0/projects/{org}/{project}/events/{event}/attachments/";
    let router = api_route(Router::new(), of_event, get(list));
    api_route(router, &format!("{of_event}{{attachment}}/"), get(one).delete(remove))
}

/// Where a file can be downloaded.
pub fn download_path(organization: &str, project: &str, attachment: &Attachment) -> String {
    let (event, id) = (attachment.event, attachment.id.simple());
    format!("/api/0/projects/{organization}/{project}/events/{event}/attachments/{id}/?download=1")
}

#[derive(Deserialize)]
struct Named {
    event: String,
    attachment: Option<Uuid>,
}

impl Named {
    fn event(&self) -> Result<EventId, Error> {
        self.event.parse().map_err(|_| Error::NotFound)
    }

    async fn find(&self, app: &App, access: &ProjectAccess) -> Result<Attachment, Error> {
        let found = super::of_event(&app.db, access.project.id, self.event()?).await?;
        found.into_iter().find(|attachment| Some(attachment.id) == self.attachment).ok_or(Error::NotFound)
    }
}

async fn list(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
) -> Result<Json<Vec<AttachmentJson>>, Error> {
    let found = super::of_event(&app.db, access.project.id, named.event()?).await?;
    Ok(Json(found.iter().map(AttachmentJson::from).collect()))
}

async fn one(
    State(app): State<App>,
    access: ProjectAccess,
    Path(named): Path<Named>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let attachment = named.find(&app, &access).await?;
    let query = query.unwrap_or_default();
    if !form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "download") {
        return Ok(Json(AttachmentJson::from(&attachment)).into_response());
    }
    let content = super::open(&app, &attachment).await?.ok_or(Error::NotFound)?;
    let headers: [(HeaderName, String); 4] = [
        (header::CONTENT_TYPE, attachment.safe_type().to_owned()),
        (header::CONTENT_LENGTH, attachment.size.to_string()),
        (header::CONTENT_DISPOSITION, disposition(attachment.name())),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
    ];
    Ok((headers, Body::from_stream(content)).into_response())
}

async fn remove(State(app): State<App>, access: ProjectAccess, Path(named): Path<Named>) -> Result<StatusCode, Error> {
    let attachment = named.find(&app, &access).await?;
    super::remove(&app, &attachment).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A name that no header, shell or file system misreads, and the whole one for browsers that take it (RFC 6266).
fn disposition(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
    let ascii: String = name.chars().map(plain).take(100).collect();
    let mut whole = String::new();
    for byte in name.chars().filter(|c| !c.is_control()).take(100).collect::<String>().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') {
            whole.push(char::from(byte));
        } else {
            let _ = write!(whole, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{}\"; filename*=UTF-8''{whole}", ascii.trim_start_matches(['.', ' ']))
}

/// As Sentry's `EventAttachmentSerializer` shows it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AttachmentJson {
    id: String,
    #[serde(rename = "event_id")]
    event_id: String,
    #[serde(rename = "type")]
    kind: String,
    name: String,
    mimetype: String,
    date_created: String,
    size: i64,
    headers: Value,
    sha1: Option<String>,
}

impl From<&Attachment> for AttachmentJson {
    fn from(attachment: &Attachment) -> AttachmentJson {
        let hex = |bytes: &Vec<u8>| {
            bytes.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
        };
        AttachmentJson {
            id: attachment.id.simple().to_string(),
            event_id: attachment.event.to_string(),
            kind: attachment.kind().to_owned(),
            name: attachment.name().to_owned(),
            mimetype: attachment.content_type().to_owned(),
            date_created: attachment.received_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            size: attachment.size,
            headers: json!({"Content-Type": attachment.content_type()}),
            sha1: attachment.sha1.as_ref().map(hex),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_its_header() {
        let cases = [
            ("a.txt", "attachment; filename=\"a.txt\"; filename*=UTF-8''a.txt"),
            ("../../etc/passwd", "attachment; filename=\"passwd\"; filename*=UTF-8''passwd"),
            ("a\"\r\nb.html", "attachment; filename=\"a___b.html\"; filename*=UTF-8''a%22b.html"),
            (".日志", "attachment; filename=\"__\"; filename*=UTF-8''.%E6%97%A5%E5%BF%97"),
        ];
        for (name, expected) in cases {
            assert_eq!(disposition(name), expected, "{name:?}");
        }
    }
}
