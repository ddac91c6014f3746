//! Crashes of native programs: minidumps, Unreal Engine's reports, and files sent after their event.
//!
//! Crash handlers post forms: <https://chromium.googlesource.com/breakpad/breakpad/>. The dump and every other file become
//! attachments of one event id, the form's texts one `form_data` item. Nothing is symbolicated here.

use axum::{
    body::Body,
    extract::{RawPathParams, RawQuery, State},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde_json::{Value, json};

use super::{
    Rejection, accept, body,
    sender::{Sender, text},
};
use crate::{
    app::App,
    protocol::{
        EventId,
        envelope::Item,
        form::{self, File, Form},
        json::Object,
    },
};

const DUMP_FIELD: &str = "upload_file_minidump";
/// Minidumps begin with it, in either byte order.
const MAGIC: [&[u8]; 2] = [b"MDMP", b"PMDM"];
/// How dumps begin that their handler has packed, and how that is undone.
const PACKED: [(&[u8], &str); 2] = [(b"\x1f\x8b", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd")];

/// Takes a minidump, alone or in a form, and answers the event's id as crash handlers expect it: with hyphens.
pub async fn take_minidump(
    State(app): State<App>,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<String, Rejection> {
    let body = read(&app, &headers, body).await?;
    let mut form = match boundary(&headers) {
        Some(boundary) => Form::parse(body, boundary, DUMP_FIELD)?,
        None => Form { files: vec![alone(body)], texts: Vec::new() },
    };
    let dump = form.files.iter_mut().find(|file| file.field == DUMP_FIELD).ok_or(Rejection::MissingMinidump)?;
    if let Some((_, encoding)) = PACKED.iter().find(|(magic, _)| dump.content.starts_with(magic)) {
        dump.content = body::unpack(&app.bodies, &dump.content, encoding)?;
    }
    if !MAGIC.iter().any(|magic| dump.content.starts_with(magic)) {
        return Err(Rejection::InvalidMinidump);
    }
    let id = event_id(&form).unwrap_or_else(EventId::random);
    accept::items(&app, &sender, Some(id), items(form)).await?;
    Ok(id.0.hyphenated().to_string())
}

/// Takes files for an event that was or will be sent.
pub async fn take_attachments(
    State(app): State<App>,
    sender: Sender,
    path: RawPathParams,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, Rejection> {
    let id = path.iter().find(|(name, _)| *name == "event").map(|(_, id)| id).unwrap_or_default();
    let id: EventId = id.parse().map_err(|_| Rejection::BadEventId)?;
    let body = read(&app, &headers, body).await?;
    let boundary = boundary(&headers).ok_or_else(|| Rejection::Form("the request is no multipart form".into()))?;
    let form = Form { texts: Vec::new(), ..Form::parse(body, boundary, DUMP_FIELD)? };
    accept::items(&app, &sender, Some(id), items(form)).await?.unless_all_limited()?;
    Ok(StatusCode::CREATED)
}

/// Takes a crash of the Unreal Engine as it is.
pub async fn take_unreal(
    State(app): State<App>,
    sender: Sender,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<String, Rejection> {
    let body = read(&app, &headers, body).await?;
    let query = query.unwrap_or_default();
    let user = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "UserID");
    let headers: Object = user.map(|(name, id)| (name.into_owned(), id.into_owned().into())).into_iter().collect();
    let id = EventId::random();
    accept::items(&app, &sender, Some(id), vec![accept::item("unreal_report", headers, body)]).await?;
    Ok(id.0.hyphenated().to_string())
}

async fn read(app: &App, headers: &HeaderMap, body: Body) -> Result<Bytes, Rejection> {
    let body = body::read(&app.bodies, body, text(headers, &header::CONTENT_ENCODING), body::MOST_BYTES).await?;
    if body.is_empty() { Err(Rejection::Empty) } else { Ok(body) }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    text(headers, &header::CONTENT_TYPE).and_then(form::boundary)
}

fn alone(dump: Bytes) -> File {
    File { field: DUMP_FIELD.into(), name: Some("Minidump".into()), content_type: None, content: dump }
}

/// The id in the field `sentry`, a JSON object, or in `sentry[event_id]`.
fn event_id(form: &Form) -> Option<EventId> {
    let field = |wanted: &str| form.texts.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_str());
    let event: Option<Value> = field("sentry").and_then(|text| serde_json::from_str(text).ok());
    let own = event.as_ref().and_then(|event| event["event_id"].as_str());
    own.or_else(|| field("sentry[event_id]")).and_then(|id| id.parse().ok())
}

fn items(form: Form) -> Vec<Item> {
    let files = form.files.into_iter().map(|File { field, name, content_type, content }| {
        let kind = if field == DUMP_FIELD { "event.minidump" } else { "event.attachment" };
        let mut headers = Object::new();
        headers.insert("attachment_type".into(), kind.into());
        headers.insert("filename".into(), name.unwrap_or(field).into());
        headers.extend(content_type.map(|content_type| ("content_type".to_owned(), content_type.into())));
        accept::item("attachment", headers, content)
    });
    let texts = (!form.texts.is_empty())
        .then(|| accept::item("form_data", Object::new(), json!(form.texts).to_string().into()));
    files.chain(texts).collect()
}
