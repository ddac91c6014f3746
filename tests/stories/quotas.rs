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
    Story { name: "quotas_are_set_listed_and_removed_by_command", run: quotas_are_set_by_command },
    Story { name: "a_quota_that_makes_no_sense_is_refused_in_words", run: a_quota_that_makes_no_sense_is_refused },
    Story { name: "a_key_that_is_rotated_works_on_until_its_end", run: a_key_that_is_rotated_works_on },
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
    // A crash is an error, and its dump goes with it as files go with their event.
    platform.wait_for_sql("select string_agg(kind, ' ' order by kind) from items", "session")?;
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

fn quotas_are_set_by_command(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let set = |arguments: &[&str]| {
        platform.picket(&[&["quotas", "set", "--most", "2", "--window", "1d"], arguments].concat())
    };
    let of_shop = ["--organization", "acme", "--project", "shop", "--categories", "error,default"];
    let first = set(&of_shop)?;
    ensure!(set(&[&of_shop[..], &["--reason", "enough"]].concat())? == first, "the same quota is replaced");
    set(&["--key", &shop.key, "--categories", "attachment"])?;
    set(&["--organization", "acme"])?;
    set(&["--installation"])?;
    let listed = platform.picket(&["quotas", "list"])?;
    let lines: Vec<&str> = listed.lines().map(|line| line.split_once('\t').map_or("", |(_, rest)| rest)).collect();
    let of_key = format!("acme/shop/{}\tattachment\t2\t86400\tquota", shop.key);
    let expected = [
        "installation\tall\t2\t86400\tquota",
        "acme\tall\t2\t86400\tquota",
        "acme/shop\tdefault,error\t2\t86400\tenough",
        &of_key,
    ];
    ensure!(lines == expected, "the list is {listed}");
    ensure!([sent(&platform, &shop)?, sent(&platform, &shop)?, sent(&platform, &shop)?] == [200, 200, 429]);

    let numbers: Vec<&str> = listed.lines().filter_map(|line| line.split('\t').next()).collect();
    platform.picket(&[&["quotas", "remove"], &numbers[..]].concat())?;
    ensure!(platform.picket(&["quotas", "list"])?.is_empty(), "they are gone");
    wait_for("web to know", SOON, || sent(&platform, &shop).is_ok_and(|status| status == 200))
}

fn a_quota_that_makes_no_sense_is_refused(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    platform.project("shop")?;
    let whole = ["--installation", "--most", "1", "--window", "1h"];
    let cases: [(&[&str], &str); 10] = [
        (&["--most", "1", "--window", "1h"], "say whose quota it is"),
        (&["--installation", "--project", "shop", "--most", "1", "--window", "1h"], "cannot be used with"),
        (&["--installation", "--most", "1", "--window", "soon"], "a number and s, m, h or d, as in 90s or 7d"),
        (&["--installation", "--most", "1", "--window", "0s"], "a window is between a second and 366 days"),
        (&["--installation", "--most=-1", "--window", "1h"], "a quota cannot be negative"),
        (&["--organization", "nobody", "--most", "1", "--window", "1h"], "there is no organisation \"nobody\""),
        (
            &["--organization", "acme", "--project", "shoe", "--most", "1", "--window", "1h"],
            "\"acme\" has no project \"shoe\": `picket projects list` shows them",
        ),
        (&["--key", "abc", "--most", "1", "--window", "1h"], "there is no key \"abc\""),
        (&["--categories", "errors"], "there is no category \"errors\"; there are default, error, transaction"),
        (&["--categories", "error,attachment"], "attachments are counted in bytes"),
    ];
    for (arguments, expected) in cases {
        let rest: &[&str] = if arguments[0] == "--categories" { &whole } else { &[] };
        let refused = platform.command(&[&["quotas", "set"], arguments, rest].concat()).output()?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        ensure!(!refused.status.success() && said.contains(expected), "{arguments:?}: it said {said}");
    }
    let refused = platform.command(&["quotas", "remove", "7"]).output()?;
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("there is no quota 7"), "it said {refused:?}");
    ensure!(platform.picket(&["quotas", "list"])?.is_empty(), "none was set");
    Ok(())
}

fn a_key_that_is_rotated_works_on(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let of_shop = ["--organization", "acme", "--project", "shop"];
    let keys = |arguments: &[&str]| platform.picket(&[&["keys"], arguments, &of_shop[..]].concat());
    let with = |dsn: &str| {
        let key = dsn.trim().split("://").nth(1).and_then(|rest| rest.split('@').next()).unwrap_or_default().to_owned();
        Project { key, id: shop.id, slug: shop.slug.clone(), dsn: dsn.trim().to_owned() }
    };
    let rotated = with(&keys(&["rotate"])?);
    ensure!(rotated.key != shop.key, "there is a new key");
    ensure!([sent(&platform, &shop)?, sent(&platform, &rotated)?] == [200, 200], "both work");
    let listed = keys(&["list"])?;
    ensure!(listed.contains(&format!("{}\tworks until ", shop.dsn)), "{listed}");
    ensure!(listed.contains(&format!("{}\tworks\tDefault", rotated.dsn)), "{listed}");
    ensure!(platform.project("shop")?.dsn == rotated.dsn, "applications are configured with the one that stays");

    // At once: whoever has the old ones must not go on.
    let last = with(&keys(&["rotate", "--overlap", "0s"])?);
    let ended = |project: &Project| sent(&platform, project).is_ok_and(|status| status == 403);
    wait_for("the old keys to end", SOON, || ended(&shop) && ended(&rotated))?;
    platform.picket(&["keys", "disable", &last.dsn])?;
    wait_for("the key to be disabled", SOON, || ended(&last))?;
    ensure!(keys(&["list"])?.contains("\tdisabled\t"), "it is listed as such");
    platform.picket(&["keys", "enable", &last.key])?;
    wait_for("the key to work again", SOON, || sent(&platform, &last).is_ok_and(|status| status == 200))?;
    let refused = platform.command(&["keys", "disable", "abc"]).output()?;
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("there is no key \"abc\""), "it said {refused:?}");
    Ok(())
}

fn a_site_that_is_not_allowed_is_refused(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    let from = |origin: &str, status| row(&path, "{}", status, Answer::Anything).with("Origin", origin);
    let cors = "event submission rejected with_reason: Cors";
    from("https://evil.example", 200).hold(&platform)?;
    let of_shop = ["--organization", "acme", "--project", "shop"];
    let origins =
        |arguments: &[&str]| platform.command(&[&["projects", "origins"], &of_shop[..], arguments].concat()).output();
    let said = origins(&["--set", "shop.example,*.shop.example"])?;
    ensure!(said.stdout == b"shop.example\n*.shop.example\n", "it said {said:?}");
    let wrong = origins(&["--set", "shop.*"])?;
    ensure!(String::from_utf8_lossy(&wrong.stderr).contains("\"shop.*\" is no origin"), "it said {wrong:?}");
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
    )?;
    ensure!(origins(&["--none"])?.stdout.is_empty(), "nobody is left");
    let refused = row(&path, "{}", 403, Answer::Refusal(cors, "")).with("Origin", "https://shop.example");
    wait_for("web to know", SOON, || refused.hold(&platform).is_ok())?;
    row(&path, "{}", 200, Answer::Anything).hold(&platform)
}
