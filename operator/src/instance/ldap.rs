//! The directories that people sign in by: every setting of the platform (`SENTRY_LDAP_…`), in blocks of what it is about.
//!
//! The words of each enum are the platform's own.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::connections::{CaRef, SecretKeyRef};

/// Signing in by LDAP.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Ldap {
    /// The directories, asked in this order.
    #[schemars(length(min = 1, max = 4))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub directories: Vec<Directory>,

    /// Whom no directory lets in may sign in with a password of Picket's.
    #[serde(default = "yes")]
    pub local_passwords: bool,
}

fn yes() -> bool {
    true
}

/// One directory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("!(has(self.tls) && self.tls.startTls && self.url.startsWith('ldaps://'))")
        .message("ldaps:// is encrypted from the first byte: leave startTls out, or use ldap://"),
    validation = Rule::new("has(self.groups) || !(has(self.organization.roleGroups) || has(self.organization.teamGroups))")
        .message("roles and teams are decided by groups, and none are searched: set groups"),
)]
#[serde(rename_all = "camelCase")]
pub struct Directory {
    /// What it is called here.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// Where it is: ldap:// or ldaps://, host and port.
    #[schemars(length(max = 300))]
    #[x_kube(validation = Rule::new("self.matches('^ldaps?://[^/@ ]+$')")
        .message("url is ldap:// or ldaps://, a host and a port: ldap://ldap.example.com:389"))]
    pub url: String,

    /// How the connection is protected, besides ldaps://.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<LdapTls>,

    /// How long each step may take.
    #[serde(default = "five")]
    #[schemars(range(min = 1, max = 60))]
    pub timeout_seconds: i32,

    /// Who searches; absent where the directory lets anybody search.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bind: Option<Bind>,

    /// How people are found, and what is taken from their entries.
    pub users: Users,

    /// How groups are found, and what they decide; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Groups>,

    /// What people become once they are in.
    #[serde(default)]
    pub organization: Membership,

    /// When roles, teams and superusers follow the directory.
    #[serde(default)]
    pub sync: DirectorySync,
}

fn five() -> i32 {
    5
}

/// TLS towards a directory.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LdapTls {
    /// STARTTLS: plain at first, then encrypted.
    #[serde(default)]
    pub start_tls: bool,

    /// Off, any certificate is taken: whoever sits in between reads every password.
    #[serde(default = "yes")]
    pub verify: bool,

    /// The CA that signed the directory's certificate; absent: the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<CaRef>,
}

/// Who searches.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bind {
    /// Its DN.
    #[schemars(length(min = 1, max = 1024))]
    pub dn: String,

    /// Its password.
    pub password_secret_ref: SecretKeyRef,

    /// Groups are searched as whoever signs in, not as who searches.
    #[serde(default)]
    pub as_authenticating_user: bool,
}

/// How people are found: by a search, or by a DN that is made of what they typed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(
    validation = Rule::new("has(self.search) != has(self.dnTemplate)")
        .message("set exactly one of `search` and `dnTemplate`"),
)]
#[serde(rename_all = "camelCase")]
pub struct Users {
    /// Where and by what they are searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<UserSearch>,

    /// The DN of whoever signs in, with %(user)s for what they typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new("self.contains('%(user)s')").message("dnTemplate holds %(user)s, for what was typed"))]
    pub dn_template: Option<String>,

    /// What tells people apart, whatever they typed to sign in.
    #[serde(default = "uid")]
    #[schemars(length(min = 1, max = 128))]
    pub username_attribute: String,

    /// The attribute of a name.
    #[serde(default = "cn")]
    #[schemars(length(min = 1, max = 128))]
    pub name_attribute: String,

    /// The attribute of a mail address.
    #[serde(default = "mail")]
    #[schemars(length(min = 1, max = 128))]
    pub mail_attribute: String,

    /// Name and mail address are taken anew at every sign-in.
    #[serde(default = "yes")]
    pub always_update: bool,

    /// Who has no mail address in the directory has their username at this domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub default_mail_domain: Option<String>,
}

fn uid() -> String {
    "uid".to_owned()
}

fn cn() -> String {
    "cn".to_owned()
}

fn mail() -> String {
    "mail".to_owned()
}

