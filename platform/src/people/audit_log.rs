//! The audit log: filtered, a page at a time, and as a file.

use askama::Template;
use axum::{
    Router,
    extract::{Query, State},
    http::header,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Deserialize;

use super::{
    frame::{Asked, Frame, Section},
    words::Words,
};
use crate::{
    access::Membership,
    app::App,
    audit::{
        self, EVENTS, Row,
        store::{self, Filter},
    },
    ui::{self, Language, Page, When, render},
    web::Error,
};

const PAGE: i64 = 50;
/// As many as a file may hold; an older part is had by its dates.
const MOST: i64 = 100_000;

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/settings/{org}/audit-log/", get(show)).route("/settings/{org}/audit-log/export/", get(export))
}

#[derive(Template)]
#[template(path = "people/audit_log.html")]
struct AuditLogPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    rows: Vec<(Row, When, String)>,
    events: &'static [&'static str],
    form: Wanted,
    older: Option<String>,
    export: String,
}

/// What is wanted; dates as browsers send them.
#[derive(Clone, Debug, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    event: String,
    #[serde(default)]
    actor: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    until: String,
    before: Option<i64>,
}

impl Wanted {
    fn filter(&self) -> Filter {
        let day = |text: &str| text.parse::<NaiveDate>().ok().map(|day| day.and_time(chrono::NaiveTime::MIN).and_utc());
        let until: Option<DateTime<Utc>> = day(&self.until).map(|day| day + TimeDelta::days(1));
        Filter {
            event: self.event.clone(),
            actor: self.actor.trim().to_owned(),
            since: day(&self.since),
            until,
            before: self.before,
        }
    }

    fn query(&self, before: Option<i64>) -> String {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let before = before.map(|id| id.to_string());
        let (event, actor, since, until) = (some(&self.event), some(&self.actor), some(&self.since), some(&self.until));
        ui::query(&[
            ("event", event.as_deref()),
            ("actor", actor.as_deref()),
            ("since", since.as_deref()),
            ("until", until.as_deref()),
            ("before", before.as_deref()),
        ])
    }
}

async fn show(
    State(app): State<App>,
    language: Language,
    membership: Membership,
    Query(form): Query<Wanted>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let page = membership.page(language);
    let rows = store::list(&app.db, membership.organization.id, &form.filter(), PAGE + 1).await?;
    let has_more = i64::try_from(rows.len()).is_ok_and(|count| count > PAGE);
    let last = rows.iter().rev().nth(usize::from(has_more)).map(|row| row.id);
    let base = Section::AuditLog.url(&membership.organization.slug);
    let now = app.now();
    let shown = |row: Row| {
        let when = When::new(row.at, now, page.phrases);
        let data = audit::details(&row.data);
        (row, when, data)
    };
    let most = usize::try_from(PAGE).unwrap_or_default();
    Ok(render(&AuditLogPage {
        words,
        frame: Frame::of(&app, &membership, Section::AuditLog, (words, &Asked::default())).await?,
        rows: rows.into_iter().take(most).map(shown).collect(),
        events: EVENTS,
        older: last.filter(|_| has_more).map(|id| format!("{base}{}", form.query(Some(id)))),
        export: format!("{base}export/{}", form.query(None)),
        base,
        form,
        page,
    })?)
}

async fn export(State(app): State<App>, membership: Membership, Query(form): Query<Wanted>) -> Result<Response, Error> {
    let rows = store::list(&app.db, membership.organization.id, &form.filter(), MOST).await?;
    let name = format!("attachment; filename=\"audit-log-{}.csv\"", membership.organization.slug);
    let headers = [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, audit::csv(&rows)).into_response())
}
