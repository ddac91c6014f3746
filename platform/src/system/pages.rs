//! Two pages: what we hold ourselves, and the servers we need, which are asked when the page is.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Redirect},
    routing::{get, post},
};
use chrono::NaiveDate;
use serde::Deserialize;

use super::{
    store::{self, Database, Table},
    words::Words,
};
use crate::{
    access::Visitor,
    app::App,
    check::{self, Check, Status},
    events::{self, store::SetAside},
    mail::Mail,
    protocol::EventId,
    queue::{Backlog, Buried, Topic},
    ui::{self, Language, Page, When, render},
    upgrade,
    web::Error,
};

/// Lines of what was set aside.
const MOST_LINES: usize = 50;
const MOST_TABLES: i64 = 12;

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/manage/", get(status))
        .route("/manage/messages/", post(try_messages))
        .route("/manage/events/", post(try_events))
        .route("/manage/servers/", get(servers))
        .route("/manage/servers/mail/", post(send_mail))
}

/// Which of the pages this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Here {
    Status,
    Servers,
}

/// What came of what was just asked for.
struct Notice {
    is_good: bool,
    text: String,
}

#[derive(Template)]
#[template(path = "system/status.html")]
struct StatusPage {
    page: Page,
    words: &'static Words,
    here: Here,
    notice: Option<Notice>,
    version: &'static str,
    redis: Option<String>,
    /// Why the queue cannot be asked.
    problem: Option<String>,
    topics: Vec<TopicLine>,
    any_dead: bool,
    spooled: String,
    rejected: i64,
    set_aside: Vec<EventLine>,
    is_cut: bool,
    database: Database,
    /// The newest one it has.
    migration: i64,
    size: String,
    tables: Vec<TableLine>,
}

struct TopicLine {
    name: &'static str,
    waiting: String,
    oldest: Option<When>,
    buried: String,
    dead: Vec<DeadLine>,
}

struct DeadLine {
    at: Option<When>,
    reason: String,
    size: String,
}

struct EventLine {
    id: EventId,
    project: i64,
    at: When,
    reason: String,
}

struct TableLine {
    name: String,
    rows: String,
    size: String,
    days: Option<String>,
}

#[derive(Template)]
#[template(path = "system/servers.html")]
struct ServersPage {
    page: Page,
    words: &'static Words,
    here: Here,
    notice: Option<Notice>,
    checks: Vec<Check>,
}

/// How many were put into the queue again, after it was asked for.
#[derive(Deserialize)]
struct Again {
    again: Option<u64>,
}

async fn status(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(Again { again }): Query<Again>,
) -> Result<Html<String>, Error> {
    let (page, words) = (visitor.page(language), Words::of(language));
    let (topics, redis, problem) = match queue(&app, &page).await {
        Ok((topics, redis)) => (topics, redis, None),
        Err(error) => (Vec::new(), None, Some(format!("{error:#}"))),
    };
    let most = i64::try_from(MOST_LINES).unwrap_or(i64::MAX);
    let found = events::store::set_aside(&app.db, None, None, most).await?;
    let rejected = store::set_aside(&app.db).await?;
    let database = store::database(&app.db).await?;
    let tables = store::largest_tables(&app.db, MOST_TABLES).await?;
    let event = |SetAside { received, reason }| EventLine {
        id: received.id,
        project: received.project.0,
        at: When::new(received.received_at, app.now(), page.phrases),
        reason,
    };
    Ok(render(&StatusPage {
        words,
        here: Here::Status,
        notice: again.map(|number| Notice { is_good: true, text: format!("{} {number}", words.in_queue_again) }),
        version: env!("CARGO_PKG_VERSION"),
        redis,
        problem,
        any_dead: topics.iter().any(|topic| !topic.dead.is_empty()),
        topics,
        spooled: ui::count(number(app.queue.overflow_depth())),
        is_cut: usize::try_from(rejected).is_ok_and(|all| all > found.len()),
        rejected,
        set_aside: found.into_iter().map(event).collect(),
        size: size(database.bytes),
        database,
        migration: upgrade::newest_migration(&app.db).await?,
        tables: tables.into_iter().map(TableLine::from).collect(),
        page,
    })?)
}

