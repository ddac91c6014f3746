//! Channels: where alerts go. A kind of channel is one file: what it asks for, how it puts a message, and what an answer means.
//!
//! All of that is pure; what is sent goes through one client ([`send`]). A channel belongs to a project, or to an organisation
//! and so to all its projects. To add a kind: write its file, and name it in [`KINDS`].

pub mod api;
pub mod configured;
pub mod dingtalk;
mod feishu;
pub mod letter;
mod mail;
pub mod message;
mod pagerduty;
pub mod pages;
pub mod schema;
pub mod setup;
mod slack;
pub mod store;
mod webhook;
mod wecom;
mod words;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::{
    app::App,
    auth::UserId,
    check,
    mail::{Mail as Letter, NotTaken},
    organizations::OrganizationId,
    outbound::{Answer, Post, Unanswered},
    projects::ProjectId,
    secrets::Vault,
};
use message::{Message, Sending};
use schema::{Both, Config, Field, Wrong, both};

/// Every kind there is, as people choose among them.
pub const KINDS: &[&dyn Kind] = &[
    &dingtalk::DingTalk,
    &feishu::Feishu,
    &wecom::WeCom,
    &slack::Slack,
    &pagerduty::PagerDuty,
    &webhook::Webhook,
    &mail::Mail,
];

/// A kind of channel. Pure.
pub trait Kind: Sync {
    /// Its name in the API and the database.
    fn id(&self) -> &'static str;
    /// What people call it.
    fn label(&self) -> Both;
    /// Where one is found.
    fn text(&self) -> Both;
    /// What it is told when it is set up.
    fn fields(&self) -> &'static [Field];
    /// How many messages a channel takes before it is too much.
    fn per_minute(&self) -> u32;
    /// Puts a message into its form.
    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing;

    /// What is wrong with a configuration beyond its fields.
    fn check(&self, _: &Config) -> Vec<Wrong> {
        Vec::new()
    }

    /// What an answer means.
    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        by_status(answer)
    }

    /// What a code of the other side means, and what to do.
    fn explain(&self, _: &str) -> Option<Both> {
        None
    }

    /// Whether it wants to know when an issue it was told of is resolved.
    fn resolves(&self) -> bool {
        false
    }
}

/// The kind of this name.
pub fn kind(id: &str) -> Option<&'static dyn Kind> {
    KINDS.iter().copied().find(|kind| kind.id() == id)
}

/// A message in the form of its channel.
#[derive(Clone, Debug)]
pub enum Outgoing {
    Http(Post),
    Mail(Box<Letter>),
    /// It cannot be put into that form.
    Impossible(String),
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub how: How,
    /// A word for it, which [`explain`] knows.
    pub code: String,
    /// The other side's own words; may be empty.
    pub said: String,
}

/// What a failure is a reason for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// To try again, after so long where the other side says it.
    Later(Option<Duration>),
    /// To give this message up.
    Refused,
    /// To pause the channel: it takes no message until somebody sees to it.
    Broken,
}

impl How {
    /// A word for it.
    pub fn name(self) -> &'static str {
        match self {
            How::Later(_) => "later",
            How::Refused => "refused",
            How::Broken => "broken",
        }
    }
}

impl Failure {
    fn new(how: How, code: &str, said: &str) -> Failure {
        Failure { how, code: code.to_owned(), said: message::shorten(said, 300) }
    }

    /// To be tried again.
    pub fn later(code: &str, said: &str) -> Failure {
        Failure::new(How::Later(None), code, said)
    }

    /// Not this message.
    pub fn refused(code: &str, said: &str) -> Failure {
        Failure::new(How::Refused, code, said)
    }

    /// No message at all.
    pub fn broken(code: &str, said: &str) -> Failure {
        Failure::new(How::Broken, code, said)
    }
}

/// What an answer's status means where nothing else says it.
pub fn by_status(answer: &Answer) -> Result<(), Failure> {
    let code = format!("http {}", answer.status);
    match answer.status {
        200..300 => Ok(()),
        429 | 503 => Err(Failure::new(How::Later(answer.retry_after), &code, &answer.body)),
        408 | 425 | 500.. => Err(Failure::later(&code, &answer.body)),
        300..=399 | 401 | 403 | 404 | 410 => Err(Failure::broken(&code, &answer.body)),
        _ => Err(Failure::refused(&code, &answer.body)),
    }
}

/// What a code means to whoever looks after the channel.
pub fn explain(kind_id: &str, code: &str) -> Both {
    if let Some(words) = kind(kind_id).and_then(|kind| kind.explain(code)) {
        return words;
    }
    match code {
        "unreachable" => both("The other side did not answer.", "对方没有响应。"),
        "forbidden" => both("Nothing may be sent to this address.", "不允许向该地址发送。"),
        "secret" => both("Its secrets cannot be read: enter them again.", "无法读取密钥：请重新填写。"),
        "unreadable" => both("The other side answered in a way that is not understood.", "无法理解对方的响应。"),
        "form" => both("The message cannot be put into the form of this channel.", "无法生成该渠道的消息。"),
        "no mail" => both(
            "This server sends no mail: SENTRY_EMAIL_HOST is not set.",
            "服务器未配置邮件：SENTRY_EMAIL_HOST 未设置。",
        ),
        "mail" => both("The mail server did not take the mail.", "邮件服务器没有接收该邮件。"),
        "mail refused" => both("The mail server refuses this mail for good.", "邮件服务器拒绝了该邮件。"),
        "gone" => both("The channel was deleted.", "该渠道已被删除。"),
        "issue gone" => both("The issue was deleted before it was told.", "问题在发送前已被删除。"),
        "http 401" | "http 403" => {
            both("The other side refuses us: is the secret right?", "对方拒绝访问：请检查密钥。")
        }
        "http 404" | "http 410" => both("There is nothing at this address.", "该地址不存在。"),
        "http 429" => both("The other side had too many messages.", "对方限流：消息过多。"),
        code if code.starts_with("http 3") => {
            both("The address leads elsewhere: enter where it leads.", "该地址已跳转：请填写跳转后的地址。")
        }
        code if code.starts_with("http 5") => both("The other side has an error of its own.", "对方服务出错。"),
        _ => both("The other side did not take the message.", "对方没有接收该消息。"),
    }
}

