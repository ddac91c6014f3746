//! Which items of a request are one crash, and the message that makes them one event.
//!
//! The files stay attachments of their own; the message says where they lie. A quota for files takes the attachment away, but
//! not the event: then the file lies there for the worker only, and goes with those that no row names.

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Rejection, accept, body};
use crate::{
    app::App,
    crashes::{Crash, Part, Place},
    items,
    protocol::{
        crash::{What, unreal},
        envelope::Item,
        json::Object,
    },
};

/// A crash: the SDK's event where there is one, and what else it is made of.
pub struct Gathered<'a> {
    event: Option<&'a Item>,
    parts: Vec<(What, &'a Item)>,
}

impl<'a> Gathered<'a> {
    /// Finds a crash among items that are wanted.
    pub fn of(mut items: impl Iterator<Item = &'a Item> + Clone) -> Option<Gathered<'a>> {
        let parts: Vec<(What, &Item)> = items.clone().filter_map(|item| Some((What::of(item)?, item))).collect();
        let is_crash = parts.iter().any(|(what, _)| what.is_a_crash());
        is_crash.then(|| Gathered { event: items.find(|item| item.kind == "event"), parts })
    }

    /// Whether it is an event that nothing else in the request is.
    pub fn is_new(&self) -> bool {
        self.event.is_none()
    }

    /// Whether an item needs no message of its own.
    pub fn takes(&self, item: &Item) -> bool {
        let same = |own: &&Item| std::ptr::eq(*own, item);
        self.event.iter().any(same) || self.parts.iter().any(|(_, own)| same(own))
    }

    /// Files what is large. Answers what is to be kept besides, the crash, and the body of its message.
    pub async fn file(
        &self,
        app: &App,
        make: impl Fn(&Item) -> items::Item,
    ) -> (Vec<(&'a Item, items::Item)>, Crash, Bytes) {
        let mut message = self.event.map(|event| event.payload.to_vec()).unwrap_or_default();
        let mut crash = Crash { event: u32::try_from(message.len()).unwrap_or(u32::MAX), parts: Vec::new() };
        let mut kept = Vec::new();
        for (what, item) in &self.parts {
            let mut file = make(item);
            file.file(&app.files).await;
            let place = if file.filed.is_some() {
                Place::Filed { day: file.received_at.date_naive(), id: file.id }
            } else {
                message.extend_from_slice(&file.body);
                Place::Here(u32::try_from(file.body.len()).unwrap_or(u32::MAX))
            };
            crash.parts.push(Part::new(*what, place));
            if *what != What::Texts {
                kept.push((*item, file));
            }
        }
        (kept, crash, message.into())
    }
}

/// Unpacks containers of the Unreal Engine, and calls minidumps what they are: the files of a crash are attachments.
pub fn unpack(app: &App, items: Vec<Item>) -> Result<Vec<Item>, Rejection> {
    let mut unpacked = Vec::with_capacity(items.len());
    for item in items {
        match item.kind.as_str() {
            "minidump" => unpacked.push(attachment(item.headers, "event.minidump", None, item.payload)),
            "unreal_report" => unpacked.extend(open(app, item)?),
            _ => unpacked.push(item),
        }
    }
    Ok(unpacked)
}

fn open(app: &App, item: Item) -> Result<Vec<Item>, Rejection> {
    let container = if unreal::is_plain(&item.payload) {
        Some(item.payload.clone())
    } else {
        match body::unpack(&app.bodies, &item.payload, "deflate") {
            Ok(container) => Some(container),
            Err(Rejection::Busy) => return Err(Rejection::Busy),
            Err(_) => None,
        }
    };
    let Some(files) = container.as_ref().and_then(unreal::open) else {
        return Ok(vec![attachment(Object::new(), "unreal.report", Some("crash.ue4crash"), item.payload)]);
    };
    let player = item
        .headers
        .get("UserID")
        .and_then(Value::as_str)
        .map(|id| accept::item("form_data", Object::new(), json!([["sentry[user][id]", id]]).to_string().into()));
    let files = files.into_iter().map(|file| {
        let kind = file.attachment_type();
        attachment(Object::new(), kind, Some(&file.name), file.content)
    });
    Ok(files.chain(player).collect())
}

fn attachment(mut headers: Object, kind: &str, name: Option<&str>, content: Bytes) -> Item {
    headers.insert("attachment_type".into(), kind.into());
    if let Some(name) = name {
        headers.insert("filename".into(), name.into());
    }
    headers.entry("filename").or_insert("Minidump".into());
    accept::item("attachment", headers, content)
}
