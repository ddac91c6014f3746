//! What is kept, for how long, and that nothing else goes.

use anyhow::{Result, ensure};
use harness::net::wait_for;
use picket_platform::retention::{RULES, Rule};

use crate::{
    Story,
    platform::{Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "cleanup_deletes_old_days_and_forgotten_issues_and_nothing_else", run: cleanup_deletes_what_is_old },
    Story { name: "whatever_has_a_time_of_its_own_goes_when_it_is_old", run: what_has_a_time_goes },
    Story { name: "two_crons_keep_partitions_ahead_and_delete_what_is_old", run: two_crons_share_the_work },
];

/// Makes the stored event's issue one of forty days ago, with all that belongs to it, on a day of its own.
const AGE: &str = "
    select make_event_partition(current_date - 40), make_item_partition(current_date - 40);
    insert into items (project_id, id, received_on, received_at, kind, headers, body)
    select project_id, id, current_date - 40, now() - interval '40 days', 'attachment', '{}', '' from events;
    update events set received_on = current_date - 40, received_at = now() - interval '40 days';
    update issues set last_seen = now() - interval '40 days', first_seen = now() - interval '41 days';
    update issue_hours set hour = hour - interval '40 days';
    update issue_tags set last_seen = now() - interval '40 days';
    update tag_values set seen_on = current_date - 40;
    insert into rejected_events (project_id, id, received_at, reason, body)
    select project_id, id, now() - interval '40 days', 'no JSON', '{' from events;";

const EVERYTHING: &str = "
    select (select count(*) from events), (select count(*) from items), (select count(*) from issues),
           (select count(*) from issue_hashes), (select count(*) from issue_hours),
           (select count(distinct issue_id) from issue_tags), (select count(*) from issue_users),
           (select count(distinct issue_id) from issue_tag_keys), (select count(*) from rejected_events),
           (select count(*) from tag_values where value = 'old')";

fn cleanup_deletes_what_is_old(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let mut old = error("Gone", "long ago");
    old["tags"] = serde_json::json!({"age": "old"});
    platform.receives(&project, &old)?;
    platform.stores(1)?;
    platform.empties_its_queue()?;
    platform.worker.kill_now();
    platform.sql(AGE)?;
    // A detached day that was never dropped, as a cleanup that was killed leaves it.
    platform.sql("create table events_20200101 (like events)")?;
    platform.worker.restart()?;
    platform.receives(&project, &error("Late", "today"))?;
    platform.stores(2)?;
    ensure!(platform.sql(EVERYTHING)? == "2|1|2|2|2|2|2|2|1|1");

    let kept = platform.picket(&["cleanup", "--days", "50"])?;
    ensure!(kept.contains("dropped events_20200101") && kept.contains("0 issues"), "it said {kept}");
    ensure!(platform.sql(EVERYTHING)? == "2|1|2|2|2|2|2|2|1|1", "what is younger stays");

    let said = platform.picket(&["cleanup", "--days", "30"])?;
    ensure!(said.contains("deleted 2 days, 1 issues"), "it said {said}");
    ensure!(platform.sql(EVERYTHING)? == "1|0|1|1|1|1|1|1|0|0", "left are {}", platform.sql(EVERYTHING)?);

    // The bug comes back as a new issue.
    platform.receives(&project, &error("Gone", "again"))?;
    platform.stores(2)?;
    ensure!(platform.sql("select string_agg(short_id::text, ' ' order by short_id) from issues")? == "2 3");
    let refused = platform.command(&["cleanup", "--days", "0"]).output()?;
    ensure!(!refused.status.success(), "nobody means to delete everything");
    Ok(())
}

fn two_crons_share_the_work(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "long ago"))?;
    platform.stores(1)?;
    platform.empties_its_queue()?;
    platform.worker.kill_now();
    platform.sql(AGE)?;
    platform
        .sql("do $$ begin execute format('drop table events_%s', to_char(current_date + 3, 'YYYYMMDD')); end $$")?;
    let days = &[("SENTRY_EVENT_RETENTION_DAYS", "30")];
    let crons = [platform.one_more("cron", days)?, platform.one_more("cron", days)?];
    platform.wait_for_sql("select count(*) from issues", "0")?;
    let ahead = "select count(*) from pg_class where relname = 'events_' || to_char(current_date + 3, 'YYYYMMDD')";
    platform.wait_for_sql(ahead, "1")?;
    wait_for("the old day to be gone", SOON, || {
        platform
            .sql("select count(*) from pg_inherits where inhparent = 'events'::regclass")
            .is_ok_and(|days| days == "4")
    })?;
    for cron in crons {
        ensure!(!cron.last_words().contains("cron could not"), "it said {}", cron.last_words());
    }
    Ok(())
}

