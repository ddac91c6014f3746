//! What groups decide.

use anyhow::{Result, ensure};

use super::{GROUPED, GROUPS, PEOPLE, SECRET, Site, Variables, change, dn, group, person};
use crate::{Story, platform::World};

pub const STORIES: &[Story] = &[
    Story { name: "ldap_every_type_of_group_gives_its_role", run: types },
    Story { name: "ldap_groups_in_groups_count_where_they_are_nested", run: nested },
    Story { name: "ldap_groups_are_mapped_by_name_and_by_dn", run: by_name_and_dn },
    Story { name: "ldap_groups_are_those_of_the_scope_and_filter_by_the_attribute_that_names_them", run: narrowed },
    Story { name: "ldap_a_group_lets_in_and_another_keeps_out", run: require_and_deny },
    Story { name: "ldap_roles_teams_and_superusers_follow_at_every_sign_in", run: follow_at_sign_in },
    Story { name: "ldap_roles_stay_where_only_the_first_sign_in_decides", run: first_only },
    Story { name: "ldap_what_a_person_decided_no_directory_takes_back", run: people_decide },
    Story { name: "ldap_groups_are_remembered_as_long_as_the_cache_lasts", run: cache },
    Story { name: "ldap_a_group_of_five_thousand_costs_what_one_of_five_does", run: five_thousand },
];

const ADMINS: (&str, &str) = ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["admins"]}"#);

fn types(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&format!(
        "dn: cn=names,{GROUPS}\nobjectClass: groupOfNames\ncn: names\nmember: {ada}\n\n\
         dn: cn=unique,{GROUPS}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {ada}\n\n\
         dn: cn=posix,{GROUPS}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 500\nmemberUid: ada\n\n\
         dn: cn=primary,{GROUPS}\nobjectClass: posixGroup\ncn: primary\ngidNumber: 600\n\n\
         dn: cn=directory,{GROUPS}\nobjectClass: group\ncn: directory\nmember: {ada}\n\n\
         dn: cn=role,{GROUPS}\nobjectClass: organizationalRole\ncn: role\nroleOccupant: {ada}\n",
        ada = dn("ada"),
    ))?;
    site.ldap.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: objectClass\nobjectClass: posixAccount\n-\nadd: uidNumber\nuidNumber: 7\n-\nadd: gidNumber\ngidNumber: 600\n-\nadd: homeDirectory\nhomeDirectory: /home/ada\n",
        dn("ada")
    ))?;
    for (kind, name) in [
        ("groupOfNames", "names"),
        ("GroupOfUniqueNamesType", "unique"),
        ("posixGroup", "posix"),
        ("PosixGroupType", "primary"),
        ("ActiveDirectoryGroupType", "directory"),
        ("organizationalRole", "role"),
    ] {
        let mapping = format!(r#"{{"manager": ["{name}"]}}"#);
        let web = site.web(&[
            GROUPED,
            ("SENTRY_LDAP_GROUP_TYPE", kind),
            ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", &mapping),
        ])?;
        web.lets_in("ada")?;
        ensure!(site.is("ada")? == "manager", "{kind} makes them {}", site.is("ada")?);
        web.lets_in("zhang")?;
        ensure!(site.is("zhang")? == "member", "{kind} makes others {}", site.is("zhang")?);
    }
    Ok(())
}

fn nested(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let group = |name: &str, member: &str| {
        format!("dn: cn={name},{GROUPS}\nobjectClass: group\ncn: {name}\nmember: {member}\n\n")
    };
    let of = |name: &str| format!("cn={name},{GROUPS}");
    // In a circle, as such things end up.
    site.ldap.load(&[group("team", &dn("ada")), group("研发", &of("team")), group("admins", &of("研发"))].concat())?;
    site.ldap.modify(&format!("dn: {}\nchangetype: modify\nadd: member\nmember: {}\n", of("team"), of("admins")))?;
    for (kind, expected) in [("ActiveDirectoryGroupType", "member"), ("NestedActiveDirectoryGroupType", "admin")] {
        let web = site.web(&[GROUPED, ADMINS, ("SENTRY_LDAP_GROUP_TYPE", kind)])?;
        web.lets_in("ada")?;
        ensure!(site.is("ada")? == expected, "{kind} makes them {}", site.is("ada")?);
    }
    Ok(())
}

