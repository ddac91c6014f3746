//! `picket config check` and the debug log: every step, with what was seen.

use anyhow::{Result, ensure};
use harness::{
    ldap::{ADMIN, PASSWORD},
    net::free_port,
};
use serde_json::Value;

use super::{GROUPED, GROUPS, PEOPLE, SECRET, Site, Variables, group};
use crate::{Story, platform::World};

pub const STORIES: &[Story] = &[
    Story { name: "ldap_check_names_what_is_wrong_with_a_directory", run: what_is_wrong },
    Story { name: "ldap_check_tells_every_step_of_a_login", run: steps },
    Story { name: "ldap_the_debug_log_tells_every_step_and_no_password", run: debug_log },
];

impl Site<'_> {
    fn check(&self, arguments: &[&str], more: Variables) -> Result<String> {
        let mut all = vec!["config", "check"];
        all.extend(arguments);
        let output = self.platform.command(&all).envs(self.settings(more)).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn found(&self, more: Variables) -> Result<(String, String)> {
        let report: Value = serde_json::from_str(&self.check(&["--json"], more)?)?;
        let ldap = report["checks"].as_array().and_then(|checks| checks.iter().find(|check| check["name"] == "ldap"));
        let text = |name: &str| ldap.and_then(|check| check[name].as_str()).unwrap_or_default().to_owned();
        Ok((text("reason"), text("message")))
    }
}

fn what_is_wrong(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("admins", &["ada"]))?;
    let nowhere = format!("ldap://127.0.0.1:{}", free_port()?);
    let postgres = format!("ldaps://127.0.0.1:{}", world.postgres.port);
    let mapped = ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"owner": ["bosses"]}"#);
    for (settings, reason, words) in [
        (&[][..], "Connected", "not encrypted"),
        (&[("SENTRY_LDAP_SERVER_URI", "")], "NotConfigured", "nobody signs in"),
        (&[("SENTRY_LDAP_SERVER_URI", "ldap://ldap.invalid")], "DnsLookupFailed", "connect"),
        (&[("SENTRY_LDAP_SERVER_URI", nowhere.as_str())], "ConnectionRefused", "connect"),
        (&[("SENTRY_LDAP_SERVER_URI", postgres.as_str())], "TlsHandshakeFailed", "TLS"),
        (&[("SENTRY_LDAP_START_TLS", "1")], "StartTlsNotOffered", "TLS"),
        (&[("SENTRY_LDAP_BIND_PASSWORD", "wrong")], "AuthenticationFailed", "SENTRY_LDAP_BIND_PASSWORD"),
        (&[("SENTRY_LDAP_USER_SEARCH_BASE", "ou=nowhere,dc=picket,dc=dev")], "BaseDoesNotExist", "USER_SEARCH_BASE"),
        (&[("SENTRY_LDAP_GROUP_SEARCH_BASE", "ou=nowhere,dc=picket,dc=dev")], "BaseDoesNotExist", "GROUP_SEARCH_BASE"),
        (&[("SENTRY_LDAP_USER_SEARCH_FILTER", "(uid=%(user)s")], "FilterInvalid", "SENTRY_LDAP_USER_SEARCH_FILTER"),
        (&[("SENTRY_LDAP_USER_SEARCH_FILTER", "(mial=%(user)s)")], "NoUsersMatched", "finds nobody below"),
        (&[mapped], "SettingsInvalid", "GROUP_SEARCH_BASE is missing"),
        (&[GROUPED, mapped], "Connected", "the group bosses, which the settings name, is not there"),
        (
            &[GROUPED, ("SENTRY_LDAP_GROUP_TYPE", "groupOfUniqueNames")],
            "SettingsInvalid",
            "SENTRY_LDAP_GROUP_TYPE=groupOfNames",
        ),
    ] {
        let (found, message) = site.found(settings)?;
        ensure!(found == reason && message.contains(words), "{settings:?} is {found}, not {reason}: {message}");
        ensure!(!message.contains(PASSWORD), "a password is told: {message}");
    }
    site.ldap.pause()?;
    let found = site.found(&[("SENTRY_LDAP_TIMEOUT", "1")])?;
    site.ldap.resume()?;
    ensure!(found.0 == "ConnectTimeout", "a server that says nothing is {found:?}");
    Ok(())
}

fn steps(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("管理员", &["ada"]))?;
    let settings: Variables = &[GROUPED, ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["管理员"]}"#)];
    let told = site.check(&["--ldap-user", "ada"], settings)?;
    for line in [
        format!("connect   ok      {} answers", site.uri),
        "TLS       note    the connection is not encrypted".to_owned(),
        format!("bind      ok      as {ADMIN}"),
        format!("search    ok      (uid=ada) below {PEOPLE} finds uid=ada,{PEOPLE}"),
        "groups    ok      管理员".to_owned(),
        "mapping   ok      ada is Ada Lovelace <ada@corp.example>, admin, no team".to_owned(),
    ] {
        ensure!(told.contains(&line), "{line:?} is not told in\n{told}");
    }
    let told = site.check(&["--ldap-user", "nobody"], settings)?;
    ensure!(told.contains("search    failed") && told.contains("finds nobody"), "{told}");
    let told = site.check(&["--ldap-user", "zhang"], settings)?;
    ensure!(
        told.contains(&format!("groups    note    none: no groupOfNames below {GROUPS} has them as member")),
        "{told}"
    );
    Ok(())
}

fn debug_log(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let web = site.web(&[("SENTRY_LOG_LEVEL", "debug")])?;
    web.lets_in("ada")?;
    web.keeps_out("ada", "a wrong password of hers")?;
    let told = std::fs::read_to_string(web.process.log())?;
    for step in ["connect", "bind", "search", "password", "groups", "mapping"] {
        ensure!(told.contains(step), "{step} is not told");
    }
    for secret in [SECRET, PASSWORD, "a wrong password of hers"] {
        ensure!(!told.contains(secret), "a password is in the log");
    }
    Ok(())
}
