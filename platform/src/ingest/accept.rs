//! What becomes of a request that was understood: its items go to the queue, one message each, all or none.
//!
//! An item that is not kept never fails the others: it is counted and left out.

use std::borrow::Cow;

use bytes::Bytes;
use uuid::Uuid;

use super::{
    Rejection,
    crash_parts::{self, Gathered},
    quotas::{self, Asked, FEATURE_DISABLED, Limit},
    sender::Sender,
};
use crate::{
    app::App,
    events::{Packed, Received, SentAs},
    items, outcomes,
    protocol::{
        EventId,
        envelope::Item,
        item::{self, Category, Fate, Kind, Relation},
        json::Object,
        security::incoming::Additions,
        store,
    },
    queue::{PushError, Topic},
};

/// What was taken of a request.
#[derive(Debug, Default)]
pub struct Taken {
    /// The id that the sender may show: none where nothing belongs to an event.
    pub id: Option<EventId>,
    /// Quotas that are used up.
    limits: Vec<Limit>,
    /// What we have no product for.
    pub disabled: Option<Limit>,
    kept: usize,
}

impl Taken {
    /// For SDKs, which read limits: any is an answer, even where other items were taken.
    pub fn unless_limited(self) -> Result<Option<EventId>, Rejection> {
        if self.limits.is_empty() {
            return Ok(self.id);
        }
        Err(Rejection::RateLimited(self.limits.into_iter().chain(self.disabled).collect()))
    }

    /// For browsers and forms: a limit is an answer where it took everything.
    pub fn unless_all_limited(self) -> Result<Option<EventId>, Rejection> {
        if self.kept == 0 { self.unless_limited() } else { Ok(self.id) }
    }
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
    items(app, sender, Some(id), vec![item(kind, Object::new(), payload)]).await?.unless_limited()?;
    Ok(id)
}

/// An item as an envelope would hold it.
pub fn item(kind: &str, mut headers: Object, payload: Bytes) -> Item {
    headers.insert("type".into(), kind.into());
    Item { kind: kind.to_owned(), headers, payload }
}

/// Accepts items that came in one request.
pub async fn items(app: &App, sender: &Sender, named: Option<EventId>, items: Vec<Item>) -> Result<Taken, Rejection> {
    items_packed(app, sender, named, (items, None)).await
}

/// Accepts items; where they are one event, its message may be what it was packed in.
pub async fn items_packed(
    app: &App,
    sender: &Sender,
    named: Option<EventId>,
    (items, packed): (Vec<Item>, Option<Packed>),
) -> Result<Taken, Rejection> {
    if let Some(kind) = item::over_limit(&items) {
        count_all(app, sender, &items, (outcomes::Fate::Invalid, "too_large"));
        return Err(Rejection::ItemTooLarge(kind));
    }
    if items.iter().any(|item| item::find(&item.kind).is_some_and(|kind| kind.fate == Fate::Internal)) {
        return Err(Rejection::Internal);
    }
    let id = named.or_else(|| id_of(&items));
    let items = crash_parts::unpack(app, items)?;
    let (wanted, disabled) = wanted(app, sender, &items);
    let crash = Gathered::of(wanted.iter().map(|(_, item)| *item));
    let wanted = without_lone_texts(app, sender, wanted, crash.as_ref());
    let (wanted, limits, crash) = within_quotas(app, sender, wanted, crash).await;
    let mut messages = Vec::with_capacity(wanted.len());
    let is_taken = |item: &Item| crash.as_ref().is_some_and(|crash| crash.takes(item));
    if let Some(crash) = &crash {
        messages.extend(crash_messages(app, sender, id, (crash, &wanted)).await?);
    }
    match (wanted.as_slice(), packed) {
        ([(kind, item)], Some(packed)) if kind.fate == Fate::Event && crash.is_none() => {
            messages.push((Topic::Events, received(app, sender, id, (*kind, *item)).encode_packed(&packed)));
        }
        (wanted, _) => {
            for (kind, item) in wanted.iter().filter(|(_, item)| !is_taken(item)) {
                messages.push(message(app, sender, id, (kind, item)).await?);
            }
        }
    }
    if !messages.is_empty() {
        let pushed = app.queue.push_all(messages).await;
        if matches!(pushed, Err(PushError::Full)) {
            count_all(app, sender, &items, (outcomes::Fate::Abuse, "backlog"));
        }
        pushed?;
    }
    let is_new = |kind: &Kind| kind.relation == Relation::Creates && is_error(kind.category);
    let errors = wanted.iter().filter(|(kind, _)| is_new(kind)).count()
        + usize::from(crash.as_ref().is_some_and(Gathered::is_new));
    count_key(app, sender, outcomes::Taken::Accepted, errors);
    Ok(Taken { id, limits, disabled, kept: wanted.len() + usize::from(crash.is_some()) })
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

type Wanted<'a> = (&'static Kind, &'a Item);

/// The items that are kept, and what no sender need send; items that are not kept are counted with the reason.
fn wanted<'a>(app: &App, sender: &Sender, items: &'a [Item]) -> (Vec<Wanted<'a>>, Option<Limit>) {
    let mut wanted = Vec::with_capacity(items.len());
    let mut disabled = Vec::new();
    let mut created = false;
    for item in items {
        let Some(kind) = item::find(&item.kind) else {
            count(app, sender, item, (outcomes::Fate::Invalid, "unknown_item".into()));
            continue;
        };
        if kind.fate == Fate::Dropped {
            disabled.push(kind.category);
        }
        // What an SDK tells of itself is no data of a user's.
        if let Some(reason) = sender.unwanted.filter(|_| kind.name != "client_report") {
            count(app, sender, item, (outcomes::Fate::Filtered, reason.name().into()));
        } else if kind.fate == Fate::Dropped {
            count(app, sender, item, (outcomes::Fate::Invalid, FEATURE_DISABLED.into()));
        } else if kind.relation == Relation::Creates && std::mem::replace(&mut created, true) {
            count(app, sender, item, (outcomes::Fate::Invalid, "duplicate_item".into()));
        } else {
            wanted.push((kind, item));
        }
    }
    (wanted, Limit::of_disabled(disabled))
}

