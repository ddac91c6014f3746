//! The groups somebody is in. Groups are asked for their members, never the members read: one of 5,000 costs what one of five does.

use std::collections::HashSet;

use ldap3::ldap_escape;

use super::{
    client::{Client, Entry, Failure},
    dn,
    mapping::Group,
    settings::{GroupKind, Groups, Search},
};

/// How deep groups may lie in groups.
const DEEPEST: usize = 10;
/// How many groups somebody may be in.
const MOST: i32 = 1_000;

/// The groups that an entry is in, and where groups in groups count, those that they are in.
pub async fn of(client: &mut Client, groups: &Groups, entry: &Entry) -> Result<Vec<Group>, Failure> {
    let mut found = Vec::new();
    let mut known: HashSet<String> = HashSet::from([dn::normal(&entry.dn)]);
    let mut asked = direct(groups, entry);
    // Groups may lie in each other in a circle: each is asked for once.
    for _ in 0..DEEPEST {
        let search = Search { filter: format!("(&{}{asked})", groups.search.filter), ..groups.search.clone() };
        let attributes = [groups.name_attribute.as_str()];
        let mut next = Vec::new();
        for group in client.search(&search, &attributes, MOST).await?.entries {
            if known.insert(dn::normal(&group.dn)) {
                next.push(group.dn.clone());
                let name = group.first(&groups.name_attribute).unwrap_or_default().to_owned();
                found.push(Group { dn: group.dn, name });
            }
        }
        if !groups.is_nested || next.is_empty() {
            break;
        }
        asked = any(groups.kind.member(), next.iter().map(String::as_str));
    }
    Ok(found)
}

/// The filter of the groups that list an entry.
fn direct(groups: &Groups, entry: &Entry) -> String {
    match groups.kind {
        GroupKind::Posix => {
            let uids = any("memberUid", entry.all("uid").iter().map(String::as_str));
            // The primary group does not list its members.
            let primary = any("gidNumber", entry.all("gidNumber").iter().map(String::as_str));
            format!("(|{uids}{primary})")
        }
        kind => any(kind.member(), [entry.dn.as_str()]),
    }
}

fn any<'a>(attribute: &str, values: impl IntoIterator<Item = &'a str>) -> String {
    let one = |value: &str| format!("({attribute}={})", ldap_escape(value));
    let all: String = values.into_iter().map(one).collect();
    // Nothing is in no group: an empty filter would mean all of them.
    if all.is_empty() { "(!(objectClass=*))".to_owned() } else { format!("(|{all})") }
}

#[cfg(test)]
mod tests {
    use ldap3::Scope;

    use super::*;

    fn groups(kind: GroupKind) -> Groups {
        let search = Search { base: "dc=x".into(), scope: Scope::Subtree, filter: "(objectClass=group)".into() };
        let cached_for = chrono::TimeDelta::zero();
        Groups { search, kind, is_nested: false, name_attribute: "cn".into(), cached_for }
    }

    #[test]
    fn names_are_escaped_and_nobody_is_in_every_group() {
        let entry = Entry::new("cn=Zhang (张三)*,dc=x", &[]);
        assert_eq!(direct(&groups(GroupKind::OfNames), &entry), "(|(member=cn=Zhang \\28张三\\29\\2a,dc=x))");
        assert_eq!(direct(&groups(GroupKind::Posix), &entry), "(|(!(objectClass=*))(!(objectClass=*)))");
        let entry = Entry::new("uid=ada,dc=x", &[("uid", &["ada"]), ("gidNumber", &["100"])]);
        assert_eq!(direct(&groups(GroupKind::Posix), &entry), "(|(|(memberUid=ada))(|(gidNumber=100)))");
        assert!(ldap3::parse_filter(direct(&groups(GroupKind::Posix), &entry)).is_ok());
    }
}
