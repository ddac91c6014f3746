//! Release health: what sessions say, as the API tells it.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use harness::{process::output, tools, workspace};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_release_is_as_healthy_as_its_sessions", run: a_release_is_as_healthy_as_its_sessions },
    Story { name: "sessions_a_project_does_not_want_are_filtered_and_counted", run: unwanted_sessions },
    Story { name: "releases_that_are_made_up_do_not_fill_the_database", run: made_up_releases },
    Story { name: "what_a_real_sdk_says_of_its_sessions_is_counted", run: what_a_real_sdk_says_is_counted },
];

fn send(platform: &Platform, shop: &Project, items: &[(&str, Value)]) -> Result<()> {
    let lines = |(kind, item): &(&str, Value)| format!("{{\"type\":\"{kind}\"}}\n{item}\n");
    let items = items.iter().map(lines).collect::<Vec<_>>().concat();
    let url = format!("{}/api/{}/envelope/?sentry_key={}", platform.url, shop.id, shop.key);
    let answer = platform.client.post(url).body(format!("{{}}\n{items}")).send()?;
    ensure!(answer.status() == 200, "the sessions were answered {}", answer.status());
    Ok(())
}

fn a_release_is_as_healthy_as_its_sessions(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let now = platform.sql("select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")?;
    let attrs = json!({"release": "shop@1.0.0", "environment": "production"});
    let session = |user: &str, sid: u32, more: Value| {
        let sid = format!("00000000-0000-4000-8000-{sid:012}");
        let mut session = json!({"sid": sid, "did": user, "started": now, "attrs": attrs});
        for (name, value) in more.as_object().into_iter().flatten() {
            session[name] = value.clone();
        }
        ("session", session)
    };
    send(
        &platform,
        &shop,
        &[
            session("grace", 1, json!({"init": true})),
            session("grace", 1, json!({"status": "exited"})),
            session("alan", 2, json!({"init": true})),
            session("alan", 2, json!({"errors": 1})),
            session("alan", 2, json!({"errors": 2, "status": "exited"})),
            session("ada", 3, json!({"init": true})),
            session("ada", 3, json!({"status": "crashed", "errors": 1})),
            session("ada", 4, json!({"init": true, "status": "exited"})),
            ("session", json!({"init": true, "started": now, "attrs": {}})),
            (
                "sessions",
                json!({"aggregates": [{"started": now, "exited": 5, "errored": 1}], "attrs": {"release": "shop@1.0.0"}}),
            ),
        ],
    )?;
    platform.wait_for_sql("select count(*) from items", "10")?;
    let fields =
        "field=sum(session)&field=count_unique(user)&field=crash_free_rate(session)&field=crash_free_rate(user)";
    let told = |more: &str| platform.api(&format!("/organizations/acme/sessions/?statsPeriod=1d&{fields}{more}"));
    let totals = told("&environment=production")?["groups"][0]["totals"].clone();
    let share = |name: &str| totals[name].as_f64().unwrap_or_default();
    ensure!(totals["sum(session)"] == 4 && totals["count_unique(user)"] == 3, "{totals:#}");
    let is = |name: &str, expected: f64| (share(name) - expected).abs() < 1e-9;
    ensure!(is("crash_free_rate(session)", 0.75) && is("crash_free_rate(user)", 2.0 / 3.0), "{totals:#}");
    let by_status = told("&groupBy=session.status&groupBy=release")?;
    let sums: Vec<i64> = by_status["groups"]
        .as_array()
        .context("groups")?
        .iter()
        .filter_map(|group| group["totals"]["sum(session)"].as_i64())
        .collect();
    ensure!(sums == [7, 2, 1, 0, 0], "healthy, errored, crashed, abnormal, unhandled: {sums:?}");
    // The one without a release is kept, and counted as what it is.
    let counted = "select string_agg(concat_ws(' ', outcome, nullif(reason, ''), quantity), ', ' order by outcome)
                   from outcomes where category = 'session'";
    platform.wait_for_sql(counted, "0 9, 3 invalid_release 1")
}

fn what_a_real_sdk_says_is_counted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let folder = workspace().join("tests/sdks/node");
    let packages = tools::node_modules(&folder)?.join("node_modules");
    output(Command::new("node").arg(folder.join("report.js")).arg(&shop.dsn).env("NODE_PATH", packages))?;
    platform.wait_for_sql("select count(*) > 0 from health_hours where release = 'shop@1.2.3' and sessions > 0", "t")
}

fn unwanted_sessions(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let options = json!({"filters:releases": "*-dirty\n"});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &json!({"options": options}))?;
    ensure!(status == 200, "answered {status}: {answer}");
    let now = platform.sql("select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")?;
    let of = |attrs: Value| ("session", json!({"init": true, "started": now, "attrs": attrs}));
    let dirty = json!({"aggregates": [{"started": now, "exited": 5}], "attrs": {"release": "shop@1.0-dirty"}});
    send(
        &platform,
        &shop,
        &[
            of(json!({"release": "shop@1.0"})),
            of(json!({"release": "shop@1.0-dirty"})),
            of(json!({"release": "shop@1.0", "user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})),
            ("sessions", dirty),
        ],
    )?;
    let counted =
        "select string_agg(concat_ws(' ', outcome, nullif(reason, ''), quantity), ', ' order by outcome, reason)
                   from outcomes where category = 'session'";
    platform.wait_for_sql(counted, "0 1, 1 release-version 2, 1 web-crawlers 1")?;
    ensure!(platform.sql("select count(*) from items")? == "1", "the others are not kept");
    ensure!(platform.sql("select sum(sessions) from health_hours")? == "1", "nor do they count");
    Ok(())
}

fn made_up_releases(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    platform.sql(
        "insert into health_hours (project_id, release, environment, hour)
         select max(id), 'shop@1.0.' || n, '', date_trunc('hour', now(), 'UTC') from projects, generate_series(1, 998) as n group by n",
    )?;
    let now = platform.sql("select to_char(now() at time zone 'utc', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")?;
    let releases = ["shop@1.0.7", "shop@2.0.1", "shop@2.0.2", "shop@2.0.3", "shop@2.0.4"];
    let sessions =
        releases.map(|release| ("session", json!({"init": true, "started": now, "attrs": {"release": release}})));
    send(&platform, &shop, &sessions)?;
    let counted = "select string_agg(concat_ws(' ', outcome, nullif(reason, ''), quantity), ', ' order by outcome)
                   from outcomes where category = 'session'";
    platform.wait_for_sql(counted, "0 3, 3 too_many_releases 2")?;
    ensure!(platform.sql("select count(*), sum(sessions) from health_hours")? == "1000|3", "a thousand is enough");
    Ok(())
}
