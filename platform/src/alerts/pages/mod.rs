//! The pages of alert rules: the list, one rule as a form with its preview, its test and what it told.

mod shown;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Redirect, Response},
    routing::{get, post},
};
use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use self::shown::{Draft, INTERVALS, Line, Shown, draft, sentences};
use super::{
    By, Kept, RuleId, api, change, create,
    form::{self, Filled},
    mails,
    preferences::{self, Mails},
    preview::{Preview, preview},
    rules::Rule,
    store::{self, Told},
    tries::{Tried, try_rule},
    usable,
    words::{Words as Say, words as say},
};
use crate::{
    access::{ProjectAccess, ProjectAdmin, ProjectView},
    app::App,
    channels::{Channel, Failure, explain},
    projects::{
        settings::pages::frame::{Asked, Done, Frame, Section},
        words::Words,
    },
    ui::{Language, Page, Tab, When, render},
    web::Error,
};

/// What a history shows.
const MOST_SHOWN: i64 = 50;
/// The routes of these pages.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/unsubscribe/{user}/{project}/{signature}/", get(mails::ask).post(mails::unsubscribe))
        .route("/{org}/{project}/settings/alerts/", get(list))
        .route("/{org}/{project}/settings/alerts/mails/", post(prefer))
        .route("/{org}/{project}/settings/alerts/new/", get(new).post(add))
        .route("/{org}/{project}/settings/alerts/{rule}/", get(edit).post(save))
        .route("/{org}/{project}/settings/alerts/{rule}/test/", post(test))
        .route("/{org}/{project}/settings/alerts/{rule}/mute/", post(mute))
        .route("/{org}/{project}/settings/alerts/{rule}/removal/", post(remove))
        .route("/{org}/{project}/settings/alerts/{rule}/again/{delivery}/", post(again))
}

#[derive(Template)]
#[template(path = "alerts/list.html")]
struct ListPage {
    page: Page,
    words: &'static Words,
    say: &'static Say,
    frame: Frame,
    base: String,
    rules: Vec<Row>,
    wants_mail: bool,
}

struct Row {
    id: i64,
    name: String,
    when: Vec<String>,
    then: Vec<String>,
    last: Option<When>,
    is_muted: bool,
    given_up: Option<String>,
}

#[derive(Template)]
#[template(path = "alerts/rule.html")]
struct RulePage {
    page: Page,
    words: &'static Words,
    say: &'static Say,
    frame: Frame,
    base: String,
    id: Option<i64>,
    is_muted: bool,
    draft: Draft,
    channels: Vec<(i64, String, bool)>,
    preview: Option<Shown>,
    tried: Vec<(String, Option<(String, String)>)>,
    history: Vec<Line>,
}

#[derive(Deserialize)]
struct Named {
    rule: i64,
}

async fn list(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let project = view.access.project.id;
    let now = app.now();
    let channels = usable(&app, &view.access.project).await?;
    let fired = store::last_fired(&app.db, project).await?;
    let given_up = store::given_up(&app.db, project, now - TimeDelta::days(7)).await?;
    let page = view.access.page(language).at(Tab::Settings);
    let row = |kept: Kept| {
        let (when, then) = sentences(&kept, &channels, language);
        Row {
            id: kept.id.0,
            when,
            then,
            last: fired.iter().find(|(id, _)| *id == kept.id).map(|(_, at)| When::new(*at, now, page.phrases)),
            is_muted: kept.muted_until.is_some_and(|until| until > now),
            given_up: given_up
                .iter()
                .find(|(id, _)| *id == kept.id)
                .map(|(_, number)| (say(language).given_up)(*number)),
            name: kept.name,
        }
    };
    let rules = store::rules(&app.db, &[project]).await?.into_iter().map(row).collect();
    let wants_mail = preferences::wants(&app.db, view.access.user.id, project, Mails::Alerts).await?;
    let frame = Frame::new(&view, Section::Alerts, words, asked.done());
    let base = Section::Alerts.of(&view.access);
    Ok(render(&ListPage { page, words, say: say(language), frame, base, rules, wants_mail })?)
}

/// What a rule's page shows besides its form.
#[derive(Default)]
struct Beside {
    preview: Option<Preview>,
    tried: Vec<Tried>,
    done: Option<Done>,
}

async fn page(
    app: &App,
    language: Language,
    (view, kept): (&ProjectView, Option<&Kept>),
    (draft, beside): (Draft, Beside),
) -> Result<Html<String>, Error> {
    let (words, say) = (Words::of(language), say(language));
    let access = &view.access;
    let page = access.page(language).at(Tab::Settings);
    let now = app.now();
    let mut frame = Frame::new(view, Section::Alerts, words, beside.done);
    frame.failed = !draft.wrong.is_empty();
    let history = match kept {
        Some(kept) => store::history(&app.db, (access.project.id, kept.id), MOST_SHOWN).await?,
        None => Vec::new(),
    };
    let issues = format!("/{}/{}/issues/", access.organization.slug, access.project.slug);
    let channels = usable(app, &access.project).await?;
    let channel = |one: Channel| (one.id.0, one.name, one.paused_at.is_some());
    let line = |told: Told| Line::new(told, (language, &issues), (now, &page));
    let history = history.into_iter().map(line).collect();
    let shown = beside.preview.map(|preview| Shown::new(&preview, (say, &issues), (access, now, &page)));
    let tried = |one: Tried| {
        let problem = |failure: Failure| (explain(&one.kind, &failure.code).of(language).to_owned(), failure.said);
        (one.whom, one.outcome.err().map(problem))
    };
    Ok(render(&RulePage {
        words,
        say,
        frame,
        base: Section::Alerts.of(access),
        id: kept.map(|kept| kept.id.0),
        is_muted: kept.and_then(|kept| kept.muted_until).is_some_and(|until| until > now),
        draft,
        channels: channels.into_iter().map(channel).collect(),
        preview: shown,
        tried: beside.tried.into_iter().map(tried).collect(),
        history,
        page,
    })?)
}

