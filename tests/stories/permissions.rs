//! Who may do what, made from the table: every route, as every role, on one's own objects, those of another team, those of
//! another organisation, and those that do not exist.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use picket_platform::permissions::{
    Role,
    table::{ROUTES, Who},
};
use reqwest::{Method, blocking::Client, redirect::Policy};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_route_serves_whom_the_table_says_and_nobody_else", run: the_matrix },
    Story { name: "where_membership_is_open_every_member_sees_every_project", run: open_membership },
];

/// Somebody who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Actor {
    Stranger,
    /// An owner, of another organisation.
    Outsider,
    /// In the team `checkout` of `acme`.
    Of(Role),
    Superuser,
}

const ACTORS: [Actor; 7] = [
    Actor::Stranger,
    Actor::Outsider,
    Actor::Of(Role::Member),
    Actor::Of(Role::Admin),
    Actor::Of(Role::Manager),
    Actor::Of(Role::Owner),
    Actor::Superuser,
];

impl Actor {
    /// The secret of a session that is put into the database.
    fn session(self) -> Option<String> {
        match self {
            Actor::Stranger => None,
            Actor::Outsider => Some("session-of-outsider".to_owned()),
            Actor::Of(role) => Some(format!("session-of-{role}")),
            Actor::Superuser => Some("session-of-superuser".to_owned()),
        }
    }
}

/// Whose objects the path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objects {
    /// Of `acme` and the team `checkout`.
    Own,
    /// Of `acme` and the team `ledger`.
    OtherTeam,
    /// Of `globex`.
    OtherOrganization,
    /// Nobody's.
    Missing,
    /// One's own organisation and project, with the other organisation's numbers in them.
    Smuggled,
}

/// What stands for each parameter of a path.
type Values = BTreeMap<&'static str, String>;

/// What is not somebody's, but the same everywhere.
const PLAIN: [(&str, &str); 3] = [("filter", "localhost"), ("section", "filters"), ("platform", "python")];
/// What is found by a number or name of its own below what the rest of the path names.
const INNER: [&str; 11] =
    ["issue", "event", "attachment", "monitor", "tombstone", "key", "quota", "team", "member", "request", "token"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Allowed,
    SignIn,
    Forbidden,
    NotFound,
}

/// What the words around the table say, written once more.
fn expected(who: Who, path: &str, method: &str, (actor, objects): (Actor, Objects)) -> Expected {
    let scope = match (who, actor) {
        (Who::Anyone, _) => return Expected::Allowed,
        (_, Actor::Stranger) => return Expected::SignIn,
        // Of oneself there is no such session, and no such token.
        (Who::Account, _) if path.contains('{') => return Expected::NotFound,
        (Who::Superuser, Actor::Superuser) | (Who::SignedIn | Who::Account, _) => return Expected::Allowed,
        (Who::Superuser, _) => return Expected::Forbidden,
        (Who::May(scope), _) => scope,
    };
    // Files are listed by the event's id alone; of another's there are none.
    let is_hidden = objects == Objects::Smuggled && !path.ends_with("/attachments/");
    let role = match actor {
        _ if objects == Objects::Missing => return Expected::NotFound,
        Actor::Superuser if is_hidden => return Expected::NotFound,
        // They are no member, and have no teams.
        Actor::Superuser if path.contains("/members/me/") || path.ends_with("/membership/") => {
            return Expected::NotFound;
        }
        Actor::Superuser => return Expected::Allowed,
        Actor::Outsider if objects == Objects::OtherOrganization => return Expected::Allowed,
        Actor::Of(role) if objects != Objects::OtherOrganization => role,
        _ => return Expected::NotFound,
    };
    // The number alone says whose it is.
    let is_told_by_number = path.contains("/issues/{issue}/") && !path.contains("{project}");
    if objects == Objects::Smuggled && is_told_by_number {
        Expected::NotFound
    } else if !role.scopes().has(scope) {
        Expected::Forbidden
    } else if is_hidden {
        Expected::NotFound
    } else if objects == Objects::OtherTeam && !role.is_global() {
        of_another_team(path, method)
    } else {
        Expected::Allowed
    }
}

/// What somebody hears of things of a team that they are not in.
fn of_another_team(path: &str, method: &str) -> Expected {
    let is_about_oneself = path.contains("/me/") || path.ends_with("/membership/");
    let changes_team = path.contains("{team}") && method != "GET" && !is_about_oneself;
    if path.contains("{project}") || path.contains("{issue}") || path.contains("{request}") || changes_team {
        return Expected::Forbidden;
    }
    // Monitors stand in projects; those of other teams are not among what an organisation shows.
    if path.contains("{monitor}") { Expected::NotFound } else { Expected::Allowed }
}

