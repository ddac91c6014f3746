//! The pages about people in a browser, and a newcomer: invited, signed in by the directory, and following it.

use anyhow::{Context, Result, ensure};
use harness::{
    chromium::{self, Browser},
    smtp::Smtp,
};
use serde_json::{Value, json};

use super::{GROUPED, SECRET, Site, Variables, change, group};
use crate::{
    Story,
    pages::{AT_A_DESK, Looks, WITHOUT_SCRIPTS, folder, walk_as},
    platform::{ADMIN, LOOPBACK, PASSWORD, Project, SOON, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_page_about_people_can_be_used_by_everybody", run: pages },
    Story { name: "people_are_looked_after_on_pages_without_javascript", run: without_javascript },
    Story { name: "a_newcomer_is_invited_signs_in_by_ldap_and_follows_the_directory", run: newcomer },
];

const MAPPED: (&str, &str) =
    ("SENTRY_LDAP_SENTRY_GROUP_TEAM_MAPPING", r#"{"checkout": ["shop"], "ledger": ["books"]}"#);

impl Site<'_> {
    /// Two teams, each with a project of its own.
    fn two_teams(&self) -> Result<[Project; 2]> {
        let projects = [self.platform.project("shop")?, self.platform.project("books")?];
        self.platform.sql(
            "insert into teams (organization_id, slug, name) select id, t, initcap(t) from organizations, unnest(array['checkout', 'ledger']) t where organizations.slug = 'acme';
             insert into project_teams (project_id, team_id) select p.id, t.id from projects p join teams t on (p.slug, t.slug) in (('shop', 'checkout'), ('books', 'ledger'))",
        )?;
        Ok(projects)
    }
}

fn pages(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.two_teams()?;
    site.ldap.load(&[group("shop", &["ada", "zhang"]), group("books", &["zhang"])].concat())?;
    let web = site.web(&[GROUPED, MAPPED])?;
    web.lets_in("ada")?;
    web.lets_in("zhang")?;
    site.platform.sql("insert into members (organization_id, user_id, role) select o.id, u.id, 'owner' from organizations o, users u where o.slug = 'acme' and u.is_superuser on conflict do nothing; update users set name = 'Grace Hopper' where is_superuser")?;
    let invite = json!({"email": "new@corp.example", "role": "admin", "teams": ["ledger"]});
    site.platform.ask(reqwest::Method::POST, "/organizations/acme/members/", &invite)?;
    site.platform.ask(reqwest::Method::POST, "/organizations/acme/org-auth-tokens/", &json!({"name": "Builds"}))?;
    let pages = [
        ("account", "/settings/account/"),
        ("account-notifications", "/settings/account/notifications/"),
        ("account-security", "/settings/account/security/"),
        ("account-tokens", "/settings/account/tokens/"),
        ("organization", "/settings/acme/"),
        ("organization-members", "/settings/acme/members/"),
        ("organization-teams", "/settings/acme/teams/"),
        ("organization-team", "/settings/acme/teams/checkout/"),
        ("organization-tokens", "/settings/acme/tokens/"),
        ("organization-audit-log", "/settings/acme/audit-log/"),
        ("manage-ldap", "/manage/ldap/"),
        ("recover", "/auth/recover/"),
        ("invitation-gone", "/auth/invitation/"),
    ];
    let steps: Value = pages.iter().flat_map(|(name, path)| [json!({"open": path}), json!({"show": name})]).collect();
    Looks::ALL.into_iter().try_for_each(|looks| walk_as(&site.platform, (&web.url, ADMIN, PASSWORD), looks, &steps))
}

fn without_javascript(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.two_teams()?;
    let web = site.web(&[])?;
    // Only of one's own organisations one gets mails.
    site.platform.sql("insert into members (organization_id, user_id, role) select o.id, u.id, 'owner' from organizations o, users u where o.slug = 'acme' and u.is_superuser")?;
    let account = json!([
        {"open": "/settings/account/"},
        {"fill": ["Name", "Grace Hopper"]}, {"fill": ["Time zone", "Mars/Olympus"]}, {"press": "Save changes"},
        {"see": "There is no such time zone"},
        {"fill": ["Name", "Grace Hopper"]}, {"fill": ["Time zone", "Asia/Shanghai"]}, {"choose": ["Theme", "dark"]},
        {"press": "Save changes"}, {"see": "The changes are saved"}, {"show": "account-saved"},
        {"follow": "Notifications"},
        {"choose": ["All projects: Alerts", "no"]}, {"choose": ["shop: Alerts", "yes"]}, {"choose": ["books: Alerts", "no"]},
        {"press": "Save changes"},
        {"see": "The changes are saved"}, {"choose": ["books: Alerts", ""]}, {"press": "Save changes"}, {"see": "The changes are saved"},
        {"follow": "Auth tokens"},
        {"fill": ["Name", "ci"]}, {"check": "project:read"}, {"press": "Create token"}, {"see": "Copy the token now"},
        {"show": "account-token-made"},
        {"press": "Revoke"}, {"see": "It is revoked"},
    ]);
    walk_as(&site.platform, (&web.url, ADMIN, PASSWORD), WITHOUT_SCRIPTS, &account)?;
    let others = json!([
        {"open": "/settings/acme/members/"},
        {"fill": ["Email", "no email"]}, {"press": "Send invitation"}, {"see": "This is no email address"},
        {"fill": ["Email", "new@corp.example"]}, {"press": "Send invitation"}, {"see": "The invitation is sent"},
        {"show": "organization-invited"},
        {"open": "/settings/acme/teams/"},
        {"fill": ["Name", "Search & Rescue"]}, {"press": "Create team"}, {"see": "#search-rescue"},
        {"press": "Add"}, {"see": "The changes are saved"},
        {"press": "Delete the team"}, {"see": "The changes are saved"},
        {"open": "/settings/acme/"}, {"check": "Open membership"}, {"press": "Save changes"}, {"see": "The changes are saved"},
        {"open": "/settings/acme/audit-log/"}, {"see": "org.edit"}, {"see": "team.remove"},
        {"choose": ["Event", "member.invite"]}, {"press": "Filter"}, {"see": "new@corp.example"},
        {"open": "/manage/ldap/"},
        {"fill": ["Email or username", "zhang"]}, {"fill": ["Password (to check it too)", SECRET]}, {"press": "Try it"},
        {"see": "zhang is 张三 <zhang@corp.example>, member, no team"}, {"show": "manage-ldap-tried"},
        {"fill": ["Email or username", "nobody"]}, {"press": "Try it"}, {"see": "finds nobody"},
    ]);
    walk_as(&site.platform, (&web.url, ADMIN, PASSWORD), WITHOUT_SCRIPTS, &others)?;
    let kept = site.platform.sql("select name || ' ' || timezone || ' ' || theme from users where is_superuser")?;
    ensure!(kept == "Grace Hopper Asia/Shanghai dark", "{kept}");
    let mails = "select string_agg(concat_ws(' ', coalesce(p.slug, 'any'), w.alerts::text), ', ' order by p.slug nulls first) from mail_preferences w left join projects p on p.id = w.project_id where w.alerts is not null";
    let mails = site.platform.sql(mails)?;
    ensure!(mails == "any false, shop true", "they want mails: {mails}");
    ensure!(site.platform.sql("select open_membership from organizations where slug = 'acme'")? == "t", "it is open");
    Ok(())
}

fn newcomer(world: &World) -> Result<()> {
    let site = Site::start(world)?;
    site.two_teams()?;
    site.ldap
        .load(&[group("shop", &["zhang", "ada"]), group("books", &["zhang"]), group("leads", &["ada"])].concat())?;
    let smtp = Smtp::start(&world.run, LOOPBACK)?;
    let port = smtp.port.to_string();
    let settings: Variables = &[
        GROUPED,
        MAPPED,
        ("SENTRY_LDAP_SENTRY_GROUP_ROLE_MAPPING", r#"{"admin": ["leads"]}"#),
        ("SENTRY_EMAIL_HOST", "127.0.0.1"),
        ("SENTRY_EMAIL_PORT", &port),
        ("SENTRY_SERVER_EMAIL", "picket@corp.example"),
    ];
    let web = site.web(settings)?;
    let invite = json!({"email": "ada@corp.example", "role": "member"});
    let request = site.platform.client.post(format!("{}/api/0/organizations/acme/members/", web.url));
    let answer = request.bearer_auth(crate::platform::TOKEN).json(&invite).send()?;
    ensure!(answer.status() == 201, "inviting was answered {}", answer.status());
    let mail = smtp.wait_for_mail(|mail| mail.to.contains(&"ada@corp.example".to_owned()), SOON)?;
    let link = mail.text.split_whitespace().find(|word| word.contains("/auth/invitation/")).context("a link")?;
    // The link names the site's public address; the story's second web process stands elsewhere.
    let link = link.replace(&site.platform.url, &web.url);

    let input = json!({
        "link": link, "login": "ada", "password": SECRET, "folder": folder()?, "suffix": "en-light-desk",
        "locale": "en-US", "colorScheme": "light", "size": {"width": 1280, "height": 800},
    });
    let browser = Browser::prepare(&world.run)?;
    let answer = browser.playwright(&chromium::scripts().join("newcomer.js"), &input)?;
    ensure!(answer["wrong"] == json!([]), "{:#}", answer["wrong"]);
    let seen = answer["text"].as_str().unwrap_or_default();
    ensure!(seen.contains("shop") && !seen.contains("books"), "she sees {seen}");
    ensure!(site.is("ada")? == "admin checkout", "she is {}", site.is("ada")?);
    ensure!(site.platform.sql("select count(*) from invitations")? == "0", "the invitation is answered");

    // Her work changes, and so do her groups.
    let session = web.lets_in("ada")?;
    ensure!(
        web.sees(&session, "/acme/shop/issues/")? == 200 && web.sees(&session, "/acme/books/issues/")? == 403,
        "her team's"
    );
    site.ldap.modify(
        &[
            change("shop", "delete", "ada"),
            change("books", "add", "ada"),
            change("leads", "add", "zhang"),
            change("leads", "delete", "ada"),
        ]
        .concat(),
    )?;
    site.follow(settings)?;
    ensure!(site.is("ada")? == "member ledger", "she is {}", site.is("ada")?);
    ensure!(web.sees(&session, "/acme/shop/issues/")? == 403, "what she saw before");
    let steps = json!([{"open": "/acme/"}, {"see": "books"}, {"show": "newcomer-moved"}]);
    walk_as(&site.platform, (&web.url, "ada", SECRET), AT_A_DESK, &steps)
}
