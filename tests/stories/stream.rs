//! The stream of issues, as people use it in a browser: with and without JavaScript, in both languages, in the light and in the
//! dark, at a desk and on a phone.

use anyhow::{Context, Result, ensure};
use harness::chromium::Size;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    pages::{AT_A_DESK, Looks, Scripts, WITHOUT_SCRIPTS, walk, walk_far},
    platform::{ADMIN, Platform, Project, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "the_stream_can_be_used_by_everybody", run: everybody },
    Story { name: "the_stream_marks_a_wrong_search_at_its_spot", run: wrong },
    Story { name: "the_stream_is_searched_and_narrowed", run: narrowed },
    Story { name: "issues_of_the_stream_are_changed_and_changed_back", run: picked },
    Story { name: "all_of_the_stream_is_changed_without_javascript", run: whole },
    Story { name: "a_search_is_saved_in_the_stream", run: saved },
    Story { name: "new_issues_come_into_the_stream_without_losing_ones_place", run: live },
    Story { name: "the_stream_is_gone_through_by_keys", run: keys },
];

/// What the help begins with.
const HELP: &str = "What can be searched for";
/// So many issues that a page has neighbours.
const MANY: usize = 60;

/// Issues of all kinds, in two projects.
fn fill(platform: &Platform) -> Result<Project> {
    let shop = platform.project("shop")?;
    let billing = platform.project("billing")?;
    let kinds = [
        ("error", "KeyError", "'sku'", "shop.cart in add", "production"),
        (
            "fatal",
            "MemoryError",
            "could not allocate 64 MB for the price index",
            "shop.prices in rebuild",
            "production",
        ),
        ("warning", "DeprecationWarning", "sum() of coupons is slow", "shop.coupons in total", "staging"),
        ("info", "Notice", "stock is low: 库存不足，请尽快补货", "shop.stock in check", "staging"),
        (
            "error",
            "ConnectionResetError",
            "[Errno 104] Connection reset by peer while talking to the warehouse at 10.0.0.7:8443",
            "shop.warehouse in ask",
            "production",
        ),
    ];
    for (nth, (level, kind, value, transaction, environment)) in kinds.iter().enumerate() {
        for user in 0..=nth {
            let mut event = error(kind, value);
            event["level"] = json!(level);
            event["transaction"] = json!(transaction);
            event["environment"] = json!(environment);
            event["user"] = json!({"id": user.to_string(), "email": format!("user{user}@example.com")});
            platform.receives(&shop, &event)?;
        }
        // One by one, so that their numbers are known.
        platform.stores((nth + 1) * (nth + 2) / 2)?;
    }
    platform.receives(&billing, &error("Overdue", "invoice 7"))?;
    platform.stores(16)?;
    let issues = platform.api("/projects/acme/shop/issues/?query=&sort=new")?;
    let id = |nth: usize| issues[nth]["id"].as_str().map(str::to_owned).context("there are issues");
    let change = |nth: usize, wanted: Value| -> Result<()> {
        let (status, answer) = platform.ask(Method::PUT, &format!("/issues/{}/", id(nth)?), &wanted)?;
        ensure!(status == 200, "{wanted}: {answer}");
        Ok(())
    };
    change(1, json!({"assignedTo": ADMIN}))?;
    change(2, json!({"isBookmarked": true}))?;
    // It was resolved, and happens again.
    change(4, json!({"status": "resolved"}))?;
    platform.receives(&shop, &error("KeyError", "'sku'"))?;
    platform.stores(17)?;
    // History, for the graphs: it is long ago.
    platform.sql(
        "insert into issue_hours (project_id, issue_id, hour, events)
         select i.project_id, i.id, date_trunc('hour', now()) - h * interval '1 hour', 1 + (i.id * h * 7919) % 23
         from issues i, generate_series(1, 320) h where (i.id + h) % 3 > 0 on conflict do nothing;
         update issues i set first_seen = now() - (i.id % 40) * interval '1 day', times_seen = times_seen + 900 * (i.id % 7)
         where i.id % 2 = 0",
    )?;
    Ok(shop)
}

