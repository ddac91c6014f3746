//! Somebody in a directory: found, checked, with their groups. Each step is seen, and ends it where it fails.

use chrono::{DateTime, Utc};
use ldap3::{Scope, ldap_escape};
use secrecy::SecretString;
use sqlx::PgPool;

use super::{
    client::{Client, Entry, Failure},
    dn, groups,
    mapping::{self, Denied, Group, Person},
    settings::{Find, Search, Settings},
    steps::{Step, Steps},
    store,
};

/// More entries than this are not counted: one is wanted.
const MOST: i32 = 2;

/// What a directory says of somebody.
#[derive(Debug)]
pub enum Verdict {
    Found(Box<Person>),
    /// Nobody is meant by what was typed, or more than one.
    Unknown,
    WrongPassword,
    /// They are there, and stay out. With their key, where they have one.
    Denied(Denied, Option<String>),
    /// The directory could not be asked.
    Away(Failure),
}

/// Whom to ask for.
#[derive(Clone, Debug)]
pub enum Asked<'a> {
    /// Whoever typed this.
    Login { typed: &'a str, password: &'a SecretString },
    /// Whoever typed this, without their password: to try it.
    Trial(&'a str),
    /// Somebody who was here before, by their key.
    Known(&'a str),
}

/// The groups of people, for as long as the settings keep them.
#[derive(Clone, Copy)]
pub struct Cache<'a> {
    pub db: &'a PgPool,
    pub now: DateTime<Utc>,
}

/// Asks a directory for somebody.
pub async fn look_up(settings: &Settings, asked: &Asked<'_>, cache: Option<Cache<'_>>, steps: &mut Steps) -> Verdict {
    match ask(settings, asked, cache, steps).await {
        Ok(verdict) => verdict,
        Err(failure) => {
            steps.bad(failure.step, failure.text.clone());
            Verdict::Away(failure)
        }
    }
}

async fn ask(
    settings: &Settings,
    asked: &Asked<'_>,
    cache: Option<Cache<'_>>,
    steps: &mut Steps,
) -> Result<Verdict, Failure> {
    let mut client = connect(settings, steps).await?;
    let found = find(settings, asked, &mut client, steps).await?;
    let Some(entry) = found else { return Ok(Verdict::Unknown) };
    if let Asked::Login { password, .. } = asked {
        // With a template the password was checked on the way to the entry.
        if matches!(settings.find, Find::Search(_)) && !check_password(&mut client, &entry.dn, password, steps).await? {
            return Ok(Verdict::WrongPassword);
        }
        let as_user = settings.bind_as_user || matches!(settings.find, Find::Template(_)) && settings.bind.is_none();
        if !as_user && settings.groups.is_some() {
            // Whoever signs in may see less than who searches; an anonymous search needs a connection of its own.
            match &settings.bind {
                Some(_) => service_bind(settings, &mut client, steps).await?,
                None => client = Client::connect(settings).await?,
            }
        }
    }
    let groups = groups_of(settings, &entry, &mut client, cache, steps).await?;
    client.close().await;
    Ok(match mapping::person(settings, &entry, &groups) {
        Ok(person) => {
            steps.good(Step::Mapping, describe(&person));
            Verdict::Found(Box::new(person))
        }
        Err(denied) => {
            steps.bad(Step::Mapping, denied.to_string());
            let key = entry.first(&settings.username_field).map(str::to_lowercase);
            Verdict::Denied(denied, key)
        }
    })
}

/// Connects and binds as who searches.
pub async fn connect(settings: &Settings, steps: &mut Steps) -> Result<Client, Failure> {
    let mut client = Client::connect(settings).await?;
    steps.good(Step::Connect, format!("{} answers", settings.uri));
    match (settings.uri.starts_with("ldaps://"), settings.start_tls, settings.tls_verify) {
        (false, false, _) => steps.odd(Step::Tls, "the connection is not encrypted: passwords are sent in the clear"),
        (_, _, false) => steps.odd(Step::Tls, "encrypted, and the certificate is not checked"),
        (true, ..) => steps.good(Step::Tls, "encrypted from the first byte, and the certificate is trusted"),
        (_, true, _) => steps.good(Step::Tls, "STARTTLS, and the certificate is trusted"),
    }
    match &settings.bind {
        Some(_) => service_bind(settings, &mut client, steps).await?,
        None => steps.good(Step::Bind, "nobody: searches are anonymous"),
    }
    Ok(client)
}

async fn service_bind(settings: &Settings, client: &mut Client, steps: &mut Steps) -> Result<(), Failure> {
    let Some((dn, password)) = &settings.bind else { return Ok(()) };
    if client.bind(Step::Bind, dn, password).await? {
        steps.good(Step::Bind, format!("as {dn}"));
        return Ok(());
    }
    let text = format!(
        "as {dn}: the password is wrong or there is no such entry: correct SENTRY_LDAP_BIND_DN and SENTRY_LDAP_BIND_PASSWORD"
    );
    Err(Failure { step: Step::Bind, cause: None, code: 49, text })
}

