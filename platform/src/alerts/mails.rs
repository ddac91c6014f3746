//! Who wants no more mails says so with one click, signed in or not, as <https://www.rfc-editor.org/rfc/rfc8058> asks: the link in
//! a mail is signed for its reader and its project.

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Html,
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use serde::Deserialize;
use sha2::Sha256;

use super::{
    preferences::{self, Mails},
    store,
};
use crate::{
    app::App,
    auth::UserId,
    projects::ProjectId,
    ui::{Language, Page, render},
    web::Error,
};

/// Where a person says that they want no more mails of a project, of one kind.
pub(super) fn path(app: &App, (user, project): (UserId, ProjectId), mails: Mails) -> String {
    let signature = mac(app, (user, project), mails).finalize().into_bytes();
    let signature = u128::from_be_bytes(std::array::from_fn(|at| signature[at]));
    let of = if mails == Mails::Activity { "?of=activity" } else { "" };
    format!("/unsubscribe/{}/{}/{signature:032x}/{of}", user.0, project.0)
}

fn mac(app: &App, (user, project): (UserId, ProjectId), mails: Mails) -> Hmac<Sha256> {
    let key = app.secret_key.expose_secret().as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    let what = if mails == Mails::Activity { "unsubscribe activity" } else { "unsubscribe" };
    mac.update(format!("{what} {} {}", user.0, project.0).as_bytes());
    mac
}

/// Which mails, where they are not those of rules.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Of {
    of: String,
}

impl Of {
    fn mails(&self) -> Mails {
        if self.of == "activity" { Mails::Activity } else { Mails::Alerts }
    }
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
    fn check(&self, app: &App, mails: Mails) -> Result<(UserId, ProjectId), Error> {
        let (user, project) = (UserId(self.user), ProjectId(self.project));
        let is_whole = self.signature.len() == 32;
        let signature = u128::from_str_radix(&self.signature, 16).ok().filter(|_| is_whole).ok_or(Error::NotFound)?;
        mac(app, (user, project), mails)
            .verify_truncated_left(&signature.to_be_bytes())
            .map_err(|_| Error::NotFound)?;
        Ok((user, project))
    }
}

pub(super) async fn ask(
    State(app): State<App>,
    language: Language,
    Path(signed): Path<Signed>,
    Query(of): Query<Of>,
) -> Result<Html<String>, Error> {
    let mails = of.mails();
    let (user, project) = signed.check(&app, mails)?;
    let name = store::project_name(&app.db, project).await?.ok_or(Error::NotFound)?;
    let wants = preferences::wants(&app.db, user, project, mails).await?;
    Ok(render(&shown(language, &name, (mails, wants)))?)
}

pub(super) async fn unsubscribe(
    State(app): State<App>,
    language: Language,
    Path(signed): Path<Signed>,
    Query(of): Query<Of>,
) -> Result<Html<String>, Error> {
    let mails = of.mails();
    let (user, project) = signed.check(&app, mails)?;
    let name = store::project_name(&app.db, project).await?.ok_or(Error::NotFound)?;
    preferences::prefer(&app.db, user, project, (mails, false)).await?;
    Ok(render(&shown(language, &name, (mails, false)))?)
}

fn shown(language: Language, name: &str, (mails, wants): (Mails, bool)) -> UnsubscribePage {
    let english = language == Language::English;
    let text = match (mails, wants, english) {
        (Mails::Alerts, true, true) => "You get a mail when one of its rules says so.",
        (Mails::Alerts, true, false) => "该项目的告警规则会向你发送邮件。",
        (Mails::Activity, true, true) => "You get a mail when something happens to an issue that you take part in.",
        (Mails::Activity, true, false) => "你参与的问题有新动态时，你会收到邮件。",
        (_, false, true) => "You can change your mind in your account, under Notifications.",
        (_, false, false) => "你可以在个人设置的“通知”页面重新开启。",
    };
    let heading = match (mails, wants, english) {
        (Mails::Alerts, true, true) => format!("Alerts of {name} by mail"),
        (Mails::Alerts, true, false) => format!("{name} 的告警邮件"),
        (Mails::Activity, true, true) => format!("Mails about issues of {name}"),
        (Mails::Activity, true, false) => format!("{name} 的问题动态邮件"),
        (Mails::Alerts, false, true) => format!("No more alerts of {name} by mail"),
        (Mails::Alerts, false, false) => format!("不再接收 {name} 的告警邮件"),
        (Mails::Activity, false, true) => format!("No more mails about issues of {name}"),
        (Mails::Activity, false, false) => format!("不再接收 {name} 的问题动态邮件"),
    };
    let button = wants.then_some(if english { "Send me no more" } else { "不再接收" });
    UnsubscribePage { page: Page::plain(language), heading, text, button }
}
