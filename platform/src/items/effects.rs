//! What an item changes besides being kept: counts of release health, monitors, what users wrote.
//!
//! It is read before the transaction and takes effect inside it, so that an item that comes twice changes nothing the second
//! time. What makes no sense is kept all the same, and counted as invalid with the reason.

use sqlx::PgConnection;

use super::Item;
use crate::{
    health, monitors,
    projects::ProjectId,
    protocol::{
        check_in,
        report::{self, read, read_report},
        session::{Change, Clocks, read_many, read_one},
        trace,
    },
    reports,
};

/// What an item asks for.
#[derive(Debug)]
pub enum Effect {
    /// Nothing but to be kept.
    None,
    Sessions(Vec<Change>),
    CheckIn(monitors::Received),
    Report(reports::Received),
    /// It is kept, and does nothing: this is why.
    Invalid(&'static str),
    /// So many of what it holds are wrong, and why.
    Partly(u64, &'static str),
}

impl Effect {
    /// Reads an item.
    pub fn of(item: &Item) -> Effect {
        let clocks = Clocks { received: item.received_at, sent: item.sent.at };
        match item.kind.as_str() {
            "session" => match read_one(&item.body, item.id, clocks) {
                Ok(change) => Effect::Sessions(vec![change]),
                Err(invalid) => Effect::Invalid(invalid.reason()),
            },
            "sessions" => match read_many(&item.body, clocks) {
                Ok(changes) => Effect::Sessions(changes),
                Err(invalid) => Effect::Invalid(invalid.reason()),
            },
            "check_in" => check_in::read(&item.body).map_or(Effect::Invalid("invalid_check_in"), |check_in| {
                Effect::CheckIn(monitors::Received {
                    project: item.project,
                    id: item.id,
                    at: item.received_at,
                    check_in,
                })
            }),
            "transaction" => trace::check_transaction(&item.body).map_or_else(Effect::Invalid, |()| Effect::None),
            "span" => match trace::count_wrong_spans(&item.headers, &item.body) {
                0 => Effect::None,
                wrong => Effect::Partly(wrong, "invalid_span"),
            },
            "user_report" => written(item, read_report(&item.body)),
            "feedback" | "user_report_v2" => written(item, read(&item.body)),
            _ => Effect::None,
        }
    }
}

fn written(item: &Item, read: Option<report::Report>) -> Effect {
    let own_event = item.event.filter(|_| item.kind != "user_report");
    read.map_or(Effect::Invalid("payload"), |report| {
        let (project, id, at) = (item.project, item.id, item.received_at);
        Effect::Report(reports::Received { project, id, at, own_event, report })
    })
}

/// Lets the effects of new items take place, and says for each that could not why. Every kind of effect locks its rows in the
/// order of their keys, and the kinds always come in the same order: two workers wait for each other and never deadlock.
pub async fn apply<'a>(
    db: &mut PgConnection,
    fresh: &[(&'a Item, &'a Effect)],
) -> sqlx::Result<Vec<(&'a Item, &'static str)>> {
    let mut refused = Vec::new();
    let mut sessions: Vec<(&'a Item, &[Change])> = Vec::new();
    let mut check_ins = Vec::new();
    let mut written = Vec::new();
    for (item, effect) in fresh {
        match effect {
            Effect::None | Effect::Partly(..) => (),
            Effect::Sessions(told) => sessions.push((*item, told)),
            Effect::CheckIn(received) => check_ins.push((*item, received)),
            Effect::Report(received) => written.push(received),
            Effect::Invalid(reason) => refused.push((*item, *reason)),
        }
    }
    let changes: Vec<(ProjectId, &Change)> =
        sessions.iter().flat_map(|(item, told)| told.iter().map(|change| (item.project, change))).collect();
    let beyond = health::record(&mut *db, &changes).await?;
    refused.extend(sessions.iter().filter_map(|(item, told)| {
        let is_refused = !told.is_empty() && told.iter().all(|change| beyond.holds(item.project, change));
        is_refused.then_some((*item, "too_many_releases"))
    }));
    // The sort keeps check-ins of one monitor in the order they came in.
    check_ins.sort_by(|(_, a), (_, b)| {
        let key = |received: &monitors::Received| (received.project, received.at);
        (a.project, &a.check_in.slug).cmp(&(b.project, &b.check_in.slug)).then(key(a).cmp(&key(b)))
    });
    for (item, received) in check_ins {
        match monitors::take(&mut *db, received).await? {
            monitors::Taken::Kept => (),
            monitors::Taken::TooMany => refused.push((item, "too_many_monitors")),
            monitors::Taken::Late => refused.push((item, "finished_check_in")),
        }
    }
    written.sort_by_key(|received| (received.project, received.report.about));
    for received in written {
        reports::keep(&mut *db, received).await?;
    }
    Ok(refused)
}
