//! How somebody is found and who they are then.

use anyhow::{Result, ensure};
use harness::ldap::BASE;

use super::{PEOPLE, SECRET, Site, Variables, dn, person};
use crate::{Story, platform::World};

pub const STORIES: &[Story] = &[
    Story { name: "ldap_the_reference_installation_signs_in_by_mail_in_a_chinese_unit", run: reference },
    Story { name: "ldap_a_template_binds_without_searching", run: template },
    Story { name: "ldap_a_search_is_as_deep_as_its_scope", run: scopes },
    Story { name: "ldap_an_anonymous_search_finds_people_too", run: anonymous },
    Story { name: "ldap_what_is_typed_is_a_value_and_never_a_filter", run: escaping },
    Story { name: "ldap_who_is_meant_twice_is_not_let_in", run: ambiguous },
    Story { name: "ldap_an_empty_password_is_refused", run: empty_password },
    Story { name: "ldap_attributes_become_name_email_and_username", run: attributes },
    Story { name: "ldap_uid_or_mail_is_one_account", run: one_account },
];

fn reference(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.platform.sql("update organizations set name = 'Poizon Ltd' where slug = 'acme'")?;
    let web = site.web(&[
        ("SENTRY_LDAP_USER_SEARCH_FILTER", "(mail=%(user)s)"),
        ("SENTRY_LDAP_SENTRY_USERNAME_FIELD", "uid"),
        ("SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION", "Poizon Ltd"),
        ("SENTRY_LDAP_SENTRY_ORGANIZATION_ROLE_TYPE", "member"),
        ("SENTRY_LDAP_SENTRY_ORGANIZATION_GLOBAL_ACCESS", "true"),
        ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", "{}"),
        ("SENTRY_LDAP_GROUP_CACHE_TIMEOUT", "3600"),
    ])?;
    site.platform.project("shop")?;
    let session = web.lets_in("zhang@corp.example")?;
    ensure!(site.is("zhang")? == "member", "they are {}", site.is("zhang")?);
    let account = site.platform.sql("select name || ' ' || email from users where username = 'zhang'")?;
    ensure!(account == "张三 zhang@corp.example", "the account is {account}");
    // Membership is closed, and they are in no team: what they see, they see by global access.
    ensure!(web.sees(&session, "/acme/shop/issues/")? == 200, "global access shows every project");
    web.keeps_out("zhang", SECRET)?;
    web.keeps_out("zhang@corp.example", "wrong")
}

fn template(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let by_template = format!("uid=%(user)s,{PEOPLE}");
    let settings: Variables = &[
        ("SENTRY_LDAP_USER_DN_TEMPLATE", &by_template),
        ("SENTRY_LDAP_BIND_DN", ""),
        ("SENTRY_LDAP_BIND_PASSWORD", ""),
        ("SENTRY_LDAP_USER_SEARCH_BASE", ""),
    ];
    let web = site.web(settings)?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member", "they are {}", site.is("ada")?);
    web.keeps_out("ada", "wrong")?;
    web.keeps_out("nobody", SECRET)?;
    web.keeps_out("ada,ou=elsewhere", SECRET)
}

fn scopes(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&format!("dn: ou=deep,{PEOPLE}\nobjectClass: organizationalUnit\nou: deep\n"))?;
    site.ldap.load(&person("deep", "Deep", "deep@corp.example").replace("uid=deep,", "uid=deep,ou=deep,"))?;
    let own = dn("ada");
    for (base, scope, near, far) in [
        (PEOPLE, "sub", true, true),
        (PEOPLE, "one", true, false),
        (own.as_str(), "base", true, false),
        (BASE, "one", false, false),
    ] {
        let web = site.web(&[("SENTRY_LDAP_USER_SEARCH_BASE", base), ("SENTRY_LDAP_USER_SEARCH_SCOPE", scope)])?;
        for (login, expected) in [("ada", near), ("deep", far)] {
            let is_in = web.login(login, SECRET)?.status == 303;
            ensure!(is_in == expected, "{login} below {base} with {scope}: let in is {is_in}");
        }
        site.platform.sql("delete from sign_in_attempts")?;
    }
    Ok(())
}

fn anonymous(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    // The directory shows nothing to strangers: whoever signs in may look then.
    let by_template = format!("uid=%(user)s,{PEOPLE}");
    site.ldap.load(&super::group("admins", &["ada"]))?;
    let web = site.web(&[
        ("SENTRY_LDAP_BIND_DN", ""),
        ("SENTRY_LDAP_BIND_PASSWORD", ""),
        ("SENTRY_LDAP_USER_DN_TEMPLATE", &by_template),
        ("SENTRY_LDAP_BIND_AS_AUTHENTICATING_USER", "true"),
        super::GROUPED,
        ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["admins"]}"#),
    ])?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "admin", "whoever signs in looks for their groups themselves: {}", site.is("ada")?);
    let nobody: Variables = &[("SENTRY_LDAP_BIND_DN", ""), ("SENTRY_LDAP_BIND_PASSWORD", "")];
    let searching = site.web(nobody)?;
    ensure!(searching.login("ada", SECRET)?.status == 503, "a base that strangers may not see is no place to search");
    let public = format!("ou=public,{BASE}");
    site.ldap.load(&format!("dn: {public}\nobjectClass: organizationalUnit\nou: public\n"))?;
    site.ldap.load(&person("eve", "Eve", "eve@corp.example").replace(PEOPLE, &public))?;
    let open = site.web(&[nobody[0], nobody[1], ("SENTRY_LDAP_USER_SEARCH_BASE", &public)])?;
    open.lets_in("eve")?;
    open.keeps_out("eve", "wrong")
}