fn by_name_and_dn(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&[group("管理员", &["ada"]), group("经理", &["zhang"])].concat())?;
    let mapping = r#"{"admin": ["管理员"], "manager": ["CN=经理, OU=Groups,DC=picket,DC=dev"], "owner": ["nobody"]}"#;
    let web = site.web(&[GROUPED, ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", mapping)])?;
    web.lets_in("ada")?;
    web.lets_in("zhang")?;
    ensure!(site.is("ada")? == "admin" && site.is("zhang")? == "manager", "{} {}", site.is("ada")?, site.is("zhang")?);
    Ok(())
}

fn narrowed(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let deeper = format!("ou=deeper,{GROUPS}");
    site.ldap.load(&format!("dn: {deeper}\nobjectClass: organizationalUnit\nou: deeper\n"))?;
    // One group that is right, one that lies too deep, and one that the filter leaves out.
    let named = |cn: &str, below: &str, ou: &str| {
        group(cn, &["ada"]).replace(GROUPS, below).replace("cn: ", &format!("ou: {ou}\ncn: "))
    };
    site.ldap
        .load(&[named("g1", GROUPS, "运维"), named("g2", &deeper, "深"), named("g3", GROUPS, "others")].concat())?;
    site.ldap.modify(&format!("dn: cn=g3,{GROUPS}\nchangetype: modify\nadd: description\ndescription: retired\n"))?;
    let by_ou = ("SENTRY_LDAP_GROUP_NAME_ATTR", "ou");
    let living = ("SENTRY_LDAP_GROUP_SEARCH_FILTER", "(&(objectClass=groupOfNames)(!(description=retired)))");
    let here = ("SENTRY_LDAP_GROUP_SEARCH_SCOPE", "one");
    for (mapping, settings, expected) in [
        (r#"{"admin": ["运维"]}"#, &[by_ou][..], "admin"),
        (r#"{"admin": ["运维"]}"#, &[], "member"),
        (r#"{"admin": ["深"]}"#, &[by_ou], "admin"),
        (r#"{"admin": ["深"]}"#, &[by_ou, here], "member"),
        (r#"{"admin": ["others"]}"#, &[by_ou], "admin"),
        (r#"{"admin": ["others"]}"#, &[by_ou, living], "member"),
    ] {
        let mapped = [GROUPED, ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", mapping)];
        site.web(&[&mapped, settings].concat())?.lets_in("ada")?;
        ensure!(site.is("ada")? == expected, "{mapping} with {settings:?} makes them {}", site.is("ada")?);
    }
    Ok(())
}

fn require_and_deny(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&person("bob", "Bob", "bob@corp.example"))?;
    site.ldap.load(&[group("staff", &["ada", "zhang"]), group("leavers", &["zhang"])].concat())?;
    let leavers = format!("cn=leavers,{GROUPS}");
    let settings: Variables = &[GROUPED, ("SENTRY_LDAP_REQUIRE_GROUP", "staff"), ("SENTRY_LDAP_DENY_GROUP", &leavers)];
    let web = site.web(settings)?;
    let session = web.lets_in("ada")?;
    web.keeps_out("bob", SECRET)?;
    web.keeps_out("zhang", SECRET)?;
    ensure!(web.sees(&session, "/acme/")? == 200, "a member sees the organisation");
    // Who tries to sign in and is not let in any more loses the sessions they have, too.
    site.ldap.modify(&change("leavers", "add", "ada"))?;
    web.keeps_out("ada", SECRET)?;
    ensure!(web.sees(&session, "/acme/")? == 303 && site.is("ada")? == "member locked", "{}", site.is("ada")?);
    site.ldap.modify(&change("leavers", "delete", "ada"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member", "who is let in again is unlocked: {}", site.is("ada")?);
    Ok(())
}

fn follow_at_sign_in(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.platform.sql("insert into teams (organization_id, slug, name) select o.id, t, t from organizations o, unnest(array['checkout', 'all', 'ledger']) t where o.slug = 'acme'")?;
    site.ldap.load(&[group("admins", &["ada"]), group("shop", &["ada"]), group("root", &["ada"])].concat())?;
    let web = site.web(&[
        GROUPED,
        ADMINS,
        ("SENTRY_LDAP_SYNC", "login"),
        ("SENTRY_LDAP_SENTRY_GROUP_TEAM_MAPPING", r#"{"checkout": ["shop"], "gone": ["shop"]}"#),
        ("SENTRY_LDAP_SENTRY_DEFAULT_TEAMS", "all"),
        ("SENTRY_LDAP_SUPERUSER_GROUPS", r#"["root"]"#),
    ])?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "admin all,checkout superuser", "at first: {}", site.is("ada")?);
    // A team that a person put them into is the person's.
    site.platform.sql("insert into team_members (team_id, user_id) select t.id, u.id from teams t, users u where t.slug = 'ledger' and u.username = 'ada'")?;
    site.ldap.modify(&format!("dn: cn=admins,{GROUPS}\nchangetype: delete\n\ndn: cn=shop,{GROUPS}\nchangetype: delete\n\ndn: cn=root,{GROUPS}\nchangetype: delete\n"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member all,ledger", "then: {}", site.is("ada")?);
    let told = site.platform.sql("select string_agg(event || ' ' || actor, ', ' order by id) from audit_log")?;
    ensure!(
        told == "sso-identity.link ldap, user.superuser ldap, member.add ldap, user.superuser ldap, member.edit ldap",
        "the audit log has {told}"
    );
    Ok(())
}

fn first_only(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("admins", &["ada", "zhang"]))?;
    let web = site.web(&[GROUPED, ADMINS, ("SENTRY_LDAP_SYNC", "first")])?;
    web.lets_in("ada")?;
    site.ldap.modify(&change("admins", "delete", "ada"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "admin", "the first time decided: {}", site.is("ada")?);
    Ok(())
}

fn people_decide(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("admins", &["ada"]))?;
    let web = site.web(&[GROUPED, ADMINS, ("SENTRY_LDAP_SUPERUSER_GROUPS", "admins")])?;
    web.lets_in("ada")?;
    let members = site.platform.api("/organizations/acme/members/")?;
    let id = members[0]["id"].as_str().unwrap_or_default().to_owned();
    let path = format!("/organizations/acme/members/{id}/");
    let (status, answer) = site.platform.ask(reqwest::Method::PUT, &path, &serde_json::json!({"role": "manager"}))?;
    ensure!(status == 200, "{status}: {answer}");
    site.platform.sql("update users set is_superuser = true, superuser_by = null where username = 'ada'")?;
    site.ldap.modify(&format!("dn: cn=admins,{GROUPS}\nchangetype: delete\n"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "manager superuser", "they are {}", site.is("ada")?);
    Ok(())
}

fn cache(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("admins", &["ada", "zhang"]))?;
    let web = site.web(&[GROUPED, ADMINS, ("SENTRY_LDAP_GROUP_CACHE_TIMEOUT", "3600")])?;
    web.lets_in("ada")?;
    site.ldap.modify(&change("admins", "delete", "ada"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "admin", "remembered: {}", site.is("ada")?);
    site.platform.sql("update directory_groups set asked_at = asked_at - interval '2 hours'")?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member", "asked again: {}", site.is("ada")?);
    Ok(())
}

fn five_thousand(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let members: Vec<_> = (0..5_000).map(|n| format!("member: uid=user{n},{PEOPLE}\n")).collect();
    let large = format!(
        "dn: cn=everybody,{GROUPS}\nobjectClass: groupOfNames\ncn: everybody\n{}member: {}\n",
        members.concat(),
        dn("ada")
    );
    site.ldap.load(&large)?;
    let forward = super::servers::Counted::start(site.ldap.port)?;
    let uri = format!("ldap://127.0.0.1:{}", forward.port);
    let web = site.web(&[
        ("SENTRY_LDAP_SERVER_URI", &uri),
        GROUPED,
        ("SENTRY_LDAP_REQUIRE_GROUP", "everybody"),
        ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["everybody"]}"#),
    ])?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "admin", "they are {}", site.is("ada")?);
    web.keeps_out("zhang", SECRET)?;
    // 5,000 members would be 200 KB.
    ensure!(forward.received() < 20_000, "the members were read: {} bytes came", forward.received());
    Ok(())
}
