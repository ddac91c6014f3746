//! An issue's page: what it is, what people decided, and one of its events in full.

mod of_issue;
mod spread;

use askama::Template;
use axum::{
    Router,
    extract::{Path, Query, State},
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    beside::Beside,
    curl, grouping,
    sections::{self, Block, ExceptionView, Frames},
    store::{self, End, Neighbours, Stored},
    text,
};
use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        By, Status,
        pages::head::{self, Head},
        people::{self, Mark, Set},
        words::Words,
    },
    protocol::{
        event::{self, Breadcrumb, Event},
        json::Object,
        remarks::{Remark, remarks},
    },
    ui::{self, Language, Page, Phrases, Tab, When, render},
    web::Error,
};
use spread::Spread;

/// The pages of this slice.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/issues/{issue}/", get(latest))
        .route("/{org}/{project}/issues/{issue}/events/{event}/", get(one))
        .route("/{org}/{project}/issues/{issue}/events/{event}/json/", get(raw))
        .route("/{org}/{project}/issues/{issue}/events/{event}/text/", get(text))
        .route("/{org}/{project}/issues/{issue}/events/", get(of_issue::list))
}

#[derive(Deserialize)]
struct Named {
    event: String,
}

/// How the page is looked at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    /// `full`, `raw`, or the application's frames first.
    trace: String,
    /// What was asked for before could not be done.
    wrong: String,
}

async fn latest(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let event = store::at_end(&app.db, &found.issue, End::Latest).await?;
    show(&app, language, &found, (event, &asked)).await
}

async fn one(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Path(named): Path<Named>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let event = named.find(&app, &found).await?;
    show(&app, language, &found, (Some(event), &asked)).await
}

/// The event as the SDK sent it.
async fn raw(State(app): State<App>, found: IssueAccess, Path(named): Path<Named>) -> Result<impl IntoResponse, Error> {
    let json = named.find(&app, &found).await?.json()?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
}

/// Its stack traces as text.
async fn text(State(app): State<App>, found: IssueAccess, Path(named): Path<Named>) -> Result<String, Error> {
    let json = named.find(&app, &found).await?.json()?;
    Ok(text::trace(&Event::parse(&json)?))
}

impl Named {
    /// The event of the path, `oldest` or `latest`, if it is of the path's issue.
    async fn find(&self, app: &App, found: &IssueAccess) -> Result<Stored, Error> {
        let event = match self.event.as_str() {
            "oldest" => store::at_end(&app.db, &found.issue, End::Oldest).await?,
            "latest" => store::at_end(&app.db, &found.issue, End::Latest).await?,
            id => {
                let id = id.parse().map_err(|_| Error::NotFound)?;
                store::find(&app.db, found.access.project.id, id).await?
            }
        };
        event.filter(|event| event.issue_id == found.issue.id).ok_or(Error::NotFound)
    }
}

