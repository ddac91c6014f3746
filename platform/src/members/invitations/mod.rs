//! Invitations: a link in a mail, good for thirty days and once.

pub mod pages;
pub mod store;

use anyhow::{Context, Result};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use crate::{
    app::App,
    audit::{self, Actor, Entry},
    auth::{self, SecretHash, User},
    mail::Mail,
    organizations::{Organization, OrganizationId},
    permissions::Role,
    teams::TeamId,
};

/// How long an invitation is good.
const LASTS: TimeDelta = TimeDelta::days(30);

/// Whom to invite, as what.
#[derive(Clone, Debug)]
pub struct Invite {
    pub email: String,
    pub role: Role,
    pub teams: Vec<TeamId>,
}

/// An invitation that was not answered yet.
#[derive(Clone, Debug)]
pub struct Invitation {
    pub id: i64,
    pub organization_id: OrganizationId,
    pub organization: String,
    pub slug: String,
    pub email: String,
    pub role: Role,
    pub expires_at: DateTime<Utc>,
}

/// What came of inviting somebody.
#[derive(Clone, Debug)]
pub enum Invited {
    /// The link, for where there is no mail. It cannot be read again.
    Sent { id: i64, link: String },
    /// They are a member.
    AlreadyMember,
}

/// What came of answering an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    Joined,
    /// It was answered before, taken back, or is too old.
    Gone,
}

#[derive(Template)]
#[template(path = "members/invitations/mail.html")]
struct InvitationMail<'a> {
    organization: &'a str,
    by: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "members/invitations/mail.txt", escape = "none")]
struct InvitationText<'a> {
    organization: &'a str,
    by: &'a str,
    url: &'a str,
}

/// Invites somebody by mail. Who was invited before gets a new link; the old one is dead then.
pub async fn invite(app: &App, actor: &Actor, organization: &Organization, invite: &Invite) -> Result<Invited> {
    if store::is_member(&app.db, organization.id, &invite.email).await? {
        return Ok(Invited::AlreadyMember);
    }
    let secret = auth::random_hex();
    let now = app.now();
    let mut tx = app.db.begin().await.context("inviting somebody")?;
    let new = store::New { by: actor.id, secret: SecretHash::of(&secret), from: now, until: now + LASTS };
    let id = store::save(&mut tx, organization.id, invite, &new).await.context("saving an invitation")?;
    let data = json!({"role": invite.role.name()});
    let entry = Entry { organization: Some(organization.id), event: "member.invite", target: &invite.email, data };
    audit::record(&mut *tx, actor, entry).await?;
    tx.commit().await.context("inviting somebody")?;
    let link = app.config.site.url(&format!("/auth/invitation/{secret}/"));
    if app.mailer.is_configured() {
        let mail = mail(organization, actor, (&invite.email, &link))?;
        // The invitation stands; its link can be made again.
        if let Err(error) = app.mailer.send(&mail).await {
            tracing::warn!("the invitation of {} was not sent: {error:#}", invite.email);
        }
    }
    Ok(Invited::Sent { id, link })
}

fn mail(organization: &Organization, actor: &Actor, (to, url): (&str, &str)) -> Result<Mail> {
    let (name, by) = (&organization.name, &actor.name);
    let text = InvitationText { organization: name, by, url }.render().context("writing an invitation")?;
    let html = InvitationMail { organization: name, by, url }.render().context("writing an invitation")?;
    let (subject, thread) = (format!("Join {name} on Picket"), format!("invitation-{}", organization.id.0));
    Ok(Mail::to_one(to, subject, (text, html), thread))
}

/// The invitation that a link's secret is of.
pub async fn find(app: &App, secret: &str) -> Result<Option<Invitation>> {
    store::find(&app.db, SecretHash::of(secret), app.now()).await.context("looking for an invitation")
}

/// Makes somebody a member, in the teams they were invited to. Who is one already keeps a higher role.
pub async fn accept(app: &App, user: &User, secret: &str, address: &str) -> Result<Accepted> {
    let mut tx = app.db.begin().await.context("accepting an invitation")?;
    // Whoever deletes it has it: a link works once, however often it is clicked at the same time.
    let Some(taken) = store::take(&mut tx, SecretHash::of(secret), app.now()).await? else {
        return Ok(Accepted::Gone);
    };
    store::join(&mut tx, &taken, user.id).await.context("joining an organisation")?;
    let entry = Entry {
        organization: Some(taken.organization_id),
        event: "member.accept-invite",
        target: &user.email,
        data: json!({"role": taken.role.name()}),
    };
    audit::record(&mut *tx, &Actor::new(user, address), entry).await?;
    tx.commit().await.context("accepting an invitation")?;
    Ok(Accepted::Joined)
}
