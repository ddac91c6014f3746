//! The pages of a project's settings: who may see the project reads them, who decides about it changes them.
//!
//! Each page is a list of [`fields`], named as Sentry's API names the setting, so that a form asks what a client of the API
//! would. What was saved is told on the page that follows; what cannot be taken is told at its field.

pub mod fields;
pub mod frame;
mod specs;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    fields::{Filled, Group, Input},
    frame::{Asked, Done, Frame, Section},
};
use super::{Demands, options, wanted, wrong::Wrong};
use crate::{
    access::{ProjectAccess, ProjectAdmin, ProjectView},
    app::App,
    projects::{
        Changed, Changes, change,
        store::{self, Details},
        words::Words,
    },
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/{org}/{project}/settings/", get(show).post(save))
        .route("/{org}/{project}/settings/{section}/", get(show).post(save))
}

#[derive(Template)]
#[template(path = "projects/settings/pages/form.html")]
struct FormPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Place {
    section: Option<String>,
}

impl Place {
    /// Only those that are a form of fields.
    fn section(&self) -> Result<Section, Error> {
        let Some(name) = &self.section else { return Ok(Section::General) };
        let forms = [Section::Filters, Section::Privacy, Section::Grouping];
        forms.into_iter().find(|section| section.path().trim_end_matches('/') == name).ok_or(Error::NotFound)
    }
}

async fn show(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Path(place): Path<Place>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let section = place.section()?;
    let details = store::details(&app.db, view.access.project.id).await?.ok_or(Error::NotFound)?;
    let demands = demands(&app, &view.access).await?;
    let filled = kept(&view.access, &details);
    let groups = specs::groups(section, words).into_iter().map(|spec| spec.fill(&filled, &demands, &[])).collect();
    let frame = Frame::new(&view, section, words, asked.done());
    Ok(render(&FormPage { page: view.access.page(language).at(Tab::Settings), words, frame, groups })?)
}

async fn save(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(place): Path<Place>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let words = Words::of(language);
    let section = place.section()?;
    let view = admin.view();
    let access = &view.access;
    let filled = Filled::from_form(sent);
    let specs = specs::groups(section, words);
    let asked = specs.iter().flat_map(|group| group.asked(&filled)).collect();
    let details = store::details(&app.db, access.project.id).await?.ok_or(Error::NotFound)?;
    let before = details.settings.grouping.clone();
    let wrong = match wanted::read(details.settings, &asked) {
        Ok(mut changes) => {
            changes.settings.grouping.follow(&before, app.now());
            match changed(&app, access, changes).await? {
                Ok(slug) => return Ok(Done::Saved.redirect(&section.url(&access.organization.slug, &slug))),
                Err(wrong) => vec![wrong],
            }
        }
        Err(wrong) => wrong,
    };
    let demands = demands(&app, access).await?;
    let groups = specs.into_iter().map(|spec| spec.fill(&filled, &demands, &wrong)).collect();
    let page = access.page(language).at(Tab::Settings);
    let frame = Frame::failed(&view, section, words);
    Ok((StatusCode::UNPROCESSABLE_ENTITY, render(&FormPage { page, words, frame, groups })?).into_response())
}

/// The slug after the changes, or what is wrong with it.
async fn changed(
    app: &App,
    access: &ProjectAccess,
    changes: Changes,
) -> Result<Result<String, (String, Wrong)>, Error> {
    match change(&app.db, &access.actor, &access.project, changes).await? {
        Changed::Done(project, _) => Ok(Ok(project.slug)),
        Changed::NoSlug => Ok(Err(("slug".to_owned(), Wrong::NoSlug))),
        Changed::SlugTaken => Ok(Err(("slug".to_owned(), Wrong::SlugTaken))),
        Changed::Gone => Err(Error::NotFound),
    }
}

async fn demands(app: &App, access: &ProjectAccess) -> Result<Demands, Error> {
    let (_, demands) = store::demands(&app.db, access.organization.id).await?.ok_or(Error::NotFound)?;
    Ok(demands)
}

/// What is kept, in the shape of a form that was sent.
fn kept(access: &ProjectAccess, details: &Details) -> Filled {
    let mut values = options::options(&details.settings);
    values.insert("name".into(), json!(access.project.name));
    values.insert("slug".into(), json!(access.project.slug));
    values.insert("platform".into(), json!(access.project.platform));
    values.insert("sentry:origins".into(), json!(details.origins.join("\n")));
    for filter in options::filters(&details.settings.filters).as_array().into_iter().flatten() {
        if let Some(id) = filter["id"].as_str() {
            values.insert(format!("filters:{id}"), filter["active"].clone());
        }
    }
    let mut filled = Filled::default();
    for (name, value) in values {
        match value {
            Value::Bool(true) => filled.add(&name, "1"),
            Value::String(text) => filled.add(&name, &text),
            Value::Number(number) => filled.add(&name, &number.to_string()),
            Value::Array(entries) => {
                entries.iter().filter_map(Value::as_str).for_each(|entry| filled.add(&name, entry));
            }
            Value::Bool(false) | Value::Null | Value::Object(_) => (),
        }
    }
    filled
}
