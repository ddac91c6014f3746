//! The settings of a directory, read: what makes no sense is refused when a process starts, by the name of its variable.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use chrono::TimeDelta;
use ldap3::Scope;
use secrecy::SecretString;
use serde_json::Value;

use super::{dn, filter};
use crate::{
    config::{self, Pem},
    permissions::Role,
};

/// A directory that people sign in by.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting that is on or off")]
pub struct Settings {
    /// What it is called here: `ldap`, and of more than one their number behind it.
    pub name: String,
    pub uri: String,
    pub start_tls: bool,
    pub ca: Option<Pem>,
    pub tls_verify: bool,
    pub timeout: Duration,
    /// Who searches; none for an anonymous search.
    pub bind: Option<(String, SecretString)>,
    pub bind_as_user: bool,
    pub find: Find,
    pub username_field: String,
    pub name_attribute: String,
    pub email_attribute: String,
    pub always_update: bool,
    pub email_domain: Option<String>,
    /// None: groups decide nothing.
    pub groups: Option<Groups>,
    pub require_group: Option<String>,
    pub deny_group: Option<String>,
    pub superuser_groups: Vec<String>,
    pub organization: Option<String>,
    pub role: Role,
    pub role_groups: Vec<(Role, Vec<String>)>,
    pub team_groups: Vec<(String, Vec<String>)>,
    pub default_teams: Vec<String>,
    pub global_access: bool,
    /// Whether newcomers get mails of alerts before they ask for them.
    pub subscribe: bool,
    pub sync: Sync,
}

/// How the entry of whoever signs in is found.
#[derive(Clone, Debug)]
pub enum Find {
    /// Its DN is made of what was typed.
    Template(String),
    Search(Search),
}

/// Where and what to search.
#[derive(Clone, Debug)]
pub struct Search {
    pub base: String,
    pub scope: Scope,
    pub filter: String,
}

/// How groups are found, and who is in them.
#[derive(Clone, Debug)]
pub struct Groups {
    pub search: Search,
    pub kind: GroupKind,
    pub is_nested: bool,
    pub name_attribute: String,
    pub cached_for: TimeDelta,
}

/// What entries of groups look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKind {
    OfNames,
    OfUniqueNames,
    Posix,
    ActiveDirectory,
    OrganizationalRole,
}

impl GroupKind {
    /// All of them.
    pub const ALL: [GroupKind; 5] = [
        GroupKind::OfNames,
        GroupKind::OfUniqueNames,
        GroupKind::Posix,
        GroupKind::ActiveDirectory,
        GroupKind::OrganizationalRole,
    ];

    /// Our name for it.
    pub fn name(self) -> &'static str {
        match self {
            GroupKind::OfNames => "groupOfNames",
            GroupKind::OfUniqueNames => "groupOfUniqueNames",
            GroupKind::Posix => "posixGroup",
            GroupKind::ActiveDirectory => "activeDirectory",
            GroupKind::OrganizationalRole => "organizationalRole",
        }
    }

    /// The class of its entries.
    pub fn class(self) -> &'static str {
        if self == GroupKind::ActiveDirectory { "group" } else { self.name() }
    }

    /// The attribute that lists its members.
    pub fn member(self) -> &'static str {
        match self {
            GroupKind::OfNames | GroupKind::ActiveDirectory => "member",
            GroupKind::OfUniqueNames => "uniqueMember",
            GroupKind::Posix => "memberUid",
            GroupKind::OrganizationalRole => "roleOccupant",
        }
    }

    /// By our name, or by the name of django-auth-ldap's class, and whether groups in groups count.
    fn read(text: &str) -> Option<(GroupKind, bool)> {
        let text = text.trim().to_ascii_lowercase();
        let text = text.strip_suffix("type").unwrap_or(&text);
        let (is_nested, text) = text.strip_prefix("nested").map_or((false, text), |rest| (true, rest));
        let plain = |text: &str| text.strip_suffix("group").unwrap_or(text).to_owned();
        let kind = GroupKind::ALL.into_iter().find(|kind| plain(&kind.name().to_ascii_lowercase()) == plain(text))?;
        Some((kind, is_nested))
    }
}

/// When roles, teams and superusers follow the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    First,
    Login,
    Periodic,
}

/// Every directory, in the order they are asked.
pub fn read(config: &config::Ldap) -> Result<Vec<Settings>> {
    if !config.is_used() {
        return Ok(Vec::new());
    }
    let own: BTreeMap<String, String> =
        config.values()?.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let mut all = vec![own.clone()];
    if let Some(more) = config.directories.as_deref().map(str::trim).filter(|more| !more.is_empty()) {
        let listed: Vec<BTreeMap<String, Value>> =
            serde_json::from_str(more).context("SENTRY_LDAP_DIRECTORIES is no JSON list of objects")?;
        for directory in listed {
            let mut values = own.clone();
            for (name, value) in directory {
                ensure!(own.contains_key(&name), "SENTRY_LDAP_DIRECTORIES: there is no setting {name:?}");
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                values.insert(name, if value.is_null() { String::new() } else { text });
            }
            all.push(values);
        }
    }
    let count = all.len();
    let named = |index: usize| if count == 1 { "ldap".to_owned() } else { format!("ldap{}", index + 1) };
    all.into_iter().enumerate().map(|(index, values)| Values(values).settings(named(index))).collect()
}

