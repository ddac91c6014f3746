//! A channel that takes nothing any more is paused, and whoever set it up is told by mail.

use anyhow::{Context, Result};

use super::super::store;
use crate::{
    app::App,
    channels::{self, Channel, ChannelId, Failure, explain},
    job::{Job, Outcome},
    mail::{Mail, NotTaken},
    queue::Topic,
    ui::Language,
};

/// Pauses a channel. What waits for it waits on.
pub(super) async fn pause(app: &App, channel: &Channel, failure: &Failure) -> Result<()> {
    if channels::store::pause(&app.db, channel.id, failure, app.now()).await.context("pausing a channel")? {
        tracing::warn!(
            "the {} channel {:?} is paused: {}",
            channel.kind,
            channel.name,
            explain(&channel.kind, &failure.code).en
        );
        let job = serde_json::to_vec(&Job::ChannelPaused { channel: channel.id.0 })?;
        app.queue.push(Topic::Jobs, vec![job.into()]).await.context("having a channel's owner told")?;
    }
    Ok(())
}

/// Tells whoever set a channel up that it is paused, and why; where nobody is left who did, the organisation's owners.
pub async fn tell_owner(app: &App, channel: ChannelId) -> Result<Outcome> {
    let found = channels::store::find(&app.db, channel).await.context("reading a channel")?;
    let Some((channel, at)) = found.and_then(|channel| channel.paused_at.map(|at| (channel, at))) else {
        return Ok(Outcome::NothingToDo);
    };
    for owner in store::owners(&app.db, &channel).await.context("reading who looks after a channel")? {
        let language = owner.language.as_deref().and_then(Language::named).unwrap_or(Language::English);
        let why = explain(&channel.kind, &channel.paused_code).of(language);
        let url = app.config.site.url(&owner.path);
        let (subject, text) = match language {
            Language::English => (
                format!("[Picket] The channel {} is paused", channel.name),
                format!(
                    "{why}\n{}\n\nWhat was to be told waits until the channel is tried again: {url}\n",
                    channel.paused_said
                ),
            ),
            Language::Chinese => (
                format!("[Picket] 渠道 {} 已暂停", channel.name),
                format!("{why}\n{}\n\n待发送的告警会保留，渠道测试通过后继续发送：{url}\n", channel.paused_said),
            ),
        };
        let html = format!("<pre>{}</pre>", text.replace('&', "&amp;").replace('<', "&lt;"));
        let id = format!("paused-{}-{}", channel.id.0, at.timestamp());
        let mail =
            Mail { to: vec![owner.email], subject, text, html, thread: id.clone(), id, list: None, unsubscribe: None };
        match app.mailer.send(&mail).await {
            Ok(()) | Err(NotTaken::NoServer | NotTaken::Refused(_)) => (),
            Err(error) => return Err(error).context("telling a channel's owner that it is paused"),
        }
    }
    Ok(Outcome::Done)
}
