//! Trying a rule: what it would tell is told now, marked as a test, and each outcome is said. Mails go only to whoever tries it.

use std::collections::BTreeSet;

use anyhow::Result;
use uuid::Uuid;

use super::{
    rules::{Action, Rule},
    usable,
};
use crate::{
    access::ProjectAccess,
    app::App,
    channels::{
        self, Channel, Failure,
        letter::{self, About},
        message::{Message, Notice},
        setup::{self, sending},
    },
};

/// What came of telling one of a rule's channels.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The channel's name, or an address.
    pub whom: String,
    pub kind: String,
    pub outcome: Result<(), Failure>,
}

/// Tells a test by every action of a rule.
pub async fn try_rule(app: &App, access: &ProjectAccess, rule: &Rule) -> Result<Vec<Tried>> {
    let usable = usable(app, &access.project).await?;
    let is_wanted = |channel: &&Channel| {
        rule.actions.iter().any(|action| match action {
            Action::Everything => true,
            Action::Channel(id) => *id == channel.id,
            Action::Kind(kind) => *kind == channel.kind,
            Action::Members | Action::Member(_) => false,
        })
    };
    let mut tried = Vec::new();
    let mut told = BTreeSet::new();
    for channel in usable.iter().filter(is_wanted) {
        if told.insert(channel.id) {
            let outcome = setup::test(app, channel, &access.organization.slug, &access.project.slug).await?;
            tried.push(Tried { whom: channel.name.clone(), kind: channel.kind.clone(), outcome });
        }
    }
    let mails = |action: &Action| matches!(action, Action::Everything | Action::Members | Action::Member(_));
    if rule.actions.iter().any(mails) {
        let outcome = mail(app, access).await;
        tried.push(Tried { whom: access.user.email.clone(), kind: "mail".to_owned(), outcome });
    }
    Ok(tried)
}

async fn mail(app: &App, access: &ProjectAccess) -> Result<(), Failure> {
    let (organization, project) = (&access.organization.slug, &access.project.slug);
    let url = app.config.site.url(&format!("/{organization}/{project}/"));
    let message = Message::Alert(Notice::example(organization, project, &url, app.now()));
    let sending = sending(app, Uuid::new_v4());
    let about = About { message: &message, sending: &sending, unsubscribe: None };
    let mail = letter::write(&about, vec![access.user.email.clone()]);
    let mail = mail.map_err(|error| Failure::refused("form", &format!("{error:#}")))?;
    channels::post(app, &mail).await
}
