//! What settings mean, and how those that make no sense are refused.

use clap::{Args, Command, FromArgMatches};

use super::*;

fn config(set: &[(&str, &str)]) -> config::Ldap {
    let flags = set.iter().flat_map(|(name, value)| [format!("--ldap-{name}"), (*value).to_owned()]);
    let command = config::Ldap::augment_args(Command::new("picket"));
    let matches = command.try_get_matches_from(std::iter::once("picket".to_owned()).chain(flags)).unwrap();
    config::Ldap::from_arg_matches(&matches).unwrap()
}

const BASE: [(&str, &str); 2] = [("server-uri", "ldap://d:3489"), ("user-search-base", "OU=技术部,DC=example,DC=com")];

fn with(more: &[(&str, &str)]) -> Result<Vec<Settings>> {
    read(&config(&[&BASE[..], more].concat()))
}

#[test]
fn without_an_address_there_is_no_directory() {
    assert!(read(&config(&[])).unwrap().is_empty());
}

#[test]
fn what_is_left_out_is_what_most_directories_have() {
    let settings = with(&[]).unwrap().remove(0);
    assert_eq!((settings.name.as_str(), settings.username_field.as_str()), ("ldap", "uid"));
    assert_eq!((settings.role, settings.sync, settings.tls_verify), (Role::Member, Sync::Periodic, true));
    assert!(settings.groups.is_none());
    let Find::Search(search) = settings.find else { panic!("people are searched for") };
    assert_eq!(search.filter, "(uid=%(user)s)");
}

#[test]
fn group_types_are_read_by_our_names_and_by_those_of_django() {
    for (text, kind, is_nested) in [
        ("groupOfNames", GroupKind::OfNames, false),
        ("GroupOfUniqueNamesType", GroupKind::OfUniqueNames, false),
        ("PosixGroupType", GroupKind::Posix, false),
        ("posixGroup", GroupKind::Posix, false),
        ("ActiveDirectoryGroupType", GroupKind::ActiveDirectory, false),
        ("NestedActiveDirectoryGroupType", GroupKind::ActiveDirectory, true),
        ("nestedGroupOfNames", GroupKind::OfNames, true),
        ("OrganizationalRoleGroupType", GroupKind::OrganizationalRole, false),
    ] {
        assert_eq!(GroupKind::read(text), Some((kind, is_nested)), "{text}");
    }
    assert_eq!(GroupKind::read("netgroup"), None);
}

#[test]
fn more_directories_have_the_settings_of_the_first_but_for_their_own() {
    let more = r#"[{"server_uri": "ldaps://other", "sentry_group_role_mapping": {"owner": ["boss"]}, "group_search_base": "ou=g", "timeout": 9}]"#;
    let all = with(&[("directories", more)]).unwrap();
    assert_eq!(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["ldap1", "ldap2"]);
    assert_eq!((all[1].uri.as_str(), all[1].timeout), ("ldaps://other", Duration::from_secs(9)));
    assert_eq!(all[1].role_groups, [(Role::Owner, vec!["boss".to_owned()])]);
}

#[test]
fn settings_that_make_no_sense_are_refused_by_their_names() {
    for (set, word) in [
        (&[("server-uri", "http://d")][..], "SERVER_URI"),
        (&[("start-tls", "perhaps")], "START_TLS"),
        (&[("bind-dn", "cn=reader")], "BIND_PASSWORD is empty"),
        (&[("user-search-filter", "(uid=ada)")], "%(user)s stands nowhere"),
        (&[("user-search-filter", "(uid=%(user)s")], "is no filter"),
        (&[("user-search-scope", "deep")], "USER_SEARCH_SCOPE"),
        (&[("group-type", "netgroup")], "groupOfUniqueNames"),
        (&[("require-group", "staff")], "GROUP_SEARCH_BASE is missing"),
        (&[("organization-role", "boss")], "ROLE_TYPE"),
        (&[("group-search-base", "ou=g"), ("group-role-mapping", r#"{"boss": ["g"]}"#)], "boss"),
        (&[("group-search-base", "ou=g"), ("group-role-mapping", "owner=g")], "JSON"),
        (&[("user-attr-map", "username=displayName")], "USERNAME_FIELD"),
        (&[("sync", "often")], "SYNC"),
        (&[("directories", r#"[{"server": "x"}]"#)], "server"),
    ] {
        let mut all: Vec<(&str, &str)> = BASE.to_vec();
        all.retain(|(name, _)| !set.iter().any(|(set, _)| set == name));
        all.extend(set);
        let error = read(&config(&all)).map(|_| ()).unwrap_err();
        assert!(format!("{error:#}").contains(word), "{set:?} says {error:#}");
    }
    let both = [("server-uri", "ldaps://d"), ("start-tls", "1"), ("user-search-base", "dc=x")];
    assert!(read(&config(&both)).unwrap_err().to_string().contains("keep one of them"));
}