fn the_matrix(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let objects = people_and_objects(&platform)?;
    let saved = Saved::of(&platform)?;
    let client = Client::builder().timeout(SOON).redirect(Policy::none()).build()?;
    let (mut wrong, mut asked) = (Vec::new(), 0);
    let mut missing: BTreeMap<(String, String), String> = BTreeMap::new();
    for kind in [Objects::Missing, Objects::Own, Objects::OtherTeam, Objects::OtherOrganization, Objects::Smuggled] {
        for (method, path, who) in ROUTES {
            // The ways in have stories of their own.
            let is_way_in = *who == Who::Anyone && *path != "/api/0/";
            let has_nothing_else = !path.contains('{')
                || path.starts_with("/settings/account/")
                || kind == Objects::Smuggled && !path.contains("{org}");
            if kind != Objects::Own && has_nothing_else || is_way_in {
                continue;
            }
            let Some(filled) = fill(path, kind, &objects)? else { continue };
            for actor in ACTORS {
                let (status, text) = ask(&client, &platform, (method, &filled), actor)?;
                asked += 1;
                let expected = expected(*who, path, method, (actor, kind));
                let got = outcome(status, &text);
                if got != expected {
                    wrong.push(format!("{method} {path} ({kind:?}) as {actor:?}: {status}, not {expected:?}"));
                }
                // Another tenant's thing and one that is not there are told apart by nothing.
                let who = (format!("{method} {path}"), format!("{actor:?}"));
                match (kind, expected) {
                    (Objects::Missing, Expected::NotFound) => drop(missing.insert(who, text)),
                    (Objects::OtherOrganization, Expected::NotFound) if missing.get(&who) != Some(&text) => {
                        wrong.push(format!("{method} {path} as {actor:?} tells what is not there from another's"));
                    }
                    _ => (),
                }
                if *method != "GET" && got == Expected::Allowed {
                    saved.restore(&platform)?;
                }
            }
        }
    }
    ensure!(wrong.is_empty(), "of {asked} requests, {} went wrong:\n{}", wrong.len(), wrong.join("\n"));
    ensure!(asked > 2_000, "only {asked} requests were made");
    Ok(())
}

fn outcome(status: u16, text: &str) -> Expected {
    match status {
        _ if status == 401 || status == 303 && text.contains("/auth/login/") => Expected::SignIn,
        403 => Expected::Forbidden,
        404 => Expected::NotFound,
        _ => Expected::Allowed,
    }
}