async fn check_password(
    client: &mut Client,
    dn: &str,
    password: &SecretString,
    steps: &mut Steps,
) -> Result<bool, Failure> {
    let is_right = client.bind(Step::Password, dn, password).await?;
    if is_right {
        steps.good(Step::Password, format!("{dn} signs in"));
    } else {
        steps.bad(Step::Password, format!("{dn}: the password is wrong, empty, or the entry is locked"));
    }
    Ok(is_right)
}

/// The one entry that is meant.
async fn find(
    settings: &Settings,
    asked: &Asked<'_>,
    client: &mut Client,
    steps: &mut Steps,
) -> Result<Option<Entry>, Failure> {
    let attributes = [
        settings.username_field.as_str(),
        settings.name_attribute.as_str(),
        settings.email_attribute.as_str(),
        "uid",
        "gidNumber",
    ];
    let search = match (&settings.find, asked) {
        (Find::Template(template), asked) => {
            let typed = match asked {
                Asked::Login { typed, .. } | Asked::Trial(typed) => typed,
                Asked::Known(key) => key,
            };
            let dn = dn::of_template(template, typed);
            if let Asked::Login { password, .. } = asked
                && !check_password(client, &dn, password, steps).await?
            {
                return Ok(None);
            }
            Search { base: dn, scope: Scope::Base, filter: "(objectClass=*)".to_owned() }
        }
        (Find::Search(search), Asked::Known(key)) => {
            let filter = format!("({}={})", settings.username_field, ldap_escape(*key));
            Search { filter, ..search.clone() }
        }
        (Find::Search(search), Asked::Login { typed, .. } | Asked::Trial(typed)) => {
            let filter = search.filter.replace("%(user)s", &ldap_escape(*typed));
            Search { filter, ..search.clone() }
        }
    };
    let found = client.search(&search, &attributes, MOST).await;
    let found = match (found, &settings.find) {
        // The DN of a template may lead nowhere.
        (Err(Failure { code: 32, .. }), Find::Template(_)) => super::client::Found::default(),
        (found, _) => found?,
    };
    if found.referrals > 0 {
        steps.odd(Step::Search, format!("{} referrals to other servers were not followed", found.referrals));
    }
    let what = format!("{} below {}", search.filter, search.base);
    if let [entry] = found.entries.as_slice() {
        steps.good(Step::Search, format!("{what} finds {}", entry.dn));
        return Ok(Some(entry.clone()));
    }
    let count = if found.entries.is_empty() { "nobody" } else { "more than one entry, and it must be one" };
    steps.bad(Step::Search, format!("{what} finds {count}"));
    if let (Asked::Login { password, .. }, Find::Search(search)) = (asked, &settings.find) {
        // A bind that cannot succeed, so that who is not there costs what a wrong password does.
        let nobody = format!("cn=nobody-{},{}", super::super::random_hex(), search.base);
        let _ = client.bind(Step::Password, &nobody, password).await?;
    }
    Ok(None)
}

async fn groups_of(
    settings: &Settings,
    entry: &Entry,
    client: &mut Client,
    cache: Option<Cache<'_>>,
    steps: &mut Steps,
) -> Result<Vec<Group>, Failure> {
    let Some(of) = &settings.groups else {
        steps.good(Step::Groups, "SENTRY_LDAP_GROUP_SEARCH_BASE is not set: groups decide nothing");
        return Ok(Vec::new());
    };
    let cache = cache.filter(|_| of.cached_for > chrono::TimeDelta::zero());
    if let Some(Cache { db, now }) = cache {
        match store::cached_groups(db, &settings.name, &entry.dn, now - of.cached_for).await {
            Ok(Some(groups)) => {
                steps.good(Step::Groups, format!("remembered: {}", names(&groups)));
                return Ok(groups);
            }
            Ok(None) => (),
            Err(error) => tracing::warn!("reading remembered groups: {error}"),
        }
    }
    let groups = groups::of(client, of, entry).await.map_err(|failure| Failure { step: Step::Groups, ..failure })?;
    if groups.is_empty() {
        let kind = of.kind;
        steps.odd(
            Step::Groups,
            format!("none: no {} below {} has them as {}", kind.class(), of.search.base, kind.member()),
        );
    } else {
        steps.good(Step::Groups, names(&groups));
    }
    if let Some(Cache { db, now }) = cache
        && let Err(error) = store::remember_groups(db, &settings.name, &entry.dn, (&groups, now)).await
    {
        tracing::warn!("remembering groups: {error}");
    }
    Ok(groups)
}

fn names(groups: &[Group]) -> String {
    let mut names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn describe(person: &Person) -> String {
    let Person { username, name, email, role, teams, is_superuser, .. } = person;
    let teams = if teams.is_empty() { "no team".to_owned() } else { format!("teams {}", teams.join(", ")) };
    let rank = match is_superuser {
        Some(true) => ", superuser",
        Some(false) => ", no superuser",
        None => "",
    };
    format!("{username} is {name} <{email}>, {role}, {teams}{rank}")
}