fn everybody(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    platform.project("empty")?;
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"show": "stream"},
        {"open": "/acme/shop/issues/?query=&stats=14d&sort=freq"}, {"show": "stream-all"},
        {"open": "/acme/issues/"}, {"show": "stream-organization"},
        {"open": "/acme/shop/issues/?query=is:unresolved+nothing"}, {"show": "stream-nothing"},
        {"open": "/acme/shop/issues/?query=is:ignored&period=1h&environment=production"}, {"show": "stream-narrow"},
        {"open": "/acme/shop/issues/?query=level:error+is:purple"}, {"show": "stream-wrong"},
        {"open": "/acme/shop/issues/?query=is:resolved&done=resolve&many=3&undo=00000000-0000-0000-0000-000000000000"}, {"show": "stream-done"},
    ]);
    for (locale, scheme, size) in [
        ("en-US", "light", Size::LAPTOP),
        ("en-US", "dark", Size::PHONE),
        ("zh-CN", "dark", Size::LAPTOP),
        ("zh-CN", "light", Size::PHONE),
    ] {
        walk_far(&platform, Looks { locale, scheme, size, scripts: Scripts::On }, &steps)?;
    }
    let menus = json!([
        {"open": "/acme/shop/issues/"}, {"unfold": "Saved searches"}, {"show": "stream-saved"},
        {"unfold": "Environment any"}, {"show": "stream-environments"}, {"key": "?"}, {"see": HELP}, {"show": "stream-help"},
        {"open": "/acme/shop/issues/"}, {"key": "j"}, {"key": "x"}, {"unfold": "More"}, {"show": "stream-picked"},
        {"type": ["Search", "is:unres"]}, {"option": "unresolved"}, {"show": "stream-typing"},
    ]);
    walk_far(&platform, AT_A_DESK, &menus)
}

fn wrong(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    let steps = json!([
        {"open": "/acme/shop/issues/"},
        {"fill": ["Search", "level:error is:purple"]}, {"press": "Search"},
        {"see": "Choose one of"}, {"marked": "purple"},
        {"fill": ["Search", "is:unr"]}, {"press": "Search"}, {"marked": "unr"}, {"follow": "is:unresolved"}, {"see": "KeyError"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    let steps = json!([
        {"open": "/acme/shop/issues/?query=level:error+is:purple"}, {"marked": "purple"}, {"selected": "purple"},
    ]);
    walk(&platform, AT_A_DESK, &steps)?;
    let chinese = json!([{"open": "/acme/shop/issues/?query=("}, {"see": "括号没有闭合"}]);
    walk(&platform, Looks { locale: "zh-CN", ..AT_A_DESK }, &chinese)
}

fn narrowed(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    let steps = json!([
        {"open": "/acme/shop/issues/"},
        // A key, then a value of it, by the keyboard alone.
        {"key": "/"}, {"type": ["Search", "environment:st"]}, {"option": "staging"}, {"key": "ArrowDown"}, {"key": "Enter"}, {"key": "Enter"},
        {"gone": "KeyError"}, {"see": "DeprecationWarning"}, {"at": "environment%3Astaging"},
        {"open": "/acme/shop/issues/"}, {"unfold": "Environment any"}, {"follow": "staging"},
        {"gone": "KeyError"}, {"see": "Notice"}, {"at": "environment=staging"},
        {"unfold": "Sort last seen"}, {"follow": "events"}, {"at": "sort=freq"}, {"at": "environment=staging"},
        {"back": null}, {"see": "Notice"}, {"back": null}, {"see": "KeyError"},
        {"unfold": "Project shop"}, {"follow": "All projects"}, {"see": "Overdue"}, {"see": "KeyError"},
    ]);
    walk_far(&platform, AT_A_DESK, &steps)?;
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"unfold": "Environment any"}, {"follow": "staging"}, {"gone": "KeyError"}, {"see": "Notice"},
        {"fill": ["Search", "level:info"]}, {"press": "Search"}, {"at": "environment=staging"}, {"gone": "DeprecationWarning"}, {"see": "Notice"},
    ]);
    walk_far(&platform, WITHOUT_SCRIPTS, &steps)
}

fn status(platform: &Platform, status: &str) -> Result<String> {
    platform.sql(&format!("select count(*) from issues where status = {status}"))
}

fn picked(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    for looks in [AT_A_DESK, WITHOUT_SCRIPTS] {
        let steps = json!([
            {"open": "/acme/shop/issues/"},
            {"check": "Pick SHOP-1"}, {"check": "Pick SHOP-2"}, {"press": "Resolve"}, {"see": "2 issues resolved."}, {"gone": "MemoryError"},
        ]);
        walk(&platform, looks, &steps)?;
        ensure!(status(&platform, "1")? == "2", "two are resolved");
        let back = json!([
            {"open": "/acme/shop/issues/"},
            {"check": "Pick SHOP-3"}, {"press": "Ignore"}, {"see": "1 issue ignored."}, {"press": "Undo"}, {"see": "Undone"}, {"see": "DeprecationWarning"},
            {"open": "/acme/shop/issues/?query=is:resolved"}, {"check": "Pick all on this page"}, {"press": "Reopen"}, {"see": "2 issues reopened."},
        ]);
        walk(&platform, looks, &back)?;
        ensure!(status(&platform, "0")? == "6", "all are open again");
    }
    let assigned = json!([
        {"open": "/acme/shop/issues/"}, {"check": "Pick SHOP-3"}, {"choose": ["Assign to …", ADMIN]}, {"see": "1 issue assigned."},
    ]);
    walk(&platform, AT_A_DESK, &assigned)?;
    ensure!(platform.sql("select count(*) from issue_assignees")? == "2", "it is given to somebody");
    let none = json!([{"open": "/acme/shop/issues/"}, {"press": "Resolve"}, {"see": "No issue was picked."}]);
    walk(&platform, WITHOUT_SCRIPTS, &none)
}

