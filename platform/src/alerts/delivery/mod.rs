//! Delivery: what rules want to be told is told, each once, as far as that is in our hands.
//!
//! A row says what is to be told; it is written with the event. A worker takes a few rows of a lane (a channel, or a person by
//! mail) for a while and writes down what became of each; what a dead worker had taken is taken again when the while is over,
//! with the same id. How much a lane is told is its [`budget`]. A channel that takes nothing any more is paused, and what waits
//! for it waits.

mod budget;
mod compose;
mod paused;
mod store;

use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use rand::RngExt;
use sqlx::{Postgres, Transaction};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{RuleId, following};
use crate::{
    app::App,
    auth::UserId,
    channels::{self, Channel, ChannelId, Failure, How},
    issues::IssueId,
    mail,
    metrics::Outcome,
    outbound,
    projects::ProjectId,
};
use budget::{Lane, Plan, next_try};
pub use paused::tell_owner;
use store::{End, Which};

/// How often a worker looks for what other workers, or the clock, have made due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How often it looks for what people did.
const LOOK_FOR_ACTIVITY: TimeDelta = TimeDelta::seconds(2);
/// Mails a person gets in a minute before they are collected.
const MAILS_PER_MINUTE: u32 = 20;
/// A message that is not taken so often, while others are, is given up; a channel that takes none so often is paused.
const MOST_ATTEMPTS: i32 = 12;

/// What is new about the issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[repr(i16)]
pub enum News {
    New = 0,
    Regressed = 1,
    Unignored = 2,
    Happened = 3,
    Resolved = 4,
    /// What people do, which is told to those who take part.
    Assigned = 5,
    Commented = 6,
    Mentioned = 7,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[repr(i16)]
pub enum State {
    Waiting = 0,
    Told = 1,
    GivenUp = 2,
    ToldTogether = 3,
}

impl State {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            State::Waiting => "waiting",
            State::Told => "told",
            State::GivenUp => "given_up",
            State::ToldTogether => "told_together",
        }
    }
}

/// A channel, or a person by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LaneKey {
    pub channel: ChannelId,
    pub user: UserId,
}

/// A message that a worker has taken.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub project: ProjectId,
    pub id: Uuid,
    pub rule: RuleId,
    pub issue: IssueId,
    pub event: Uuid,
    pub news: News,
    /// What happened to the issue, where that is what is told.
    pub activity: Option<i64>,
    pub attempts: i32,
    pub created_at: DateTime<Utc>,
}

/// Tells what is due until told to stop.
pub async fn run(app: &App, stop: &CancellationToken) {
    let mut looked_at = DateTime::<Utc>::UNIX_EPOCH;
    while !stop.is_cancelled() {
        let now = app.now();
        if now - looked_at > LOOK_FOR_ACTIVITY {
            looked_at = now;
            if let Err(error) = store::close_incidents(&app.db, now).await {
                tracing::warn!("looking for resolved issues: {error:#}");
            }
            if let Err(error) = following::consider(app).await {
                tracing::warn!("looking for what people did: {error:#}");
            }
        }
        match round(app).await {
            Ok(0) => (),
            Ok(_) => continue,
            Err(error) => tracing::warn!("delivering alerts: {error:#}; trying again"),
        }
        tokio::select! {
            () = stop.cancelled() => (),
            () = app.deliveries.notified() => (),
            () = tokio::time::sleep(LOOK_EVERY) => (),
        }
    }
}

/// One look at every lane in which something is due; how many messages were tried.
async fn round(app: &App) -> Result<usize> {
    let due = store::due(&app.db, app.now()).await.context("looking for what is due")?;
    let mut lanes = JoinSet::new();
    for due in due {
        let app = app.clone();
        lanes.spawn(async move { serve(&app, due).await });
    }
    let mut tried = 0;
    while let Some(served) = lanes.join_next().await {
        tried += served.context("serving a lane")??;
    }
    Ok(tried)
}

