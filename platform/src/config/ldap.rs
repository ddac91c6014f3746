//! The directories that people sign in by. `AUTH_LDAP_X` of django-auth-ldap is `SENTRY_LDAP_X` here; read by `auth::ldap`.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};

use super::{path, read, secret};

/// Directories. All of it is text here; what it means, and whether it makes sense, is read when a process starts.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "LDAP")]
pub struct Ldap {
    /// Where the directory is: ldap:// or ldaps://, host and port. Without it nobody signs in by LDAP.
    #[arg(id = "ldap-server-uri", long = "ldap-server-uri", value_name = "URI", env = "SENTRY_LDAP_SERVER_URI")]
    pub server_uri: Option<String>,
    /// STARTTLS: plain at first, then encrypted (ldap:// alone).
    #[arg(
        id = "ldap-start-tls",
        long = "ldap-start-tls",
        value_name = "BOOL",
        env = "SENTRY_LDAP_START_TLS",
        default_value = "false"
    )]
    pub start_tls: String,
    /// The CA that signed the directory's certificate, where the machine does not trust it: a PEM file, or the PEM itself.
    #[arg(id = "ldap-ca-file", long = "ldap-ca-file", value_name = "FILE", env = "SENTRY_LDAP_CA_FILE")]
    pub ca_file: Option<String>,
    /// Off, any certificate is taken: whoever sits in between reads every password.
    #[arg(
        id = "ldap-tls-verify",
        long = "ldap-tls-verify",
        value_name = "BOOL",
        env = "SENTRY_LDAP_TLS_VERIFY",
        default_value = "true"
    )]
    pub tls_verify: String,
    /// How long each step may take: connecting, a bind, a search.
    #[arg(
        id = "ldap-timeout",
        long = "ldap-timeout",
        value_name = "SECONDS",
        env = "SENTRY_LDAP_TIMEOUT",
        default_value = "5"
    )]
    pub timeout: String,
    /// Who searches. Empty: nobody, where the directory lets anybody search.
    #[arg(id = "ldap-bind-dn", long = "ldap-bind-dn", value_name = "DN", env = "SENTRY_LDAP_BIND_DN")]
    pub bind_dn: Option<String>,
    /// The password that goes with it.
    #[arg(id = "ldap-bind-password", long = "ldap-bind-password", value_name = "SECRET", env = "SENTRY_LDAP_BIND_PASSWORD", value_parser = secret(), hide_env_values = true)]
    pub bind_password: Option<SecretString>,
    /// A file that holds the password.
    #[arg(id = "ldap-bind-password-file", long = "ldap-bind-password-file", value_name = "FILE", env = "SENTRY_LDAP_BIND_PASSWORD_FILE", value_parser = path())]
    pub bind_password_file: Option<PathBuf>,
    /// Groups are searched as whoever signs in, not as who searches.
    #[arg(
        id = "ldap-bind-as-authenticating-user",
        long = "ldap-bind-as-authenticating-user",
        value_name = "BOOL",
        env = "SENTRY_LDAP_BIND_AS_AUTHENTICATING_USER",
        default_value = "false"
    )]
    pub bind_as_authenticating_user: String,
    /// The DN of whoever signs in, with %(user)s for what they typed; then nobody is searched for.
    #[arg(
        id = "ldap-user-dn-template",
        long = "ldap-user-dn-template",
        value_name = "DN",
        env = "SENTRY_LDAP_USER_DN_TEMPLATE"
    )]
    pub user_dn_template: Option<String>,
    /// Below what people are searched.
    #[arg(
        id = "ldap-user-search-base",
        long = "ldap-user-search-base",
        value_name = "DN",
        env = "SENTRY_LDAP_USER_SEARCH_BASE"
    )]
    pub user_search_base: Option<String>,
    /// How deep: base, one or sub.
    #[arg(
        id = "ldap-user-search-scope",
        long = "ldap-user-search-scope",
        value_name = "SCOPE",
        env = "SENTRY_LDAP_USER_SEARCH_SCOPE",
        default_value = "sub"
    )]
    pub user_search_scope: String,
    /// Who is meant by what was typed, %(user)s. It must find one entry.
    #[arg(
        id = "ldap-user-search-filter",
        long = "ldap-user-search-filter",
        value_name = "FILTER",
        env = "SENTRY_LDAP_USER_SEARCH_FILTER",
        default_value = "(uid=%(user)s)"
    )]
    pub user_search_filter: String,
    /// What tells people apart, whatever they typed to sign in.
    #[arg(
        id = "ldap-username-field",
        long = "ldap-username-field",
        value_name = "ATTRIBUTE",
        env = "SENTRY_LDAP_SENTRY_USERNAME_FIELD",
        default_value = "uid"
    )]
    pub username_field: String,
    /// What is taken from an entry: fields of ours and attributes, as in name=cn,email=mail.
    #[arg(
        id = "ldap-user-attr-map",
        long = "ldap-user-attr-map",
        value_name = "MAP",
        env = "SENTRY_LDAP_USER_ATTR_MAP",
        default_value = "name=cn,email=mail"
    )]
    pub user_attr_map: String,
    /// Name and email are taken anew at every sign-in.
    #[arg(
        id = "ldap-always-update-user",
        long = "ldap-always-update-user",
        value_name = "BOOL",
        env = "SENTRY_LDAP_ALWAYS_UPDATE_USER",
        default_value = "true"
    )]
    pub always_update_user: String,
    /// The email of who has none in the directory is their username at this domain.
    #[arg(
        id = "ldap-default-email-domain",
        long = "ldap-default-email-domain",
        value_name = "DOMAIN",
        env = "SENTRY_LDAP_DEFAULT_EMAIL_DOMAIN"
    )]
    pub default_email_domain: Option<String>,
    /// groupOfNames, groupOfUniqueNames, posixGroup, activeDirectory or organizationalRole; with nested in front, groups in groups count.
    #[arg(
        id = "ldap-group-type",
        long = "ldap-group-type",
        value_name = "TYPE",
        env = "SENTRY_LDAP_GROUP_TYPE",
        default_value = "groupOfNames"
    )]
    pub group_type: String,
    /// Below what groups are searched. Without it groups decide nothing.
    #[arg(
        id = "ldap-group-search-base",
        long = "ldap-group-search-base",
        value_name = "DN",
        env = "SENTRY_LDAP_GROUP_SEARCH_BASE"
    )]
    pub group_search_base: Option<String>,
    /// How deep: base, one or sub.
    #[arg(
        id = "ldap-group-search-scope",
        long = "ldap-group-search-scope",
        value_name = "SCOPE",
        env = "SENTRY_LDAP_GROUP_SEARCH_SCOPE",
        default_value = "sub"
    )]
    pub group_search_scope: String,
    /// Which entries are groups, where the type does not say enough.
    #[arg(
        id = "ldap-group-search-filter",
        long = "ldap-group-search-filter",
        value_name = "FILTER",
        env = "SENTRY_LDAP_GROUP_SEARCH_FILTER"
    )]
    pub group_search_filter: Option<String>,
    /// The attribute that names a group.
    #[arg(
        id = "ldap-group-name-attr",
        long = "ldap-group-name-attr",
        value_name = "ATTRIBUTE",
        env = "SENTRY_LDAP_GROUP_NAME_ATTR",
        default_value = "cn"
    )]
    pub group_name_attr: String,
    /// How long the groups of somebody are remembered; 0 asks at every sign-in.
    #[arg(
        id = "ldap-group-cache-timeout",
        long = "ldap-group-cache-timeout",
        value_name = "SECONDS",
        env = "SENTRY_LDAP_GROUP_CACHE_TIMEOUT",
        default_value = "0"
    )]
    pub group_cache_timeout: String,
    /// Who is not in this group stays out. A group is named by DN or by name.
    #[arg(
        id = "ldap-require-group",
        long = "ldap-require-group",
        value_name = "GROUP",
        env = "SENTRY_LDAP_REQUIRE_GROUP"
    )]
    pub require_group: Option<String>,
    /// Who is in this group stays out.
    #[arg(id = "ldap-deny-group", long = "ldap-deny-group", value_name = "GROUP", env = "SENTRY_LDAP_DENY_GROUP")]
    pub deny_group: Option<String>,
    /// Who is in one of these groups may do everything. A JSON list, or one group.
    #[arg(
        id = "ldap-superuser-groups",
        long = "ldap-superuser-groups",
        value_name = "GROUPS",
        env = "SENTRY_LDAP_SUPERUSER_GROUPS"
    )]
    pub superuser_groups: Option<String>,
    /// The organisation people become members of, by slug or name; the only one where it is not set.
    #[arg(
        id = "ldap-default-organization",
        long = "ldap-default-organization",
        value_name = "NAME",
        env = "SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION"
    )]
    pub default_organization: Option<String>,
    /// What they become where no group says more.
    #[arg(
        id = "ldap-organization-role",
        long = "ldap-organization-role",
        value_name = "ROLE",
        env = "SENTRY_LDAP_SENTRY_ORGANIZATION_ROLE_TYPE",
        default_value = "member"
    )]
    pub organization_role: String,
    /// Roles and their groups, as in `{"owner": ["admins"]}`. The highest counts.
    #[arg(
        id = "ldap-group-role-mapping",
        long = "ldap-group-role-mapping",
        value_name = "JSON",
        env = "SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING"
    )]
    pub group_role_mapping: Option<String>,
    /// Teams by slug and their groups, as in `{"checkout": ["shop"]}`.
    #[arg(
        id = "ldap-group-team-mapping",
        long = "ldap-group-team-mapping",
        value_name = "JSON",
        env = "SENTRY_LDAP_SENTRY_GROUP_TEAM_MAPPING"
    )]
    pub group_team_mapping: Option<String>,
    /// Teams that everybody is in, by slug.
    #[arg(
        id = "ldap-default-teams",
        long = "ldap-default-teams",
        value_name = "SLUGS",
        env = "SENTRY_LDAP_SENTRY_DEFAULT_TEAMS"
    )]
    pub default_teams: Option<String>,
    /// They see all projects, whatever teams they are in.
    #[arg(
        id = "ldap-global-access",
        long = "ldap-global-access",
        value_name = "BOOL",
        env = "SENTRY_LDAP_SENTRY_ORGANIZATION_GLOBAL_ACCESS",
        default_value = "false"
    )]
    pub global_access: String,
    /// They get mails of alerts until they say otherwise; with false, none until they ask for them.
    #[arg(
        id = "ldap-subscribe-by-default",
        long = "ldap-subscribe-by-default",
        value_name = "BOOL",
        env = "SENTRY_LDAP_SENTRY_SUBSCRIBE_BY_DEFAULT",
        default_value = "true"
    )]
    pub subscribe_by_default: String,
    /// When roles, teams and superusers follow the directory: first (once, when they first sign in), login (at every sign-in), periodic (every hour as well, and who is gone is locked out).
    #[arg(
        id = "ldap-sync",
        long = "ldap-sync",
        value_name = "MODE",
        env = "SENTRY_LDAP_SYNC",
        default_value = "periodic"
    )]
    pub sync: String,
    /// Whom no directory lets in may sign in with a password of Picket's.
    #[arg(
        id = "ldap-local-passwords",
        long = "ldap-local-passwords",
        value_name = "BOOL",
        env = "SENTRY_LDAP_LOCAL_PASSWORDS",
        default_value = "true"
    )]
    pub local_passwords: String,
    /// More directories, asked in this order after the first: a list of objects with these settings in lower case and without `SENTRY_LDAP_`; what one leaves out is as above.
    #[arg(id = "ldap-directories", long = "ldap-directories", value_name = "JSON", env = "SENTRY_LDAP_DIRECTORIES")]
    pub directories: Option<String>,
}