/// Texts of a form say something about a crash, and nothing alone.
fn without_lone_texts<'a>(
    app: &App,
    sender: &Sender,
    mut wanted: Vec<Wanted<'a>>,
    crash: Option<&Gathered<'a>>,
) -> Vec<Wanted<'a>> {
    if crash.is_none() {
        for (_, texts) in wanted.extract_if(.., |(kind, _)| kind.name == "form_data") {
            count(app, sender, texts, (outcomes::Fate::Invalid, "no_event_payload".into()));
        }
    }
    wanted
}

/// The items and the crash that quotas allow, and the limits that refuse the others. What belongs to an event goes with it.
async fn within_quotas<'a>(
    app: &App,
    sender: &Sender,
    mut wanted: Vec<Wanted<'a>>,
    crash: Option<Gathered<'a>>,
) -> (Vec<Wanted<'a>>, Vec<Limit>, Option<Gathered<'a>>) {
    let mut asked = Asked::new();
    let own = crash.as_ref().filter(|crash| crash.is_new()).map(|_| Category::Error);
    asked.extend(own.map(|category| (category, 1)));
    for (kind, item) in wanted.iter().filter(|(kind, _)| kind.category != Category::Unknown) {
        let quantity = item::quantity(kind.category, &item.headers, item.payload.len());
        match asked.iter_mut().find(|(category, _)| *category == kind.category) {
            Some((_, sum)) => *sum += quantity,
            None => asked.push((kind.category, quantity)),
        }
    }
    let limits = quotas::take(app, &sender.key.quotas, &asked).await;
    let event = wanted.iter().find(|(kind, _)| kind.relation == Relation::Creates).map(|(kind, _)| kind.category);
    let of_event = event.or(own).and_then(|category| limits.get(&category));
    if let (Some(category), Some(limit)) = (own, of_event) {
        let (fate, reason) = (outcomes::Fate::RateLimited, limit.reason.clone().into());
        outcomes::count(app, outcomes::Outcome { project: sender.project, category, fate, reason, quantity: 1 });
        count_key(app, sender, outcomes::Taken::Dropped, 1);
    }
    let crash = crash.filter(|_| of_event.is_none());
    wanted.retain(|(kind, item)| {
        let own = limits.get(&kind.category);
        let limit = own.or_else(|| of_event.filter(|_| kind.relation == Relation::Belongs));
        if let Some(limit) = limit {
            count(app, sender, item, (outcomes::Fate::RateLimited, limit.reason.clone().into()));
        }
        limit.is_none()
    });
    (wanted, limits.into_values().collect(), crash)
}