/// The path with the values of such objects; none where it names none.
fn fill(path: &str, kind: Objects, objects: &BTreeMap<&str, Values>) -> Result<Option<String>> {
    let mut filled = path.to_owned();
    let mut changed = false;
    for (name, value) in PLAIN {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    let at = |name: &str| objects.get(name).context("no such objects");
    let (own, other) = (at("own")?, at("globex")?);
    while let Some((start, name)) = filled.find('{').map(|start| (start, filled[start + 1..].to_owned())) {
        let name = name.split('}').next().context("a brace closes")?.to_owned();
        let inner = INNER.contains(&name.as_str());
        let values = match kind {
            _ if kind == Objects::Missing || path.starts_with("/settings/account/") => at("missing")?,
            Objects::OtherTeam => at("ledger")?,
            Objects::Smuggled if !inner => own,
            Objects::OtherOrganization | Objects::Smuggled => other,
            Objects::Own | Objects::Missing => own,
        };
        changed |= kind != Objects::Smuggled || inner;
        let value = values.get(name.as_str()).with_context(|| format!("nothing stands for {name}"))?;
        filled.replace_range(start..start + name.len() + 2, value);
    }
    Ok(Some(filled).filter(|_| changed || !path.contains('{') || kind == Objects::Own))
}

fn ask(client: &Client, platform: &Platform, (method, path): (&str, &str), actor: Actor) -> Result<(u16, String)> {
    let mut request = client.request(method.parse::<Method>()?, format!("{}{path}", platform.url));
    if let Some(session) = actor.session() {
        request = request.header("Cookie", format!("picket_session={session}"));
    }
    request = match (method, path.starts_with("/api/")) {
        ("GET" | "DELETE", _) => request,
        (_, true) => request.json(&json!({"isApproved": false, "name": "New", "email": "new@example.com"})),
        (_, false) => request.form(&[
            ("status", "resolved"),
            ("active", "false"),
            ("label", "New"),
            ("email", ""),
            ("password", ""),
        ]),
    };
    let answer = request.send()?;
    let (status, led) = (answer.status().as_u16(), answer.headers().get("location").cloned());
    let led = led.and_then(|to| to.to_str().map(str::to_owned).ok()).unwrap_or_default();
    Ok((status, format!("{led}{}", answer.text()?)))
}

/// Two organisations with people in them, and one thing of each kind in each project.
fn people_and_objects(platform: &Platform) -> Result<BTreeMap<&'static str, Values>> {
    platform.sql(
        "insert into organizations (slug, name, open_membership) values ('acme', 'Acme', false), ('globex', 'Globex', false);
         insert into users (email) select unnest(array['member', 'admin', 'manager', 'owner', 'outsider', 'asker']) || '@example.com';
         insert into members (organization_id, user_id, role)
             select o.id, u.id, split_part(u.email, '@', 1) from organizations o, users u
             where o.slug = 'acme' and u.email in ('member@example.com', 'admin@example.com', 'manager@example.com', 'owner@example.com');
         insert into members (organization_id, user_id, role)
             select o.id, u.id, case u.email when 'asker@example.com' then 'member' else 'owner' end
             from organizations o, users u where (o.slug = 'globex' and u.email = 'outsider@example.com') or u.email = 'asker@example.com';
         insert into teams (organization_id, slug, name)
             select o.id, t.slug, t.slug from organizations o, (values ('acme', 'checkout'), ('acme', 'ledger'), ('globex', 'depot')) t (org, slug)
             where o.slug = t.org;
         insert into team_members (team_id, user_id)
             select t.id, m.user_id from teams t join members m on m.organization_id = t.organization_id join users u on u.id = m.user_id
             where t.slug in ('checkout', 'depot') and u.email <> 'asker@example.com';
         insert into team_requests (team_id, user_id, requested_at)
             select t.id, u.id, now() from teams t, users u where u.email = 'asker@example.com';
         insert into organization_tokens (organization_id, token_hash, name, scopes, last_characters, created_at)
             select id, sha256(convert_to(slug, 'UTF8')), 'ci', '{org:ci}', 'beef', now() from organizations;
         insert into sessions (token_hash, user_id, created_at, expires_at)
             select sha256(convert_to('session-of-' || case when is_superuser then 'superuser' else split_part(email, '@', 1) end, 'UTF8')),
                    id, now(), now() + interval '1 day' from users",
    )?;
    let mut all = BTreeMap::new();
    for (name, organization, project, team) in [
        ("own", "acme", "shop", "checkout"),
        ("ledger", "acme", "books", "ledger"),
        ("globex", "globex", "warehouse", "depot"),
    ] {
        all.insert(name, things(platform, organization, project, team)?);
    }
    let nothing = "99999999";
    let mut missing: Values = INNER.map(|name| (name, nothing.to_owned())).into();
    missing.extend([("org", "nowhere".to_owned()), ("project", "nothing".to_owned())]);
    missing.insert("session", nothing.to_owned());
    missing.insert("event", "0".repeat(32));
    missing.insert("key", "0".repeat(32));
    all.insert("missing", missing);
    Ok(all)
}