/// What a worker has taken from a lane.
enum Taken {
    Nothing,
    Each(Vec<Delivery>),
    Together(Uuid, i32),
}

async fn serve(app: &App, due: store::Due) -> Result<usize> {
    let key = due.lane;
    if key.user.0 == 0 && due.kind.is_none() {
        store::give_up_orphans(&app.db, key, app.now())
            .await
            .context("giving up what a deleted channel was to be told")?;
        return Ok(0);
    }
    let kind = due.kind.as_deref().and_then(channels::kind);
    let per_minute = kind.map_or(MAILS_PER_MINUTE, channels::Kind::per_minute);
    let (lane, taken) = take(app, key, per_minute).await.context("taking what is due")?;
    match taken {
        Taken::Nothing => Ok(0),
        Taken::Each(deliveries) => tell_each(app, key, lane, deliveries).await,
        Taken::Together(digest, attempts) => tell_together(app, key, lane, (digest, attempts)).await,
    }
}

/// For how long a worker has what it took. It begins nothing new after `reclaim_after`, and nothing takes longer than a mail.
fn lease(app: &App) -> Duration {
    app.config.queue.reclaim_after() + mail::LONGEST_SEND.max(outbound::TIMEOUT)
}

async fn take(app: &App, key: LaneKey, per_minute: u32) -> Result<(Lane, Taken)> {
    let now = app.now();
    let span = (now, now + lease(app));
    let collect = i32::try_from(app.config.alerts.digest_seconds).unwrap_or(i32::MAX);
    let new = Lane::new(per_minute, now);
    let mut tx = app.db.begin().await?;
    let Some(mut lane) = store::lock(&mut tx, key, &new).await? else { return Ok((new, Taken::Nothing)) };
    let taken = match again(&mut tx, key, (&mut lane, per_minute), span).await? {
        Taken::Nothing => {
            let waiting = store::waiting(&mut tx, key, now).await?;
            match lane.plan(per_minute, waiting, collect, now) {
                Plan::Wait => Taken::Nothing,
                Plan::Each(most) => Taken::Each(store::take(&mut tx, key, (Which::New, most), span).await?),
                Plan::Together => {
                    let digest = Uuid::new_v4();
                    store::take_together(&mut tx, key, digest, span).await?;
                    Taken::Together(digest, 1)
                }
            }
        }
        tried => tried,
    };
    store::keep(&mut tx, key, &lane).await?;
    tx.commit().await?;
    Ok((lane, taken))
}

/// What was tried before goes first, as it was: a digest as a digest, and one by one what was told one by one.
async fn again(
    tx: &mut Transaction<'_, Postgres>,
    key: LaneKey,
    (lane, per_minute): (&mut Lane, u32),
    span: (DateTime<Utc>, DateTime<Utc>),
) -> Result<Taken> {
    let most = lane.room(per_minute, span.0);
    if most == 0 {
        return Ok(Taken::Nothing);
    }
    if let Some((digest, attempts)) = store::take_digest(tx, key, span).await? {
        lane.spend(1);
        return Ok(Taken::Together(digest, attempts));
    }
    let tried = store::take(tx, key, (Which::Tried, most), span).await?;
    lane.spend(tried.len());
    Ok(if tried.is_empty() { Taken::Nothing } else { Taken::Each(tried) })
}

