//! An issue's page: what it is, what people decided, and one of its events in full.

use askama::Template;
use axum::{
    Router,
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    beside::Beside,
    grouping,
    sections::{self, Block, ExceptionView},
    store::{self, End, Neighbours, Stored},
};
use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        self, Status,
        store::{Window, series},
    },
    protocol::{
        event::{self, Breadcrumb, Event},
        json::Object,
        remarks::{Remark, remarks},
    },
    ui::{Bars, Language, Page, Phrases, Tab, When, count, render},
    web::Error,
};

/// The pages of this slice.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/issues/{issue}/", get(latest))
        .route("/{org}/{project}/issues/{issue}/events/{event}/", get(one))
        .route("/{org}/{project}/issues/{issue}/events/{event}/json/", get(raw))
}

#[derive(Deserialize)]
struct Named {
    event: String,
}

async fn latest(State(app): State<App>, language: Language, found: IssueAccess) -> Result<Html<String>, Error> {
    let event = store::at_end(&app.db, &found.issue, End::Latest).await?;
    show(&app, language, &found, event).await
}

async fn one(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Path(named): Path<Named>,
) -> Result<Html<String>, Error> {
    let event = named.find(&app, &found).await?;
    show(&app, language, &found, Some(event)).await
}

/// The event as the SDK sent it.
async fn raw(State(app): State<App>, found: IssueAccess, Path(named): Path<Named>) -> Result<impl IntoResponse, Error> {
    let json = named.find(&app, &found).await?.json()?;
    Ok(([(header::CONTENT_TYPE, "application/json")], json))
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
    head: Head,
    event: Option<EventView>,
    beside: Option<Beside>,
    why: Option<grouping::View>,
}

/// What is known of the issue, whichever event is shown.
struct Head {
    url: String,
    list_url: String,
    name: String,
    level: &'static str,
    kind: String,
    value: Option<String>,
    culprit: String,
    platform: String,
    status: Status,
    times_seen: i64,
    count: String,
    first_seen: When,
    last_seen: When,
    day: Bars,
    fortnight: Bars,
}

/// One event, in the parts of its page.
struct EventView {
    id: String,
    short_id: String,
    occurred: When,
    received: When,
    neighbours: Neighbours,
    exceptions: Vec<ExceptionView>,
    message: Option<String>,
    request: Option<RequestView>,
    early_crumbs: Vec<Crumb>,
    crumbs: Vec<Crumb>,
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
}

struct Crumb {
    time: Option<String>,
    category: String,
    level: Option<&'static str>,
    message: Option<String>,
    data: Vec<(String, String)>,
}

async fn show(
    app: &App,
    language: Language,
    found: &IssueAccess,
    event: Option<Stored>,
) -> Result<Html<String>, Error> {
    let page = found.access.page(language).at(Tab::Issues);
    let head = Head::read(app, found, page.phrases).await?;
    let (event, beside, why) = match event {
        Some(stored) => {
            let json = event::object(&stored.json()?)?;
            let event = Event::read(&json);
            (
                Some(EventView::read(app, &stored, (&json, &event), page.phrases).await?),
                Some(Beside::read(app, &found.access, &stored, page.phrases).await?),
                Some(grouping::Why::read(app, &stored, &event).await?.view(page.phrases)),
            )
        }
        None => (None, None, None),
    };
    Ok(render(&IssuePage { page, head, event, beside, why })?)
}

impl Head {
    async fn read(app: &App, IssueAccess { access, issue }: &IssueAccess, phrases: &Phrases) -> Result<Head, Error> {
        let now = app.now();
        let day = series(&app.db, issue.project_id, &[issue.id], Window::Day, now).await?;
        let fortnight = series(&app.db, issue.project_id, &[issue.id], Window::Fortnight, now).await?;
        let bars = |series: &std::collections::HashMap<_, Vec<i64>>| {
            Bars::new(series.get(&issue.id).map_or(&[], Vec::as_slice))
        };
        let (kind, value) = issue.headline();
        Ok(Head {
            url: issues::path(&access.organization.slug, &access.project.slug, issue.id),
            list_url: format!("/{}/{}/issues/", access.organization.slug, access.project.slug),
            name: issue.name(&access.project.slug),
            level: issue.level.name(),
            kind: kind.to_owned(),
            value: value.map(str::to_owned),
            culprit: issue.culprit.clone(),
            platform: issue.platform.clone(),
            status: issue.status,
            times_seen: issue.times_seen,
            count: count(issue.times_seen),
            first_seen: When::new(issue.first_seen, now, phrases),
            last_seen: When::new(issue.last_seen, now, phrases),
            day: bars(&day),
            fortnight: bars(&fortnight),
        })
    }
}

impl EventView {
    async fn read(
        app: &App,
        stored: &Stored,
        (json, event): (&Object, &Event),
        phrases: &Phrases,
    ) -> Result<EventView, Error> {
        let neighbours = store::neighbours(&app.db, stored).await?;
        let view = EventView::new(stored, event, neighbours, (app.now(), phrases));
        let changes = remarks(json).into_iter().map(|change| Change::new(change, phrases));
        Ok(EventView { changes: changes.collect(), ..view })
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
            exceptions: sections::exceptions(event),
            message: event.message.as_deref().map(sections::shortened),
            request: event.request.as_ref().map(RequestView::new),
            early_crumbs: crumbs(early),
            crumbs: crumbs(last),
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
        }
    }
}

impl Crumb {
    fn new(crumb: &Breadcrumb) -> Crumb {
        Crumb {
            time: crumb.timestamp.map(|time| time.format("%H:%M:%S").to_string()),
            category: crumb.category.clone().unwrap_or_else(|| "default".into()),
            level: crumb.level.map(crate::protocol::Level::name),
            message: crumb.message.as_deref().map(sections::shortened),
            data: sections::shortened_pairs(&crumb.data),
        }
    }
}
