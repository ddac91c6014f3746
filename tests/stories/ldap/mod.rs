//! Signing in by LDAP, against a real slapd: every setting, and every trap that users of the system before fell into.

mod accounts;
mod checks;
mod finding;
mod groups;
mod people;
mod servers;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use harness::{
    ldap::{ADMIN, Ldap, PASSWORD},
    net::{free_port, wait_for},
    process::Supervised,
};
use reqwest::{blocking::Client, header, redirect::Policy};

use crate::{
    Story,
    platform::{LOOPBACK, Platform, SOON, World},
};

pub const STORIES: &[&[Story]] =
    &[finding::STORIES, groups::STORIES, accounts::STORIES, servers::STORIES, checks::STORIES, people::STORIES];

/// The password of everybody in the directory.
const SECRET: &str = "correct horse battery staple";
/// Where the people of the reference installation are.
const PEOPLE: &str = "ou=技术部,dc=picket,dc=dev";
const GROUPS: &str = "ou=groups,dc=picket,dc=dev";

type Variables<'a> = &'a [(&'a str, &'a str)];

/// A platform whose organisation `acme` people join by a directory.
struct Site<'w> {
    platform: Platform<'w>,
    ldap: Ldap,
    uri: String,
}

/// One more web process, with settings of its own.
struct Web {
    url: String,
    process: Supervised,
}

/// What became of signing in.
#[derive(Debug)]
struct Answer {
    status: u16,
    /// The session's cookie.
    session: Option<String>,
    text: String,
}

impl<'w> Site<'w> {
    /// With two people, in a unit with a Chinese name, and a unit for groups.
    fn start(world: &'w World) -> Result<Site<'w>> {
        Site::start_with(world, Ldap::start(&world.run, LOOPBACK)?)
    }

    fn start_with(world: &'w World, ldap: Ldap) -> Result<Site<'w>> {
        ldap.load(&format!(
            "dn: {PEOPLE}\nobjectClass: organizationalUnit\nou: 技术部\n\ndn: {GROUPS}\nobjectClass: organizationalUnit\nou: groups\n"
        ))?;
        ldap.load(&person("ada", "Ada Lovelace", "ada@corp.example"))?;
        ldap.load(&person("zhang", "张三", "zhang@corp.example"))?;
        let platform = Platform::start(world)?;
        platform.sql("insert into organizations (slug, name, open_membership) values ('acme', 'Acme', false)")?;
        let uri = ldap.url();
        Ok(Site { platform, ldap, uri })
    }

    /// Settings that find people by uid, and the groups below the unit for groups.
    fn settings<'a>(&'a self, more: Variables<'a>) -> Vec<(&'a str, &'a str)> {
        let mut all = vec![
            ("SENTRY_LDAP_SERVER_URI", self.uri.as_str()),
            ("SENTRY_LDAP_BIND_DN", ADMIN),
            ("SENTRY_LDAP_BIND_PASSWORD", PASSWORD),
            ("SENTRY_LDAP_USER_SEARCH_BASE", PEOPLE),
            ("SENTRY_LDAP_DEFAULT_SENTRY_ORGANIZATION", "acme"),
            ("SENTRY_LDAP_TIMEOUT", "3"),
        ];
        all.retain(|(name, _)| !more.iter().any(|(set, _)| set == name));
        all.extend(more);
        all
    }

    /// A web process with these settings.
    fn web(&self, more: Variables) -> Result<Web> {
        let address = format!("127.0.0.1:{}", free_port()?);
        let mut settings = self.settings(more);
        settings.push(("SENTRY_WEB_LISTEN", &address));
        let process = self.platform.one_more("web", &settings)?;
        let url = format!("http://{address}");
        let ready =
            || self.platform.client.get(format!("{url}/_ready/")).send().is_ok_and(|answer| answer.status() == 200);
        wait_for("web with a directory", SOON, ready).with_context(|| process.last_words())?;
        Ok(Web { url, process })
    }

    /// Follows the directory once, as cron does every hour.
    fn follow(&self, more: Variables) -> Result<()> {
        let name = "follow the directories that people sign in by";
        let before = self.platform.sql("select count(*) from leases")?;
        self.platform.sql(&format!("delete from leases where task = '{name}'"))?;
        let cron = self.platform.one_more("cron", &self.settings(more))?;
        // A task that is done keeps its lease; who reads the end of its log knows that it is.
        let done =
            || std::fs::read_to_string(cron.log()).is_ok_and(|log| log.contains("the directories were followed"));
        wait_for("cron to follow the directory", SOON, done)
            .with_context(|| format!("{before} leases; cron: {}", cron.last_words()))
    }

    /// What somebody is, as one line.
    fn is(&self, username: &str) -> Result<String> {
        self.platform.sql(&format!(
            "select concat_ws(' ', coalesce(m.role, 'nobody'),
                 (select string_agg(t.slug, ',' order by t.slug) from team_members tm join teams t on t.id = tm.team_id where tm.user_id = u.id),
                 case when u.is_superuser then 'superuser' end, case when not u.is_active then 'locked' end)
             from users u left join members m on m.user_id = u.id where u.username = '{username}'"
        ))
    }
}

