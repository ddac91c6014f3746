//! The page of a project's quotas: what was sent and what became of it, which quotas apply, and those the project sets itself.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use chrono::{DurationRound, TimeDelta};
use serde::Deserialize;

use super::{
    LONGEST_WINDOW, Line, Quota, Whose,
    usage::{self, Usage},
};
use crate::{
    access::{ProjectAccess, ProjectAdmin, ProjectView},
    app::App,
    outcomes,
    projects::{
        self, Key,
        settings::pages::frame::{Asked, Done, Frame, Section},
        words::Words,
    },
    protocol::item::Category,
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// Categories that people limit; the others are limited with everything.
const LIMITED: [Category; 8] = [
    Category::Error,
    Category::Transaction,
    Category::Attachment,
    Category::Session,
    Category::Monitor,
    Category::Feedback,
    Category::Security,
    Category::Span,
];
/// Seconds of what `Words::units` names.
const UNITS: [i64; 3] = [60, 3_600, 86_400];
/// The shortest time a page offers.
const SHORTEST_WINDOW: i64 = 60;

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/settings/quotas/", get(show).post(set))
        .route("/{org}/{project}/settings/quotas/{quota}/removal/", post(remove))
}

#[derive(Template)]
#[template(path = "quotas/quotas.html")]
struct QuotasPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    base: String,
    usage: Vec<Usage>,
    quotas: Vec<Row>,
    keys: Vec<Key>,
    categories: Vec<(&'static str, &'static str)>,
    units: Vec<(i64, &'static str)>,
    form: NewQuota,
    wrong: Option<Field>,
}

/// A quota, as its template shows it.
struct Row {
    id: i64,
    whose: String,
    key: Option<String>,
    category: String,
    most: i64,
    window: String,
    is_own: bool,
}

/// The form, as it is sent.
#[derive(Clone, Debug, Default, Deserialize)]
struct NewQuota {
    /// A key; empty for the project.
    #[serde(default)]
    key: String,
    /// Empty for everything.
    #[serde(default)]
    category: String,
    #[serde(default)]
    most: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    unit: i64,
}

/// A field of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Key,
    Most,
    Window,
}

#[derive(Deserialize)]
struct OfKey {
    #[serde(default)]
    key: String,
}

async fn show(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Query(asked): Query<Asked>,
    Query(of): Query<OfKey>,
) -> Result<Html<String>, Error> {
    let frame = Frame::new(&view, Section::Quotas, Words::of(language), asked.done());
    let form = NewQuota { key: of.key, number: "1".into(), unit: UNITS[1], ..NewQuota::default() };
    page(&app, language, &view.access, (frame, form, None)).await
}

async fn page(
    app: &App,
    language: Language,
    access: &ProjectAccess,
    (frame, form, wrong): (Frame, NewQuota, Option<Field>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let project = access.project.id;
    let now = app.now();
    let since = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) - TimeDelta::hours(23);
    let keys = projects::keys_of(&app.db, project).await?;
    let label = |key: &str| keys.iter().find(|own| own.public_key == key).map(|own| own.label.clone());
    let row = |line: Line| Row::new(&line, words, &label);
    let category = |category: &Category| (category.name(), (words.category_name)(category.name()));
    Ok(render(&QuotasPage {
        usage: usage::of(outcomes::totals(&app.db, project, since).await?, words),
        quotas: super::of_project(&app.db, project).await?.into_iter().map(row).collect(),
        base: Section::Quotas.of(access),
        categories: LIMITED.iter().map(category).collect(),
        units: UNITS.into_iter().zip(words.units).collect(),
        page: access.page(language).at(Tab::Settings),
        words,
        frame,
        keys,
        form,
        wrong,
    })?)
}

impl Row {
    fn new(line: &Line, words: &Words, label: &impl Fn(&str) -> Option<String>) -> Row {
        let key = line.public_key.as_deref().and_then(label);
        let whose = match (&line.organization, &line.project, &line.public_key) {
            (.., Some(_)) => words.one_key,
            (_, Some(_), None) => words.whole_project,
            (Some(_), None, None) => words.whole_organization,
            (None, None, None) => words.whole_installation,
        };
        let named = |category: &String| (words.category_name)(category).to_owned();
        let categories: Vec<String> = line.categories.iter().map(named).collect();
        Row {
            id: line.id,
            whose: whose.to_owned(),
            key,
            category: if categories.is_empty() { words.all_categories.to_owned() } else { categories.join(", ") },
            most: line.most,
            window: (words.window)(line.window_seconds.into()),
            is_own: line.project.is_some(),
        }
    }
}

async fn set(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Form(form): Form<NewQuota>,
) -> Result<Response, Error> {
    let view = admin.view();
    let keys = projects::keys_of(&app.db, view.access.project.id).await?;
    match form.read(&view.access, &keys) {
        Ok(quota) => {
            super::set(&app.db, &view.access.actor, quota).await?;
            Ok(Done::QuotaSet.redirect(&Section::Quotas.of(&view.access)))
        }
        Err(wrong) => {
            let frame = Frame::failed(&view, Section::Quotas, Words::of(language));
            let page = page(&app, language, &view.access, (frame, form, Some(wrong))).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
    }
}

impl NewQuota {
    fn read(&self, access: &ProjectAccess, keys: &[Key]) -> Result<Quota, Field> {
        let whose = match self.key.as_str() {
            "" => Whose::Project(access.project.id),
            key if keys.iter().any(|own| own.public_key == key) => Whose::Key(key.to_owned()),
            _ => return Err(Field::Key),
        };
        let most = self.most.trim().parse().ok().filter(|most: &i64| *most >= 0).ok_or(Field::Most)?;
        let number = self.number.trim().parse::<i64>().ok();
        let window = number.filter(|_| UNITS.contains(&self.unit)).and_then(|number| number.checked_mul(self.unit));
        let window = window.filter(|window| (SHORTEST_WINDOW..=LONGEST_WINDOW.into()).contains(window));
        let window = window.and_then(|window| i32::try_from(window).ok()).ok_or(Field::Window)?;
        let categories = LIMITED.into_iter().filter(|category| category.name() == self.category).collect();
        Ok(Quota { whose, categories, most, window, reason: "quota".into() })
    }
}

#[derive(Deserialize)]
struct Removed {
    quota: i64,
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(Removed { quota }): Path<Removed>,
) -> Result<Response, Error> {
    if !super::remove(&app.db, &access.actor, Some(access.project.id), quota).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::QuotaRemoved.redirect(&Section::Quotas.of(&access)))
}