/// A channel's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct ChannelId(pub i64);

/// A channel, its secrets sealed.
#[derive(Clone, Debug)]
pub struct Channel {
    pub id: ChannelId,
    pub organization_id: OrganizationId,
    /// None where it is for all projects of the organisation.
    pub project_id: Option<ProjectId>,
    pub kind: String,
    pub name: String,
    pub config: Json<BTreeMap<String, String>>,
    pub secrets: Vec<u8>,
    /// Who set it up, and is told when it fails.
    pub owner: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_code: String,
    pub paused_said: String,
    /// It comes from the installation's configuration, and changes there alone.
    pub is_configured: bool,
}

impl Channel {
    /// What it was told, secrets included.
    pub fn open(&self, vault: &Vault) -> Result<Config> {
        let secrets = vault.open(&place(self.organization_id), &self.secrets)?;
        Ok(Config::new(self.config.0.clone(), serde_json::from_slice(&secrets).context("reading a channel's secrets")?))
    }
}

/// Where the secrets of an organisation's channels belong.
fn place(organization: OrganizationId) -> String {
    format!("channels of {}", organization.0)
}

/// Seals the secrets of a configuration.
pub fn seal(vault: &Vault, organization: OrganizationId, secrets: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    vault.seal(&place(organization), &serde_json::to_vec(secrets)?)
}

/// Sends a message by a channel.
pub async fn send(app: &App, channel: &Channel, message: &Message, sending: &Sending) -> Result<(), Failure> {
    let kind = kind(&channel.kind).ok_or_else(|| Failure::broken("gone", &channel.kind))?;
    let config = channel.open(&app.vault).map_err(|error| Failure::broken("secret", &format!("{error:#}")))?;
    let sending = Sending { language: config.language(), ..*sending };
    match kind.compose(&config, message, &sending) {
        Outgoing::Http(post) => {
            let answer = app.outbound.post(&post).await.map_err(|unanswered| match unanswered {
                Unanswered::Refused(why) => Failure::broken("forbidden", &why),
                Unanswered::Failed(why) => Failure::later("unreachable", &why),
            })?;
            kind.judge(&answer)
        }
        Outgoing::Mail(mail) => post(app, &mail).await,
        Outgoing::Impossible(why) => Err(Failure::refused("form", &why)),
    }
}

/// Sends a mail. What is wrong with the server's settings is said as `picket config check` says it.
pub async fn post(app: &App, mail: &Letter) -> Result<(), Failure> {
    match app.mailer.send(mail).await {
        Ok(()) => Ok(()),
        Err(NotTaken::NoServer) => Err(Failure::refused("no mail", "")),
        Err(NotTaken::Refused(why)) => Err(Failure::refused("mail refused", &why)),
        Err(NotTaken::Later(why)) => Err(Failure::later("mail", &why)),
        Err(NotTaken::Connection(why)) => {
            let found = check::mail_in_words(&app.config.mail).await.unwrap_or(why);
            Err(Failure::later("mail", &found))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A configuration of a kind, as somebody fills it in.
    pub fn config(kind: &dyn Kind, values: &[(&str, &str)]) -> Config {
        let asked = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        schema::read(kind.fields(), &asked, None).expect("the test fills in what is needed")
    }

    /// What a kind sends over HTTP.
    pub fn post(kind: &dyn Kind, config: &Config, message: &Message, sending: &Sending) -> Post {
        let Outgoing::Http(post) = kind.compose(config, message, sending) else {
            panic!("{} sends over HTTP", kind.id())
        };
        post
    }

    #[test]
    fn every_kind_can_be_told_from_the_others_and_speaks_both_languages() {
        let mut ids: Vec<_> = KINDS.iter().map(|kind| kind.id()).collect();
        ids.dedup();
        assert_eq!(ids.len(), KINDS.len());
        for kind in KINDS {
            let says = [kind.label(), kind.text()].into_iter();
            let says = says.chain(kind.fields().iter().flat_map(|field| [field.label, field.text]));
            for words in says {
                assert!(!words.en.is_empty() && !words.zh.is_empty(), "{}: {words:?}", kind.id());
            }
            assert!(kind.per_minute() >= 2, "a digest needs room beside the others");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let how = |status| {
            by_status(&Answer { status, body: String::new(), retry_after: None }).map_err(|failure| failure.how.name())
        };
        assert_eq!([200, 202, 204].map(how), [Ok(()); 3]);
        assert_eq!([408, 429, 500, 502, 503].map(how), [Err("later"); 5]);
        assert_eq!([302, 401, 403, 404, 410].map(how), [Err("broken"); 5]);
        assert_eq!([400, 413, 422].map(how), [Err("refused"); 3]);
    }
}
