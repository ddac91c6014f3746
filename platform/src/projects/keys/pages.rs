//! The page of a project's client keys.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use serde::Deserialize;

use super::{Key, Standing, Wanted, is_label};
use crate::{
    access::{ProjectAccess, ProjectAdmin, ProjectView},
    app::App,
    outcomes::{self, KeyHour},
    projects::{
        dsn,
        settings::pages::frame::{Asked, Done, Frame, Section},
        words::Words,
    },
    ui::{self, Bars, Language, Page, Tab, When, render},
    web::Error,
};

/// Seconds that old keys may work on; `Words::overlaps` names them.
const OVERLAPS: [i64; 5] = [0, 3_600, 86_400, 7 * 86_400, 30 * 86_400];
const USUAL_OVERLAP: i64 = 7 * 86_400;
/// How far back the usage of a key is shown.
const HOURS: i64 = 24;

/// The routes of this page.
pub fn routes() -> Router<App> {
    let keys = "/{org}/{project}/settings/keys/";
    Router::new()
        .route(keys, get(show).post(create))
        .route("/{org}/{project}/settings/keys/rotation/", post(rotate))
        .route("/{org}/{project}/settings/keys/{key}/", post(rename))
        .route("/{org}/{project}/settings/keys/{key}/status/", post(switch))
        .route("/{org}/{project}/settings/keys/{key}/removal/", post(remove))
}

#[derive(Template)]
#[template(path = "projects/keys/keys.html")]
struct KeysPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    keys: Vec<Row>,
    overlaps: Vec<(i64, &'static str, bool)>,
    /// A label that cannot be taken.
    wrong_label: Option<String>,
}

/// A key, as its template shows it.
struct Row {
    dsn: String,
    standing: Standing,
    /// When it ends or ended.
    end: Option<When>,
    created: When,
    /// The errors that were sent with it, by the hour, and what became of them; none where there were none.
    usage: Option<(Bars, String)>,
    key: Key,
}

impl Row {
    fn works(&self) -> bool {
        matches!(self.standing, Standing::Works | Standing::WorksUntil(_))
    }

    fn new(key: Key, dsn: String, usage: Option<(Bars, String)>, (now, page): (DateTime<Utc>, &Page)) -> Row {
        let standing = key.standing(now);
        let end = match standing {
            Standing::WorksUntil(end) | Standing::Ended(end) => Some(When::new(end, now, page.phrases)),
            Standing::Works | Standing::Disabled => None,
        };
        Row { dsn, standing, end, created: When::new(key.created_at, now, page.phrases), usage, key }
    }
}

async fn show(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let frame = Frame::new(&view, Section::Keys, Words::of(language), asked.done());
    page(&app, language, &view, (frame, None)).await
}

async fn page(
    app: &App,
    language: Language,
    view: &ProjectView,
    (frame, wrong_label): (Frame, Option<String>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let page = view.access.page(language).at(Tab::Settings);
    let project = view.access.project.id;
    let now = app.now();
    let since = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(HOURS - 1);
    let sent = outcomes::of_keys(&app.db, project, since).await?;
    let keys = super::of(&app.db, project).await?.into_iter().map(|key| {
        let dsn = dsn(&app.config.site.url_prefix, &key.public_key, project);
        let usage = sent.get(&key.public_key).map(|hours| usage(hours, since, words));
        Row::new(key, dsn, usage, (now, &page))
    });
    let overlaps = OVERLAPS.into_iter().zip(words.overlaps);
    Ok(render(&KeysPage {
        keys: keys.collect(),
        base: Section::Keys.of(&view.access),
        overlaps: overlaps.map(|(seconds, label)| (seconds, label, seconds == USUAL_OVERLAP)).collect(),
        page,
        words,
        frame,
        wrong_label,
    })?)
}

/// Bars of the hours since then, and in words what became of it all.
fn usage(hours: &[KeyHour], since: DateTime<Utc>, words: &Words) -> (Bars, String) {
    let mut series = vec![0; usize::try_from(HOURS).unwrap_or_default()];
    let (mut accepted, mut filtered, mut dropped) = (0, 0, 0);
    for one in hours {
        let nth = usize::try_from((one.hour - since).num_hours()).ok().and_then(|nth| series.get_mut(nth));
        if let Some(all) = nth {
            *all += one.accepted + one.filtered + one.dropped;
        }
        accepted += one.accepted;
        filtered += one.filtered;
        dropped += one.dropped;
    }
    let said = (words.key_usage)(&ui::count(accepted), &ui::count(filtered), &ui::count(dropped));
    (Bars::new(&series), said)
}

#[derive(Deserialize)]
struct Labelled {
    label: String,
}

impl Labelled {
    fn checked(&self) -> Option<&str> {
        let label = self.label.trim();
        is_label(label).then_some(label)
    }
}

async fn create(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Form(form): Form<Labelled>,
) -> Result<Response, Error> {
    let view = admin.view();
    let Some(label) = form.checked() else { return refused(&app, language, &view, form.label).await };
    let ProjectAccess { actor, project, .. } = &view.access;
    super::add(&app.db, actor, project, label).await?;
    Ok(Done::KeyCreated.redirect(&Section::Keys.of(&view.access)))
}

async fn refused(app: &App, language: Language, view: &ProjectView, label: String) -> Result<Response, Error> {
    let frame = Frame::failed(view, Section::Keys, Words::of(language));
    let page = page(app, language, view, (frame, Some(label))).await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

#[derive(Deserialize)]
struct Rotation {
    overlap: i64,
}

async fn rotate(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Form(form): Form<Rotation>,
) -> Result<Response, Error> {
    let overlap = OVERLAPS.into_iter().find(|seconds| *seconds == form.overlap);
    let overlap = overlap.ok_or_else(|| Error::Invalid("no overlap to choose".into()))?;
    let end = app.now() + TimeDelta::seconds(overlap);
    super::rotate(&app.db, &access.actor, &access.project, end).await?;
    Ok(Done::KeysRotated.redirect(&Section::Keys.of(&access)))
}

#[derive(Deserialize)]
struct OfKey {
    key: String,
}

async fn rename(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(OfKey { key }): Path<OfKey>,
    Form(form): Form<Labelled>,
) -> Result<Response, Error> {
    let view = admin.view();
    let Some(label) = form.checked() else { return refused(&app, language, &view, form.label).await };
    let ProjectAccess { actor, project, .. } = &view.access;
    let known = super::rename(&app.db, actor, project, (&key, label)).await?;
    if known { Ok(Done::KeyRenamed.redirect(&Section::Keys.of(&view.access))) } else { Err(Error::NotFound) }
}

#[derive(Deserialize)]
struct Switched {
    active: bool,
}

async fn switch(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(OfKey { key }): Path<OfKey>,
    Form(form): Form<Switched>,
) -> Result<Response, Error> {
    let (wanted, done) =
        if form.active { (Wanted::Enabled, Done::KeyEnabled) } else { (Wanted::Disabled, Done::KeyDisabled) };
    if !super::switch(&app.db, &access.actor, Some(access.project.id), (&key, wanted)).await? {
        return Err(Error::NotFound);
    }
    Ok(done.redirect(&Section::Keys.of(&access)))
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(OfKey { key }): Path<OfKey>,
) -> Result<Response, Error> {
    if !super::remove(&app.db, &access.actor, &access.project, &key).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::KeyRemoved.redirect(&Section::Keys.of(&access)))
}
