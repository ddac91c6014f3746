//! Whether a directory can be used as the settings say: for `picket config check` and the *try it* page.

use ldap3::{Scope, ldap_escape};

use super::{
    client::{Client, Failure},
    lookup,
    settings::{Find, GroupKind, Groups, Search, Settings},
    steps::{Step, Steps},
};

/// Entries that are looked at to see what kinds of groups there are.
const SAMPLE: i32 = 50;

/// Connects, encrypts, binds, and looks whether what the settings name is there.
pub async fn probe(settings: &Settings, steps: &mut Steps) -> Result<(), Failure> {
    let probed = all(settings, steps).await;
    if let Err(failure) = &probed {
        steps.bad(failure.step, failure.text.clone());
    }
    probed
}

async fn all(settings: &Settings, steps: &mut Steps) -> Result<(), Failure> {
    let mut client = lookup::connect(settings, steps).await?;
    if let Find::Search(search) = &settings.find {
        base(&mut client, (Step::Search, &search.base, "SENTRY_LDAP_USER_SEARCH_BASE"), steps).await?;
        anybody(&mut client, search, steps).await?;
    }
    if let Some(groups) = &settings.groups {
        base(&mut client, (Step::Groups, &groups.search.base, "SENTRY_LDAP_GROUP_SEARCH_BASE"), steps).await?;
        kinds(&mut client, groups, steps).await?;
        for name in settings.named_groups() {
            named(&mut client, groups, name, steps).await?;
        }
    }
    client.close().await;
    Ok(())
}

async fn base(client: &mut Client, (step, dn, setting): (Step, &str, &str), steps: &mut Steps) -> Result<(), Failure> {
    if client.entry(dn, &["objectClass"]).await.map_err(|failure| Failure { step, ..failure })?.is_none() {
        let text = format!("{dn} is not there, or who searches may not see it: correct {setting}");
        return Err(Failure { step, cause: None, code: 32, text });
    }
    steps.good(step, format!("{dn} is there"));
    Ok(())
}

/// A filter that finds nobody, whatever is typed, lets nobody in. Not every filter can be asked for everybody.
async fn anybody(client: &mut Client, search: &Search, steps: &mut Steps) -> Result<(), Failure> {
    let filter = search.filter.replace("%(user)s", "*");
    if ldap3::parse_filter(&filter).is_err() {
        return Ok(());
    }
    let everybody = Search { filter: filter.clone(), ..search.clone() };
    if client.search(&everybody, &["cn"], 1).await?.entries.is_empty() {
        let text = format!(
            "{} finds nobody below {}, whatever is typed ({filter} is empty): correct SENTRY_LDAP_USER_SEARCH_FILTER",
            search.filter, search.base
        );
        return Err(Failure { step: Step::Search, cause: None, code: 0, text });
    }
    steps.good(Step::Search, format!("{} finds people", search.filter));
    Ok(())
}

/// Groups of another kind than the settings say would decide nothing, silently.
async fn kinds(client: &mut Client, groups: &Groups, steps: &mut Steps) -> Result<(), Failure> {
    let is_found = |found: super::client::Found| !found.entries.is_empty();
    if is_found(client.search(&groups.search, &["cn"], SAMPLE).await?) {
        steps.good(Step::Groups, format!("{} finds groups", groups.search.filter));
        return Ok(());
    }
    for kind in GroupKind::ALL {
        let search = Search { filter: format!("(objectClass={})", kind.class()), ..groups.search.clone() };
        if kind != groups.kind && is_found(client.search(&search, &["cn"], SAMPLE).await?) {
            let text = format!(
                "{} finds no group below {}, and there are entries of {}: set SENTRY_LDAP_GROUP_TYPE={}",
                groups.search.filter,
                groups.search.base,
                kind.class(),
                kind.name()
            );
            return Err(Failure { step: Step::Groups, cause: None, code: 0, text });
        }
    }
    steps.odd(Step::Groups, format!("{} finds no group below {}", groups.search.filter, groups.search.base));
    Ok(())
}

/// A group that a setting names and that is not there decides nothing either.
async fn named(client: &mut Client, groups: &Groups, name: &str, steps: &mut Steps) -> Result<(), Failure> {
    let by_name = Search {
        filter: format!("(&{}({}={}))", groups.search.filter, groups.name_attribute, ldap_escape(name)),
        ..groups.search.clone()
    };
    let by_dn = Search { base: name.to_owned(), scope: Scope::Base, filter: groups.search.filter.clone() };
    let search = if name.contains('=') { by_dn } else { by_name };
    let found = client.search(&search, &["cn"], 1).await;
    match found {
        Ok(found) if !found.entries.is_empty() => steps.good(Step::Groups, format!("the group {name} is there")),
        Ok(_) | Err(Failure { code: 32 | 34, .. }) => {
            steps.odd(Step::Groups, format!("the group {name}, which the settings name, is not there"));
        }
        Err(failure) => return Err(failure),
    }
    Ok(())
}
