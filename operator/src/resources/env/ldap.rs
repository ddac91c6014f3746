//! The directories. The first is `SENTRY_LDAP_…`; the others are in `SENTRY_LDAP_DIRECTORIES`, by the same names in lower case.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::instance::{Bind, Directory, Groups, Ldap, Membership, UserSearch, Users};
use crate::resources::snapshot::Env;
use crate::secrets::{self, Missing, Secrets};

type Settings = BTreeMap<&'static str, String>;

/// Every setting of every directory.
pub fn ldap(ldap: &Ldap, secrets: &Secrets) -> Result<Env, Missing> {
    let all: Vec<Settings> =
        ldap.directories.iter().map(|directory| settings(directory, secrets)).collect::<Result<_, _>>()?;
    let Some((first, others)) = all.split_first() else { return Ok(Env::new()) };
    let variable = |(name, value): (&&str, &String)| (format!("SENTRY_LDAP_{}", name.to_uppercase()), value.clone());
    let mut rendered: Env = first.iter().filter(|(_, value)| !value.is_empty()).map(variable).collect();
    rendered.insert("SENTRY_LDAP_LOCAL_PASSWORDS".to_owned(), ldap.local_passwords.to_string());
    if !others.is_empty() {
        rendered.insert("SENTRY_LDAP_DIRECTORIES".to_owned(), json!(others).to_string());
    }
    Ok(rendered)
}

/// The settings of a directory. All of them, since what a further directory leaves out would be the first one's.
fn settings(directory: &Directory, secrets: &Secrets) -> Result<Settings, Missing> {
    let tls = directory.tls.as_ref();
    let ca = secrets::ca(secrets, tls.and_then(|tls| tls.ca_secret_ref.as_ref()))?;
    let mut settings = Settings::from([
        ("server_uri", directory.url.clone()),
        ("start_tls", tls.is_some_and(|tls| tls.start_tls).to_string()),
        ("tls_verify", tls.is_none_or(|tls| tls.verify).to_string()),
        ("ca_file", ca.unwrap_or_default()),
        ("timeout", directory.timeout_seconds.to_string()),
        ("sync", word(&directory.sync)),
    ]);
    settings.extend(bind(directory.bind.as_ref(), secrets)?);
    settings.extend(users(&directory.users));
    settings.extend(groups(directory.groups.as_ref()));
    settings.extend(membership(&directory.organization));
    Ok(settings)
}

fn bind(bind: Option<&Bind>, secrets: &Secrets) -> Result<Settings, Missing> {
    let password = bind.map(|bind| secrets::key(secrets, &bind.password_secret_ref)).transpose()?;
    Ok(Settings::from([
        ("bind_dn", bind.map(|bind| bind.dn.clone()).unwrap_or_default()),
        ("bind_password", password.unwrap_or_default()),
        ("bind_as_authenticating_user", bind.is_some_and(|bind| bind.as_authenticating_user).to_string()),
    ]))
}

fn users(users: &Users) -> Settings {
    let mut settings = Settings::from([
        ("user_dn_template", users.dn_template.clone().unwrap_or_default()),
        ("user_search_base", String::new()),
        ("sentry_username_field", users.username_attribute.clone()),
        ("user_attr_map", format!("name={},email={}", users.name_attribute, users.mail_attribute)),
        ("always_update_user", users.always_update.to_string()),
        ("default_email_domain", users.default_mail_domain.clone().unwrap_or_default()),
    ]);
    if let Some(UserSearch { base, scope, filter }) = &users.search {
        settings.extend([
            ("user_search_base", base.clone()),
            ("user_search_scope", word(scope)),
            ("user_search_filter", filter.clone()),
        ]);
    }
    settings
}

fn groups(groups: Option<&Groups>) -> Settings {
    let Some(groups) = groups else {
        let nothing = ["group_search_base", "group_search_filter", "require_group", "deny_group", "superuser_groups"];
        return nothing.into_iter().map(|name| (name, String::new())).collect();
    };
    let nested = if groups.nested { "nested" } else { "" };
    Settings::from([
        ("group_type", format!("{nested}{}", word(&groups.kind))),
        ("group_search_base", groups.search.base.clone()),
        ("group_search_scope", word(&groups.search.scope)),
        ("group_search_filter", groups.search.filter.clone().unwrap_or_default()),
        ("group_name_attr", groups.name_attribute.clone()),
        ("group_cache_timeout", groups.cache_seconds.to_string()),
        ("require_group", groups.require.clone().unwrap_or_default()),
        ("deny_group", groups.deny.clone().unwrap_or_default()),
        ("superuser_groups", list(&groups.superusers)),
    ])
}

fn membership(membership: &Membership) -> Settings {
    let Membership { name, role, global_access, subscribe_by_default, role_groups, team_groups, default_teams } =
        membership;
    let map = |groups: &BTreeMap<String, Vec<String>>| {
        if groups.is_empty() { String::new() } else { json!(groups).to_string() }
    };
    Settings::from([
        ("default_sentry_organization", name.clone().unwrap_or_default()),
        ("sentry_organization_role_type", word(role)),
        ("sentry_organization_global_access", global_access.to_string()),
        ("sentry_subscribe_by_default", subscribe_by_default.to_string()),
        ("sentry_group_role_mapping", map(role_groups)),
        ("sentry_group_team_mapping", map(team_groups)),
        ("sentry_default_teams", list(default_teams)),
    ])
}

fn list(names: &[String]) -> String {
    if names.is_empty() { String::new() } else { json!(names).to_string() }
}

/// The platform's word for a choice: its name in the spec.
fn word(choice: &impl Serialize) -> String {
    match serde_json::to_value(choice) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}