fn whole(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    for nth in 0..MANY {
        let mut event = error("Gone", "umbrella");
        event["fingerprint"] = json!([nth.to_string()]);
        platform.receives(&shop, &event)?;
    }
    platform.stores(MANY)?;
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"follow": "Next"}, {"see": "Previous"}, {"follow": "Previous"},
        {"check": "Pick all on this page"}, {"check": "Everything this search finds (up to 1,000)"},
        {"press": "Ignore"}, {"see": "60 issues ignored."}, {"see": "Nothing is unresolved"}, {"press": "Undo"}, {"see": "60 issues as before"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    ensure!(status(&platform, "0")? == "60", "all are open again");
    let steps = json!([{"open": "/acme/shop/issues/"}, {"check": "Pick all on this page"}, {"press": "Resolve"}, {"see": "50 issues resolved."}]);
    walk(&platform, AT_A_DESK, &steps)?;
    ensure!(status(&platform, "1")? == "50", "a page is resolved");
    Ok(())
}

fn saved(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    let steps = json!([
        {"open": "/acme/shop/issues/?query=level:info"}, {"unfold": "Saved searches"},
        {"fill": ["Save this search", "Only notices"]}, {"check": "Show it first when I come here"}, {"press": "Save"}, {"see": "The search is saved."},
        {"open": "/acme/shop/issues/"}, {"gone": "KeyError"}, {"see": "Notice"},
        {"unfold": "Saved searches"}, {"follow": "Unresolved issues"}, {"see": "KeyError"},
        {"unfold": "Saved searches"}, {"fill": ["Save this search", "Only notices"]}, {"press": "Save"}, {"see": "The search is not saved"},
        {"unfold": "Saved searches"}, {"press": "Delete: Only notices"}, {"see": "The search is deleted."},
    ]);
    for looks in [WITHOUT_SCRIPTS, AT_A_DESK] {
        walk(&platform, looks, &steps)?;
        ensure!(platform.sql("select count(*) from saved_searches")? == "0", "it is deleted");
    }
    Ok(())
}

fn live(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = fill(&platform)?;
    let report = json!({"report": {"store": format!("{}/api/{}/store/", platform.url, shop.id), "key": shop.key}});
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"key": "j"}, {"key": "j"}, {"key": "x"}, {"current": "ConnectionResetError"},
        report, {"see": "Show 1 new"}, {"gone": "hello"}, {"current": "ConnectionResetError"}, {"show": "stream-fresh"},
        {"press": "Show 1 new"}, {"see": "hello"}, {"current": "ConnectionResetError"}, {"picked": 1},
        // A further event of an issue that is there only counts.
        report, {"counts": ["hello", "2"]}, {"current": "ConnectionResetError"},
    ]);
    walk(&platform, AT_A_DESK, &steps)
}

fn keys(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    fill(&platform)?;
    let steps = json!([
        {"open": "/acme/shop/issues/"}, {"key": "j"}, {"key": "j"}, {"key": "k"}, {"key": "j"}, {"current": "ConnectionResetError"},
        {"key": "r"}, {"see": "1 issue resolved."}, {"gone": "ConnectionResetError"}, {"key": "z"}, {"see": "Undone"}, {"see": "ConnectionResetError"},
        {"key": "j"}, {"key": "x"}, {"key": "j"}, {"key": "x"}, {"picked": 2}, {"key": "i"}, {"see": "2 issues ignored."},
        {"open": "/acme/shop/issues/"}, {"key": "/"}, {"focused": "Search"}, {"key": "Escape"}, {"key": "?"}, {"see": HELP}, {"key": "Escape"}, {"gone": HELP},
        {"key": "j"}, {"key": "Enter"}, {"at": "/issues/"}, {"see": "Fingerprints"},
    ]);
    walk_far(&platform, AT_A_DESK, &steps)
}
