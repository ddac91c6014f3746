//! Signing in, and what others try with it: each attack is one story.

use anyhow::{Context, Result, ensure};
use harness::net::{free_port, wait_for};
use reqwest::{
    Method,
    blocking::{Client, Response},
    header,
    redirect::Policy,
};
use serde_json::json;

use crate::{
    Story,
    platform::{ADMIN, PASSWORD, Platform, SOON, TOKEN, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_session_that_was_put_there_is_not_the_one_that_is_opened", run: fixation },
    Story { name: "what_another_site_makes_a_browser_send_changes_nothing", run: csrf },
    Story { name: "an_unknown_name_costs_the_work_of_a_known_one", run: enumeration },
    Story { name: "signing_in_leads_nowhere_but_here", run: open_redirect },
    Story { name: "who_guesses_passwords_waits_longer_each_time", run: brute_force },
    Story { name: "a_token_in_an_address_is_no_token", run: token_in_url },
    Story { name: "a_forgotten_password_is_set_by_a_link_that_works_once", run: recovery },
    Story { name: "sessions_are_listed_and_revoked_and_end_with_the_password", run: sessions },
    Story { name: "a_token_does_what_its_scopes_say_and_no_more", run: tokens },
    Story { name: "an_organisations_token_stays_in_it_when_people_leave", run: organization_tokens },
    Story { name: "an_invitation_is_answered_once_by_whoever_has_its_link", run: invitation },
    Story { name: "the_audit_log_tells_who_changed_what_and_is_exported", run: audit },
    Story { name: "the_audit_log_tells_of_projects_their_keys_and_quotas", run: audit_of_projects },
    Story { name: "an_organisation_keeps_an_owner_and_nobody_rises_above_who_decides", run: roles },
];

fn plain() -> Result<Client> {
    Ok(Client::builder().timeout(SOON).redirect(Policy::none()).build()?)
}

fn session_of(answer: &Response) -> Option<String> {
    let cookies = answer.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let mut sessions = cookies.filter_map(|cookie| cookie.strip_prefix("picket_session=")?.split(';').next());
    sessions.next().map(str::to_owned).filter(|session| !session.is_empty())
}

struct Browser {
    url: String,
    client: Client,
    cookies: String,
    address: &'static str,
}

impl Browser {
    fn new(platform: &Platform) -> Result<Browser> {
        Ok(Browser { url: platform.url.clone(), client: plain()?, cookies: String::new(), address: "198.51.100.1" })
    }

    fn signed_in(platform: &Platform, email: &str, password: &str) -> Result<Browser> {
        let mut browser = Browser::new(platform)?;
        let answer = browser.login(email, password)?;
        let session = session_of(&answer).with_context(|| format!("{email} was answered {}", answer.status()))?;
        browser.cookies = format!("picket_session={session}");
        Ok(browser)
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Response> {
        let request = self.client.post(format!("{}{path}", self.url)).header("X-Forwarded-For", self.address);
        Ok(request.header(header::COOKIE, &self.cookies).form(form).send()?)
    }

    fn get(&self, path: &str) -> Result<Response> {
        let request = self.client.get(format!("{}{path}", self.url));
        Ok(request.header(header::COOKIE, &self.cookies).send()?)
    }

    fn login(&self, email: &str, password: &str) -> Result<Response> {
        self.post("/auth/login/", &[("email", email), ("password", password)])
    }
}

fn fixation(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    // Somebody put a cookie of their choice into the victim's browser, or one of a session of their own.
    let attacker = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    for planted in ["0000planted".to_owned(), attacker.cookies.trim_start_matches("picket_session=").to_owned()] {
        let mut victim = Browser::new(&platform)?;
        victim.cookies = format!("picket_session={planted}");
        let answer = victim.login(ADMIN, PASSWORD)?;
        let own = session_of(&answer).context("a session")?;
        ensure!(own != planted, "the session is the one that was planted");
        let answer = victim.get("/settings/account/")?;
        ensure!(answer.status() == 303, "the planted session is over, and not {}", answer.status());
        victim.cookies = format!("picket_session={own}");
        ensure!(victim.get("/settings/account/")?.status() == 200, "the new one is good");
    }
    let cookie = attacker.login(ADMIN, PASSWORD)?;
    let cookie =
        cookie.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok()).unwrap_or_default().to_owned();
    ensure!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "the cookie is {cookie}");
    Ok(())
}

