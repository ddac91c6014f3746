//! The issue stream, and what people decide about an issue.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Redirect},
    routing::{get, post},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::{
    By, Issue, Status, lifecycle,
    paging::{Cursor, Slice},
    search::{self, DEFAULT_QUERY, Found, Question, Search, Sort},
    store::{self, Window},
};
use crate::{
    access::{IssueAccess, ProjectAccess},
    app::App,
    projects::pages::{Waiting, guide},
    ui::{self, Bars, Language, Page, Phrases, Tab, When, render},
    web::Error,
};

const PAGE_SIZE: usize = 50;

/// The pages of this slice. An issue's own page shows one of its events: `events::pages`.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/issues/", get(list))
        .route("/{org}/{project}/issues/{issue}/status/", post(set_status))
}

#[derive(Deserialize)]
struct Asked {
    query: Option<String>,
    #[serde(default)]
    cursor: String,
}

#[derive(Template)]
#[template(path = "issues/list.html")]
struct List {
    page: Page,
    query: String,
    problem: Option<String>,
    tabs: Vec<StatusTab>,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

/// One of the tabs over the list.
struct StatusTab {
    label: &'static str,
    url: String,
    is_current: bool,
}

/// One line of the list.
struct Row {
    url: String,
    name: String,
    level: &'static str,
    kind: String,
    value: Option<String>,
    culprit: String,
    status: Status,
    bars: Bars,
    count: String,
    times_seen: i64,
    first_seen: When,
    last_seen: When,
}

async fn list(
    State(app): State<App>,
    language: Language,
    access: ProjectAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let query = asked.query.unwrap_or_else(|| DEFAULT_QUERY.to_owned());
    let understood = Search::parse(&query).map_err(|problem| problem.text(language));
    let (search, misunderstood) = understood.map_or_else(|why| (Search::default(), Some(why)), |search| (search, None));
    let tabs = tabs(language.phrases(), &search);
    let projects = std::slice::from_ref(&access.project);
    let question = Question { user: access.user.id, projects, search, sort: Sort::LastSeen, now: app.now() };
    let (found, too_slow) = match search::find(&app.db, &question, Cursor::parse(&asked.cursor), PAGE_SIZE).await? {
        Found::Page(page) => (page, None),
        Found::TooSlow => {
            (Slice { rows: Vec::new(), previous: None, next: None }, Some(language.phrases().search_too_slow.into()))
        }
    };
    if found.rows.is_empty() && !store::any(&app.db, access.project.id).await? {
        return guide(&app, language, &access, Waiting::Yes).await;
    }
    let page = access.page(language).at(Tab::Issues);
    let turn = |cursor: Option<Cursor<i64>>| {
        cursor.map(|cursor| ui::query(&[("query", Some(&query)), ("cursor", Some(&cursor.to_string()))]))
    };
    let list = List {
        tabs,
        rows: rows(&app, &access, &found.rows, page.phrases).await?,
        previous: turn(found.previous),
        next: turn(found.next),
        page,
        query,
        problem: misunderstood.or(too_slow),
    };
    Ok(render(&list)?)
}

fn tabs(phrases: &'static Phrases, search: &Search) -> Vec<StatusTab> {
    let statuses = [
        (phrases.unresolved, Some(Status::Unresolved)),
        (phrases.resolved, Some(Status::Resolved)),
        (phrases.ignored, Some(Status::Ignored)),
        (phrases.all, None),
    ];
    let tab = |(label, status)| {
        let query = search.with_status(status);
        // An empty query is not the same as none, which means unresolved.
        let url = ui::query(&[("query", Some(&query))]);
        StatusTab { label, url, is_current: search.status() == status }
    };
    statuses.into_iter().map(tab).collect()
}

async fn rows(app: &App, access: &ProjectAccess, issues: &[Issue], phrases: &Phrases) -> Result<Vec<Row>, Error> {
    let now = app.now();
    let ids: Vec<_> = issues.iter().map(|issue| issue.id).collect();
    let series = store::series(&app.db, access.project.id, &ids, Window::Day, now).await?;
    let counts = |issue: &Issue| series.get(&issue.id).map_or(&[][..], Vec::as_slice);
    Ok(issues.iter().map(|issue| Row::new(access, issue, counts(issue), (now, phrases))).collect())
}

impl Row {
    fn new(access: &ProjectAccess, issue: &Issue, counts: &[i64], (now, phrases): (DateTime<Utc>, &Phrases)) -> Row {
        let (kind, value) = issue.headline();
        Row {
            url: super::path(&access.organization.slug, &access.project.slug, issue.id),
            name: issue.name(&access.project.slug),
            level: issue.level.name(),
            kind: kind.to_owned(),
            value: value.map(str::to_owned),
            culprit: issue.culprit.clone(),
            status: issue.status,
            bars: Bars::new(counts),
            count: ui::count(issue.times_seen),
            times_seen: issue.times_seen,
            first_seen: When::new(issue.first_seen, now, phrases),
            last_seen: When::new(issue.last_seen, now, phrases),
        }
    }
}

#[derive(Deserialize)]
struct Decision {
    status: String,
}

async fn set_status(State(app): State<App>, found: IssueAccess, Form(form): Form<Decision>) -> Result<Redirect, Error> {
    let status = Status::parse(&form.status).ok_or_else(|| Error::Invalid(format!("no status: {}", form.status)))?;
    let IssueAccess { access, issue } = found;
    let by = By { user: access.user.id, at: app.now() };
    let decision = lifecycle::Decision::of(status, by.at);
    super::decide(&app.db, by, access.project.id, &[issue.id], &decision).await?;
    Ok(Redirect::to(&super::path(&access.organization.slug, &access.project.slug, issue.id)))
}
