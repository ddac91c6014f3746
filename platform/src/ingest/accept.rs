//! What becomes of a request that was understood: its items go to the queue, one message each, all or none.
//!
//! An item that is not kept never fails the others: it is counted and left out.

use bytes::Bytes;
use uuid::Uuid;

use super::{Rejection, sender::Sender};
use crate::{
    app::App,
    events::Received,
    items, outcomes,
    projects::ProjectId,
    protocol::{
        EventId,
        envelope::{Envelope, Item},
        item::{self, Category, Fate, Kind, Relation},
        json::Object,
        store,
    },
    queue::{PushError, Topic},
};

/// Accepts an envelope's items and returns the id that its sender may show: none where nothing in it belongs to an event.
pub async fn envelope(app: &App, sender: &Sender, envelope: Envelope) -> Result<Option<EventId>, Rejection> {
    items(app, sender, envelope.event_id, envelope.items).await
}

/// Accepts the event of a store request, which may be something else by its type.
pub async fn event(app: &App, sender: &Sender, head: store::Head, payload: Bytes) -> Result<EventId, Rejection> {
    let kind = match head.kind.as_deref() {
        Some("transaction") => "transaction",
        Some("feedback") => "feedback",
        Some("csp" | "hpkp" | "expectct" | "expectstaple") => "security",
        _ => "event",
    };
    let id = head.event_id.unwrap_or_else(EventId::random);
    items(app, sender, Some(id), vec![item(kind, Object::new(), payload)]).await?;
    Ok(id)
}

/// An item as an envelope would hold it.
pub fn item(kind: &str, mut headers: Object, payload: Bytes) -> Item {
    headers.insert("type".into(), kind.into());
    Item { kind: kind.to_owned(), headers, payload }
}

/// Accepts items that came in one request.
pub async fn items(
    app: &App,
    sender: &Sender,
    named: Option<EventId>,
    items: Vec<Item>,
) -> Result<Option<EventId>, Rejection> {
    if let Some(kind) = item::over_limit(&items) {
        count_all(app, sender, &items, (outcomes::Fate::Invalid, "too_large"));
        return Err(Rejection::ItemTooLarge(kind));
    }
    if items.iter().any(|item| item::find(&item.kind).is_some_and(|kind| kind.fate == Fate::Internal)) {
        return Err(Rejection::Internal);
    }
    let id = named.or_else(|| id_of(&items));
    let messages = messages(app, sender, id, &items)?;
    if !messages.is_empty() {
        let pushed = app.queue.push_all(messages).await;
        if matches!(pushed, Err(PushError::Full)) {
            count_all(app, sender, &items, (outcomes::Fate::Abuse, "backlog"));
        }
        pushed?;
    }
    Ok(id)
}

/// The id of the event in an envelope that names none: the event's own, or a new one where something needs one.
fn id_of(items: &[Item]) -> Option<EventId> {
    let related =
        |wanted: Relation| items.iter().find(|item| item::find(&item.kind).is_some_and(|k| k.relation == wanted));
    if let Some(event) = related(Relation::Creates) {
        // A broken event is accepted: its id is answered, and the worker keeps it with the reason, where people can see it.
        let own = store::Head::read(event.payload.clone()).ok().and_then(|(head, _)| head.event_id);
        return Some(own.unwrap_or_else(EventId::random));
    }
    related(Relation::Belongs).map(|_| EventId::random())
}

/// One message for each item that is kept; the others are counted with the reason.
fn messages(app: &App, sender: &Sender, id: Option<EventId>, items: &[Item]) -> Result<Vec<(Topic, Bytes)>, Rejection> {
    let mut messages = Vec::with_capacity(items.len());
    let mut created = false;
    for item in items {
        let Some(kind) = item::find(&item.kind) else {
            drop_item(app, sender, item, "unknown_item");
            continue;
        };
        if kind.fate == Fate::Dropped {
            drop_item(app, sender, item, "feature_disabled");
        } else if kind.relation == Relation::Creates && std::mem::replace(&mut created, true) {
            drop_item(app, sender, item, "duplicate_item");
        } else {
            messages.push(message(app, sender, id, (kind, item))?);
        }
    }
    Ok(messages)
}

fn message(
    app: &App,
    sender: &Sender,
    id: Option<EventId>,
    (kind, item): (&Kind, &Item),
) -> Result<(Topic, Bytes), Rejection> {
    let (project, received_at, body) = (sender.project, app.now(), item.payload.clone());
    if kind.fate == Fate::Event {
        let id = id.unwrap_or_else(EventId::random);
        return Ok((Topic::Events, Received { project, id, received_at, body }.encode()));
    }
    let kept = items::Item {
        project,
        id: Uuid::now_v7(),
        event: id.filter(|_| kind.relation != Relation::None),
        received_at,
        kind: kind.name.to_owned(),
        headers: item.headers.clone(),
        body,
    };
    kept.encode().map(|message| (Topic::Items, message)).map_err(|error| {
        tracing::error!("writing an item's message: {error:#}");
        Rejection::Unavailable
    })
}

fn drop_item(app: &App, sender: &Sender, item: &Item, reason: &'static str) {
    count(app, sender.project, item, (outcomes::Fate::Invalid, reason));
}

fn count_all(app: &App, sender: &Sender, items: &[Item], why: (outcomes::Fate, &'static str)) {
    items.iter().for_each(|item| count(app, sender.project, item, why));
}

fn count(app: &App, project: ProjectId, item: &Item, (fate, reason): (outcomes::Fate, &'static str)) {
    let category = item::find(&item.kind).map_or(Category::Unknown, |kind| kind.category);
    let quantity = item::quantity(category, &item.headers, item.payload.len());
    outcomes::count(app, outcomes::Outcome { project, category, fate, reason: reason.into(), quantity });
}
