//! What surrounds every one of these pages: the list of them, what was done, and what was wrong.

use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::words::Words;
use crate::{
    access::{Membership, Visitor},
    app::App,
    organizations::{self, Organization},
    permissions::Scope,
    ui,
    web::Error,
};

/// A page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Profile,
    Notifications,
    Security,
    Tokens,
    General,
    Members,
    Teams,
    OrganizationTokens,
    AuditLog,
    Ldap,
}

const ACCOUNT: [Section; 4] = [Section::Profile, Section::Notifications, Section::Security, Section::Tokens];
const ORGANIZATION: [Section; 5] =
    [Section::General, Section::Members, Section::Teams, Section::OrganizationTokens, Section::AuditLog];

impl Section {
    /// Where it is; of an organisation's pages, by its slug.
    pub fn url(self, slug: &str) -> String {
        match self {
            Section::Profile => "/settings/account/".to_owned(),
            Section::Notifications => "/settings/account/notifications/".to_owned(),
            Section::Security => "/settings/account/security/".to_owned(),
            Section::Tokens => "/settings/account/tokens/".to_owned(),
            Section::General => format!("/settings/{slug}/"),
            Section::Members => format!("/settings/{slug}/members/"),
            Section::Teams => format!("/settings/{slug}/teams/"),
            Section::OrganizationTokens => format!("/settings/{slug}/tokens/"),
            Section::AuditLog => format!("/settings/{slug}/audit-log/"),
            Section::Ldap => "/manage/ldap/".to_owned(),
        }
    }

    fn said(self, words: &Words) -> (&'static str, &'static str) {
        match self {
            Section::Profile => (words.profile, words.profile_text),
            Section::Notifications => (words.notifications, words.notifications_text),
            Section::Security => (words.security, words.security_text),
            Section::Tokens => (words.tokens, words.tokens_text),
            Section::General => (words.general, words.general_text),
            Section::Members => (words.members, words.members_text),
            Section::Teams => (words.teams, words.teams_text),
            Section::OrganizationTokens => (words.org_tokens, words.org_tokens_text),
            Section::AuditLog => (words.audit_log, words.audit_log_text),
            Section::Ldap => (words.ldap, words.ldap_text),
        }
    }
}

/// What was done before the page was shown; its address says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Saved,
    PasswordSet,
    Revoked,
    MemberChanged,
    MemberRemoved,
}

impl Done {
    const ALL: [(Done, &'static str); 5] = [
        (Done::Saved, "saved"),
        (Done::PasswordSet, "password"),
        (Done::Revoked, "revoked"),
        (Done::MemberChanged, "changed"),
        (Done::MemberRemoved, "removed"),
    ];

    /// To the page that tells it.
    pub fn redirect(self, url: &str) -> Response {
        let name = Done::ALL.iter().find(|(done, _)| *done == self).map(|(_, name)| *name);
        Redirect::to(&format!("{url}{}", ui::query(&[("done", name)]))).into_response()
    }

    fn words(self, words: &Words) -> &'static str {
        match self {
            Done::Saved => words.saved,
            Done::PasswordSet => words.password_set,
            Done::Revoked => words.revoked,
            Done::MemberChanged => words.member_changed,
            Done::MemberRemoved => words.member_removed,
        }
    }
}

/// The query of a page.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

impl Asked {
    fn done(&self) -> Option<Done> {
        Done::ALL.iter().find(|(_, name)| *name == self.done).map(|(done, _)| *done)
    }
}

/// A line of the list of pages.
#[derive(Debug)]
pub struct Link {
    pub label: &'static str,
    pub url: String,
    pub is_current: bool,
}

/// What surrounds a page.
#[derive(Debug)]
pub struct Frame {
    pub heading: &'static str,
    pub text: &'static str,
    /// Groups of pages, each under its name.
    pub groups: Vec<(String, Vec<Link>)>,
    pub done: Option<&'static str>,
    pub problem: Option<&'static str>,
}

impl Frame {
    /// Of a page as somebody sees it; of an organisation's, with the organisation.
    pub async fn new(
        app: &App,
        visitor: &Visitor,
        (section, of): (Section, Option<&Organization>),
        (words, asked): (&'static Words, &Asked),
    ) -> Result<Frame, Error> {
        let organizations = organizations::store::of_user(&app.db, visitor.user.id).await?;
        let known = organizations.iter().any(|one| of.is_none_or(|of| one.id == of.id));
        let link = |one: Section, slug: &str, is_current: bool| Link {
            label: one.said(words).0,
            url: one.url(slug),
            is_current,
        };
        let own = ACCOUNT.map(|one| link(one, "", one == section)).into();
        let mut groups = vec![(words.account.to_owned(), own)];
        for organization in of.filter(|_| !known).into_iter().chain(&organizations) {
            let is_this = of.is_some_and(|of| of.id == organization.id);
            let pages = ORGANIZATION.map(|one| link(one, &organization.slug, is_this && one == section));
            groups.push((organization.name.clone(), pages.into()));
        }
        if visitor.user.is_superuser {
            let pages = vec![link(Section::Ldap, "", section == Section::Ldap)];
            groups.push((words.administration.to_owned(), pages));
        }
        let (heading, text) = section.said(words);
        let done = asked.done().map(|done| done.words(words));
        Ok(Frame { heading, text, groups, done, problem: None })
    }

    /// Of an organisation's page; who may not change what is on it is told so.
    pub async fn of(
        app: &App,
        membership: &Membership,
        section: Section,
        (words, asked): (&'static Words, &Asked),
    ) -> Result<Frame, Error> {
        let of = Some(&membership.organization);
        Frame::new(app, &membership.visitor, (section, of), (words, asked)).await
    }

    /// The same, with what was wrong.
    #[must_use]
    pub fn with(self, problem: Option<&'static str>) -> Frame {
        Frame { problem, ..self }
    }
}

/// Whether somebody may change what an organisation's page shows.
pub fn may(membership: &Membership, scope: Scope) -> bool {
    membership.may(scope)
}
