//! What each person wants by mail, of all projects and of each, and by what robots of chats call them.

mod store;

use anyhow::{Context, Result};
use sqlx::PgPool;

use crate::{auth::UserId, projects::ProjectId};

pub use store::{Refused, refused};

/// Of what somebody wants mails; none where that is as in all projects, and of those as is usual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wants {
    /// What rules tell members.
    pub alerts: Option<bool>,
    /// What happens to issues that they take part in.
    pub activity: Option<bool>,
}

/// A kind of mail that can be done without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mails {
    Alerts,
    Activity,
}

/// The project that stands for all.
pub const ALL: ProjectId = ProjectId(0);

/// What robots of chats know people by, in the order in which they are asked for.
pub const CONTACTS: [&str; 4] = ["mobile", "dingtalk", "feishu", "wecom"];
const LONGEST_CONTACT: usize = 100;

/// What somebody said about projects; those they said nothing about are left out.
pub async fn of(db: &PgPool, user: UserId) -> Result<Vec<(ProjectId, Wants)>> {
    store::of(db, user).await.context("reading what mails somebody wants")
}

/// Notes what somebody wants.
pub async fn set(db: &PgPool, user: UserId, wants: &[(ProjectId, Wants)]) -> Result<()> {
    store::set(db, user, wants).await.context("noting what mails somebody wants")
}

/// Whether somebody wants mails of a project.
pub async fn wants(db: &PgPool, user: UserId, project: ProjectId, mails: Mails) -> Result<bool> {
    let said = of(db, user).await?;
    let about = |project| said.iter().find(|(of, _)| *of == project).and_then(|(_, wants)| wants.of(mails));
    Ok(about(project).or_else(|| about(ALL)).unwrap_or(true))
}

/// Notes whether somebody wants mails of one kind of a project.
pub async fn prefer(db: &PgPool, user: UserId, project: ProjectId, (mails, wanted): (Mails, bool)) -> Result<()> {
    let said = of(db, user).await?;
    let mut wants = said.iter().find(|(of, _)| *of == project).map_or_else(Wants::default, |(_, wants)| *wants);
    match mails {
        Mails::Alerts => wants.alerts = Some(wanted),
        Mails::Activity => wants.activity = Some(wanted),
    }
    set(db, user, &[(project, wants)]).await
}

impl Wants {
    /// Of one kind of mails.
    pub fn of(self, mails: Mails) -> Option<bool> {
        match mails {
            Mails::Alerts => self.alerts,
            Mails::Activity => self.activity,
        }
    }
}

/// By what robots call somebody.
pub async fn contacts(db: &PgPool, user: UserId) -> Result<Vec<(String, String)>> {
    store::contacts(db, user).await.context("reading by what somebody is called")
}

/// Notes by what robots call somebody; an empty one is none. What is no part of a name is left out, so that nothing else in a
/// message is changed by it.
pub async fn set_contacts(db: &PgPool, user: UserId, contacts: &[(&str, &str)]) -> Result<()> {
    let clean = |value: &str| -> String {
        let is_of_name = |c: &char| c.is_alphanumeric() || matches!(c, '+' | '-' | '_' | '.' | '$' | ':');
        value.chars().filter(is_of_name).take(LONGEST_CONTACT).collect()
    };
    let known = contacts.iter().filter(|(kind, _)| CONTACTS.contains(kind));
    let (kinds, values): (Vec<String>, Vec<String>) =
        known.map(|(kind, value)| ((*kind).to_owned(), clean(value))).filter(|(_, value)| !value.is_empty()).unzip();
    store::set_contacts(db, user, (&kinds, &values)).await.context("noting by what somebody is called")
}
