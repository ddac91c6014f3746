//! Two organisations with people in them, and in each project one thing of every kind that a path may name.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};

use super::INNER;
use crate::platform::{Platform, error};

/// What stands for each parameter of a path.
pub type Values = BTreeMap<&'static str, String>;

/// Two organisations with people in them, and one thing of each kind in each project.
pub fn people_and_objects(platform: &Platform) -> Result<BTreeMap<&'static str, Values>> {
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
    missing.extend(["channel of project", "search of project"].map(|name| (name, nothing.to_owned())));
    missing.extend(["delivery", "actions"].map(|name| (name, "00000000-0000-0000-0000-000000000000".to_owned())));
    missing.insert("name", "NOTHING-1".to_owned());
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
    let mut event = error("Gone", slug);
    event["environment"] = json!(format!("live-{slug}"));
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
    let member = if organization == "acme" { "asker" } else { "outsider" };
    let query = |what: &str| {
        what.replace("ID", &id).replace("ORG", organization).replace("TEAM", team).replace("MEMBER", member)
    };
    let mut values = BTreeMap::from([
        ("org", organization.to_owned()),
        ("project", slug.to_owned()),
        ("team", team.to_owned()),
        ("key", key),
        ("event", event_id),
        ("monitor", format!("backup-{slug}")),
        ("environment", format!("live-{slug}")),
    ]);
    for (name, what) in NUMBERED {
        values.insert(name, platform.sql(&query(what))?);
    }
    values.extend(said_and_told(platform, (organization, slug, &id))?);
    Ok(values)
}

/// What has a number or a name of its own, and how it is found.
const NUMBERED: [(&str, &str); 9] = [
    ("issue", "select id from issues where project_id = ID"),
    (
        "name",
        "select upper(p.slug) || '-' || i.short_id from issues i join projects p on p.id = i.project_id where p.id = ID",
    ),
    ("attachment", "select id from items where project_id = ID and kind = 'attachment'"),
    ("quota", "select id from quotas where project_id = ID"),
    ("tombstone", "select id from discarded_issues where project_id = ID"),
    ("rule", "select id from alert_rules where project_id = ID"),
    (
        "token",
        "select t.id from organization_tokens t join organizations o on o.id = t.organization_id where o.slug = 'ORG'",
    ),
    ("request", "select r.id from team_requests r join teams t on t.id = r.team_id where t.slug = 'TEAM'"),
    (
        "member",
        "select m.id from members m join users u on u.id = m.user_id join organizations o on o.id = m.organization_id where u.email = 'MEMBER@example.com' and o.slug = 'ORG'",
    ),
];

/// Channels and searches of the organisation and of the project; what one person, the member or the outsider, said and did; and
/// an alert that was told.
fn said_and_told(platform: &Platform, (organization, slug, id): (&str, &str, &str)) -> Result<Values> {
    let mut values = Values::new();
    let channel = json!({"kind": "mail", "name": slug, "config": {"addresses": "on-call@example.com"}});
    let search = json!({"name": slug, "query": "is:unresolved", "visibility": "organization"});
    let places = [format!("organizations/{organization}"), format!("projects/{organization}/{slug}")];
    for (what, made, names) in [
        ("channels", &channel, ["channel", "channel of project"]),
        ("searches", &search, ["search", "search of project"]),
    ] {
        for (place, name) in places.iter().zip(names) {
            let (status, answer) = platform.ask(Method::POST, &format!("/{place}/{what}/"), made)?;
            ensure!(status == 201, "making one of {what} was answered {status}: {answer}");
            values.insert(name, answer["id"].as_str().context("an id")?.to_owned());
        }
    }
    let one = if organization == "acme" { "member" } else { "outsider" };
    for (name, sql) in [
        (
            "comment",
            "insert into issue_activity (project_id, issue_id, at, kind, user_id, data)
             select i.project_id, i.id, now(), 'note', u.id, '{\"text\": \"Who did this?\"}' from issues i, users u
             where i.project_id = ID and u.email = 'ONE@example.com' returning id",
        ),
        (
            "actions",
            "insert into issue_actions (id, project_id, user_id, at, changes)
             select gen_random_uuid(), ID, u.id, now(), '[]' from users u where u.email = 'ONE@example.com' returning id",
        ),
        (
            "delivery",
            "insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at, state, finished_at)
             select ID, gen_random_uuid(), r.id, gen_random_uuid(), i.id, 0, u.id, 0, now(), 1, now()
             from issues i, alert_rules r, users u
             where i.project_id = ID and r.project_id = ID and u.email = 'ONE@example.com' returning id",
        ),
    ] {
        values.insert(name, platform.sql(&sql.replace("ID", id).replace("ONE", one))?);
    }
    Ok(values)
}