fn csrf(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let browser = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    let before = platform.sql("select count(*) from api_tokens")?;
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"), ("Origin", "null")] {
        for path in ["/settings/account/tokens/", "/settings/account/", "/auth/logout/", "/auth/login/"] {
            let request =
                browser.client.post(format!("{}{path}", platform.url)).header(header::COOKIE, &browser.cookies);
            let answer = request.header(name, value).form(&[("name", "x"), ("scope", "org:read")]).send()?;
            ensure!(answer.status() == 403, "{path} with {name}: {value} was answered {}", answer.status());
        }
    }
    ensure!(platform.sql("select count(*) from api_tokens")? == before, "a token was made");
    ensure!(browser.get("/settings/account/")?.status() == 200, "they are still signed in");
    let request =
        browser.client.post(format!("{}/settings/account/", platform.url)).header(header::COOKIE, &browser.cookies);
    let answer = request.header("Sec-Fetch-Site", "same-origin").form(&[("name", "Ada")]).send()?;
    ensure!(answer.status() == 303, "our own pages may: {}", answer.status());
    Ok(())
}

/// How many passwords were hashed, as the metrics tell.
fn hashes(platform: &Platform, metrics: &str) -> Result<i64> {
    let text = platform.client.get(format!("http://{metrics}/metrics")).send()?.text()?;
    let line = text.lines().find(|line| line.starts_with("picket_password_checks_total")).context("a counter")?;
    Ok(line.rsplit(' ').next().unwrap_or_default().parse()?)
}

fn enumeration(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (address, metrics) = (format!("127.0.0.1:{}", free_port()?), format!("127.0.0.1:{}", free_port()?));
    let web = platform.one_more("web", &[("SENTRY_WEB_LISTEN", &address), ("SENTRY_METRICS_LISTEN", &metrics)])?;
    let url = format!("http://{address}");
    let ready = || platform.client.get(format!("{url}/_ready/")).send().is_ok_and(|answer| answer.status() == 200);
    wait_for("web with metrics", SOON, ready).with_context(|| web.last_words())?;
    platform.sql("insert into users (email, password_hash) values ('nopassword@example.com', null), ('gone@example.com', (select password_hash from users limit 1)); update users set is_active = false where email like 'gone%'")?;
    let browser = Browser { url, ..Browser::new(&platform)? };
    let mut answers = Vec::new();
    for login in [ADMIN, "nobody@example.com", "nopassword@example.com", "gone@example.com"] {
        let before = hashes(&platform, &metrics)?;
        let answer = browser.login(login, "a wrong password")?;
        let status = answer.status();
        let text = answer.text()?.replace(login, "…");
        ensure!(hashes(&platform, &metrics)? - before == 1, "for {login} other work was done");
        answers.push((status, text));
    }
    ensure!(answers.windows(2).all(|pair| pair[0] == pair[1]), "the answers tell who is known");
    // The same for who forgot a password.
    let of = |email: &str| -> Result<String> {
        let answer = browser.post("/auth/recover/", &[("email", email)])?;
        Ok(format!("{} {:?}", answer.status(), answer.headers().get(header::LOCATION)))
    };
    ensure!(of(ADMIN)? == of("nobody@example.com")?, "recovering tells who is known");
    Ok(())
}

