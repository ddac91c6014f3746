//! What an entry and its groups mean here. Pure.

use super::{client::Entry, dn, settings::Settings};
use crate::permissions::Role;

/// A group of a directory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Group {
    pub dn: String,
    pub name: String,
}

impl Group {
    /// Whether a setting means this group, by its DN or its name.
    pub fn is(&self, named: &str) -> bool {
        let by_name = self.name.trim().to_lowercase() == named.trim().to_lowercase();
        by_name || named.contains('=') && dn::same(&self.dn, named)
    }
}

/// Somebody as a directory has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub dn: String,
    /// Tells them from everybody else of the directory: their username in lower case.
    pub key: String,
    pub username: String,
    pub name: String,
    pub email: String,
    /// Whether the directory has this email, and we did not make it up.
    pub email_is_known: bool,
    pub role: Role,
    /// By slug.
    pub teams: Vec<String>,
    /// None: no group decides it.
    pub is_superuser: Option<bool>,
}

/// Why somebody stays out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    NotIn(String),
    In(String),
    /// Their entry lacks the attribute that tells people apart.
    NoUsername(String),
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Denied::NotIn(group) => {
                write!(f, "they are not in the group {group}, which SENTRY_LDAP_REQUIRE_GROUP names")
            }
            Denied::In(group) => write!(f, "they are in the group {group}, which SENTRY_LDAP_DENY_GROUP names"),
            Denied::NoUsername(attribute) => {
                write!(f, "their entry has no {attribute}, which SENTRY_LDAP_SENTRY_USERNAME_FIELD names")
            }
        }
    }
}