async fn new(State(app): State<App>, language: Language, view: ProjectView) -> Result<Html<String>, Error> {
    let draft = Draft { filled: Some(form::of_new()), sentences: Vec::new(), wrong: Vec::new() };
    page(&app, language, (&view, None), (draft, Beside::default())).await
}

async fn edit(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Path(named): Path<Named>,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let kept = api::find(&app, &view.access, named.rule).await?;
    let beside = Beside { done: asked.done(), ..Beside::default() };
    page(&app, language, (&view, Some(&kept)), (draft(&kept.json(), Some(&kept), language), beside)).await
}

async fn add(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Form(sent): Form<Filled>,
) -> Result<Response, Error> {
    store_or_preview(&app, language, (&admin.view(), None), sent).await
}

async fn save(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(named): Path<Named>,
    Form(sent): Form<Filled>,
) -> Result<Response, Error> {
    let view = admin.view();
    let kept = api::find(&app, &view.access, named.rule).await?;
    store_or_preview(&app, language, (&view, Some(&kept)), sent).await
}

/// A form has two buttons: one keeps the rule, the other only shows what it would have told.
async fn store_or_preview(
    app: &App,
    language: Language,
    (view, kept): (&ProjectView, Option<&Kept>),
    sent: Filled,
) -> Result<Response, Error> {
    let (access, json) = (&view.access, form::read(&sent));
    let is_preview = sent.contains_key("preview");
    let mut beside = Beside::default();
    let wrong = if is_preview {
        let mut json = json.clone();
        if json["name"] == "" {
            json.insert("name".to_owned(), json!("preview"));
        }
        match Rule::read(RuleId(0), access.project.id, &json) {
            Ok(rule) => {
                beside.preview = Some(preview(app, rule).await?);
                Vec::new()
            }
            Err(wrong) => wrong,
        }
    } else {
        let by = By { user: access.user.id, at: app.now() };
        let kept = match kept {
            Some(kept) => change(app, &access.project, kept.id, &json).await?.map(|_| kept.id),
            None => create(app, &access.project, by, &json).await?,
        };
        match kept {
            Ok(id) => return Ok(Done::RuleSaved.redirect(&format!("{}{}/", Section::Alerts.of(access), id.0))),
            Err(wrong) => wrong,
        }
    };
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let draft = Draft { filled: Some(sent), sentences: Vec::new(), wrong };
    Ok((status, page(app, language, (view, kept), (draft, beside)).await?).into_response())
}

async fn test(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Html<String>, Error> {
    let view = admin.view();
    let kept = api::find(&app, &view.access, named.rule).await?;
    let rule = kept.rule().map_err(Error::Fields)?;
    let beside = Beside { tried: try_rule(&app, &view.access, &rule).await?, ..Beside::default() };
    page(&app, language, (&view, Some(&kept)), (draft(&kept.json(), Some(&kept), language), beside)).await
}

async fn mute(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Response, Error> {
    let kept = api::find(&app, &access, named.rule).await?;
    let is_muted = kept.muted_until.is_some_and(|until| until > app.now());
    store::mute(&app.db, access.project.id, kept.id, (!is_muted).then_some(store::FOR_GOOD)).await?;
    let done = if is_muted { Done::RuleWoken } else { Done::RuleMuted };
    Ok(done.redirect(&format!("{}{}/", Section::Alerts.of(&access), kept.id.0)))
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Response, Error> {
    if !store::delete(&app.db, access.project.id, RuleId(named.rule)).await? {
        return Err(Error::NotFound);
    }
    Ok(Done::RuleRemoved.redirect(&Section::Alerts.of(&access)))
}

#[derive(Deserialize)]
struct Delivered {
    rule: i64,
    delivery: Uuid,
}

async fn again(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Delivered>,
) -> Result<Redirect, Error> {
    let rule = (access.project.id, RuleId(named.rule));
    if !store::replay(&app.db, rule, named.delivery, app.now()).await? {
        return Err(Error::NotFound);
    }
    Ok(Redirect::to(&format!("{}{}/#history", Section::Alerts.of(&access), named.rule)))
}

#[derive(Deserialize)]
struct Preference {
    alerts: bool,
}

/// Everybody decides for themselves.
async fn prefer(
    State(app): State<App>,
    access: ProjectAccess,
    Form(sent): Form<Preference>,
) -> Result<Response, Error> {
    preferences::prefer(&app.db, access.user.id, access.project.id, (Mails::Alerts, sent.alerts)).await?;
    Ok(Done::Saved.redirect(&Section::Alerts.of(&access)))
}