fn open_redirect(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let browser = Browser::new(&platform)?;
    for (next, expected) in [
        ("/acme/shop/issues/", "/acme/shop/issues/"),
        ("//evil.example/", "/"),
        ("https://evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("\\\\evil.example", "/"),
    ] {
        let answer = browser.post("/auth/login/", &[("email", ADMIN), ("password", PASSWORD), ("next", next)])?;
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
        ensure!(to == expected, "{next:?} leads to {to:?}");
    }
    let answer = browser.get("//evil.example/path")?;
    ensure!(
        answer.headers().get(header::LOCATION).is_none_or(|to| !to.as_bytes().starts_with(b"//")),
        "a path is a host"
    );
    Ok(())
}

fn brute_force(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let mut browser = Browser::new(&platform)?;
    for n in 1..=6 {
        ensure!(browser.login(ADMIN, "guess")?.status() == 401, "guess {n}");
    }
    let wait = |answer: &Response| {
        answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse::<i64>().ok())
    };
    let blocked = browser.login(ADMIN, PASSWORD)?;
    ensure!(
        blocked.status() == 429 && wait(&blocked).is_some(),
        "after six, even the right one waits: {}",
        blocked.status()
    );
    // From elsewhere too: the account is what is guarded. An account that is not there waits as well.
    browser.address = "198.51.100.2";
    ensure!(browser.login(&ADMIN.to_uppercase(), PASSWORD)?.status() == 429, "another address, another spelling");
    for _ in 0..6 {
        browser.login("nobody@example.com", "guess")?;
    }
    ensure!(browser.login("nobody@example.com", "guess")?.status() == 429, "who is not there is guarded alike");
    // Each wait is longer than the one before.
    let mut waits = Vec::new();
    for _ in 0..4 {
        platform.sql("update sign_in_attempts set blocked_until = now() - interval '1 second'")?;
        ensure!(browser.login(ADMIN, "guess")?.status() == 401, "the wait is over");
        waits.push(wait(&browser.login(ADMIN, "guess")?).context("a wait")?);
    }
    ensure!(waits.windows(2).all(|pair| pair[0] < pair[1]), "the waits are {waits:?}");
    // One address that tries many accounts waits, and others do not.
    platform.sql("delete from sign_in_attempts")?;
    browser.address = "198.51.100.3";
    for n in 0..21 {
        browser.login(&format!("user{n}@example.com"), "guess")?;
    }
    ensure!(browser.login(ADMIN, PASSWORD)?.status() == 429, "the address waits");
    browser.address = "198.51.100.4";
    ensure!(browser.login(ADMIN, PASSWORD)?.status() == 303, "another address does not");
    Ok(())
}

fn token_in_url(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let client = plain()?;
    for query in ["token", "access_token", "auth", "api_key", "auth_token"] {
        let answer = client.get(format!("{}/api/0/organizations/acme/?{query}={TOKEN}", platform.url)).send()?;
        ensure!(answer.status() == 401, "?{query}= was answered {}", answer.status());
    }
    let answer = client.get(format!("{}/api/0/api-tokens/", platform.url)).bearer_auth(TOKEN).send()?;
    ensure!(answer.status() == 403, "a token lists no tokens: {}", answer.status());
    // A secret of a link leaves the address at once, and no page tells others where it came from.
    for path in ["/auth/recover/0123456789abcdef/", "/auth/invitation/0123456789abcdef/"] {
        let answer = client.get(format!("{}{path}", platform.url)).send()?;
        let to = answer.headers().get(header::LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default().to_owned();
        ensure!(answer.status() == 303 && !to.contains("0123456789abcdef"), "{path} leads to {to:?}");
        let page = client.get(format!("{}{to}", platform.url)).send()?;
        let policy = page.headers().get(header::REFERRER_POLICY).and_then(|policy| policy.to_str().ok());
        ensure!(policy == Some("same-origin"), "the policy is {policy:?}");
    }
    Ok(())
}

fn recovery(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    let before = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    let mut browser = Browser::new(&platform)?;
    browser.post("/auth/recover/", &[("email", ADMIN)])?;
    let smtp = platform.smtp.as_ref().context("mail")?;
    let mail = smtp.wait_for_mail(|mail| mail.subject == "Set a new password", SOON)?;
    let link = mail.text.split_whitespace().find(|word| word.contains("/auth/recover/")).context("a link")?.to_owned();
    let path = link.trim_start_matches(&platform.url).to_owned();
    let answer = browser.get(&path)?;
    let cookie =
        answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok()).context("a cookie")?;
    cookie.split(';').next().unwrap_or_default().clone_into(&mut browser.cookies);
    ensure!(
        browser.post("/auth/recover/new/", &[("password", "short")])?.status() == 422,
        "a short password is refused"
    );
    ensure!(
        browser.post("/auth/recover/new/", &[("password", "a longer password")])?.status() == 303,
        "a longer one is taken"
    );
    ensure!(before.get("/settings/account/")?.status() == 303, "who was signed in is not any more");
    ensure!(browser.post("/auth/recover/new/", &[("password", "once more, please")])?.status() == 422, "it works once");
    ensure!(browser.login(ADMIN, PASSWORD)?.status() == 401, "the old one is wrong now");
    Browser::signed_in(&platform, ADMIN, "a longer password")?;
    ensure!(platform.sql("select count(*) from password_resets")? == "0", "no link is left");
    Ok(())
}