#[derive(Template)]
#[template(path = "events/issue.html")]
struct IssuePage {
    page: Page,
    words: &'static Words,
    head: Head,
    spread: Spread,
    /// The ways to look at its stack traces.
    traces: Vec<(String, &'static str, bool)>,
    event: Option<EventView>,
    beside: Option<Beside>,
    why: Option<grouping::View>,
}

/// One event, in the parts of its page.
struct EventView {
    id: String,
    short_id: String,
    occurred: When,
    received: When,
    neighbours: Neighbours,
    exceptions: Vec<ExceptionView>,
    /// `app`, `full` or `raw`.
    trace: &'static str,
    /// Where it is to be read as text.
    text: Option<String>,
    message: Option<String>,
    request: Option<RequestView>,
    early_crumbs: Vec<Crumb>,
    crumbs: Vec<Crumb>,
    /// Those of the breadcrumbs, for who wants to see some of them alone.
    crumb_levels: Vec<&'static str>,
    tags: Vec<(String, String)>,
    user: Vec<(String, String)>,
    contexts: Vec<(String, Vec<(String, String)>)>,
    extra: Vec<(String, String)>,
    sdk: Option<String>,
    changes: Vec<Change>,
}

/// What was done to a part of the event, in words.
struct Change {
    at: String,
    words: String,
    why: Option<String>,
    value: Option<String>,
}

struct RequestView {
    line: String,
    headers: Vec<(String, String)>,
    query: Option<String>,
    body: Option<String>,
    curl: String,
}

struct Crumb {
    time: Option<String>,
    category: String,
    level: &'static str,
    message: Option<String>,
    data: Vec<(String, String)>,
}

async fn show(
    app: &App,
    language: Language,
    found: &IssueAccess,
    (event, asked): (Option<Stored>, &Asked),
) -> Result<Html<String>, Error> {
    let page = found.access.page(language).at(Tab::Issues);
    let words = Words::of(language);
    let head = Head::read(app, found, language, head::Tab::Details).await?.told(!asked.wrong.is_empty());
    let spread = Spread::read(app, &found.issue, page.phrases).await?;
    let by = By { user: found.access.user.id, at: app.now() };
    people::mark(&app.db, by, found.issue.project_id, &[found.issue.id], (Mark::Seen, Set::On)).await?;
    let (event, beside, why) = match event {
        Some(stored) => {
            let json = event::object(&stored.json()?)?;
            let event = Event::read(&json);
            (
                Some(EventView::read(app, &stored, (&json, &event), (page.phrases, asked)).await?),
                Some(Beside::read(app, &found.access, &stored, page.phrases).await?),
                Some(grouping::Why::read(app, &stored, &event).await?.view(page.phrases)),
            )
        }
        None => (None, None, None),
    };
    let trace = |name: &str, label| {
        let event = event.as_ref()?;
        let asked = ui::query(&[("trace", Some(name).filter(|name| *name != "app"))]);
        Some((format!("{}events/{}/{asked}", head.url, event.id), label, event.trace == name))
    };
    let names = [("app", words.trace_app), ("full", words.trace_full), ("raw", words.trace_raw)];
    let traces = names.into_iter().filter_map(|(name, label)| trace(name, label)).collect();
    Ok(render(&IssuePage { page, words, head, spread, traces, event, beside, why })?)
}

impl EventView {
    async fn read(
        app: &App,
        stored: &Stored,
        (json, event): (&Object, &Event),
        (phrases, asked): (&Phrases, &Asked),
    ) -> Result<EventView, Error> {
        let neighbours = store::neighbours(&app.db, stored).await?;
        let view = EventView::new(stored, event, neighbours, (app.now(), phrases));
        let changes = remarks(json).into_iter().map(|change| Change::new(change, phrases));
        let view = EventView { changes: changes.collect(), ..view };
        Ok(match asked.trace.as_str() {
            "full" => EventView { trace: "full", exceptions: sections::exceptions(event, Frames::All), ..view },
            "raw" => EventView { trace: "raw", text: Some(text::trace(event)), ..view },
            _ => view,
        })
    }

    fn new(
        stored: &Stored,
        event: &Event,
        neighbours: Neighbours,
        (now, phrases): (DateTime<Utc>, &Phrases),
    ) -> EventView {
        let id = stored.id.simple().to_string();
        let (early, last) = sections::breadcrumbs(event);
        let crumbs = |crumbs: &[Breadcrumb]| crumbs.iter().map(Crumb::new).collect();
        EventView {
            short_id: id[..8].to_owned(),
            id,
            occurred: When::new(stored.occurred_at, now, phrases),
            received: When::new(stored.received_at, now, phrases),
            neighbours,
            exceptions: sections::exceptions(event, Frames::OfApplication),
            trace: "app",
            text: None,
            message: event.message.as_deref().map(sections::shortened),
            request: event.request.as_ref().map(RequestView::new),
            early_crumbs: crumbs(early),
            crumbs: crumbs(last),
            crumb_levels: sections::levels(event),
            tags: sections::tags(event),
            user: sections::shortened_pairs(&event.user),
            contexts: event.contexts.iter().map(|(name, pairs)| (name.clone(), context(pairs))).collect(),
            extra: sections::shortened_pairs(&event.extra),
            sdk: event.sdk.clone(),
            changes: Vec::new(),
        }
    }
}

/// A context's `type` only repeats its name.
fn context(pairs: &[(String, String)]) -> Vec<(String, String)> {
    sections::shortened_pairs(pairs).into_iter().filter(|(name, _)| name != "type").collect()
}

impl Change {
    fn new(remark: Remark, phrases: &Phrases) -> Change {
        let Remark { at, what, why, value } = remark;
        Change { at, words: (phrases.remark)(&what), why, value: value.as_deref().map(sections::shortened) }
    }
}

impl RequestView {
    fn new(request: &crate::protocol::event::Request) -> RequestView {
        let method = request.method.as_deref().unwrap_or("GET");
        RequestView {
            line: format!("{method} {}", sections::shortened(request.url.as_deref().unwrap_or("/"))),
            headers: sections::shortened_pairs(&request.headers),
            query: request.query.as_deref().map(sections::shortened),
            body: request.body.as_deref().map(sections::shortened),
            curl: sections::shortened(&curl::command(request)),
        }
    }
}

impl Crumb {
    fn new(crumb: &Breadcrumb) -> Crumb {
        Crumb {
            time: crumb.timestamp.map(|time| time.format("%H:%M:%S").to_string()),
            category: crumb.category.clone().unwrap_or_else(|| "default".into()),
            level: sections::level(crumb),
            message: crumb.message.as_deref().map(sections::shortened),
            data: sections::shortened_pairs(&crumb.data),
        }
    }
}
