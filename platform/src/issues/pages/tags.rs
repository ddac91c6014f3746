//! The tags of an issue: all keys with their most frequent values, or one key with many of them.

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Html,
};
use serde::Deserialize;

use crate::{
    access::IssueAccess,
    app::App,
    issues::{
        Issue, Status,
        search::typed,
        tags::{self, Key, Value},
        words::Words,
    },
    ui::{self, Language, Page, Tab, When, render},
    web::Error,
};

use super::head::{Head, Tab as HeadTab};

/// Values of a key among others, and of one that is looked at alone.
const FEW: i64 = 5;
const MANY: i64 = 500;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    key: String,
}

#[derive(Template)]
#[template(path = "issues/tags.html")]
struct TagsPage {
    page: Page,
    words: &'static Words,
    head: Head,
    is_one: bool,
    keys: Vec<KeyView>,
}

/// A key with its values.
struct KeyView {
    key: String,
    url: String,
    values: i64,
    rows: Vec<Row>,
}

/// A value.
struct Row {
    text: String,
    url: String,
    events: String,
    share: String,
    width: i64,
    first_seen: When,
    last_seen: When,
}

pub(super) async fn show(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let issue = &found.issue;
    let mut keys = tags::keys_of_issue(&app.db, issue).await?;
    let is_one = !asked.key.is_empty();
    let top = if is_one {
        keys.retain(|key| key.key == asked.key);
        let values = tags::values_of_issue(&app.db, issue, &asked.key, (0, MANY)).await?;
        values.into_iter().map(|value| (asked.key.clone(), value)).collect()
    } else {
        tags::top(&app.db, issue, FEW).await?
    };
    if is_one && keys.is_empty() {
        return Err(Error::NotFound);
    }
    let page = found.access.page(language).at(Tab::Issues);
    let head = Head::read(&app, &found, language, HeadTab::Tags).await?;
    let view = |key: Key| {
        let values = top.iter().filter(|(of, _)| *of == key.key).map(|(_, value)| value);
        let rows = values.map(|value| Row::new(&key, value, issue, (&app, &page, &head))).collect();
        let url = format!("{}tags/{}", head.url, ui::query(&[("key", Some(&key.key))]));
        KeyView { url, values: key.values, rows, key: key.key }
    };
    let keys = keys.into_iter().map(view).collect();
    Ok(render(&TagsPage { words: Words::of(language), is_one, keys, page, head })?)
}

impl Row {
    fn new(key: &Key, value: &Value, issue: &Issue, (app, page, head): (&App, &Page, &Head)) -> Row {
        let when = |at| When::new(at, app.now(), page.phrases);
        let query = typed(&key.key, &value.value);
        let events = value.events.min(issue.times_seen);
        Row {
            text: tags::name(&key.key, value),
            url: format!("{}events/{}", head.url, ui::query(&[("query", Some(&query))])),
            events: ui::count(value.events),
            share: tags::share(events, issue.times_seen),
            width: (events * 100 / issue.times_seen.max(1)).max(1),
            first_seen: when(value.first_seen),
            last_seen: when(value.last_seen),
        }
    }
}
