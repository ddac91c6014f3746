//! Accounts: whose they are, who loses them, and what passwords of Picket's are good for beside a directory.

use anyhow::{Result, ensure};
use harness::ldap::Ldap;

use super::{GROUPED, GROUPS, PEOPLE, SECRET, Site, Variables, dn, group, person};
use crate::{
    Story,
    platform::{ADMIN, LOOPBACK, PASSWORD, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "ldap_who_is_removed_from_the_directory_loses_access", run: removed },
    Story { name: "ldap_nobody_is_locked_out_where_all_are_gone_at_once", run: all_gone },
    Story { name: "ldap_directories_are_asked_in_their_order", run: several },
    Story { name: "ldap_a_local_password_is_a_fallback_or_is_not", run: fallback },
    Story { name: "ldap_an_account_that_is_there_is_taken_over_by_its_mail", run: taken_over },
    Story { name: "ldap_the_mail_of_a_superuser_opens_nothing", run: superusers_mail },
    Story { name: "ldap_an_organisation_that_is_not_there_is_told_of", run: no_organisation },
    Story { name: "ldap_the_only_organisation_needs_no_name", run: only_organisation },
    Story { name: "ldap_newcomers_get_mails_of_alerts_unless_nobody_is_subscribed_by_default", run: subscribed },
];

fn removed(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&group("admins", &["ada"]))?;
    let settings: Variables = &[GROUPED, ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["admins"]}"#)];
    let web = site.web(settings)?;
    let session = web.lets_in("ada")?;
    let stays = web.lets_in("zhang")?;
    site.platform.sql("insert into api_tokens (token_hash, user_id, name, created_at) select sha256('sntryu_ada'), id, 'ci', now() from users where username = 'ada'")?;
    let token = || -> Result<u16> {
        let request =
            site.platform.client.get(format!("{}/api/0/organizations/acme/", web.url)).bearer_auth("sntryu_ada");
        Ok(request.send()?.status().as_u16())
    };
    ensure!(token()? == 200, "a token of theirs works");

    site.ldap.modify(&format!("dn: cn=admins,{GROUPS}\nchangetype: delete\n"))?;
    site.follow(settings)?;
    ensure!(site.is("ada")? == "member", "the role follows without signing in: {}", site.is("ada")?);

    site.ldap.modify(&format!("dn: {}\nchangetype: delete\n", dn("ada")))?;
    site.follow(settings)?;
    ensure!(site.is("ada")? == "member locked", "they are {}", site.is("ada")?);
    ensure!(web.sees(&session, "/acme/")? == 303 && token()? == 401, "neither session nor token works any more");
    ensure!(web.sees(&stays, "/acme/")? == 200, "others stay");
    web.keeps_out("ada", SECRET)?;

    site.ldap.load(&person("ada", "Ada Lovelace", "ada@corp.example"))?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member", "who is back is let in: {}", site.is("ada")?);
    // Whom a person deactivated the directory does not bring back.
    site.platform.sql("update users set is_active = false where username = 'ada'")?;
    web.keeps_out("ada", SECRET)?;
    site.follow(settings)?;
    ensure!(site.is("ada")? == "member locked", "they are {}", site.is("ada")?);
    Ok(())
}

fn all_gone(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.ldap.load(&person("bob", "Bob", "bob@corp.example"))?;
    let web = site.web(&[])?;
    for login in ["ada", "zhang", "bob"] {
        web.lets_in(login)?;
    }
    // A base that is there, and nobody below it: a mistake, and not three people who left.
    site.follow(&[("SENTRY_LDAP_USER_SEARCH_BASE", GROUPS)])?;
    ensure!(site.platform.sql("select count(*) from users where not is_active")? == "0", "nobody is locked out");
    site.ldap.stop();
    site.follow(&[])?;
    ensure!(site.platform.sql("select count(*) from users where not is_active")? == "0", "an outage locks nobody out");
    Ok(())
}

