//! Named channels: where alerts go that come with the installation, beside those that people set up in their projects.
//!
//! A block per kind, with the fields that the platform's kind of that name asks for: `accessTokenSecretRef` here is
//! `access_token` there. A test of the workshop holds the two against each other.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connections::SecretKeyRef;

/// A channel of all projects, by a name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[x_kube(
    validation = Rule::new("[has(self.dingtalk), has(self.feishu), has(self.wecom), has(self.slack), has(self.pagerduty), \
                            has(self.webhook), has(self.mail)].filter(it, it).size() == 1")
        .message("a channel is of exactly one kind: dingtalk, feishu, wecom, slack, pagerduty, webhook or mail"),
)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// What people see it as.
    #[schemars(length(min = 1, max = 100))]
    pub name: String,

    /// A custom robot of a DingTalk group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dingtalk: Option<DingTalk>,

    /// A custom bot of a Feishu group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feishu: Option<Feishu>,

    /// A robot of a WeCom group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wecom: Option<WeCom>,

    /// An incoming webhook of Slack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slack: Option<Slack>,

    /// A service of PagerDuty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagerduty: Option<PagerDuty>,

    /// A server of yours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,

    /// Mail addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailTo>,
}

/// In which language messages are written.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    /// English.
    En,
    /// Chinese.
    Zh,
}

/// A custom robot.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct DingTalk {
    /// The access token of the robot's webhook address, or the whole address.
    pub access_token_secret_ref: SecretKeyRef,

    /// The signing secret, where the robot checks signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,

    /// The keywords that the robot asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub keywords: Vec<String>,

    /// Text with a link, or a card with a button, which calls nobody by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub style: Option<DingTalkStyle>,

    /// Members of the group who are called, by mobile number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub mobiles: Vec<String>,

    /// Members of the group who are called, by user id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub user_ids: Vec<String>,

    /// Whoever an issue is assigned to is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_assignee: Option<bool>,

    /// Each message calls the whole group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_all: Option<bool>,

    /// Where DingTalk runs on a server of your own: scheme and host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub server: Option<String>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// What a robot's messages look like.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DingTalkStyle {
    /// Text with a link.
    Markdown,
    /// A card with a button.
    ActionCard,
}

/// A custom bot.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Feishu {
    /// The bot's webhook address.
    pub url_secret_ref: SecretKeyRef,

    /// The signing secret, where the bot checks signatures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeyRef>,

    /// The keywords that the bot asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub keywords: Vec<String>,

    /// Members of the group who are called; `all` calls everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub user_ids: Vec<String>,

    /// Whoever an issue is assigned to is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_assignee: Option<bool>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A robot of a group.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WeCom {
    /// The robot's webhook address.
    pub url_secret_ref: SecretKeyRef,

    /// Members of the group who are called; `@all` calls everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub user_ids: Vec<String>,

    /// Whoever an issue is assigned to is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_assignee: Option<bool>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// An incoming webhook; Mattermost and Rocket.Chat take the same.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Slack {
    /// Its address.
    pub url_secret_ref: SecretKeyRef,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A service.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PagerDuty {
    /// The integration key of the service's Events API v2 integration.
    pub routing_key_secret_ref: SecretKeyRef,

    /// Where it is not the usual server: scheme and host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    pub server: Option<String>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// A server of yours.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Where messages are posted to.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,

    /// What messages are signed with: at least 16 characters.
    pub secret_ref: SecretKeyRef,

    /// A body of your own: JSON, with fields of the usual one in double braces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4000))]
    pub template: Option<String>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// Mail addresses.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct MailTo {
    /// To whom.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub addresses: Vec<String>,

    /// Of messages; absent: the installation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}
