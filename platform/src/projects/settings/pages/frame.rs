//! What surrounds every page of the settings: the list of them, what was done, and whether it may be changed.

use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::{
    access::{ProjectAccess, ProjectView},
    projects::words::Words,
    ui,
};

/// A page of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    General,
    Keys,
    Environments,
    Filters,
    Privacy,
    Grouping,
    Alerts,
    Channels,
    Quotas,
    Removal,
}

impl Section {
    const ALL: [Section; 10] = [
        Section::General,
        Section::Keys,
        Section::Environments,
        Section::Alerts,
        Section::Channels,
        Section::Filters,
        Section::Privacy,
        Section::Grouping,
        Section::Quotas,
        Section::Removal,
    ];

    /// What follows `/settings/`.
    pub fn path(self) -> &'static str {
        match self {
            Section::General => "",
            Section::Keys => "keys/",
            Section::Environments => "environments/",
            Section::Filters => "filters/",
            Section::Privacy => "privacy/",
            Section::Grouping => "grouping/",
            Section::Alerts => "alerts/",
            Section::Channels => "channels/",
            Section::Quotas => "quotas/",
            Section::Removal => "removal/",
        }
    }

    /// Where it is, of a project that somebody sees.
    pub fn of(self, access: &ProjectAccess) -> String {
        self.url(&access.organization.slug, &access.project.slug)
    }

    /// Where it is, by the names of a project.
    pub fn url(self, organization: &str, project: &str) -> String {
        format!("/{organization}/{project}/settings/{}", self.path())
    }

    fn label(self, words: &Words) -> &'static str {
        match self {
            Section::General => words.general,
            Section::Keys => words.keys,
            Section::Environments => words.environments,
            Section::Filters => words.filters,
            Section::Privacy => words.privacy,
            Section::Grouping => words.grouping,
            Section::Alerts => words.alerts,
            Section::Channels => words.channels,
            Section::Quotas => words.quotas,
            Section::Removal => words.remove_project,
        }
    }

    fn text(self, words: &Words) -> &'static str {
        match self {
            Section::General => words.general_text,
            Section::Keys => words.keys_text,
            Section::Environments => words.environments_text,
            Section::Filters => words.filters_text,
            Section::Privacy => words.privacy_text,
            Section::Grouping => words.grouping_text,
            Section::Alerts => words.alerts_text,
            Section::Channels => words.channels_text,
            Section::Quotas => words.quotas_text,
            Section::Removal => words.removal.text,
        }
    }
}

/// What was done before the page was shown; its address says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Saved,
    KeyCreated,
    KeysRotated,
    KeyRenamed,
    KeyEnabled,
    KeyDisabled,
    KeyRemoved,
    EnvironmentHidden,
    EnvironmentShown,
    QuotaSet,
    QuotaRemoved,
    RuleSaved,
    RuleMuted,
    RuleWoken,
    RuleRemoved,
    ChannelSaved,
    ChannelRemoved,
}

impl Done {
    const ALL: [(Done, &'static str); 17] = [
        (Done::Saved, "saved"),
        (Done::KeyCreated, "created"),
        (Done::KeysRotated, "rotated"),
        (Done::KeyRenamed, "renamed"),
        (Done::KeyEnabled, "enabled"),
        (Done::KeyDisabled, "disabled"),
        (Done::KeyRemoved, "key-removed"),
        (Done::EnvironmentHidden, "hidden"),
        (Done::EnvironmentShown, "shown"),
        (Done::QuotaSet, "set"),
        (Done::QuotaRemoved, "removed"),
        (Done::RuleSaved, "rule-saved"),
        (Done::RuleMuted, "muted"),
        (Done::RuleWoken, "unmuted"),
        (Done::RuleRemoved, "rule-removed"),
        (Done::ChannelSaved, "channel-saved"),
        (Done::ChannelRemoved, "channel-removed"),
    ];

    /// To the page that tells it.
    pub fn redirect(self, url: &str) -> Response {
        let name = Done::ALL.iter().find(|(done, _)| *done == self).map(|(_, name)| *name);
        Redirect::to(&format!("{url}{}", ui::query(&[("done", name)]))).into_response()
    }

    fn words(self, words: &Words) -> &'static str {
        match self {
            Done::Saved => words.saved,
            Done::KeyCreated => words.key_created,
            Done::KeysRotated => words.keys_rotated,
            Done::KeyRenamed => words.key_renamed,
            Done::KeyEnabled => words.key_enabled,
            Done::KeyDisabled => words.key_disabled,
            Done::KeyRemoved => words.key_removed,
            Done::EnvironmentHidden => words.environment_hidden,
            Done::EnvironmentShown => words.environment_shown,
            Done::QuotaSet => words.quota_set,
            Done::QuotaRemoved => words.quota_removed,
            Done::RuleSaved => words.rule_saved,
            Done::RuleMuted => words.rule_muted,
            Done::RuleWoken => words.rule_woken,
            Done::RuleRemoved => words.rule_removed,
            Done::ChannelSaved => words.channel_saved,
            Done::ChannelRemoved => words.channel_removed,
        }
    }
}

/// The query of a page of the settings.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    done: String,
}

impl Asked {
    /// What was done, if anything.
    pub fn done(&self) -> Option<Done> {
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
    pub links: Vec<Link>,
    pub may_decide: bool,
    pub done: Option<&'static str>,
    pub failed: bool,
}

impl Frame {
    /// Of a page as somebody sees it.
    pub fn new(view: &ProjectView, section: Section, words: &Words, done: Option<Done>) -> Frame {
        let link =
            |one: Section| Link { label: one.label(words), url: one.of(&view.access), is_current: one == section };
        Frame {
            heading: section.label(words),
            text: section.text(words),
            links: Section::ALL.map(link).into(),
            may_decide: view.may_decide,
            done: done.map(|done| done.words(words)),
            failed: false,
        }
    }

    /// The same, of a form that could not be taken.
    pub fn failed(view: &ProjectView, section: Section, words: &Words) -> Frame {
        Frame { failed: true, ..Frame::new(view, section, words, None) }
    }
}