/// A project of a team with an issue, an event with a file, a monitor, a discarded issue, a key and a quota.
fn things(platform: &Platform, organization: &str, slug: &str, team: &str) -> Result<Values> {
    let line = platform.picket(&["projects", "create", "--organization", organization, "--name", slug, "--json"])?;
    let made: Value = serde_json::from_str(&line)?;
    let dsn = made["dsn"].as_str().context("a dsn")?;
    let key = dsn.split("://").nth(1).and_then(|rest| rest.split('@').next()).context("a key")?.to_owned();
    let id = dsn.rsplit('/').next().context("a number")?.to_owned();
    let event = error("Gone", slug);
    let event_id = event["event_id"].as_str().context("an id")?.to_owned();
    let check_in = json!({"check_in_id": event_id, "monitor_slug": format!("backup-{slug}"), "status": "ok",
        "monitor_config": {"schedule": {"type": "crontab", "value": "0 3 * * *"}}});
    let envelope = format!(
        "{}\n{}\n{event}\n{}\nfile\n{}\n{check_in}\n",
        json!({"event_id": event_id}),
        json!({"type": "event"}),
        json!({"type": "attachment", "filename": "a.log"}),
        json!({"type": "check_in"}),
    );
    let url = format!("{}/api/{id}/envelope/?sentry_key={key}", platform.url);
    let answer = platform.client.post(url).body(envelope).send()?;
    ensure!(answer.status() == 200, "the envelope was answered {}", answer.status());
    platform.wait_for_sql(
        &format!("select (select count(*) from events where project_id = {id}) + (select count(*) from items where project_id = {id} and kind = 'attachment') + (select count(*) from monitors where project_id = {id})"),
        "3",
    )?;
    platform.sql(&format!(
        "insert into project_teams (project_id, team_id) select {id}, t.id from teams t where t.slug = '{team}';
         insert into quotas (project_id, most, window_seconds) values ({id}, 1000, 3600);
         insert into discarded_issues (project_id, id, title, culprit, level, kind, discarded_at) values ({id}, {id}0001, 'Noise', '', 40, 'error', now())"
    ))?;
    let one = |query: &str| platform.sql(query);
    let member = if organization == "acme" { "asker" } else { "outsider" };
    Ok(BTreeMap::from([
        ("org", organization.to_owned()),
        ("project", slug.to_owned()),
        ("team", team.to_owned()),
        ("key", key),
        ("event", event_id),
        ("monitor", format!("backup-{slug}")),
        ("issue", one(&format!("select id from issues where project_id = {id}"))?),
        ("attachment", one(&format!("select id from items where project_id = {id} and kind = 'attachment'"))?),
        ("quota", one(&format!("select id from quotas where project_id = {id}"))?),
        ("tombstone", one(&format!("select id from discarded_issues where project_id = {id}"))?),
        (
            "token",
            one(&format!(
                "select t.id from organization_tokens t join organizations o on o.id = t.organization_id where o.slug = '{organization}'"
            ))?,
        ),
        (
            "request",
            one(&format!("select r.id from team_requests r join teams t on t.id = r.team_id where t.slug = '{team}'"))?,
        ),
        (
            "member",
            one(&format!(
                "select m.id from members m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id where u.email = '{member}@example.com' and o.slug = '{organization}'"
            ))?,
        ),
    ]))
}

/// A copy of every table, to go back to after something was changed.
struct Saved {
    restore: String,
}

impl Saved {
    fn of(platform: &Platform) -> Result<Saved> {
        let tables = platform.sql(
            "select string_agg(c.relname, ' ') from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition and c.relname <> '_sqlx_migrations'",
        )?;
        let tables: Vec<&str> = tables.split_whitespace().collect();
        let copies: Vec<_> =
            tables.iter().map(|table| format!("create table saved.{table} as table {table};")).collect();
        platform.sql(&format!("create schema saved; {}", copies.concat()))?;
        let back: Vec<_> = tables
            .iter()
            .map(|table| format!("insert into {table} overriding system value select * from saved.{table};"))
            .collect();
        // Replication's role, so that rows may come before those that they name.
        let restore = format!(
            "begin; set local session_replication_role = replica; truncate {}; {} commit",
            tables.join(", "),
            back.concat()
        );
        Ok(Saved { restore })
    }

    fn restore(&self, platform: &Platform) -> Result<()> {
        platform.sql(&self.restore).map(|_| ())
    }
}

fn open_membership(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    people_and_objects(&platform)?;
    let client = Client::builder().timeout(SOON).redirect(Policy::none()).build()?;
    let books = |expected: u16| {
        let (status, text) = ask(&client, &platform, ("GET", "/api/0/projects/acme/books/"), Actor::Of(Role::Member))?;
        ensure!(status == expected, "a member was answered {status}, not {expected}: {text}");
        anyhow::Ok(())
    };
    books(403)?;
    let (status, answer) = platform.ask(Method::PUT, "/organizations/acme/", &json!({"openMembership": true}))?;
    ensure!(status == 200 && answer["openMembership"] == true, "{status}: {answer}");
    books(200)?;
    platform.ask(Method::PUT, "/organizations/acme/", &json!({"openMembership": false}))?;
    books(403)?;
    let join = ("POST", "/api/0/organizations/acme/members/me/teams/ledger/");
    let (status, _) = ask(&client, &platform, join, Actor::Of(Role::Member))?;
    ensure!(status == 202, "where membership is not open one asks, and is answered {status}");
    let requests = platform.api("/organizations/acme/access-requests/")?;
    let of_member = |one: &&Value| one["member"]["email"] == "member@example.com";
    let request = requests.as_array().and_then(|all| all.iter().find(of_member)).context("the request is listed")?;
    let path = format!("/organizations/acme/access-requests/{}/", request["id"].as_str().context("an id")?);
    let (status, _) = platform.ask(Method::PUT, &path, &json!({"isApproved": true}))?;
    ensure!(status == 204, "saying yes was answered {status}");
    books(200)?;
    platform.sql("delete from team_members; update members set has_global_access = true")?;
    books(200)
}