fn sessions(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (here, there, third) = (
        Browser::signed_in(&platform, ADMIN, PASSWORD)?,
        Browser::signed_in(&platform, ADMIN, PASSWORD)?,
        Browser::signed_in(&platform, ADMIN, PASSWORD)?,
    );
    let page = here.get("/settings/account/security/")?.text()?;
    ensure!(page.matches("/settings/account/security/sessions/").count() == 3, "two others, and all of them: {page}");
    let newest = platform.sql("select max(id) from sessions")?;
    here.post(&format!("/settings/account/security/sessions/{newest}/"), &[])?;
    ensure!(third.get("/settings/account/")?.status() == 303, "the revoked one is over");
    ensure!(there.get("/settings/account/")?.status() == 200, "the other is not");
    let wrong = here.post("/settings/account/security/password/", &[("old", "guess"), ("new", "a longer password")])?;
    ensure!(wrong.status() == 422, "the old password is asked for: {}", wrong.status());
    here.post("/settings/account/security/password/", &[("old", PASSWORD), ("new", "a longer password")])?;
    ensure!(there.get("/settings/account/")?.status() == 303, "a new password ends the others");
    ensure!(here.get("/settings/account/")?.status() == 200, "and not this one");
    let left = platform.sql("select count(*) || ' ' || bool_and(address <> '') from sessions")?;
    ensure!(left == "1 true", "{left}");
    Ok(())
}

fn tokens(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    let browser = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    let url = |path: &str| format!("{}/api/0{path}", platform.url);
    let make = |scopes: &[&str]| -> Result<String> {
        let request = browser.client.post(url("/api-tokens/")).header(header::COOKIE, &browser.cookies);
        let answer = request.json(&json!({"name": "ci", "scopes": scopes})).send()?;
        ensure!(answer.status() == 201, "{scopes:?} was answered {}", answer.status());
        Ok(answer.json::<serde_json::Value>()?["token"].as_str().context("a token")?.to_owned())
    };
    let reads = make(&["project:read"])?;
    let writes = make(&["project:admin"])?;
    ensure!(reads.starts_with("sntryu_") && reads.len() == 71, "its shape is {reads}");
    let ask = |token: &str, method: Method, path: &str| -> Result<u16> {
        let request = browser.client.request(method, url(path)).bearer_auth(token).json(&json!({"resolveAge": 24}));
        Ok(request.send()?.status().as_u16())
    };
    let shop = "/projects/acme/shop/";
    ensure!(ask(&reads, Method::GET, shop)? == 200 && ask(&reads, Method::PUT, shop)? == 403, "reading is no writing");
    ensure!(ask(&writes, Method::PUT, shop)? == 200, "who administers writes");
    ensure!(ask(&writes, Method::GET, "/organizations/acme/members/")? == 403, "a scope that is not given");
    // A token never does more than its owner may by now.
    platform.sql("update users set is_superuser = false; update members set role = 'member'")?;
    ensure!(ask(&writes, Method::PUT, shop)? == 403, "its owner is a member");
    let kept = platform.sql(&format!("select count(*) from api_tokens where token_hash = sha256('{reads}') and last_used_at is not null and last_characters = right('{reads}', 4)"))?;
    ensure!(
        kept == "1"
            && platform.sql(&format!("select count(*) from api_tokens t where t::text like '%{reads}%'"))? == "0",
        "only its hash is kept"
    );
    platform.sql("update api_tokens set expires_at = now() - interval '1 second'")?;
    ensure!(ask(&reads, Method::GET, shop)? == 401, "it is over when its time is");
    Ok(())
}

fn organization_tokens(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.picket(&["projects", "create", "--organization", "globex", "--name", "warehouse"])?;
    let (status, made) = platform.ask(
        Method::POST,
        "/organizations/acme/org-auth-tokens/",
        &json!({"name": "ci", "scopes": ["org:ci", "project:read"]}),
    )?;
    ensure!(status == 201, "{status}: {made}");
    let token = made["token"].as_str().context("a token")?;
    ensure!(token.starts_with("sntrys_"), "its shape is {token}");
    platform.sql("delete from users where is_superuser")?;
    let client = plain()?;
    let ask = |path: &str| -> Result<u16> {
        Ok(client.get(format!("{}/api/0{path}", platform.url)).bearer_auth(token).send()?.status().as_u16())
    };
    ensure!(ask("/projects/acme/shop/")? == 200, "it reads projects of its organisation");
    ensure!(ask("/projects/globex/warehouse/")? == 404, "others do not exist for it");
    ensure!(ask("/organizations/acme/members/")? == 403, "what it was not made for");
    let index =
        client.get(format!("{}/api/0/", platform.url)).bearer_auth(token).send()?.json::<serde_json::Value>()?;
    ensure!(index["auth"]["scopes"] == json!(["org:ci", "org:read", "project:read", "project:releases"]), "{index}");
    Ok(())
}

