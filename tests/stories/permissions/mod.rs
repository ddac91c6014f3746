//! Who may do what, made from the table: every route, as every role, on one's own objects, those of another team, those of
//! another organisation, and those that do not exist.

mod kept;
mod things;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use picket_platform::permissions::{
    Role, Scope,
    table::{ROUTES, Who},
};
use reqwest::{Method, blocking::Client, redirect::Policy};
use serde_json::{Value, json};

use self::things::{Values, people_and_objects};
use crate::{
    Story,
    platform::{Platform, SOON, World},
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

/// What is not somebody's, but the same everywhere.
const PLAIN: [(&str, &str); 5] =
    [("filter", "localhost"), ("section", "filters"), ("platform", "python"), ("tag", "region"), ("kind", "mail")];
/// What is found by a number or name of its own below what the rest of the path names.
const INNER: [&str; 19] = [
    "issue",
    "event",
    "attachment",
    "monitor",
    "tombstone",
    "key",
    "quota",
    "team",
    "member",
    "request",
    "token",
    "name",
    "channel",
    "rule",
    "delivery",
    "search",
    "comment",
    "actions",
    "environment",
];

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
        Actor::Superuser if is_hidden || is_about_oneself(path) => return Expected::NotFound,
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
        of_another_team(path, method, role)
    } else {
        of_ones_own(path, method, role)
    }
}

/// What a superuser from outside has none of: a membership, and what they did to issues.
fn is_about_oneself(path: &str) -> bool {
    path.contains("/members/me/") || path.ends_with("/membership/") || path.contains("{actions}")
}

/// What somebody hears of things that they see. Each is of the organisation, but for what one person said or did: the member.
fn of_ones_own(path: &str, method: &str, role: Role) -> Expected {
    let changes = method != "GET";
    match role {
        Role::Member => (),
        // Whoever wrote a comment changes it, and takes back what they did.
        _ if path.contains("{comment}") => return Expected::Forbidden,
        _ if path.contains("{actions}") => return Expected::NotFound,
        _ => (),
    }
    // Searches that everybody has are changed by who decides about the organisation, or the project.
    let decides = if path.contains("{project}") { Scope::ProjectWrite } else { Scope::OrgWrite };
    let is_allowed = !(changes && path.contains("{search}")) || role.scopes().has(decides);
    if is_allowed { Expected::Allowed } else { Expected::Forbidden }
}

/// What somebody hears of things of a team that they are not in.
fn of_another_team(path: &str, method: &str, role: Role) -> Expected {
    let is_about_oneself = path.contains("/me/") || path.ends_with("/membership/");
    let changes_team = path.contains("{team}") && method != "GET" && !is_about_oneself;
    if path.contains("{project}") || path.contains("{issue}") || path.contains("{request}") || changes_team {
        return Expected::Forbidden;
    }
    // Monitors, issues and events stand in projects; those of other teams are not among what an organisation shows, nor can what one
    // did there be taken back.
    let stands_in_project = ["{monitor}", "{name}", "{event}", "{actions}"].iter().any(|one| path.contains(one));
    if stands_in_project { Expected::NotFound } else { of_ones_own(path, method, role) }
}

fn the_matrix(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let objects = people_and_objects(&platform)?;
    // What is put back must not be worked on.
    platform.worker.stop();
    kept::keep(&platform)?;
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
                    kept::restore(&platform)?;
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
        // Organisations and projects have channels, and searches, of their own.
        let of_project = path.contains("{project}");
        let key = match name.as_str() {
            "channel" if of_project => "channel of project",
            "search" if of_project => "search of project",
            name => name,
        };
        let value = values.get(key).with_context(|| format!("nothing stands for {name}"))?;
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
