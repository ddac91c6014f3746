//! The pages of a project's channels: the list, with a test of each, and the form that each kind's fields make.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde::Deserialize;

use super::{
    Channel, KINDS, Kind, api, explain, kind,
    schema::{Field, Input, Wrong},
    setup::{self, Asked as Sent},
    store::{self, Owner},
    words::{Words as Say, words as say},
};
use crate::{
    access::{ProjectAccess, ProjectAdmin, ProjectView},
    app::App,
    permissions::Scope,
    projects::{
        settings::pages::frame::{Asked, Done, Frame, Section},
        words::Words,
    },
    ui::{Language, Page, Tab, render},
    web::Error,
};

/// The routes of these pages.
pub fn routes() -> Router<App> {
    let channels = "/{org}/{project}/settings/channels/";
    Router::new()
        .route(channels, get(show))
        .route("/{org}/{project}/settings/channels/new/{kind}/", get(new).post(create))
        .route("/{org}/{project}/settings/channels/{channel}/", get(edit).post(change))
        .route("/{org}/{project}/settings/channels/{channel}/test/", post(test))
        .route("/{org}/{project}/settings/channels/{channel}/removal/", post(remove))
}

#[derive(Template)]
#[template(path = "channels/list.html")]
struct ListPage {
    page: Page,
    words: &'static Words,
    say: &'static Say,
    frame: Frame,
    base: String,
    channels: Vec<Row>,
    kinds: Vec<Choice>,
    tried: Option<Tried>,
}

struct Row {
    id: i64,
    name: String,
    kind: String,
    is_shared: bool,
    is_configured: bool,
    may_change: bool,
    /// Why it is paused, in words and in those of the other side.
    paused: Option<(String, String)>,
}

struct Choice {
    id: &'static str,
    label: &'static str,
    text: &'static str,
}

struct Tried {
    name: String,
    problem: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "channels/form.html")]
struct FormPage {
    page: Page,
    words: &'static Words,
    say: &'static Say,
    frame: Frame,
    base: String,
    action: String,
    kind: Choice,
    budget: String,
    name: String,
    name_problem: Option<String>,
    fields: Vec<Filled>,
    is_new: bool,
    may_share: bool,
}

/// A field with what it holds.
struct Filled {
    name: &'static str,
    label: &'static str,
    text: &'static str,
    is_needed: bool,
    value: String,
    input: Shape,
    problem: Option<String>,
}

enum Shape {
    Line,
    Secret { is_kept: bool },
    Lines,
    Switch(bool),
    Choice(Vec<(&'static str, &'static str, bool)>),
}

#[derive(Deserialize)]
struct Named {
    channel: i64,
}

#[derive(Deserialize)]
struct OfKind {
    kind: String,
}

fn owner(access: &ProjectAccess) -> Owner {
    Owner { organization: access.organization.id, project: Some(access.project.id) }
}

async fn show(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    list(&app, language, &view, (asked.done(), None)).await
}

async fn list(
    app: &App,
    language: Language,
    view: &ProjectView,
    (done, tried): (Option<Done>, Option<Tried>),
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let row = |channel: Channel| Row {
        id: channel.id.0,
        kind: kind(&channel.kind).map_or_else(|| channel.kind.clone(), |kind| kind.label().of(language).to_owned()),
        is_shared: channel.project_id.is_none(),
        is_configured: channel.is_configured,
        may_change: view.may_decide && channel.project_id.is_some(),
        paused: channel.paused_at.map(|_| {
            (explain(&channel.kind, &channel.paused_code).of(language).to_owned(), channel.paused_said.clone())
        }),
        name: channel.name,
    };
    let channels = store::usable(&app.db, owner(&view.access)).await?.into_iter().map(row).collect();
    Ok(render(&ListPage {
        page: view.access.page(language).at(Tab::Settings),
        words,
        say: say(language),
        frame: Frame::new(view, Section::Channels, words, done),
        base: Section::Channels.of(&view.access),
        channels,
        kinds: KINDS.iter().map(|kind| choice(*kind, language)).collect(),
        tried,
    })?)
}

fn choice(kind: &dyn Kind, language: Language) -> Choice {
    Choice { id: kind.id(), label: kind.label().of(language), text: kind.text().of(language) }
}

/// A form and what it holds.
struct Draft<'a> {
    kind: &'a dyn Kind,
    channel: Option<&'a Channel>,
    sent: Sent,
    wrong: Vec<Wrong>,
}

fn form(language: Language, view: &ProjectView, draft: &Draft<'_>) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let base = Section::Channels.of(&view.access);
    let action = match draft.channel {
        Some(channel) => format!("{base}{}/", channel.id.0),
        None => format!("{base}new/{}/", draft.kind.id()),
    };
    let may_share = view.access.scopes.has(Scope::OrgWrite);
    let mut frame = Frame::new(view, Section::Channels, words, None);
    frame.failed = !draft.wrong.is_empty();
    let problem =
        |name: &str| draft.wrong.iter().find(|(field, _)| field == name).map(|(_, why)| why.of(language).to_owned());
    let fill = |field: &Field| Filled {
        name: field.name,
        label: field.label.of(language),
        text: field.text.of(language),
        is_needed: field.is_required && draft.channel.is_none(),
        value: draft.sent.values.get(field.name).cloned().unwrap_or_default(),
        input: shape(field, draft, language),
        problem: problem(field.name),
    };
    Ok(render(&FormPage {
        page: view.access.page(language).at(Tab::Settings),
        words,
        say: say(language),
        frame,
        base,
        action,
        kind: choice(draft.kind, language),
        budget: (say(language).per_minute)(draft.kind.per_minute()),
        name_problem: problem("name"),
        fields: draft.kind.fields().iter().map(fill).collect(),
        name: draft.sent.name.clone(),
        is_new: draft.channel.is_none(),
        may_share,
    })?)
}