/// What somebody is to be.
pub fn person(settings: &Settings, entry: &Entry, groups: &[Group]) -> Result<Person, Denied> {
    let is_in = |named: &String| groups.iter().any(|group| group.is(named));
    let any_of = |named: &[String]| named.iter().any(is_in);
    if let Some(group) = settings.require_group.as_ref().filter(|group| !is_in(group)) {
        return Err(Denied::NotIn(group.clone()));
    }
    if let Some(group) = settings.deny_group.as_ref().filter(|group| is_in(group)) {
        return Err(Denied::In(group.clone()));
    }
    let username = entry.first(&settings.username_field);
    let username = username.ok_or_else(|| Denied::NoUsername(settings.username_field.clone()))?.to_owned();
    let key = username.to_lowercase();
    let known = entry.first(&settings.email_attribute).filter(|email| email.contains('@'));
    let made_up = || {
        let domain = settings.email_domain.clone().unwrap_or_else(|| format!("{}.invalid", settings.name));
        if key.contains('@') { key.clone() } else { format!("{}@{domain}", key.replace(char::is_whitespace, ".")) }
    };
    let given = settings.role_groups.iter().filter(|(_, named)| any_of(named)).map(|(role, _)| *role).max();
    let mapped = settings.team_groups.iter().filter(|(_, named)| any_of(named)).map(|(team, _)| team);
    let mut teams: Vec<String> = mapped.chain(&settings.default_teams).cloned().collect();
    teams.sort();
    teams.dedup();
    Ok(Person {
        dn: entry.dn.clone(),
        name: entry.first(&settings.name_attribute).unwrap_or(&username).to_owned(),
        email: known.map_or_else(made_up, str::to_owned),
        email_is_known: known.is_some(),
        role: given.unwrap_or(settings.role),
        is_superuser: Some(any_of(&settings.superuser_groups)).filter(|_| !settings.superuser_groups.is_empty()),
        teams,
        key,
        username,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::ldap::settings, config};
    use clap::{Args, Command, FromArgMatches};

    fn settings(set: &[(&str, &str)]) -> Settings {
        let base = [("server-uri", "ldap://d"), ("user-search-base", "dc=x"), ("group-search-base", "ou=g,dc=x")];
        let all = base.iter().chain(set).flat_map(|(name, value)| [format!("--ldap-{name}"), (*value).to_owned()]);
        let command = config::Ldap::augment_args(Command::new("picket"));
        let matches = command.try_get_matches_from(std::iter::once("picket".to_owned()).chain(all)).unwrap();
        settings::read(&config::Ldap::from_arg_matches(&matches).unwrap()).unwrap().remove(0)
    }

    fn group(dn: &str) -> Group {
        let name = dn.split(',').next().unwrap().split('=').nth(1).unwrap().to_owned();
        Group { dn: dn.to_owned(), name }
    }

    fn ada() -> Entry {
        Entry::new(
            "uid=Ada,ou=人员,dc=x",
            &[("UID", &["Ada"]), ("cn", &["", "Ada Lovelace"]), ("mail", &["ada@example.com", "a@x.com"])],
        )
    }

    #[test]
    fn the_highest_role_counts_by_name_or_dn_in_any_language() {
        let mapping = r#"{"admin": ["管理员"], "manager": "CN=经理,OU=g,DC=x", "owner": ["boss"]}"#;
        let settings = settings(&[
            ("group-role-mapping", mapping),
            ("group-team-mapping", r#"{"checkout": ["shop"], "ledger": ["books"]}"#),
            ("default-teams", "all, checkout"),
        ]);
        let role = |groups: &[Group]| person(&settings, &ada(), groups).unwrap().role;
        assert_eq!(role(&[]), Role::Member);
        assert_eq!(role(&[group("cn=管理员,ou=g,dc=x")]), Role::Admin);
        assert_eq!(role(&[group("cn=管理员,ou=g,dc=x"), group("cn=经理,ou=g,dc=x")]), Role::Manager);
        assert_eq!(role(&[group("cn=经理,ou=elsewhere,dc=x")]), Role::Member, "a DN is one group and no other");
        let ada = person(&settings, &ada(), &[group("cn=Shop,ou=g,dc=x")]).unwrap();
        assert_eq!((ada.key.as_str(), ada.username.as_str(), ada.name.as_str()), ("ada", "Ada", "Ada Lovelace"));
        assert_eq!(
            (ada.email.as_str(), ada.teams.as_slice()),
            ("ada@example.com", ["all".to_owned(), "checkout".to_owned()].as_slice())
        );
        assert_eq!(ada.is_superuser, None);
    }

    #[test]
    fn groups_let_in_and_keep_out() {
        let settings = settings(&[
            ("require-group", "staff"),
            ("deny-group", "cn=leavers,ou=g,dc=x"),
            ("superuser-groups", "root"),
        ]);
        let is = |groups: &[&str]| {
            let groups: Vec<Group> = groups.iter().map(|dn| group(dn)).collect();
            person(&settings, &ada(), &groups)
        };
        assert!(matches!(is(&[]), Err(Denied::NotIn(_))));
        assert_eq!(is(&["cn=staff,ou=g,dc=x"]).unwrap().is_superuser, Some(false));
        assert_eq!(is(&["cn=staff,ou=g,dc=x", "cn=root,ou=g,dc=x"]).unwrap().is_superuser, Some(true));
        assert!(matches!(is(&["cn=staff,ou=g,dc=x", "cn=Leavers,ou=g,dc=x"]), Err(Denied::In(_))));
    }

    #[test]
    fn who_has_no_email_gets_one_that_cannot_be_anothers() {
        let entry = Entry::new("uid=bob,dc=x", &[("uid", &["Bob"])]);
        let bob = |set: &[(&str, &str)]| person(&settings(set), &entry, &[]).unwrap();
        assert_eq!((bob(&[]).email.as_str(), bob(&[]).email_is_known), ("bob@ldap.invalid", false));
        assert_eq!(bob(&[("default-email-domain", "example.com")]).email, "bob@example.com");
        assert_eq!(bob(&[]).name, "Bob");
        let nobody = Entry::new("cn=nobody,dc=x", &[]);
        assert!(matches!(person(&settings(&[]), &nobody, &[]), Err(Denied::NoUsername(_))));
    }
}