impl Web {
    fn login(&self, login: &str, password: &str) -> Result<Answer> {
        let client = Client::builder().timeout(SOON).redirect(Policy::none()).build()?;
        let form = [("email", login), ("password", password)];
        let answer = client.post(format!("{}/auth/login/", self.url)).form(&form).send()?;
        let cookie = answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let session =
            cookie.and_then(|cookie| cookie.split(';').next()?.split_once('=')).map(|(_, value)| value.to_owned());
        Ok(Answer { status: answer.status().as_u16(), session, text: answer.text()? })
    }

    /// Somebody signs in, and their session.
    fn lets_in(&self, login: &str) -> Result<String> {
        let answer = self.login(login, SECRET)?;
        let why = || format!("{login} was answered {}: {}", answer.status, self.process.last_words());
        ensure!(answer.status == 303, why());
        answer.session.context("a session's cookie")
    }

    fn keeps_out(&self, login: &str, password: &str) -> Result<()> {
        let answer = self.login(login, password)?;
        ensure!(answer.status == 401 && answer.session.is_none(), "{login:?} was answered {}", answer.status);
        Ok(())
    }

    /// The status of a page as a session sees it.
    fn sees(&self, session: &str, path: &str) -> Result<u16> {
        let client = Client::builder().timeout(SOON).redirect(Policy::none()).build()?;
        let cookie = format!("picket_session={session}");
        Ok(client.get(format!("{}{path}", self.url)).header(header::COOKIE, cookie).send()?.status().as_u16())
    }
}

/// Somebody below the Chinese unit.
fn person(uid: &str, name: &str, mail: &str) -> String {
    format!(
        "dn: uid={uid},{PEOPLE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {name}\nmail: {mail}\nuserPassword: {SECRET}\n\n"
    )
}

fn dn(uid: &str) -> String {
    format!("uid={uid},{PEOPLE}")
}

/// A group of names.
fn group(name: &str, members: &[&str]) -> String {
    let members: Vec<_> = members.iter().map(|uid| format!("member: {}\n", dn(uid))).collect();
    format!("dn: cn={name},{GROUPS}\nobjectClass: groupOfNames\ncn: {name}\n{}\n", members.concat())
}

/// Takes somebody out of a group, or puts them into it.
fn change(name: &str, what: &str, uid: &str) -> String {
    format!("dn: cn={name},{GROUPS}\nchangetype: modify\n{what}: member\nmember: {}\n\n", dn(uid))
}

const GROUPED: (&str, &str) = ("SENTRY_LDAP_GROUP_SEARCH_BASE", GROUPS);

/// Longer than a directory that says nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
