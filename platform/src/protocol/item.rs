//! The kinds of items an envelope may hold: what each is counted as, how large it may be and what becomes of it.
//!
//! The list is Sentry's. A kind that is not in it is from the future: it is skipped and never fails its envelope.

use std::fmt;

use serde_json::Value;

use super::{envelope::Item, json::Object};

/// What is counted, limited and shown together. In the order in which rate limits list them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Category {
    /// Events that are no errors; limits name it, we count them as errors.
    Default,
    /// Events.
    Error,
    /// One request or task, as traced.
    Transaction,
    /// Reports of browsers about a site's policies.
    Security,
    /// Files, in bytes.
    Attachment,
    /// Release health.
    Session,
    /// Profiles of a transaction.
    Profile,
    /// Recordings of a screen.
    Replay,
    /// Check-ins of periodic tasks.
    Monitor,
    /// What users wrote.
    Feedback,
    /// Metrics of a retired product.
    MetricBucket,
    /// Parts of a trace.
    Span,
    /// Continuous profiles.
    ProfileChunk,
    /// Lines of logs.
    LogItem,
    /// Metrics beside a trace.
    TraceMetric,
    /// What we do not know.
    Unknown,
}

const NAMES: [(Category, &str); 16] = [
    (Category::Default, "default"),
    (Category::Error, "error"),
    (Category::Transaction, "transaction"),
    (Category::Security, "security"),
    (Category::Attachment, "attachment"),
    (Category::Session, "session"),
    (Category::Profile, "profile"),
    (Category::Replay, "replay"),
    (Category::Monitor, "monitor"),
    (Category::Feedback, "feedback"),
    (Category::MetricBucket, "metric_bucket"),
    (Category::Span, "span"),
    (Category::ProfileChunk, "profile_chunk"),
    (Category::LogItem, "log_item"),
    (Category::TraceMetric, "trace_metric"),
    (Category::Unknown, "unknown"),
];

impl Category {
    /// Sentry's word for it.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(category, _)| *category == self).map_or("unknown", |(_, name)| name)
    }

    /// Every one, in their order.
    pub fn all() -> impl Iterator<Item = Category> {
        NAMES.iter().map(|(category, _)| *category)
    }

    /// Reads what [`Category::name`] wrote, or an SDK's word.
    pub fn parse(name: &str) -> Option<Category> {
        NAMES.iter().find(|(_, known)| *known == name).map(|(category, _)| *category)
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What becomes of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It becomes an event of an issue.
    Event,
    /// It is kept as it is.
    Kept,
    /// It belongs to a product we do not have: taken and dropped, so that the SDK goes on.
    Dropped,
    /// Only Sentry's own servers may send it.
    Internal,
}

/// How an item relates to the event of its envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// It is the event; an envelope has at most one.
    Creates,
    /// It shares the event's id.
    Belongs,
    /// It stands for itself.
    None,
}

/// What bounds an item's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Size {
    /// All items of this group together.
    Events,
    /// Each item, in bytes.
    Each(usize),
    /// All items of the kind together, in bytes.
    Sum(usize),
    /// So many session items in an envelope.
    Sessions,
    /// The envelope's own limit is enough.
    Body,
}

/// A known kind of item.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// As item headers name it.
    pub name: &'static str,
    /// What it is counted as.
    pub category: Category,
    /// What becomes of it.
    pub fate: Fate,
    /// What it is to the envelope's event.
    pub relation: Relation,
    size: Size,
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;
/// All items that are or replace an event, together.
const MOST_EVENT_BYTES: usize = MIB;
const MOST_SESSIONS: usize = 100;
/// What a container may claim to hold.
const MOST_HELD: u64 = 1 << 20;

const fn kind(name: &'static str, category: Category, fate: Fate, relation: Relation, size: Size) -> Kind {
    Kind { name, category, fate, relation, size }
}