/// The settings of a directory as text.
struct Values(BTreeMap<String, String>);

impl Values {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).unwrap_or_default().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" | "y" | "t" => Ok(true),
            "" | "0" | "false" | "no" | "off" | "n" | "f" => Ok(false),
            other => bail!("{}: {other:?} is neither true nor false", variable(name)),
        }
    }

    fn number(&self, name: &str) -> Result<u32> {
        let text = self.get(name).unwrap_or("0");
        text.parse().with_context(|| format!("{}: {text:?} is no number of seconds", variable(name)))
    }

    fn scope(&self, name: &str) -> Result<Scope> {
        match self.get(name).unwrap_or("sub").to_ascii_lowercase().trim_start_matches("scope_") {
            "base" => Ok(Scope::Base),
            "one" | "onelevel" => Ok(Scope::OneLevel),
            "sub" | "subtree" => Ok(Scope::Subtree),
            other => bail!("{}: {other:?} is none of base, one and sub", variable(name)),
        }
    }

    /// A JSON list, or one thing.
    fn list(&self, name: &str) -> Result<Vec<String>> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        if text.starts_with('[') {
            return serde_json::from_str(text).with_context(|| format!("{} is no JSON list of names", variable(name)));
        }
        Ok(vec![text.to_owned()])
    }

    /// A JSON object of lists; a name alone is a list of one.
    fn lists(&self, name: &str) -> Result<Vec<(String, Vec<String>)>> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        let wrong = || format!("{} is no JSON object of lists of groups", variable(name));
        let map: serde_json::Map<String, Value> = serde_json::from_str(text).with_context(wrong)?;
        let list = |value: Value| match value {
            Value::String(one) => Ok(vec![one]),
            other => serde_json::from_value::<Vec<String>>(other).with_context(wrong),
        };
        map.into_iter().map(|(key, value)| Ok((key, list(value)?))).collect()
    }

    fn settings(&self, name: String) -> Result<Settings> {
        let (name_attribute, email_attribute) = self.attributes()?;
        let uri = self.get("server_uri").context("SENTRY_LDAP_SERVER_URI is empty")?.to_owned();
        ensure!(
            uri.starts_with("ldap://") || uri.starts_with("ldaps://"),
            "SENTRY_LDAP_SERVER_URI: {uri:?} begins with neither ldap:// nor ldaps://"
        );
        let start_tls = self.flag("start_tls")?;
        ensure!(
            !(start_tls && uri.starts_with("ldaps://")),
            "SENTRY_LDAP_START_TLS is for ldap://; ldaps:// is encrypted from the first byte: keep one of them"
        );
        let settings = Settings {
            name,
            uri,
            start_tls,
            ca: self.get("ca_file").and_then(|pem| pem.parse().ok()),
            tls_verify: self.flag("tls_verify")?,
            timeout: Duration::from_secs(self.number("timeout")?.clamp(1, 60).into()),
            bind: self.bind()?,
            bind_as_user: self.flag("bind_as_authenticating_user")?,
            find: self.find()?,
            username_field: self.text("sentry_username_field").unwrap_or_else(|| "uid".to_owned()),
            name_attribute,
            email_attribute,
            always_update: self.flag("always_update_user")?,
            email_domain: self.text("default_email_domain"),
            groups: self.groups()?,
            require_group: self.text("require_group"),
            deny_group: self.text("deny_group"),
            superuser_groups: self.list("superuser_groups")?,
            organization: self.text("default_sentry_organization"),
            role: role(self.get("sentry_organization_role_type").unwrap_or("member"))?,
            role_groups: self.role_groups()?,
            team_groups: self.lists("sentry_group_team_mapping")?,
            default_teams: self.teams()?,
            global_access: self.flag("sentry_organization_global_access")?,
            subscribe: self.flag("sentry_subscribe_by_default")?,
            sync: self.sync()?,
        };
        let grouped = settings.named_groups();
        ensure!(
            settings.groups.is_some() || grouped.is_empty(),
            "SENTRY_LDAP_GROUP_SEARCH_BASE is missing: no group would ever be found, and {} is to decide something",
            grouped.join(", ")
        );
        Ok(settings)
    }

    fn attributes(&self) -> Result<(String, String)> {
        let (mut name, mut email) = ("cn".to_owned(), "mail".to_owned());
        let text = self.get("user_attr_map").unwrap_or_default();
        let pairs: Vec<(String, String)> = if text.starts_with('{') {
            let map: BTreeMap<String, String> =
                serde_json::from_str(text).context("SENTRY_LDAP_USER_ATTR_MAP is no JSON object of names")?;
            map.into_iter().collect()
        } else {
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let pair = |part: &str| {
                let pair = part
                    .split_once('=')
                    .map(|(field, attribute)| (field.trim().to_owned(), attribute.trim().to_owned()));
                pair.with_context(|| format!("SENTRY_LDAP_USER_ATTR_MAP: {part:?} is not written as name=cn"))
            };
            parts.map(pair).collect::<Result<_>>()?
        };
        for (field, attribute) in pairs {
            match field.as_str() {
                "name" => name = attribute,
                "email" | "mail" => email = attribute,
                other => bail!(
                    "SENTRY_LDAP_USER_ATTR_MAP: {other:?} is neither name nor email; the username is SENTRY_LDAP_SENTRY_USERNAME_FIELD"
                ),
            }
        }
        Ok((name, email))
    }

    fn bind(&self) -> Result<Option<(String, SecretString)>> {
        let Some(dn) = self.text("bind_dn") else { return Ok(None) };
        let password = self.get("bind_password");
        // An empty password would be an anonymous bind, which looks as if it had worked.
        let password = password.context("SENTRY_LDAP_BIND_DN is set and SENTRY_LDAP_BIND_PASSWORD is empty")?;
        Ok(Some((dn, SecretString::from(password))))
    }

    fn find(&self) -> Result<Find> {
        let typed = |name: &str, text: String| {
            ensure!(text.contains("%(user)s"), "{}: %(user)s stands nowhere in {text:?}", variable(name));
            Ok(text)
        };
        if let Some(template) = self.text("user_dn_template") {
            return Ok(Find::Template(typed("user_dn_template", template)?));
        }
        let why = "neither SENTRY_LDAP_USER_SEARCH_BASE nor SENTRY_LDAP_USER_DN_TEMPLATE is set: nobody would be found";
        let base = self.text("user_search_base").context(why)?;
        let filter = typed("user_search_filter", self.text("user_search_filter").unwrap_or_default())?;
        filter::check("SENTRY_LDAP_USER_SEARCH_FILTER", &filter)?;
        Ok(Find::Search(Search { base, scope: self.scope("user_search_scope")?, filter }))
    }

    fn groups(&self) -> Result<Option<Groups>> {
        let text = self.get("group_type").unwrap_or("groupOfNames");
        let (kind, is_nested) = GroupKind::read(text).with_context(|| {
            let names = GroupKind::ALL.map(GroupKind::name).join(", ");
            format!("SENTRY_LDAP_GROUP_TYPE: {text:?} is none of {names}, with or without nested in front")
        })?;
        let Some(base) = self.text("group_search_base") else { return Ok(None) };
        let filter = self.text("group_search_filter").unwrap_or_else(|| format!("(objectClass={})", kind.class()));
        filter::check("SENTRY_LDAP_GROUP_SEARCH_FILTER", &filter)?;
        Ok(Some(Groups {
            search: Search { base, scope: self.scope("group_search_scope")?, filter },
            kind,
            is_nested,
            name_attribute: self.text("group_name_attr").unwrap_or_else(|| "cn".to_owned()),
            cached_for: TimeDelta::seconds(self.number("group_cache_timeout")?.into()),
        }))
    }

    fn role_groups(&self) -> Result<Vec<(Role, Vec<String>)>> {
        let named = self.lists("sentry_group_role_mapping")?.into_iter().map(|(role, groups)| {
            let role =
                role.parse::<Role>().map_err(|e| anyhow::anyhow!("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING: {e}"))?;
            Ok((role, groups))
        });
        named.collect()
    }

    fn teams(&self) -> Result<Vec<String>> {
        let text = self.get("sentry_default_teams").unwrap_or_default();
        if text.starts_with('[') {
            return self.list("sentry_default_teams");
        }
        Ok(text.split([',', ' ']).map(str::trim).filter(|slug| !slug.is_empty()).map(str::to_owned).collect())
    }

    fn sync(&self) -> Result<Sync> {
        match self.get("sync").unwrap_or("periodic") {
            "first" => Ok(Sync::First),
            "login" => Ok(Sync::Login),
            "periodic" => Ok(Sync::Periodic),
            other => bail!("SENTRY_LDAP_SYNC: {other:?} is none of first, login and periodic"),
        }
    }
}

fn variable(name: &str) -> String {
    format!("SENTRY_LDAP_{}", name.to_ascii_uppercase())
}

impl Settings {
    /// Every group that a setting names.
    pub fn named_groups(&self) -> Vec<&str> {
        let mapped =
            self.role_groups.iter().map(|(_, groups)| groups).chain(self.team_groups.iter().map(|(_, groups)| groups));
        let all = mapped.flatten().chain(&self.superuser_groups).chain(&self.require_group).chain(&self.deny_group);
        let mut names: Vec<&str> = Vec::new();
        for name in all.map(String::as_str) {
            if !names.iter().any(|known| *known == name || dn::same(known, name)) {
                names.push(name);
            }
        }
        names
    }
}

fn role(name: &str) -> Result<Role> {
    name.parse().map_err(|error| anyhow::anyhow!("SENTRY_LDAP_SENTRY_ORGANIZATION_ROLE_TYPE: {error}"))
}

#[cfg(test)]
mod tests;
