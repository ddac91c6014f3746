//! Setting channels up: what somebody filled in is read, sealed, kept and tried.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono_tz::Tz;
use uuid::Uuid;

use super::{
    Channel, ChannelId, Failure, Kind, kind,
    message::{Message, Notice, Sending},
    schema::{self, Both, Config, Wrong, both},
    seal, send,
    store::{self, New, Owner},
};
use crate::{app::App, auth::UserId, config::Networks, outbound, ui::Language};

/// The longest name of a channel.
const LONGEST_NAME: usize = 100;
/// Channels that one project or organisation may have.
const MOST: usize = 100;

pub const NO_KIND: Both = both("There is no such kind of channel.", "没有这种渠道。");
const NO_NAME: Both = both("A name has between 1 and 100 characters.", "名称为 1 到 100 个字符。");
const TOO_MANY: Both = both("There are 100 channels already.", "已有 100 个渠道。");
const NOT_ALLOWED: Both = both(
    "This address is in a private network: whoever runs this server allows it with SENTRY_OUTBOUND_ALLOW.",
    "该地址位于内网：需由服务器管理员通过 SENTRY_OUTBOUND_ALLOW 放行。",
);

/// What somebody filled in.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub kind: String,
    pub name: String,
    pub values: BTreeMap<String, String>,
}

/// Adds a channel, or says what is wrong with it.
pub async fn create(app: &App, owner: Owner, user: UserId, asked: &Asked) -> Result<Result<ChannelId, Vec<Wrong>>> {
    let Some(kind) = kind(&asked.kind) else { return Ok(Err(vec![("kind".to_owned(), NO_KIND)])) };
    let config = match check(&app.config.outbound.allow, kind, asked, None) {
        Ok(config) => config,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let there = store::usable(&app.db, owner).await.context("counting channels")?;
    if there.iter().filter(|channel| channel.project_id == owner.project).count() >= MOST {
        return Ok(Err(vec![("name".to_owned(), TOO_MANY)]));
    }
    let (config, secrets) = config.split(kind.fields());
    let secrets = seal(&app.vault, owner.organization, &secrets)?;
    let name = asked.name.trim();
    let new = New { owner, kind: kind.id(), name, config, secrets, user: Some(user), now: app.now() };
    Ok(Ok(store::insert(&app.db, &new).await.context("adding a channel")?))
}

/// Changes a channel, or says what is wrong. Secrets that are left empty stay.
pub async fn change(app: &App, channel: &Channel, asked: &Asked) -> Result<Result<(), Vec<Wrong>>> {
    let Some(kind) = kind(&channel.kind) else { return Ok(Err(vec![("kind".to_owned(), NO_KIND)])) };
    // Where they cannot be read any more they are to be entered again.
    let before = channel.open(&app.vault).unwrap_or_else(|_| Config::new(channel.config.0.clone(), BTreeMap::new()));
    let config = match check(&app.config.outbound.allow, kind, asked, Some(&before)) {
        Ok(config) => config,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let (config, secrets) = config.split(kind.fields());
    let secrets = seal(&app.vault, channel.organization_id, &secrets)?;
    store::update(&app.db, channel.id, asked.name.trim(), (config, secrets)).await.context("changing a channel")?;
    Ok(Ok(()))
}

/// What somebody filled in, read, or what is wrong with it.
pub fn check(
    allowed: &Networks,
    kind: &dyn Kind,
    asked: &Asked,
    before: Option<&Config>,
) -> Result<Config, Vec<Wrong>> {
    let length = asked.name.trim().chars().count();
    let mut wrong = Vec::new();
    if !(1..=LONGEST_NAME).contains(&length) {
        wrong.push(("name".to_owned(), NO_NAME));
    }
    match schema::read(kind.fields(), &asked.values, before) {
        Ok(config) => {
            wrong.extend(kind.check(&config));
            for field in kind.fields() {
                let is_url = matches!(field.input, schema::Input::Url | schema::Input::SecretUrl);
                let value = config.text(field.name);
                if is_url && !value.is_empty() && outbound::check(value, allowed).is_err() {
                    wrong.push((field.name.to_owned(), NOT_ALLOWED));
                }
            }
            if wrong.is_empty() { Ok(config) } else { Err(wrong) }
        }
        Err(more) => {
            wrong.extend(more);
            Err(wrong)
        }
    }
}

/// Sends a message that says that it is a test. A channel that takes it goes on, where it was paused.
pub async fn test(app: &App, channel: &Channel, organization: &str, project: &str) -> Result<Result<(), Failure>> {
    let url = app.config.site.url(&format!("/{organization}/{project}/"));
    let notice = Notice::example(organization, project, &url, app.now());
    let tried = send(app, channel, &Message::Alert(notice), &sending(app, Uuid::new_v4())).await;
    if tried.is_ok() {
        store::resume(&app.db, channel.id).await.context("letting a channel go on")?;
    }
    Ok(tried)
}

/// A message of this id, to be sent now.
pub fn sending(app: &App, id: Uuid) -> Sending {
    let zone: Tz = app.config.site.timezone.parse().unwrap_or(Tz::UTC);
    Sending { id, at: app.now(), language: Language::English, zone }
}