/// A search for whoever signs in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UserSearch {
    /// Below what.
    #[schemars(length(min = 1, max = 1024))]
    pub base: String,

    /// How deep.
    #[serde(default)]
    pub scope: SearchScope,

    /// Who is meant by what was typed, %(user)s; it must find one entry.
    #[serde(default = "by_uid")]
    #[schemars(length(max = 2048))]
    #[x_kube(validation = Rule::new("self.startsWith('(') && self.endsWith(')') && self.contains('%(user)s')")
        .message("filter is in parentheses and holds %(user)s, for what was typed: (uid=%(user)s)"))]
    pub filter: String,
}

fn by_uid() -> String {
    "(uid=%(user)s)".to_owned()
}

/// How deep a search goes.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum SearchScope {
    /// The base alone.
    Base,
    /// What is right below it.
    One,
    /// All that is below it.
    #[default]
    Subtree,
}

/// How groups are found, and whom they let in. A group is named by its DN or by its name.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Groups {
    /// What entries of groups look like: their class.
    #[serde(default, rename = "type")]
    pub kind: GroupType,

    /// Members of a group in a group count.
    #[serde(default)]
    pub nested: bool,

    /// Where and by what they are searched.
    pub search: GroupSearch,

    /// The attribute that names a group.
    #[serde(default = "cn")]
    #[schemars(length(min = 1, max = 128))]
    pub name_attribute: String,

    /// How long the groups of somebody are remembered; 0 asks at every sign-in.
    #[serde(default)]
    #[schemars(range(min = 0, max = 604_800))]
    pub cache_seconds: i32,

    /// Who is not in this group stays out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub require: Option<String>,

    /// Who is in this group stays out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024))]
    pub deny: Option<String>,

    /// Who is in one of these groups may do everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub superusers: Vec<String>,
}

/// The class of a directory's groups.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum GroupType {
    /// `member` lists DNs.
    #[default]
    GroupOfNames,
    /// `uniqueMember` lists DNs.
    GroupOfUniqueNames,
    /// `memberUid` lists names.
    PosixGroup,
    /// Active Directory's.
    ActiveDirectory,
    /// `roleOccupant` lists DNs.
    OrganizationalRole,
}

/// A search for groups.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct GroupSearch {
    /// Below what.
    #[schemars(length(min = 1, max = 1024))]
    pub base: String,

    /// How deep.
    #[serde(default)]
    pub scope: SearchScope,

    /// Which entries are groups, where the type does not say enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 2048))]
    #[x_kube(validation = Rule::new("self.startsWith('(') && self.endsWith(')')")
        .message("filter is in parentheses: (objectClass=groupOfUniqueNames)"))]
    pub filter: Option<String>,
}

/// What people become once they are in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// The organisation, by slug or name; absent: the only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub name: Option<String>,

    /// What they become where no group says more.
    #[serde(default)]
    pub role: OrganizationRole,

    /// They see all projects, whatever teams they are in.
    #[serde(default)]
    pub global_access: bool,

    /// They get mails of alerts until they say otherwise.
    #[serde(default = "yes")]
    pub subscribe_by_default: bool,

    /// Roles and the groups that have them, as in `owner: [admins]`. The highest counts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "groups_by_name")]
    #[x_kube(validation = Rule::new("self.all(role, role in ['member', 'admin', 'manager', 'owner'])")
        .message("roles are member, admin, manager and owner"))]
    pub role_groups: BTreeMap<String, Vec<String>>,

    /// Teams by slug and the groups that are in them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "groups_by_name")]
    pub team_groups: BTreeMap<String, Vec<String>>,

    /// Teams that everybody is in, by slug.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub default_teams: Vec<String>,
}

impl Default for Membership {
    fn default() -> Self {
        Self {
            name: None,
            role: OrganizationRole::default(),
            global_access: false,
            subscribe_by_default: true,
            role_groups: BTreeMap::new(),
            team_groups: BTreeMap::new(),
            default_teams: Vec::new(),
        }
    }
}

fn groups_by_name(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "object",
        "maxProperties": 64,
        "additionalProperties": {
            "type": "array",
            "maxItems": 32,
            "x-kubernetes-list-type": "set",
            "items": { "type": "string", "maxLength": 1024 },
        },
    })
}

/// What somebody may do in an organisation.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum OrganizationRole {
    /// Sees and works on issues.
    #[default]
    Member,
    /// Manages projects and teams they are in.
    Admin,
    /// Manages all of them, and members.
    Manager,
    /// Everything.
    Owner,
}

/// When roles, teams and superusers follow the directory.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub enum DirectorySync {
    /// Once, when somebody first signs in.
    First,
    /// At every sign-in.
    Login,
    /// Every hour as well, and who is gone is locked out.
    #[default]
    Periodic,
}