/// Every topic, and the version of Redis.
async fn queue(app: &App, page: &Page) -> anyhow::Result<(Vec<TopicLine>, Option<String>)> {
    let mut topics = Vec::new();
    for topic in Topic::ALL {
        let Backlog { waiting, oldest, buried } = app.queue.backlog(topic).await?;
        let when = |at| When::new(at, app.now(), page.phrases);
        let dead = |Buried { at, reason, bytes }| DeadLine {
            at: at.map(when),
            reason,
            size: size(i64::try_from(bytes).unwrap_or(i64::MAX)),
        };
        topics.push(TopicLine {
            name: topic.name(),
            waiting: ui::count(number(waiting)),
            oldest: oldest.map(when),
            buried: ui::count(number(buried)),
            dead: app.queue.buried(topic, MOST_LINES).await?.into_iter().map(dead).collect(),
        });
    }
    Ok((topics, app.queue.version().await?))
}

#[derive(Deserialize)]
struct OfTopic {
    topic: String,
}

async fn try_messages(
    State(app): State<App>,
    _: Visitor,
    Form(OfTopic { topic }): Form<OfTopic>,
) -> Result<Redirect, Error> {
    let topic = Topic::ALL.into_iter().find(|known| known.name() == topic).ok_or(Error::NotFound)?;
    let again = app.queue.dig_up(topic).await?;
    Ok(Redirect::to(&format!("/manage/?again={again}")))
}

#[derive(Deserialize)]
struct OneEvent {
    event: Option<String>,
}

async fn try_events(
    State(app): State<App>,
    _: Visitor,
    Form(OneEvent { event }): Form<OneEvent>,
) -> Result<Redirect, Error> {
    let event = event.map(|id| id.parse::<EventId>()).transpose().map_err(|_| Error::NotFound)?;
    let again = events::try_again(&app, event).await?;
    Ok(Redirect::to(&format!("/manage/?again={again}")))
}

async fn servers(State(app): State<App>, language: Language, visitor: Visitor) -> Result<Html<String>, Error> {
    servers_page(&app, visitor.page(language), None).await
}

async fn send_mail(State(app): State<App>, language: Language, visitor: Visitor) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let (text, html) = (words.mail_body.to_owned(), format!("<p>{}</p>", words.mail_body));
    let mail = Mail::to_one(&visitor.user.email, words.mail_subject.to_owned(), (text, html), "test".to_owned());
    let notice = match app.mailer.send(&mail).await {
        Ok(()) => Notice { is_good: true, text: words.mail_sent.to_owned() },
        Err(error) => Notice { is_good: false, text: format!("{} {error:#}", words.mail_failed) },
    };
    servers_page(&app, visitor.page(language), Some(notice)).await
}

async fn servers_page(app: &App, page: Page, notice: Option<Notice>) -> Result<Html<String>, Error> {
    let (words, checks) = (Words::of(page.language), check::probe(&app.config).await);
    Ok(render(&ServersPage { page, words, here: Here::Servers, notice, checks })?)
}

impl From<Table> for TableLine {
    fn from(table: Table) -> TableLine {
        let Table { name, rows, bytes, days, first, last } = table;
        let span = first.zip(last).map(|(first, last)| format!("{days}: {} – {}", day(&first), day(&last)));
        TableLine { name, rows: ui::count(rows), size: size(bytes), days: span }
    }
}

/// The day that a day's table is named after: `events_20261125`.
fn day(table: &str) -> String {
    let day = table.rsplit('_').next().unwrap_or(table);
    NaiveDate::parse_from_str(day, "%Y%m%d").map_or_else(|_| day.to_owned(), |day| day.to_string())
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Bytes, as people read them.
fn size(bytes: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut left, mut unit) = (bytes, "B");
    let mut tenths = 0;
    for larger in UNITS {
        if left < 1_000 {
            break;
        }
        (tenths, left, unit) = (left % 1_000 / 100, left / 1_000, larger);
    }
    if left < 10 && unit != "B" { format!("{left}.{tenths}\u{a0}{unit}") } else { format!("{left}\u{a0}{unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_as_people_read_them() {
        let cases = [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (1_550_000, "1.5 MB"), (12_000_000_000, "12 GB")];
        for (bytes, expected) in cases {
            assert_eq!(size(bytes).replace('\u{a0}', " "), expected);
        }
    }
}
