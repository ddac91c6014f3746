//! Who wants no more mails says so with one click, signed in or not, as <https://www.rfc-editor.org/rfc/rfc8058> asks: the link in
//! a mail is signed for its reader and its project.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Html,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::Sha256;

use super::store;
use crate::{
    app::App,
    auth::UserId,
    projects::ProjectId,
    ui::{Language, Page, render},
    web::Error,
};

/// Where a person says that they want no more mails of a project.
pub(super) fn path(app: &App, user: UserId, project: ProjectId) -> String {
    let signature = mac(app, user, project).finalize().into_bytes();
    let signature = u128::from_be_bytes(std::array::from_fn(|at| signature[at]));
    format!("/unsubscribe/{}/{}/{signature:032x}/", user.0, project.0)
}

fn mac(app: &App, user: UserId, project: ProjectId) -> Hmac<Sha256> {
    let key = app.secret_key.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(format!("unsubscribe {} {}", user.0, project.0).as_bytes());
    mac
}

/// What a link names.
#[derive(Deserialize)]
pub(super) struct Signed {
    user: i64,
    project: i64,
    signature: String,
}

#[derive(Template)]
#[template(path = "alerts/unsubscribe.html")]
struct UnsubscribePage {
    page: Page,
    heading: String,
    text: &'static str,
    button: Option<&'static str>,
}

impl Signed {
    fn check(&self, app: &App) -> Result<(UserId, ProjectId), Error> {
        let (user, project) = (UserId(self.user), ProjectId(self.project));
        let is_whole = self.signature.len() == 32;
        let signature = u128::from_str_radix(&self.signature, 16).ok().filter(|_| is_whole).ok_or(Error::NotFound)?;
        mac(app, user, project).verify_truncated_left(&signature.to_be_bytes()).map_err(|_| Error::NotFound)?;
        Ok((user, project))
    }
}

pub(super) async fn ask(
    State(app): State<App>,
    language: Language,
    Path(signed): Path<Signed>,
) -> Result<Html<String>, Error> {
    let (user, project) = signed.check(&app)?;
    let name = store::project_name(&app.db, project).await?.ok_or(Error::NotFound)?;
    let wants = store::wants_mail(&app.db, user, project).await?;
    Ok(render(&shown(language, &name, wants))?)
}

pub(super) async fn unsubscribe(
    State(app): State<App>,
    language: Language,
    Path(signed): Path<Signed>,
) -> Result<Html<String>, Error> {
    let (user, project) = signed.check(&app)?;
    let name = store::project_name(&app.db, project).await?.ok_or(Error::NotFound)?;
    store::prefer(&app.db, user, project, false).await?;
    Ok(render(&shown(language, &name, false))?)
}

fn shown(language: Language, name: &str, wants: bool) -> UnsubscribePage {
    let (heading, text, button) = match (language, wants) {
        (Language::English, true) => {
            (format!("Mails of {name}"), "You get mails when its rules say so.", Some("Send me no more"))
        }
        (Language::English, false) => (
            format!("No more mails of {name}"),
            "You can change your mind on the page of the project's alert rules.",
            None,
        ),
        (Language::Chinese, true) => (format!("{name} 的邮件"), "该项目的告警规则会向您发送邮件。", Some("不再接收")),
        (Language::Chinese, false) => (format!("不再接收 {name} 的邮件"), "您可以在项目的告警规则页面重新开启。", None),
    };
    UnsubscribePage { page: Page::plain(language), heading, text, button }
}
