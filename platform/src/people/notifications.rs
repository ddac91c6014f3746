//! What somebody hears by mail, of all projects and of each, and by what robots of chats call them.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Response},
    routing::get,
};
use chrono::TimeDelta;

use super::{
    frame::{Asked, Done, Frame, Section},
    words::Words,
};
use crate::{
    access::Visitor,
    alerts::preferences::{self, ALL, CONTACTS, Refused, Wants},
    app::App,
    channels::explain,
    organizations,
    projects::{self, Project, ProjectId},
    ui::{Language, Page, When, render},
    web::Error,
};

/// How far back mails are shown that did not come.
const LOOKS_BACK: TimeDelta = TimeDelta::days(7);

/// The routes of this page.
pub fn routes() -> Router<App> {
    Router::new().route("/settings/account/notifications/", get(show).post(save))
}

#[derive(Template)]
#[template(path = "people/notifications.html")]
struct NotificationsPage {
    page: Page,
    words: &'static Words,
    frame: Frame,
    lines: Vec<Line>,
    contacts: Vec<Contact>,
    refused: Vec<(When, String, &'static str, String)>,
}

/// What is wanted of one project, or of all.
struct Line {
    project: i64,
    name: String,
    of: Option<String>,
    choices: [(&'static str, &'static str, Option<bool>); 2],
}

struct Contact {
    kind: &'static str,
    label: &'static str,
    text: &'static str,
    value: String,
}

impl Line {
    fn new(words: &Words, (project, name, of): (ProjectId, String, Option<String>), wants: Wants) -> Line {
        let choices = [("alerts", words.alert_mails, wants.alerts), ("activity", words.activity_mails, wants.activity)];
        Line { project: project.0, name, of, choices }
    }

    /// Whether this one is for all the others.
    fn is_for_all(&self) -> bool {
        self.project == ALL.0
    }
}

async fn show(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let user = visitor.user.id;
    let page = visitor.page(language);
    let said: BTreeMap<i64, Wants> =
        preferences::of(&app.db, user).await?.into_iter().map(|(project, wants)| (project.0, wants)).collect();
    let wants = |project: ProjectId| said.get(&project.0).copied().unwrap_or_default();
    let for_all = Line::new(words, (ALL, words.all_projects.to_owned(), None), wants(ALL));
    let of_each = own(&app, &visitor).await?.into_iter().map(|(organization, project)| {
        Line::new(words, (project.id, project.name, Some(organization)), wants(project.id))
    });
    let known = preferences::contacts(&app.db, user).await?;
    let contact = |(nth, kind): (usize, &'static str)| Contact {
        kind,
        label: words.contacts[nth],
        text: words.contact_texts[nth],
        value: known.iter().find(|(of, _)| of == kind).map(|(_, value)| value.clone()).unwrap_or_default(),
    };
    let now = app.now();
    let refused = preferences::refused(&app.db, user, now - LOOKS_BACK).await?.into_iter().map(|mail: Refused| {
        let why = explain("mail", &mail.code).of(language);
        (When::new(mail.at, now, page.phrases), mail.title.unwrap_or_default(), why, mail.said)
    });
    Ok(render(&NotificationsPage {
        words,
        frame: Frame::new(&app, &visitor, (Section::Notifications, None), (words, &asked)).await?,
        lines: std::iter::once(for_all).chain(of_each).collect(),
        contacts: CONTACTS.into_iter().enumerate().map(contact).collect(),
        refused: refused.collect(),
        page,
    })?)
}

/// The projects that one sees in one's own organisations, with their names; of others one gets no mails.
async fn own(app: &App, visitor: &Visitor) -> Result<Vec<(String, Project)>, Error> {
    let organizations = organizations::store::of_user(&app.db, visitor.user.id).await?;
    let is_own = |id| organizations.iter().any(|own| own.id == id);
    let seen = projects::store::all_visible(&app.db, &visitor.user).await?.into_iter();
    Ok(seen.filter(|(of, _)| is_own(of.id)).map(|(of, project)| (of.name, project)).collect())
}

/// Only what the form shows is changed: projects that somebody does not see stay as they were.
async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Form(sent): Form<BTreeMap<String, String>>,
) -> Result<Response, Error> {
    let user = visitor.user.id;
    let own = own(&app, &visitor).await?;
    let choice = |name: &str, project: ProjectId| {
        let sent = sent.get(&format!("{name}.{}", project.0))?;
        Some(match sent.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    };
    let projects = std::iter::once(ALL).chain(own.iter().map(|(_, project)| project.id));
    let wants: Vec<(ProjectId, Wants)> = projects
        .filter_map(|project| {
            Some((project, Wants { alerts: choice("alerts", project)?, activity: choice("activity", project)? }))
        })
        .collect();
    preferences::set(&app.db, user, &wants).await?;
    let contacts: Vec<(&str, &str)> =
        CONTACTS.iter().filter_map(|kind| Some((*kind, sent.get(&format!("contact.{kind}"))?.as_str()))).collect();
    preferences::set_contacts(&app.db, user, &contacts).await?;
    Ok(Done::Saved.redirect(&Section::Notifications.url("")))
}
