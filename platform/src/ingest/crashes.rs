//! Crashes of native programs: minidumps, Unreal Engine's reports, and files sent after their event.
//!
//! Crash handlers post forms: <https://chromium.googlesource.com/breakpad/breakpad/>. The dump and every other file become
//! attachments of one event id, the form's texts one `form_data` item. Nothing is symbolicated here.

use std::convert::Infallible;

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
    protocol::{EventId, envelope::Item, json::Object},
};

const DUMP_FIELD: &str = "upload_file_minidump";
/// Minidumps begin with it, in either byte order.
const MAGIC: [&[u8]; 2] = [b"MDMP", b"PMDM"];
/// Files and texts a form may hold.
const MOST_FIELDS: usize = 1_000;

/// A form taken apart.
#[derive(Default)]
struct Form {
    /// Name of the field, name of the file, type, content.
    files: Vec<(String, Option<String>, Option<String>, Bytes)>,
    texts: Vec<(String, String)>,
}

/// Takes a minidump, alone or in a form, and answers the event's id as crash handlers expect it: with hyphens.
pub async fn take_minidump(
    State(app): State<App>,
    sender: Sender,
    headers: HeaderMap,
    body: Body,
) -> Result<String, Rejection> {
    let body = read(&headers, body).await?;
    let form = match boundary(&headers) {
        Some(boundary) => take_apart(body, boundary).await?,
        None => Form { files: vec![(DUMP_FIELD.into(), Some("Minidump".into()), None, body)], texts: Vec::new() },
    };
    let dump = form.files.iter().find(|(field, ..)| field == DUMP_FIELD).ok_or(Rejection::MissingMinidump)?;
    if !MAGIC.iter().any(|magic| dump.3.starts_with(magic)) {
        return Err(Rejection::InvalidMinidump);
    }
    let id = form.event_id().unwrap_or_else(EventId::random);
    accept::items(&app, &sender, Some(id), form.into_items()).await?;
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
    let body = read(&headers, body).await?;
    let boundary = boundary(&headers).ok_or_else(|| Rejection::Form("the request is no multipart form".into()))?;
    let mut form = take_apart(body, boundary).await?;
    form.texts.clear();
    accept::items(&app, &sender, Some(id), form.into_items()).await?.unless_all_limited()?;
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
    let body = read(&headers, body).await?;
    let query = query.unwrap_or_default();
    let user = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "UserID");
    let headers: Object = user.map(|(name, id)| (name.into_owned(), id.into_owned().into())).into_iter().collect();
    let id = EventId::random();
    accept::items(&app, &sender, Some(id), vec![accept::item("unreal_report", headers, body)]).await?;
    Ok(id.0.hyphenated().to_string())
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Rejection> {
    let body = body::read(body, text(headers, &header::CONTENT_ENCODING), body::MOST_BYTES).await?;
    if body.is_empty() { Err(Rejection::Empty) } else { Ok(body) }
}

fn boundary(headers: &HeaderMap) -> Option<String> {
    text(headers, &header::CONTENT_TYPE).and_then(|content_type| multer::parse_boundary(content_type).ok())
}

async fn take_apart(body: Bytes, boundary: String) -> Result<Form, Rejection> {
    let refused = |error: multer::Error| Rejection::Form(error.to_string());
    let whole = futures_util::stream::once(async { Ok::<_, Infallible>(body) });
    let mut parts = multer::Multipart::new(whole, boundary);
    let mut form = Form::default();
    while let Some(part) = parts.next_field().await.map_err(refused)? {
        if form.files.len() + form.texts.len() == MOST_FIELDS {
            return Err(Rejection::Form(format!("a form may hold {MOST_FIELDS} fields")));
        }
        let field = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(str::to_owned);
        let content_type = part.content_type().map(ToString::to_string);
        if file.is_some() || field == DUMP_FIELD {
            form.files.push((field, file, content_type, part.bytes().await.map_err(refused)?));
        } else {
            form.texts.push((field, part.text().await.map_err(refused)?));
        }
    }
    Ok(form)
}

impl Form {
    /// The id in the field `sentry`, a JSON object, or in `sentry[event_id]`.
    fn event_id(&self) -> Option<EventId> {
        let field = |wanted: &str| self.texts.iter().find(|(name, _)| name == wanted).map(|(_, text)| text.as_str());
        let event: Option<Value> = field("sentry").and_then(|text| serde_json::from_str(text).ok());
        let own = event.as_ref().and_then(|event| event["event_id"].as_str());
        own.or_else(|| field("sentry[event_id]")).and_then(|id| id.parse().ok())
    }

    fn into_items(self) -> Vec<Item> {
        let files = self.files.into_iter().map(|(field, file, content_type, content)| {
            let kind = if field == DUMP_FIELD { "event.minidump" } else { "event.attachment" };
            let mut headers = Object::new();
            headers.insert("attachment_type".into(), kind.into());
            headers.insert("filename".into(), file.unwrap_or(field).into());
            headers.extend(content_type.map(|content_type| ("content_type".to_owned(), content_type.into())));
            accept::item("attachment", headers, content)
        });
        let texts = (!self.texts.is_empty())
            .then(|| accept::item("form_data", Object::new(), json!(self.texts).to_string().into()));
        files.chain(texts).collect()
    }
}