const KINDS: &[Kind] = &[
    kind("event", Category::Error, Fate::Event, Relation::Creates, Size::Events),
    kind("transaction", Category::Transaction, Fate::Kept, Relation::Creates, Size::Events),
    kind("security", Category::Security, Fate::Event, Relation::Creates, Size::Events),
    kind("raw_security", Category::Security, Fate::Event, Relation::Creates, Size::Events),
    kind("feedback", Category::Feedback, Fate::Kept, Relation::Creates, Size::Events),
    kind("user_report_v2", Category::Feedback, Fate::Kept, Relation::Creates, Size::Events),
    kind("user_report", Category::Feedback, Fate::Kept, Relation::Belongs, Size::Body),
    kind("attachment", Category::Attachment, Fate::Kept, Relation::Belongs, Size::Body),
    kind("minidump", Category::Attachment, Fate::Kept, Relation::Belongs, Size::Body),
    kind("unreal_report", Category::Attachment, Fate::Kept, Relation::Belongs, Size::Body),
    kind("form_data", Category::Unknown, Fate::Event, Relation::Belongs, Size::Events),
    kind("session", Category::Session, Fate::Kept, Relation::None, Size::Sessions),
    kind("sessions", Category::Session, Fate::Kept, Relation::None, Size::Sessions),
    kind("client_report", Category::Unknown, Fate::Kept, Relation::None, Size::Sum(4 * KIB)),
    kind("check_in", Category::Monitor, Fate::Kept, Relation::None, Size::Each(100 * KIB)),
    kind("span", Category::Span, Fate::Kept, Relation::None, Size::Each(12 * MIB)),
    kind("nel", Category::Security, Fate::Event, Relation::None, Size::Events),
    kind("profile", Category::Profile, Fate::Dropped, Relation::Belongs, Size::Body),
    kind("profile_chunk", Category::ProfileChunk, Fate::Dropped, Relation::None, Size::Body),
    kind("profile_chunk_ui", Category::ProfileChunk, Fate::Dropped, Relation::None, Size::Body),
    kind("replay_event", Category::Replay, Fate::Dropped, Relation::Belongs, Size::Events),
    kind("replay_recording", Category::Replay, Fate::Dropped, Relation::None, Size::Each(10 * MIB)),
    kind("replay_video", Category::Replay, Fate::Dropped, Relation::None, Size::Each(10 * MIB)),
    kind("log", Category::LogItem, Fate::Dropped, Relation::None, Size::Each(12 * MIB)),
    kind("trace_metric", Category::TraceMetric, Fate::Dropped, Relation::None, Size::Each(12 * MIB)),
    kind("statsd", Category::MetricBucket, Fate::Dropped, Relation::None, Size::Each(MIB)),
    kind("metric_buckets", Category::MetricBucket, Fate::Dropped, Relation::None, Size::Each(MIB)),
    kind("integration", Category::Unknown, Fate::Internal, Relation::None, Size::Body),
];

/// Every kind there is.
pub fn kinds() -> impl Iterator<Item = &'static Kind> {
    KINDS.iter()
}

/// The kind of that name; none for one from the future.
pub fn find(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// The first kind whose items are larger, or more, than they may be.
pub fn over_limit(items: &[Item]) -> Option<&'static str> {
    KINDS.iter().find(|kind| !fits(kind, items)).map(|kind| kind.name)
}

fn fits(kind: &Kind, items: &[Item]) -> bool {
    let sizes = || items.iter().filter(|item| item.kind == kind.name).map(|item| item.payload.len());
    let shares = |item: &&Item| find(&item.kind).is_some_and(|other| other.size == kind.size);
    match kind.size {
        _ if sizes().next().is_none() => true,
        Size::Events => items.iter().filter(shares).map(|item| item.payload.len()).sum::<usize>() <= MOST_EVENT_BYTES,
        Size::Sessions => items.iter().filter(shares).count() <= MOST_SESSIONS,
        Size::Each(most) => sizes().all(|size| size <= most),
        Size::Sum(most) => sizes().sum::<usize>() <= most,
        Size::Body => true,
    }
}

/// How much an item counts for: files by their bytes, containers by what they say they hold, anything else for one.
pub fn quantity(category: Category, headers: &Object, size: usize) -> u64 {
    let held = headers.get("item_count").and_then(Value::as_u64);
    match category {
        Category::Attachment => u64::try_from(size).unwrap_or(u64::MAX).max(1),
        _ => held.unwrap_or(1).clamp(1, MOST_HELD),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::json;

    use super::*;

    fn item(kind: &str, size: usize) -> Item {
        Item { kind: kind.into(), headers: Object::new(), payload: Bytes::from(vec![b' '; size]) }
    }

    #[test]
    fn every_kind_has_its_limit() {
        let over = |items: &[Item]| over_limit(items);
        assert_eq!(over(&[item("event", MIB), item("attachment", 19 * MIB), item("from_the_future", 19 * MIB)]), None);
        assert_eq!(over(&[item("event", MIB), item("feedback", 1)]), Some("event"));
        assert_eq!(over(&[item("security", MIB + 1)]), Some("security"));
        assert_eq!(over(&[item("client_report", 4 * KIB), item("client_report", 1)]), Some("client_report"));
        assert_eq!(over(&[item("check_in", 100 * KIB), item("check_in", 100 * KIB)]), None);
        assert_eq!(over(&[item("check_in", 100 * KIB + 1)]), Some("check_in"));
        let sessions: Vec<Item> =
            (0..=MOST_SESSIONS).map(|n| item(if n == 0 { "session" } else { "sessions" }, 1)).collect();
        assert_eq!((over(&sessions[1..]), over(&sessions)), (None, Some("session")));
    }

    #[test]
    fn items_count_for_what_they_hold() {
        let mut headers = Object::new();
        assert_eq!(quantity(Category::Error, &headers, 9), 1);
        assert_eq!(quantity(Category::Attachment, &headers, 9), 9);
        assert_eq!(quantity(Category::Attachment, &headers, 0), 1);
        headers.insert("item_count".into(), json!(7));
        assert_eq!(quantity(Category::Span, &headers, 9), 7);
    }

    #[test]
    fn categories_are_named_both_ways() {
        for (category, name) in NAMES {
            assert_eq!((category.name(), Category::parse(name)), (name, Some(category)));
        }
    }
}
