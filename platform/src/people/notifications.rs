//! Which mails somebody gets: of alerts, in general and of each project they see.

use askama::Template;
use axum::{
    Form, Router,
    extract::{Query, State},
    response::{Html, Response},
    routing::get,
};

use super::{
    frame::{Asked, Done, Frame, Section},
    words::Words,
};
use crate::{
    access::Visitor,
    alerts::{self, Mails},
    app::App,
    organizations,
    projects::{self, ProjectId},
    ui::{Language, Page, render},
    web::Error,
};

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
    usual: bool,
    /// By the names of their organisations.
    organizations: Vec<(String, Vec<Row>)>,
}

/// A project, and whether they said that they want its mails or that they do not.
struct Row {
    id: i64,
    name: String,
    slug: String,
    wanted: Option<bool>,
}

async fn show(
    State(app): State<App>,
    language: Language,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Html<String>, Error> {
    let words = Words::of(language);
    let mails = alerts::mails_of(&app, visitor.user.id).await?;
    Ok(render(&NotificationsPage {
        page: visitor.page(language),
        frame: Frame::new(&app, &visitor, (Section::Notifications, None), (words, &asked)).await?,
        usual: mails.usual,
        organizations: own(&app, &visitor, &mails).await?,
        words,
    })?)
}

/// The projects of one's organisations; of others one gets no mails.
async fn own(app: &App, visitor: &Visitor, mails: &Mails) -> Result<Vec<(String, Vec<Row>)>, Error> {
    let mut own = Vec::new();
    for organization in organizations::store::of_user(&app.db, visitor.user.id).await? {
        let seen = projects::store::seen(&app.db, &visitor.user, organization.id).await?;
        let rows: Vec<Row> = seen
            .into_iter()
            .map(|project| Row {
                id: project.id.0,
                wanted: mails.of.get(&project.id).copied(),
                name: project.name,
                slug: project.slug,
            })
            .collect();
        if !rows.is_empty() {
            own.push((organization.name, rows));
        }
    }
    Ok(own)
}

async fn save(
    State(app): State<App>,
    visitor: Visitor,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let mut mails = alerts::mails_of(&app, visitor.user.id).await?;
    mails.usual = form.iter().any(|(name, _)| name == "usual");
    for (_, rows) in own(&app, &visitor, &mails).await? {
        for row in rows {
            let field = format!("project-{}", row.id);
            // What the form does not name stays.
            let Some((_, said)) = form.iter().find(|(name, _)| *name == field) else { continue };
            let project = ProjectId(row.id);
            match said.as_str() {
                "on" => _ = mails.of.insert(project, true),
                "off" => _ = mails.of.insert(project, false),
                _ => _ = mails.of.remove(&project),
            }
        }
    }
    alerts::set_mails(&app, visitor.user.id, &mails).await?;
    Ok(Done::Saved.redirect(&Section::Notifications.url("")))
}