/// The event of a crash, and its files as the attachments they are where quotas allow.
async fn crash_messages<'a>(
    app: &App,
    sender: &Sender,
    id: Option<EventId>,
    (crash, wanted): (&Gathered<'a>, &[Wanted<'a>]),
) -> Result<Vec<(Topic, Bytes)>, Rejection> {
    let (kept, parts, body) = crash.file(app, |item| kept(app, sender, id, item)).await;
    let is_wanted = |item: &Item| wanted.iter().any(|(_, wanted)| std::ptr::eq(*wanted, item));
    let files = kept.into_iter().filter(|(item, _)| is_wanted(item)).map(|(_, file)| encoded(&file));
    let event = Received {
        project: sender.project,
        id: id.unwrap_or_else(EventId::random),
        received_at: app.now(),
        sent: Box::new(sender.sent.clone()),
        sent_as: SentAs::Crash(parts),
        body,
    };
    files.chain([Ok((Topic::Events, event.encode()))]).collect()
}

async fn message(
    app: &App,
    sender: &Sender,
    id: Option<EventId>,
    (kind, item): Wanted<'_>,
) -> Result<(Topic, Bytes), Rejection> {
    if kind.fate == Fate::Event {
        return Ok((Topic::Events, received(app, sender, id, (kind, item)).encode()));
    }
    let mut kept = kept(app, sender, id.filter(|_| kind.relation != Relation::None), item);
    kept.file(&app.files).await;
    encoded(&kept)
}

/// An item as it is kept beside events.
fn kept(app: &App, sender: &Sender, event: Option<EventId>, item: &Item) -> items::Item {
    items::Item {
        project: sender.project,
        id: Uuid::now_v7(),
        event,
        received_at: app.now(),
        sent: sender.sent.clone(),
        kind: item.kind.clone(),
        headers: item.headers.clone(),
        filed: None,
        body: item.payload.clone(),
    }
}

fn encoded(kept: &items::Item) -> Result<(Topic, Bytes), Rejection> {
    kept.encode().map(|message| (Topic::Items, message)).map_err(|error| {
        tracing::error!("writing an item's message: {error:#}");
        Rejection::Unavailable
    })
}

fn received(app: &App, sender: &Sender, id: Option<EventId>, (kind, item): Wanted<'_>) -> Received {
    Received {
        project: sender.project,
        id: id.filter(|_| kind.relation != Relation::None).unwrap_or_else(EventId::random),
        received_at: app.now(),
        sent: Box::new(sender.sent.clone()),
        sent_as: sent_as(kind, &item.headers),
        body: item.payload.clone(),
    }
}

fn sent_as(kind: &Kind, headers: &Object) -> SentAs {
    match kind.name {
        "security" => SentAs::Security,
        "raw_security" => SentAs::Report(Additions::of_item(headers)),
        "nel" => SentAs::Nel,
        _ => SentAs::Event,
    }
}

fn count_all(app: &App, sender: &Sender, items: &[Item], (fate, reason): (outcomes::Fate, &'static str)) {
    for item in items {
        count(app, sender, item, (fate, reason.into()));
    }
}

/// Counts an item that goes no further.
fn count(app: &App, sender: &Sender, item: &Item, (fate, reason): (outcomes::Fate, Cow<'static, str>)) {
    let category = item::find(&item.kind).map_or(Category::Unknown, |kind| kind.category);
    let quantity = item::quantity(category, &item.headers, item.payload.len());
    match fate {
        outcomes::Fate::Filtered if is_error(category) => count_key(app, sender, outcomes::Taken::Filtered, 1),
        outcomes::Fate::RateLimited if is_error(category) => count_key(app, sender, outcomes::Taken::Dropped, 1),
        _ => (),
    }
    outcomes::count(app, outcomes::Outcome { project: sender.project, category, fate, reason, quantity });
}

/// What the usage of a key counts: events.
fn is_error(category: Category) -> bool {
    matches!(category, Category::Error | Category::Default | Category::Security)
}

fn count_key(app: &App, sender: &Sender, taken: outcomes::Taken, errors: usize) {
    if let Ok(errors @ 1..) = i64::try_from(errors) {
        outcomes::count_key(app, &sender.public_key, taken, errors);
    }
}