/// A row of forty days ago and one of today in every table whose rows have a time of their own.
const TWO_OF_EACH: &str = "
    with day (at, n) as (values (now() - interval '40 days', 1), (now(), 2)),
         shop (id) as (select max(id) from projects),
         acme (id) as (select max(id) from organizations),
         task as (
             insert into monitors (project_id, slug, created_at) select id, 'nightly', now() from shop returning id, project_id
         ),
         a as (
             insert into health_hours (project_id, release, environment, hour) select shop.id, 'shop@' || n, '', at from day, shop
         ),
         b as (
             insert into user_reports (project_id, id, received_at, name, email, comments)
             select shop.id, gen_random_uuid(), at, '', '', '' from day, shop
         ),
         c as (
             insert into check_ins (project_id, id, monitor_id, environment, status, started_at, updated_at)
             select task.project_id, gen_random_uuid(), task.id, 'production', 1, at, at from day, task
         ),
         d as (
             insert into releases (project_id, version, package, pre, created_at, first_seen, last_seen)
             select shop.id, 'shop@' || n, '', '', at, at, at from day, shop
         ),
         e as (
             insert into sessions (token_hash, user_id, created_at, expires_at)
             select sha256(n::text::bytea), u.id, at, at from day, users u
         ),
         f as (
             insert into outcomes (project_id, hour, category, outcome, reason, quantity)
             select shop.id, at, 'error', 0, '', 1 from day, shop
         ),
         g as (
             insert into notifications (project_id, rule_id, event_id, user_id, issue_id, created_at)
             select shop.id, 1, gen_random_uuid(), 1, 1, at from day, shop
         ),
         h as (
             insert into tag_keys (project_id, key, values) select id, 'forgotten', 0 from shop
         ),
         i as (
             insert into deliveries (project_id, id, rule_id, event_id, issue_id, channel_id, user_id, news, created_at)
             select shop.id, gen_random_uuid(), 1, gen_random_uuid(), 1, 0, 1, 0, at from day, shop
         ),
         j as (
             insert into rule_fires (project_id, rule_id, issue_id, fired_at) select shop.id, 1, n, at from day, shop
         ),
         robot as (
             insert into channels (organization_id, kind, name, config, secrets, created_at)
             select id, 'slack', 'robot', '{}', '', now() from acme returning id
         ),
         k as (
             insert into incidents (project_id, issue_id, channel_id, rule_id, opened_at)
             select shop.id, n, robot.id, 1, at from day, shop, robot
         ),
         l as (
             insert into password_resets (token_hash, user_id, created_at, expires_at)
             select sha256(n::text::bytea), u.id, at, at from day, users u
         ),
         m as (
             insert into invitations (organization_id, email, role, token_hash, created_at, expires_at)
             select acme.id, n || '@example.com', 'member', sha256(n::text::bytea), at, at from day, acme
         ),
         o as (
             insert into sign_in_attempts (subject, failures, last_at, blocked_until) select n, 1, at, at from day
         ),
         p as (
             insert into directory_groups (directory, dn, groups, asked_at) select 'corp', n, '[]', at from day
         ),
         r as (
             insert into key_hours (public_key, hour, accepted, filtered, dropped)
             select k.public_key, at, 1, 0, 0 from day, project_keys k, shop where k.project_id = shop.id
         ),
         q as (
             insert into audit_log (organization_id, at, event, actor, address, target)
             select acme.id, at, 'team.create', '', '', '' from day, acme
         )
    insert into rejected_events (project_id, id, received_at, reason, body)
    select shop.id, gen_random_uuid(), at, 'no JSON', '{' from day, shop";

fn what_has_a_time_goes(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    // It knows that the project was made.
    platform.sql("delete from audit_log")?;
    platform.sql(TWO_OF_EACH)?;
    let dated = RULES.iter().filter(|(_, rule)| matches!(rule, Rule::Dated(_)));
    let counted: Vec<String> = dated.map(|(table, _)| format!("(select count(*) from {table})")).collect();
    let counted = format!("select {}", counted.join(", "));
    ensure!(platform.sql(&counted)?.split('|').all(|rows| rows == "2"), "two of each: {}", platform.sql(&counted)?);
    platform.picket(&["cleanup", "--days", "30"])?;
    ensure!(platform.sql(&counted)?.split('|').all(|rows| rows == "1"), "one of each: {}", platform.sql(&counted)?);
    ensure!(platform.sql("select count(*) from tag_keys")? == "0", "a key without values is forgotten");
    Ok(())
}
