//! All events of an issue, with a search of their own.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};
use serde::Deserialize;

use crate::{
    access::IssueAccess,
    app::App,
    events::store::{self, Listed},
    issues::{
        Status,
        pages::{
            Spot,
            head::{Head, Tab as HeadTab},
        },
        paging::{Cursor, Slice},
        search::{self, Found, Search},
        words::Words,
    },
    ui::{self, Language, Page, Tab, When, render},
    web::Error,
};

const PAGE_SIZE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    query: String,
    #[serde(default)]
    cursor: String,
}

#[derive(Template)]
#[template(path = "events/list.html")]
struct List {
    page: Page,
    words: &'static Words,
    head: Head,
    query: String,
    suggest: String,
    spot: Option<Spot>,
    is_slow: bool,
    rows: Vec<Row>,
    previous: Option<String>,
    next: Option<String>,
}

/// One event.
struct Row {
    url: String,
    short_id: String,
    occurred: When,
    user: String,
    environment: String,
    release: String,
    others: Vec<(String, String)>,
}

pub(super) async fn list(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let understood = Search::of_events(&asked.query);
    let spot = understood.as_ref().err().map(|problem| Spot::new(&asked.query, problem, language));
    let mut is_slow = false;
    let nothing = || Slice { rows: Vec::new(), previous: None, next: None };
    let keys = match &understood {
        Err(_) => nothing(),
        Ok(search) => {
            let page = (Cursor::parse(&asked.cursor), PAGE_SIZE);
            match search::find_events(&app.db, &found.issue, (search, app.now()), page).await? {
                Found::Page(keys) => keys,
                Found::TooSlow => {
                    is_slow = true;
                    nothing()
                }
            }
        }
    };
    let listed = store::listed(&app.db, &found.issue, &keys.rows).await?;
    let page = found.access.page(language).at(Tab::Issues);
    let head = Head::read(&app, &found, language, HeadTab::Events).await?;
    let turn = |cursor: Option<Cursor<uuid::Uuid>>| {
        let query = Some(asked.query.as_str()).filter(|query| !query.is_empty());
        cursor.map(|cursor| ui::query(&[("query", query), ("cursor", Some(&cursor.to_string()))]))
    };
    let list = List {
        rows: listed.into_iter().map(|listed| Row::new(listed, &head.url, (&app, &page))).collect(),
        suggest: format!(
            "/api/0/organizations/{}/search-suggestions/?project={}",
            found.access.organization.slug, found.access.project.id.0
        ),
        words: Words::of(language),
        previous: turn(keys.previous),
        next: turn(keys.next),
        page,
        head,
        query: asked.query.clone(),
        spot,
        is_slow,
    };
    Ok(render(&list)?)
}

impl Row {
    fn new(listed: Listed, url: &str, (app, page): (&App, &Page)) -> Row {
        let id = listed.id.simple().to_string();
        let mut row = Row {
            url: format!("{url}events/{id}/"),
            short_id: id[..8].to_owned(),
            occurred: When::new(listed.occurred_at, app.now(), page.phrases),
            user: String::new(),
            environment: String::new(),
            release: String::new(),
            others: Vec::new(),
        };
        for (key, value) in listed.tags {
            match key.as_str() {
                "user" => row.user = value,
                "environment" => row.environment = value,
                "release" => row.release = value,
                "level" | "handled" | "mechanism" => (),
                _ => row.others.push((key, value)),
            }
        }
        row.others.truncate(4);
        row
    }
}