fn several(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let second = Ldap::start(&world.run, LOOPBACK)?;
    second.load(&format!("dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: 技术部\n"))?;
    second.load(&person("ada", "Another Ada", "ada@partner.example").replace(SECRET, "another password"))?;
    second.load(&person("carl", "Carl", "carl@partner.example"))?;
    let more = format!(r#"[{{"server_uri": "{}", "sentry_organization_role_type": "admin"}}]"#, second.url());
    let web = site.web(&[("SENTRY_LDAP_DIRECTORIES", &more)])?;
    web.lets_in("ada")?;
    web.lets_in("carl")?;
    ensure!(site.is("ada")? == "member" && site.is("carl")? == "admin", "{} {}", site.is("ada")?, site.is("carl")?);
    // The same name in another directory is somebody else.
    ensure!(web.login("ada", "another password")?.status == 303, "the other Ada is let in by her directory");
    let people = "select string_agg(email || ' ' || coalesce(username, '-'), ', ' order by id) from users where email like 'ada@%' and not is_superuser";
    ensure!(
        site.platform.sql(people)? == "ada@corp.example ada, ada@partner.example -",
        "{}",
        site.platform.sql(people)?
    );
    // One that is away keeps nobody of the others out.
    site.ldap.stop();
    web.lets_in("carl").map(|_| ())
}

fn fallback(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let open = site.web(&[])?;
    let strict = site.web(&[("SENTRY_LDAP_LOCAL_PASSWORDS", "false")])?;
    ensure!(open.login(ADMIN, PASSWORD)?.status == 303, "a local password counts beside the directory");
    ensure!(strict.login(ADMIN, PASSWORD)?.status == 401, "where it is switched off it does not");
    strict.lets_in("ada")?;
    site.ldap.stop();
    ensure!(open.login(ADMIN, PASSWORD)?.status == 303, "it counts while the directory is away");
    let away = open.login("ada", SECRET)?;
    ensure!(
        away.status == 503 && away.text.contains("cannot be reached"),
        "who is only there is told: {}",
        away.status
    );
    Ok(())
}

fn taken_over(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.platform.sql("insert into users (email, name) values ('ADA@corp.example', 'Ada'); insert into members (organization_id, user_id, role) select o.id, u.id, 'manager' from organizations o, users u where o.slug = 'acme' and u.name = 'Ada'")?;
    let web = site.web(&[])?;
    web.lets_in("ada")?;
    ensure!(
        site.platform.sql("select count(*) from users where lower(email) = 'ada@corp.example'")? == "1",
        "one account"
    );
    ensure!(site.is("ada")? == "manager", "the role a person gave stays: {}", site.is("ada")?);
    // An address that is given to somebody new does not give them the account.
    site.ldap.modify(&format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: ada@corp.example\n", dn("zhang")))?;
    web.keeps_out("zhang", SECRET)?;
    ensure!(site.platform.sql("select count(*) from identities")? == "1", "nobody shares an account");
    Ok(())
}

fn superusers_mail(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    // In many directories people write their own mail attribute.
    site.ldap.modify(&format!("dn: {}\nchangetype: modify\nreplace: mail\nmail: {ADMIN}\n", dn("zhang")))?;
    let web = site.web(&[])?;
    web.keeps_out("zhang", SECRET)?;
    let told = std::fs::read_to_string(web.process.log())?;
    ensure!(told.contains("is that of a superuser with a password"), "the log tells why: {told}");
    Ok(())
}

fn no_organisation(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let web = site.web(&[("SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION", "Acme GmbH")])?;
    let session = web.lets_in("ada")?;
    ensure!(web.sees(&session, "/")? == 200 && web.sees(&session, "/acme/")? == 404, "they are in no organisation");
    let told = std::fs::read_to_string(web.process.log())?;
    ensure!(told.contains("slug or name is \"Acme GmbH\""), "the log tells what to correct: {told}");
    Ok(())
}

fn only_organisation(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.platform.sql("delete from organizations where slug <> 'acme'")?;
    let web = site.web(&[("SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION", "")])?;
    web.lets_in("ada")?;
    ensure!(site.is("ada")? == "member", "they are {}", site.is("ada")?);
    Ok(())
}

fn subscribed(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    let wants = |username: &str| {
        site.platform.sql(&format!(
            "select string_agg(w.project_id || ' ' || w.alerts, ', ') from mail_preferences w join users u on u.id = w.user_id where u.username = '{username}'"
        ))
    };
    site.web(&[])?.lets_in("zhang")?;
    ensure!(wants("zhang")?.is_empty(), "as everybody, they get mails: {}", wants("zhang")?);
    let web = site.web(&[("SENTRY_LDAP_SENTRY_SUBSCRIBE_BY_DEFAULT", "false")])?;
    web.lets_in("ada")?;
    ensure!(wants("ada")? == "0 false", "who is new gets none: {}", wants("ada")?);
    // They ask for them; no later sign-in takes it back.
    site.platform.sql("update mail_preferences set alerts = true")?;
    web.lets_in("ada")?;
    web.lets_in("zhang")?;
    ensure!(wants("ada")? == "0 true" && wants("zhang")?.is_empty(), "what they said stays");
    Ok(())
}