async fn tell_each(app: &App, key: LaneKey, mut lane: Lane, mut deliveries: Vec<Delivery>) -> Result<usize> {
    let begun = app.now();
    let count = deliveries.len();
    deliveries.sort_by_key(|delivery| delivery.created_at);
    let mut left = deliveries.into_iter();
    while let Some(delivery) = left.next() {
        if app.now() - begun > TimeDelta::from_std(app.config.queue.reclaim_after()).unwrap_or(TimeDelta::MAX) {
            let rest: Vec<Delivery> = std::iter::once(delivery).chain(left).collect();
            store::give_back(&app.db, &rest, app.now()).await?;
            break;
        }
        let channel = channel(app, key).await?;
        let told = compose::tell(app, key, channel.as_ref(), &delivery).await?;
        let end = judge(&told, delivery.attempts, &mut lane, app.now());
        store::end(&app.db, delivery.project, delivery.id, end).await.context("noting what became of an alert")?;
        note(app, key, channel.as_ref(), (&told, &lane, end.state)).await?;
        if told.is_ok() && hears_of_ends(channel.as_ref()) {
            compose::remember(app, key, &delivery).await?;
        }
        if told.is_err_and(|failure| failure.how != How::Refused) {
            store::give_back(&app.db, &left.collect::<Vec<_>>(), app.now()).await?;
            break;
        }
    }
    Ok(count)
}

async fn tell_together(app: &App, key: LaneKey, mut lane: Lane, (digest, attempts): (Uuid, i32)) -> Result<usize> {
    let channel = channel(app, key).await?;
    let told = compose::tell_digest(app, key, channel.as_ref(), digest).await?;
    let mut end = judge(&told, attempts, &mut lane, app.now());
    if told.is_ok() {
        end.state = State::ToldTogether;
    }
    store::end_digest(&app.db, key, digest, end).await.context("noting what became of a digest")?;
    note(app, key, channel.as_ref(), (&told, &lane, end.state)).await?;
    if told.is_ok() && hears_of_ends(channel.as_ref()) {
        compose::remember_digest(app, key, digest).await?;
    }
    Ok(1)
}

/// Whether a channel is told when an issue that it heard of is resolved.
fn hears_of_ends(channel: Option<&Channel>) -> bool {
    channel.and_then(|one| channels::kind(&one.kind)).is_some_and(channels::Kind::resolves)
}

async fn channel(app: &App, key: LaneKey) -> Result<Option<Channel>> {
    if key.channel.0 == 0 {
        return Ok(None);
    }
    channels::store::find(&app.db, key.channel).await.context("reading a channel")
}

/// What an answer means for the message and for its lane.
fn judge<'a>(told: &'a Result<(), Failure>, attempts: i32, lane: &mut Lane, now: DateTime<Utc>) -> End<'a> {
    let (state, again) = match told {
        Ok(()) => {
            lane.succeeded();
            (State::Told, None)
        }
        Err(Failure { how: How::Refused, .. }) => {
            lane.succeeded();
            (State::GivenUp, None)
        }
        // The channel is paused: it waits until somebody sees to that.
        Err(Failure { how: How::Broken, .. }) => (State::Waiting, Some(now)),
        Err(Failure { how: How::Later(asked), .. }) => {
            lane.failed(asked.and_then(|asked| TimeDelta::from_std(asked).ok()), now);
            let is_its_own = attempts >= MOST_ATTEMPTS && lane.failures < MOST_ATTEMPTS;
            let again = next_try(attempts, rand::rng().random(), now);
            if is_its_own { (State::GivenUp, None) } else { (State::Waiting, Some(again)) }
        }
    };
    End { state, again, failure: told.as_ref().err(), now }
}

/// Counts, keeps the lane, and pauses a channel that takes nothing any more.
async fn note(
    app: &App,
    key: LaneKey,
    channel: Option<&Channel>,
    (told, lane, state): (&Result<(), Failure>, &Lane, State),
) -> Result<()> {
    let outcome = match told {
        Err(failure) if state == State::Waiting => failure.how.name(),
        _ => state.name(),
    };
    app.metrics.deliveries.get_or_create(&Outcome { outcome }).inc();
    store::settle(&app.db, key, lane).await.context("noting whether a channel works")?;
    let (Some(channel), Err(failure)) = (channel, told) else { return Ok(()) };
    if failure.how == How::Broken || lane.failures >= MOST_ATTEMPTS {
        paused::pause(app, channel, failure).await?;
    }
    Ok(())
}
