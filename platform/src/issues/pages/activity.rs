//! What happened to an issue, and what people say about it.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use axum_extra::extract::Form;
use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    access::IssueAccess,
    app::App,
    auth::User,
    issues::{
        Activity, By, Status,
        api::comments::own,
        comments::{
            self, LONGEST,
            markdown::{self, Names},
        },
        path, people, store,
        words::{Words, happened},
    },
    ui::{Language, Page, Tab, When, render},
    web::Error,
};

use super::{
    head::{Head, Tab as HeadTab},
    rows::Face,
};

#[derive(Template)]
#[template(path = "issues/activity.html")]
struct ActivityPage {
    page: Page,
    words: &'static Words,
    head: Head,
    entries: Vec<Entry>,
    created: When,
    /// Who is told of what happens.
    told: Vec<Face>,
}

/// Something that happened.
struct Entry {
    id: i64,
    who: Face,
    is_somebody: bool,
    what: String,
    when: When,
    comment: Option<Comment>,
}

/// What somebody wrote.
struct Comment {
    html: String,
    text: String,
    is_own: bool,
}

pub(super) async fn show(
    State(app): State<App>,
    language: Language,
    found: IssueAccess,
) -> Result<Html<String>, Error> {
    let IssueAccess { access, issue } = &found;
    let activity = store::activity(&app.db, issue.project_id, issue.id).await?;
    let names = comments::names(&app.db, access.organization.id).await?;
    let told = people::participants(&app.db, issue).await?;
    let page = access.page(language).at(Tab::Issues);
    let entry = |activity: &Activity| Entry::new(activity, &names, &access.user, (app.now(), language));
    let shown = ActivityPage {
        words: Words::of(language),
        head: Head::read(&app, &found, language, HeadTab::Activity).await?,
        entries: activity.iter().map(entry).collect(),
        created: When::new(issue.first_seen, app.now(), page.phrases),
        told: told.iter().map(|person| Face::of_person(&person.name, &person.email)).collect(),
        page,
    };
    Ok(render(&shown)?)
}

impl Entry {
    fn new(activity: &Activity, names: &Names, user: &User, (now, language): (DateTime<Utc>, Language)) -> Entry {
        let words = Words::of(language);
        let is_somebody = activity.user.is_some();
        let who = match &activity.email {
            Some(email) => Face::of_person("", email),
            None => Face::of_person(if is_somebody { words.somebody } else { words.itself }, ""),
        };
        let comment = (activity.kind == "note").then(|| {
            let text = activity.data.get("text").and_then(serde_json::Value::as_str).unwrap_or_default();
            Comment {
                html: markdown::html(text, names),
                text: text.to_owned(),
                is_own: user.is_superuser || activity.user == Some(user.id),
            }
        });
        Entry {
            id: activity.id,
            who,
            is_somebody,
            what: happened(&activity.kind, &activity.data, language),
            when: When::new(activity.at, now, language.phrases()),
            comment,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Written {
    #[serde(default)]
    text: String,
}

impl Written {
    /// Nothing where nothing, or too much, is written.
    fn text(&self) -> Option<&str> {
        let text = self.text.trim();
        let fits = !text.is_empty() && text.chars().count() <= LONGEST && !text.contains('\0');
        fits.then_some(text)
    }
}

/// `POST comments/`
pub(super) async fn write(
    State(app): State<App>,
    found: IssueAccess,
    Form(written): Form<Written>,
) -> Result<Redirect, Error> {
    if let Some(text) = written.text() {
        let by = By { user: found.access.user.id, at: app.now() };
        comments::write(&app.db, by, (found.access.organization.id, &found.issue), text).await?;
    }
    Ok(lead(&found))
}

#[derive(Deserialize)]
pub(super) struct CommentPath {
    comment: i64,
}

/// `POST comments/{comment}/`
pub(super) async fn edit(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<CommentPath>,
    Form(written): Form<Written>,
) -> Result<Redirect, Error> {
    own(&app, &found, path.comment).await?;
    if let Some(text) = written.text() {
        comments::edit(&app.db, &found.issue, path.comment, text).await?;
    }
    Ok(lead(&found))
}

/// `POST comments/{comment}/deletion/`
pub(super) async fn remove(
    State(app): State<App>,
    found: IssueAccess,
    Path(path): Path<CommentPath>,
) -> Result<Redirect, Error> {
    own(&app, &found, path.comment).await?;
    comments::remove(&app.db, &found.issue, path.comment).await?;
    Ok(lead(&found))
}

fn lead(IssueAccess { access, issue }: &IssueAccess) -> Redirect {
    Redirect::to(&format!("{}activity/", path(&access.organization.slug, &access.project.slug, issue.id)))
}