fn invitation(world: &World) -> Result<()> {
    let platform = Platform::start_with_mail(world)?;
    platform.project("shop")?;
    platform.sql("insert into teams (organization_id, slug, name) select id, 'checkout', 'Checkout' from organizations where slug = 'acme'")?;
    let invite = json!({"email": "grace@example.com", "role": "admin", "teams": ["checkout"]});
    let (status, made) = platform.ask(Method::POST, "/organizations/acme/members/", &invite)?;
    ensure!(status == 201 && made["pending"] == true, "{status}: {made}");
    let smtp = platform.smtp.as_ref().context("mail")?;
    let mail = smtp.wait_for_mail(|mail| mail.to.contains(&"grace@example.com".to_owned()), SOON)?;
    let link = mail.text.split_whitespace().find(|word| word.contains("/auth/invitation/")).context("a link")?;
    let path = link.trim_start_matches(&platform.url).to_owned();
    let mut grace = Browser::new(&platform)?;
    let answer = grace.get(&path)?;
    let cookie =
        answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok()).context("a cookie")?;
    cookie.split(';').next().unwrap_or_default().clone_into(&mut grace.cookies);
    let page = grace.get("/auth/invitation/")?.text()?;
    ensure!(page.contains("You are invited to acme, as Admin"), "{page}");
    let form = [("name", "Grace Hopper"), ("password", "a compiler of her own")];
    let answer = grace.post("/auth/invitation/account/", &form)?;
    ensure!(answer.status() == 303, "making an account was answered {}", answer.status());
    let is = platform.sql("select m.role || ' ' || t.slug || ' ' || u.name from users u join members m on m.user_id = u.id join team_members tm on tm.user_id = u.id join teams t on t.id = tm.team_id where u.email = 'grace@example.com'")?;
    ensure!(is == "admin checkout Grace Hopper", "she is {is:?}");
    let again = grace.post("/auth/invitation/account/", &form)?;
    ensure!(again.status() == 303 && platform.sql("select count(*) from invitations")? == "0", "it is answered once");
    let (status, _) = platform.ask(Method::POST, "/organizations/acme/members/", &invite)?;
    ensure!(status == 400, "who is a member is not invited: {status}");
    Ok(())
}

fn audit(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.ask(Method::POST, "/organizations/acme/teams/", &json!({"name": "Checkout"}))?;
    platform.ask(Method::PUT, "/organizations/acme/", &json!({"openMembership": false}))?;
    platform.ask(Method::POST, "/projects/acme/shop/teams/checkout/", &json!({}))?;
    let all = platform.api("/organizations/acme/audit-logs/")?;
    let events: Vec<&str> =
        all["rows"].as_array().into_iter().flatten().filter_map(|row| row["event"].as_str()).collect();
    ensure!(
        events == ["project.accessed-by-team", "org.edit", "team.create", "project.create"],
        "the log has {events:?}"
    );
    ensure!(all["rows"][0]["actor"]["email"] == ADMIN && all["rows"][0]["ipAddress"] == "127.0.0.1", "{all:#}");
    let one = platform.api("/organizations/acme/audit-logs/?event=team.create")?;
    ensure!(one["rows"].as_array().is_some_and(|rows| rows.len() == 1), "{one:#}");
    ensure!(platform.api("/organizations/acme/audit-logs/?actor=grace")?["rows"] == json!([]), "another actor");
    let browser = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    let file = browser.get("/settings/acme/audit-log/export/?event=org.edit")?;
    ensure!(file.headers()[header::CONTENT_TYPE] == "text/csv; charset=utf-8", "{:?}", file.headers());
    let text = file.text()?;
    ensure!(
        text.lines().count() == 2 && text.contains("\"org.edit\",\"acme\",\"ada@example.com\",\"127.0.0.1\""),
        "{text}"
    );
    Ok(())
}

