//! What pages ask of the database: a number of statements that is bounded, and the same for one of a thing as for many of it.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_page_never_asks_the_database_once_per_issue", run: of_issues },
    Story { name: "a_page_never_asks_the_database_once_per_project_person_or_rule", run: of_everything_else },
];

/// Pages about issues, with the most statements each may need.
const ISSUES: &[(&str, i64)] = &[
    ("/acme/shop/issues/", 20),
    ("/acme/issues/", 20),
    ("/acme/shop/issues/{issue}/", 30),
    ("/acme/shop/issues/{issue}/tags/", 20),
    ("/acme/shop/issues/{issue}/events/", 20),
    ("/acme/shop/issues/{issue}/activity/", 22),
    ("/acme/shop/issues/{issue}/fingerprints/", 20),
];

/// The other pages.
const OTHERS: &[(&str, i64)] = &[
    ("/", 12),
    ("/acme/", 12),
    ("/acme/shop/", 20),
    ("/acme/shop/setup/python/", 12),
    ("/acme/shop/settings/", 12),
    ("/acme/shop/settings/keys/", 12),
    ("/acme/shop/settings/environments/", 12),
    ("/acme/shop/settings/filters/", 12),
    ("/acme/shop/settings/privacy/", 12),
    ("/acme/shop/settings/grouping/", 12),
    ("/acme/shop/settings/quotas/", 12),
    ("/acme/shop/settings/removal/", 12),
    ("/acme/shop/settings/alerts/", 14),
    ("/acme/shop/settings/alerts/new/", 14),
    ("/acme/shop/settings/channels/", 14),
    ("/settings/acme/", 12),
    ("/settings/acme/members/", 14),
    ("/settings/acme/teams/", 14),
    ("/settings/acme/tokens/", 12),
    ("/settings/acme/audit-log/", 12),
    ("/settings/account/", 12),
    ("/settings/account/notifications/", 14),
    ("/settings/account/security/", 12),
    ("/settings/account/tokens/", 12),
    ("/manage/", 40),
    ("/manage/servers/", 20),
    ("/manage/ldap/", 12),
];

/// Forty of everything that the other pages list.
const MANY: &str = "
    insert into organizations (slug, name) select 'more' || n, 'More ' || n from generate_series(1, 40) n;
    insert into users (email, name, username) select 'p' || n || '@example.com', 'P ' || n, 'p' || n from generate_series(1, 40) n;
    insert into members (organization_id, user_id, role)
        select o.id, u.id, 'member' from organizations o, users u where o.slug = 'acme' and u.username like 'p%' on conflict do nothing;
    insert into members (organization_id, user_id, role)
        select o.id, u.id, 'owner' from organizations o, users u where u.is_superuser on conflict do nothing;
    insert into teams (organization_id, slug, name)
        select o.id, 't' || n, 'T ' || n from organizations o, generate_series(1, 40) n where o.slug = 'acme';
    insert into team_members (team_id, user_id) select t.id, u.id from teams t, users u on conflict do nothing;
    insert into projects (organization_id, slug, name)
        select o.id, 'another' || n, 'Another ' || n from organizations o, generate_series(1, 40) n where o.slug = 'acme';
    insert into project_teams (project_id, team_id) select p.id, t.id from projects p, teams t on conflict do nothing;
    insert into project_keys (public_key, project_id)
        select md5(p.id || ':' || n), p.id from projects p, generate_series(1, 40) n where p.slug = 'shop';
    insert into channels (organization_id, project_id, kind, name, config, secrets, created_at)
        select p.organization_id, p.id, 'wecom', 'W ' || n, '{}', '', now() from projects p, generate_series(1, 40) n where p.slug = 'shop';
    insert into alert_rules (project_id, name, trigger)
        select p.id, 'R ' || n, 'first_seen' from projects p, generate_series(1, 40) n where p.slug = 'shop';
    insert into audit_log (organization_id, at, event, actor, address, target)
        select o.id, now(), 'team.create', 'ada', '', 'T ' || n from organizations o, generate_series(1, 40) n where o.slug = 'acme';
    insert into api_tokens (token_hash, user_id, name, created_at)
        select sha256(('t' || n)::bytea), u.id, 'T ' || n, now() from users u, generate_series(1, 40) n where u.is_superuser";

fn of_issues(world: &World) -> Result<()> {
    let (platform, shop) = opened(world)?;
    stays_bounded(&platform, ISSUES, || {
        for nth in 1..40 {
            platform.receives(&shop, &event(nth))?;
            let mut same = event(0);
            same["tags"] = json!({"shelf": nth.to_string(), format!("key{nth}"): "x"});
            platform.receives(&shop, &same)?;
        }
        platform.stores(79)?;
        platform.worker.stop();
        Ok(())
    })
}

fn of_everything_else(world: &World) -> Result<()> {
    let (platform, shop) = opened(world)?;
    stays_bounded(&platform, OTHERS, || {
        for nth in 1..20 {
            let mut event = event(nth);
            event["environment"] = json!(format!("environment-{nth}"));
            platform.receives(&shop, &event)?;
        }
        platform.stores(20)?;
        platform.sql(MANY)?;
        platform.worker.stop();
        Ok(())
    })
}

/// A platform with one issue, where the superuser is signed in.
fn opened(world: &World) -> Result<(Platform<'_>, Project)> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    platform.receives(&shop, &event(0))?;
    platform.stores(1)?;
    platform.sign_in()?;
    platform.sql("create extension if not exists pg_stat_statements")?;
    Ok((platform, shop))
}

fn event(nth: usize) -> Value {
    let mut event = error("Gone", "umbrella");
    event["fingerprint"] = json!([nth.to_string()]);
    event["tags"] = json!({"shelf": nth.to_string()});
    event
}

/// However much there is more of, a page asks no more often than before.
fn stays_bounded(platform: &Platform, pages: &[(&str, i64)], grow: impl FnOnce() -> Result<()>) -> Result<()> {
    let issue = platform.sql("select min(id) from issues")?;
    let count = || -> Result<Vec<i64>> {
        pages.iter().map(|(page, _)| asked(platform, &page.replace("{issue}", &issue))).collect()
    };
    let few = count()?;
    grow()?;
    for (((page, most), few), many) in pages.iter().zip(few).zip(count()?) {
        ensure!(many <= few, "{page} asks {many} times where it asked {few} times of one");
        ensure!(many <= *most, "{page} asks {many} times, and {most} are enough");
    }
    Ok(())
}

/// How often a page asks the database; what goes on beside it may ask too, so the least of several counts.
fn asked(platform: &Platform, page: &str) -> Result<i64> {
    let count = || -> Result<i64> {
        let calls = "select coalesce(sum(calls), 0) from pg_stat_statements s join pg_database d on d.oid = s.dbid
                     where d.datname = current_database() and query !~* 'pg_stat_statements|^(begin|commit|rollback)'";
        Ok(platform.sql(calls)?.parse()?)
    };
    let mut least = i64::MAX;
    for _ in 0..3 {
        let before = count()?;
        platform.page(page)?;
        least = least.min(count()? - before);
    }
    Ok(least)
}