fn shape(field: &Field, draft: &Draft<'_>, language: Language) -> Shape {
    let value = draft.sent.values.get(field.name).map_or("", String::as_str);
    match field.input {
        Input::Line | Input::Url => Shape::Line,
        Input::Secret | Input::SecretUrl => Shape::Secret { is_kept: draft.channel.is_some() },
        Input::Lines | Input::Text => Shape::Lines,
        Input::Switch => Shape::Switch(value == "true"),
        Input::Choice(choices) => {
            Shape::Choice(choices.iter().map(|(id, label)| (*id, label.of(language), *id == value)).collect())
        }
    }
}

async fn new(language: Language, view: ProjectView, Path(of): Path<OfKind>) -> Result<Html<String>, Error> {
    let kind = kind(&of.kind).ok_or(Error::NotFound)?;
    let usual = kind.fields().iter().map(|field| (field.name.to_owned(), field.default.to_owned())).collect();
    let mut values: BTreeMap<String, String> = usual;
    if language == Language::Chinese {
        values.insert("language".to_owned(), "zh".to_owned());
    }
    let sent = Sent { kind: of.kind.clone(), name: kind.label().of(language).to_owned(), values };
    form(language, &view, &Draft { kind, channel: None, sent, wrong: Vec::new() })
}

/// What a browser sent: of a switch that is off it sends nothing.
fn read(kind: &dyn Kind, sent: Vec<(String, String)>) -> (Sent, bool) {
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let (mut name, mut is_shared) = (String::new(), false);
    for (field, value) in sent {
        match field.as_str() {
            "channel_name" => name = value,
            "shared" => is_shared = true,
            _ => _ = values.insert(field, value.replace("\r\n", "\n")),
        }
    }
    for field in kind.fields().iter().filter(|field| field.input == Input::Switch) {
        values.entry(field.name.to_owned()).or_insert_with(|| "false".to_owned());
    }
    (Sent { kind: kind.id().to_owned(), name, values }, is_shared)
}

async fn create(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(of): Path<OfKind>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let view = admin.view();
    let kind = kind(&of.kind).ok_or(Error::NotFound)?;
    let (sent, is_shared) = read(kind, sent);
    let access = &view.access;
    let mut owner = owner(access);
    if is_shared {
        if !access.scopes.has(Scope::OrgWrite) {
            return Err(Error::Forbidden);
        }
        owner.project = None;
    }
    match setup::create(&app, owner, access.user.id, &sent).await? {
        Ok(_) => Ok(Done::ChannelSaved.redirect(&Section::Channels.of(access))),
        Err(wrong) => refuse(language, &view, &Draft { kind, channel: None, sent, wrong }),
    }
}

fn refuse(language: Language, view: &ProjectView, draft: &Draft<'_>) -> Result<Response, Error> {
    Ok((StatusCode::UNPROCESSABLE_ENTITY, form(language, view, draft)?).into_response())
}

async fn edit(
    State(app): State<App>,
    language: Language,
    view: ProjectView,
    Path(named): Path<Named>,
) -> Result<Html<String>, Error> {
    let channel = api::find(&app, owner(&view.access), named.channel).await?;
    let kind = kind(&channel.kind).ok_or(Error::NotFound)?;
    let sent = Sent { kind: channel.kind.clone(), name: channel.name.clone(), values: channel.config.0.clone() };
    form(language, &view, &Draft { kind, channel: Some(&channel), sent, wrong: Vec::new() })
}

/// A channel of the project's very own.
async fn own(app: &App, access: &ProjectAccess, id: i64) -> Result<Channel, Error> {
    let channel = api::find(app, owner(access), id).await?;
    if channel.project_id.is_some() { Ok(channel) } else { Err(Error::Forbidden) }
}

async fn change(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(named): Path<Named>,
    Form(sent): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let view = admin.view();
    let channel = own(&app, &view.access, named.channel).await?;
    let kind = kind(&channel.kind).ok_or(Error::NotFound)?;
    let (sent, _) = read(kind, sent);
    match setup::change(&app, &channel, &sent).await? {
        Ok(()) => Ok(Done::ChannelSaved.redirect(&Section::Channels.of(&view.access))),
        Err(wrong) => refuse(language, &view, &Draft { kind, channel: Some(&channel), sent, wrong }),
    }
}

async fn test(
    State(app): State<App>,
    language: Language,
    admin: ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Html<String>, Error> {
    let view = admin.view();
    let access = &view.access;
    let channel = api::find(&app, owner(access), named.channel).await?;
    let outcome = setup::test(&app, &channel, &access.organization.slug, &access.project.slug).await?;
    let problem =
        |failure: super::Failure| (explain(&channel.kind, &failure.code).of(language).to_owned(), failure.said);
    let tried = Tried { name: channel.name.clone(), problem: outcome.err().map(problem) };
    list(&app, language, &view, (None, Some(tried))).await
}

async fn remove(
    State(app): State<App>,
    ProjectAdmin(access): ProjectAdmin,
    Path(named): Path<Named>,
) -> Result<Response, Error> {
    let channel = own(&app, &access, named.channel).await?;
    store::delete(&app.db, owner(&access), channel.id).await?;
    Ok(Done::ChannelRemoved.redirect(&Section::Channels.of(&access)))
}