fn audit_of_projects(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let browser = Browser::signed_in(&platform, ADMIN, PASSWORD)?;
    let settings = "/acme/shop/settings";
    let post = |path: &str, form: &[(&str, &str)]| -> Result<()> {
        let answer = browser.post(&format!("{settings}/{path}"), form)?;
        ensure!(answer.status() == 303, "{path} was answered {}", answer.status());
        Ok(())
    };
    platform.ask(Method::PUT, "/projects/acme/shop/", &json!({"resolveAge": 24, "name": "Shop"}))?;
    // What changes nothing is not told.
    platform.ask(Method::PUT, "/projects/acme/shop/", &json!({"resolveAge": 24}))?;
    platform.ask(Method::PUT, "/projects/acme/shop/filters/localhost/", &json!({"active": true}))?;
    post("keys/", &[("label", "Second")])?;
    post(&format!("keys/{}/", project.key), &[("label", "First")])?;
    post(&format!("keys/{}/status/", project.key), &[("active", "false")])?;
    post("quotas/", &[("most", "5"), ("number", "1"), ("unit", "60")])?;
    post(&format!("quotas/{}/removal/", platform.sql("select id from quotas")?), &[])?;
    platform.picket(&["keys", "rotate", "--organization", "acme", "--project", "shop"])?;
    platform.picket(&["keys", "enable", &project.key])?;
    let number = platform.picket(&["quotas", "set", "--organization", "acme", "--most", "9", "--window", "60s"])?;
    platform.picket(&["quotas", "remove", number.trim()])?;
    platform.ask(Method::DELETE, "/projects/acme/shop/", &json!({}))?;
    let told = platform.sql("select string_agg(concat_ws(' ', event, target, actor, (select string_agg(key || '=' || value, ' ') from jsonb_each_text(data) where key not in ('key', 'others_end'))), E'\\n' order by id) from audit_log")?;
    let expected = [
        "project.create shop picket projects create",
        "project.edit shop ada@example.com name=Shop sentry:resolve_age=24",
        "project.edit shop ada@example.com filters:localhost=true",
        "projectkey.create shop ada@example.com label=Second",
        "projectkey.change shop ada@example.com label=First",
        "projectkey.change shop ada@example.com active=false",
        "quota.set shop ada@example.com of=all most=5 seconds=60",
        "quota.remove shop ada@example.com of=all most=5 seconds=60",
        "projectkey.create shop picket keys rotate",
        "projectkey.change shop picket keys enable active=true",
        "quota.set acme picket quotas set of=all most=9 seconds=60",
        "quota.remove acme picket quotas remove of=all most=9 seconds=60",
        "project.remove shop ada@example.com name=Shop",
    ];
    let lines: Vec<&str> = told.lines().collect();
    ensure!(lines == expected, "the log tells\n{told}");
    let addresses = "select count(*) from audit_log where actor = 'ada@example.com' and address <> ''";
    ensure!(platform.sql(addresses)? == "8", "each with where from");
    Ok(())
}

fn roles(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    platform.sql("insert into users (email) values ('grace@example.com'); insert into members (organization_id, user_id, role) select o.id, u.id, 'owner' from organizations o, users u where o.slug = 'acme' and u.email like 'grace%'; update users set is_superuser = false; update members m set role = 'manager' from users u where u.id = m.user_id and u.email = 'ada@example.com'")?;
    let id = platform.sql("select m.id from members m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id where u.email like 'grace%' and o.slug = 'acme'")?;
    let grace = format!("/organizations/acme/members/{id}/");
    for body in [json!({"role": "member"}), json!({"role": "owner"})] {
        let (status, answer) = platform.ask(Method::PUT, &grace, &body)?;
        ensure!(
            status == 400 && answer["role"][0].as_str().is_some_and(|why| why.contains("above your own")),
            "{status}: {answer}"
        );
    }
    ensure!(platform.ask(Method::DELETE, &grace, &json!({}))?.0 == 400, "a manager removes no owner");
    let invite = json!({"email": "boss@example.com", "role": "owner"});
    ensure!(platform.ask(Method::POST, "/organizations/acme/members/", &invite)?.0 == 400, "nor invites one");
    platform.sql("update users set is_superuser = true where email = 'ada@example.com'")?;
    let (status, answer) = platform.ask(Method::PUT, &grace, &json!({"role": "member"}))?;
    ensure!(
        status == 400 && answer["role"][0].as_str().is_some_and(|why| why.contains("keeps an owner")),
        "{status}: {answer}"
    );
    ensure!(platform.ask(Method::DELETE, &grace, &json!({}))?.0 == 400, "the last owner stays");
    Ok(())
}