impl Ldap {
    /// Whether any directory is named.
    pub fn is_used(&self) -> bool {
        self.server_uri.as_deref().is_some_and(|uri| !uri.is_empty())
    }

    /// The password of who searches, from the variable or its file.
    pub fn bind_password(&self) -> Result<Option<SecretString>> {
        read("SENTRY_LDAP_BIND_PASSWORD", self.bind_password.as_ref(), self.bind_password_file.as_ref())
    }

    /// The settings of a directory by name, as a directory of `SENTRY_LDAP_DIRECTORIES` writes them.
    pub fn values(&self) -> Result<Vec<(&'static str, String)>> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let password = self.bind_password()?.map(|secret| secret.expose_secret().to_owned()).unwrap_or_default();
        Ok(vec![
            ("bind_password", password),
            ("server_uri", text(&self.server_uri)),
            ("start_tls", self.start_tls.clone()),
            ("ca_file", text(&self.ca_file)),
            ("tls_verify", self.tls_verify.clone()),
            ("timeout", self.timeout.clone()),
            ("bind_dn", text(&self.bind_dn)),
            ("bind_as_authenticating_user", self.bind_as_authenticating_user.clone()),
            ("user_dn_template", text(&self.user_dn_template)),
            ("user_search_base", text(&self.user_search_base)),
            ("user_search_scope", self.user_search_scope.clone()),
            ("user_search_filter", self.user_search_filter.clone()),
            ("sentry_username_field", self.username_field.clone()),
            ("user_attr_map", self.user_attr_map.clone()),
            ("always_update_user", self.always_update_user.clone()),
            ("default_email_domain", text(&self.default_email_domain)),
            ("group_type", self.group_type.clone()),
            ("group_search_base", text(&self.group_search_base)),
            ("group_search_scope", self.group_search_scope.clone()),
            ("group_search_filter", text(&self.group_search_filter)),
            ("group_name_attr", self.group_name_attr.clone()),
            ("group_cache_timeout", self.group_cache_timeout.clone()),
            ("require_group", text(&self.require_group)),
            ("deny_group", text(&self.deny_group)),
            ("superuser_groups", text(&self.superuser_groups)),
            ("default_sentry_organization", text(&self.default_organization)),
            ("sentry_organization_role_type", self.organization_role.clone()),
            ("sentry_group_role_mapping", text(&self.group_role_mapping)),
            ("sentry_group_team_mapping", text(&self.group_team_mapping)),
            ("sentry_default_teams", text(&self.default_teams)),
            ("sentry_organization_global_access", self.global_access.clone()),
            ("sentry_subscribe_by_default", self.subscribe_by_default.clone()),
            ("sync", self.sync.clone()),
        ])
    }
}
