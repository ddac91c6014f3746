//! How much may be sent, and from where.

use anyhow::{Result, ensure};
use harness::net::wait_for;
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, all_hold, row, sentry},
    platform::{Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_quota_that_is_used_up_makes_sdks_pause", run: a_quota_that_is_used_up_makes_sdks_pause },
    Story { name: "a_quota_takes_nothing_but_its_category", run: a_quota_takes_nothing_but_its_category },
    Story { name: "quotas_are_counted_while_redis_is_away", run: quotas_are_counted_while_redis_is_away },
    Story { name: "a_site_that_is_not_allowed_is_refused", run: a_site_that_is_not_allowed_is_refused },
];

/// A window that does not end while a story runs.
const LONG: u64 = 1_000_000_000;

fn quota(platform: &Platform, whose: &str, categories: &str, most: u64) -> Result<()> {
    let (column, value) = whose.split_once('=').map_or(("project_id", "null"), |(column, value)| (column, value));
    platform.sql(&format!(
        "insert into quotas ({column}, categories, most, window_seconds, reason) values ({value}, '{categories}', {most}, {LONG}, 'story')"
    ))?;
    Ok(())
}

fn sent(platform: &Platform, project: &Project) -> Result<u16> {
    Ok(platform.send(project, &error("Gone", "item"))?.status().as_u16())
}

fn a_quota_that_is_used_up_makes_sdks_pause(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other, third) = (platform.project("shop")?, platform.project("other")?, platform.project("third")?);
    quota(&platform, &format!("project_id={}", shop.id), "{error,default}", 3)?;
    quota(&platform, &format!("public_key='{}'", other.key), "{}", 2)?;
    quota(&platform, "organization_id=(select id from organizations where slug = 'acme')", "{error}", 7)?;
    quota(&platform, "installation", "{session}", 0)?;

    for _ in 0..3 {
        platform.receives(&shop, &error("Gone", "item"))?;
    }
    let refused = platform.send(&shop, &error("Gone", "item"))?;
    let header = |name: &str| refused.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(refused.status() == 429 && header("retry-after") == "300", "answered {refused:?}");
    ensure!(header("x-sentry-rate-limits") == "300:default;error:project:story", "answered {refused:?}");
    ensure!(refused.text()?.contains("due to a quota"), "it is told why");

    ensure!(
        [sent(&platform, &other)?, sent(&platform, &other)?, sent(&platform, &other)?] == [200, 200, 429],
        "a key's own"
    );
    // Five were taken of the organisation's seven: what was refused did not count.
    ensure!(
        [sent(&platform, &third)?, sent(&platform, &third)?, sent(&platform, &third)?] == [200, 200, 429],
        "all together"
    );
    let session = row(&format!("/api/{}/envelope/", third.id), "{}\n{\"type\":\"session\"}\n{}", 429, Answer::Anything);
    session.with("X-Sentry-Auth", sentry(&third)).hold(&platform)?;
    platform.stores(7)?;
    let counted = "select string_agg(concat_ws(' ', category, quantity), ', ' order by project_id, category) \
                   from outcomes where outcome = 2 and reason = 'story'";
    platform.wait_for_sql(counted, "error 1, error 1, error 1, session 1")
}

fn a_quota_takes_nothing_but_its_category(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    quota(&platform, &format!("project_id={}", shop.id), "{error,monitor,security}", 0)?;
    let path = |path: &str| format!("/api/{}/{path}/?sentry_key={}", shop.id, shop.key);
    let items: [(Value, &str); 4] = [
        (json!({"type": "event"}), "{}"),
        (json!({"type": "attachment"}), "of the event"),
        (json!({"type": "session"}), "{}"),
        (json!({"type": "check_in"}), "{\"status\":\"ok\"}"),
    ];
    let items = items.iter().map(|(header, payload)| format!("{header}\n{payload}\n")).collect::<Vec<_>>().concat();
    let nothing = || Answer::Exactly(String::new());
    all_hold(
        &platform,
        vec![
            row(&path("envelope"), format!("{{}}\n{items}"), 429, Answer::Anything),
            row(&path("store"), "{}", 429, Answer::Anything),
            row(&path("security"), "{}", 429, Answer::Anything).with("Content-Type", "application/csp-report"),
            // Those who would only try again are told that all is well.
            row(&(path("cron/backup") + "&status=ok"), "", 202, nothing()),
            row(&path("minidump"), "MDMP", 200, Answer::Uuid),
        ],
    )?;
    platform.wait_for_sql("select string_agg(kind, ' ' order by kind) from items", "attachment session")?;
    ensure!(platform.sql("select count(*) from events")? == "0");
    Ok(())
}

fn quotas_are_counted_while_redis_is_away(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    quota(&platform, &format!("project_id={}", shop.id), "{error}", 3)?;
    platform.receives(&shop, &error("Gone", "before"))?;
    platform.redis.kill();
    let answers = (0..4).map(|_| sent(&platform, &shop)).collect::<Result<Vec<_>>>()?;
    ensure!(answers == [200, 200, 200, 429], "each process counts for itself then, got {answers:?}");
    platform.redis.restart()?;
    platform.stores(4)
}

fn a_site_that_is_not_allowed_is_refused(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    let from = |origin: &str, status| row(&path, "{}", status, Answer::Anything).with("Origin", origin);
    let cors = "event submission rejected with_reason: Cors";
    from("https://evil.example", 200).hold(&platform)?;
    platform.sql("update projects set allowed_origins = '{shop.example,*.shop.example}'")?;
    let refused = row(&path, "{}", 403, Answer::Refusal(cors, "")).with("Origin", "https://evil.example");
    wait_for("web to know", SOON, || refused.hold(&platform).is_ok())?;
    let tunnel = format!("{{\"dsn\":\"{}\"}}", shop.dsn);
    all_hold(
        &platform,
        vec![
            from("https://eu.shop.example", 200),
            row(&path, "{}", 403, Answer::Refusal(cors, "")).with("Referer", "https://evil.example/shop.example"),
            row(path.split('?').next().unwrap_or_default(), tunnel, 403, Answer::Refusal(cors, ""))
                .with("Origin", "http://evil.example"),
            row(&path, "{}", 200, Answer::Anything),
            from("null", 200),
        ],
    )
}