fn escaping(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let odd = "o'neil (jr)*\\";
    let entry =
        person("x", "Odd", "odd@corp.example").replace("uid: x", &format!("uid: {odd}")).replace("uid=x,", "cn=Odd,");
    site.ldap.load(&entry)?;
    let web = site.web(&[])?;
    web.lets_in(odd)?;
    for typed in ["*", "a*", "ada)(uid=*", "ada)(|(uid=*", "(uid=ada)", "ada\0", "\\61da"] {
        web.keeps_out(typed, SECRET)?;
    }
    site.platform.sql("delete from sign_in_attempts")?;
    web.lets_in("ada").map(|_| ())
}

fn ambiguous(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&person("twin", "Twin", "ada@corp.example"))?;
    let web = site.web(&[("SENTRY_LDAP_USER_SEARCH_FILTER", "(|(uid=%(user)s)(mail=%(user)s))")])?;
    web.keeps_out("ada@corp.example", SECRET)?;
    web.lets_in("ada").map(|_| ())
}

fn empty_password(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let by_template = format!("uid=%(user)s,{PEOPLE}");
    for settings in [&[][..], &[("SENTRY_LDAP_USER_DN_TEMPLATE", by_template.as_str())]] {
        let web = site.web(settings)?;
        // To the directory, a bind without a password is an anonymous one, and succeeds.
        web.keeps_out("ada", "")?;
        ensure!(site.platform.sql("select count(*) from identities")? == "0", "nobody was let in");
    }
    Ok(())
}

fn attributes(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.modify(&format!(
        "dn: {}\nchangetype: modify\nadd: displayName\ndisplayName: The Countess\n-\nadd: mail\nmail: second@corp.example\n-\nreplace: givenName\ngivenName: Augusta\n",
        dn("ada")
    ))?;
    site.ldap.modify(&format!("dn: {}\nchangetype: modify\ndelete: mail\n", dn("zhang")))?;
    let mapped = [("SENTRY_LDAP_USER_ATTR_MAP", "name=displayName, email=mail")];
    let web = site.web(&mapped)?;
    let account = |uid: &str| {
        site.platform
            .sql(&format!("select username || '|' || name || '|' || email from users where username = '{uid}'"))
    };
    // Of several addresses the first is taken, and signing in again changes nothing.
    web.lets_in("ada")?;
    web.lets_in("ada")?;
    ensure!(account("ada")? == "ada|The Countess|ada@corp.example", "{}", account("ada")?);
    web.lets_in("zhang")?;
    ensure!(account("zhang")? == "zhang|zhang|zhang@ldap.invalid", "{}", account("zhang")?);

    let rename = |name: &str| {
        site.ldap.modify(&format!("dn: {}\nchangetype: modify\nreplace: displayName\ndisplayName: {name}\n", dn("ada")))
    };
    rename("Ada King")?;
    web.lets_in("ada")?;
    ensure!(account("ada")?.contains("Ada King"), "the name follows: {}", account("ada")?);
    let once = site.web(&[
        mapped[0],
        ("SENTRY_LDAP_ALWAYS_UPDATE_USER", "false"),
        ("SENTRY_LDAP_DEFAULT_EMAIL_DOMAIN", "corp.example"),
    ])?;
    rename("Somebody Else")?;
    once.lets_in("ada")?;
    ensure!(account("ada")?.contains("Ada King"), "the name stays: {}", account("ada")?);
    site.ldap.load(&person("bob", "Bob", "x").replace("mail: x\n", ""))?;
    once.lets_in("bob")?;
    ensure!(account("bob")? == "bob|bob|bob@corp.example", "{}", account("bob")?);
    Ok(())
}

fn one_account(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let web = site.web(&[("SENTRY_LDAP_USER_SEARCH_FILTER", "(|(uid=%(user)s)(mail=%(user)s))")])?;
    // At once, as a browser does that was told twice: no two accounts, no error.
    std::thread::scope(|scope| {
        let logins = ["ada", "ada@corp.example", "ADA", "Ada@Corp.Example"];
        let threads: Vec<_> = logins.iter().map(|login| scope.spawn(|| web.lets_in(login))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no story panics").map(|_| ()))
    })?;
    let accounts = site
        .platform
        .sql("select count(*) || ' ' || (select count(*) from identities) from users where email like '%corp%'")?;
    ensure!(accounts == "1 1", "there are {accounts}");
    // People move within a directory, and change their address.
    site.ldap.modify(&format!("dn: {}\nchangetype: modrdn\nnewrdn: cn=Ada Lovelace\ndeleteoldrdn: 0\n", dn("ada")))?;
    site.ldap.modify(&format!(
        "dn: cn=Ada Lovelace,{PEOPLE}\nchangetype: modify\nreplace: mail\nmail: king@corp.example\n"
    ))?;
    web.lets_in("king@corp.example")?;
    let email = site.platform.sql("select email from users where username = 'ada'")?;
    ensure!(email == "king@corp.example", "the address follows: {email}");
    Ok(())
}
