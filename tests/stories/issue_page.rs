//! The pages of an issue, as people use them in a browser.

use anyhow::{Context, Result, ensure};
use harness::chromium::Size;
use serde_json::{Value, json};

use crate::{
    Story,
    pages::{AT_A_DESK, Looks, Scripts, WITHOUT_SCRIPTS, walk, walk_far},
    platform::{ADMIN, PASSWORD, Platform, Project, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "an_issues_page_can_be_used_by_everybody", run: everybody },
    Story { name: "an_issues_page_decides_about_it_without_javascript", run: decisions },
    Story { name: "an_issues_page_talks_about_it", run: comments },
    Story { name: "an_issues_page_finds_its_events", run: events },
    Story { name: "an_issues_page_takes_it_apart_and_together", run: fingerprints },
    Story { name: "an_issues_page_shows_traces_and_requests_as_text", run: text },
    Story { name: "an_issues_page_deletes_and_discards_it", run: removal },
];

/// An event that has a bit of everything.
fn rich(nth: usize) -> Value {
    let mut event = error("Gone", "the umbrella with sku 'ü-7' is gone");
    event["release"] = json!(format!("shop@1.{}.0", nth % 3));
    event["environment"] = json!(if nth.is_multiple_of(4) { "staging" } else { "production" });
    event["user"] = json!({"id": nth % 5, "email": format!("user{}@example.com", nth % 5)});
    let (browsers, regions) = (["Firefox 140", "Safari 19", "Chrome 150"], ["eu", "us"]);
    event["tags"] = json!({"browser": browsers[nth % 3], "region": regions[nth % 2], "shop.currency": "EUR"});
    event["request"] = json!({
        "url": "https://shop.example/cart/add", "method": "POST", "query_string": "sku=u-7&n=2", "data": {"note": "it's raining"},
        "headers": {"Accept": "application/json", "User-Agent": "Mozilla/5.0", "Content-Type": "application/json"},
    });
    event["breadcrumbs"] = json!({"values": [
        {"timestamp": "2026-03-01T12:00:00Z", "category": "auth", "message": "user signed in", "level": "info"},
        {"timestamp": "2026-03-01T12:00:01Z", "type": "http", "category": "requests", "data": {"method": "GET", "url": "/stock/u-7", "status_code": 404}, "level": "warning"},
        {"timestamp": "2026-03-01T12:00:02Z", "category": "stock", "message": "the stock is not known", "level": "error"},
        {"timestamp": "2026-03-01T12:00:03Z", "category": "query", "message": "SELECT * FROM stock", "level": "debug"},
    ]});
    event["exception"]["values"] = json!([
        {"type": "KeyError", "value": "'u-7'", "stacktrace": {"frames": [
            {"filename": "shop/stock.py", "function": "find", "lineno": 41, "in_app": true, "pre_context": ["def find(sku):", "    with lock:"], "context_line": "        return stock[sku]", "post_context": ["", "def sell(sku):"], "vars": {"sku": "'u-7'"}},
            {"filename": "threading.py", "function": "wait", "lineno": 331, "in_app": false}, {"filename": "threading.py", "function": "acquire", "lineno": 120, "in_app": false},
        ]}},
        {"type": "Gone", "value": "the umbrella with sku 'ü-7' is gone", "mechanism": {"type": "wsgi", "handled": false}, "stacktrace": {"frames": [
            {"filename": "wsgi.py", "function": "__call__", "lineno": 12, "in_app": false}, {"filename": "flask/app.py", "function": "dispatch", "lineno": 77, "in_app": false},
            {"filename": "shop/cart.py", "function": "add", "lineno": 7, "in_app": true, "context_line": "    raise Gone(item)", "vars": {"item": "'umbrella'"}},
        ]}},
    ]);
    event
}

/// An issue with events, and its page.
fn fill(world: &World) -> Result<(Platform<'_>, Project, String)> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    for nth in 0..12 {
        platform.receives(&shop, &rich(nth))?;
    }
    platform.stores(12)?;
    platform.picket(&["createuser", "--email", "grace@example.com", "--password", PASSWORD, "--no-input"])?;
    platform.sql(&format!(
        "insert into members (organization_id, user_id, role) select o.id, u.id, 'member' from organizations o, users u
             where o.slug = 'acme' on conflict do nothing;
         insert into teams (organization_id, slug, name) select id, 'checkout', 'Checkout' from organizations where slug = 'acme';
         insert into team_members (team_id, user_id) select t.id, u.id from teams t, users u where u.email = '{ADMIN}'"
    ))?;
    let issue = platform.only_issue(&shop)?;
    let path = format!("/acme/shop/issues/{}/", issue["id"].as_str().context("an issue has an id")?);
    Ok((platform, shop, path))
}

fn everybody(world: &World) -> Result<()> {
    let (platform, _, path) = fill(world)?;
    platform.sql(
        "insert into issue_hours (project_id, issue_id, hour, events)
         select i.project_id, i.id, date_trunc('hour', now()) - h * interval '1 hour', 1 + (h * 7919) % 23
         from issues i, generate_series(1, 700) h where h % 5 > 1 on conflict do nothing",
    )?;
    let comment = "**Found it.** The stock forgets what is *reserved*:\n\n```python\nreturn stock[sku]\n```\n\n@grace could you look? See [the docs](https://example.com/), #checkout.\n\n- one\n- two";
    let prepare = json!([
        {"open": path}, {"choose": ["Assign to …", "#checkout"]}, {"chosen": ["Assign to …", "#checkout"]},
        {"open": format!("{path}activity/")}, {"fill": ["Comment", comment]}, {"press": "Comment"}, {"see": "Found it."},
    ]);
    walk(&platform, AT_A_DESK, &prepare)?;
    let steps = json!([
        {"open": path}, {"show": "issue"},
        {"open": format!("{path}?trace=full")}, {"show": "issue-full"},
        {"open": format!("{path}events/latest/?trace=raw")}, {"show": "issue-raw"},
        {"open": format!("{path}activity/")}, {"show": "issue-activity"},
        {"open": format!("{path}tags/")}, {"show": "issue-tags"},
        {"open": format!("{path}tags/?key=user")}, {"show": "issue-tag"},
        {"open": format!("{path}events/")}, {"show": "issue-events"},
        {"open": format!("{path}events/?query=is:unresolved")}, {"show": "issue-events-wrong"},
        {"open": format!("{path}fingerprints/")}, {"show": "issue-fingerprints"},
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
        {"open": path}, {"unfold": "Resolve …"}, {"show": "issue-resolve"}, {"unfold": "Ignore …"}, {"show": "issue-ignore"},
        {"unfold": "More"}, {"show": "issue-more"},
    ]);
    walk(&platform, AT_A_DESK, &menus)
}

fn decisions(world: &World) -> Result<()> {
    let (platform, _, path) = fill(world)?;
    let decision = || platform.sql("select coalesce(decision #>> '{}', 'none') from issues");
    for (looks, what) in [(WITHOUT_SCRIPTS, "without JavaScript"), (AT_A_DESK, "with it")] {
        let steps = json!([
            {"open": path}, {"press": "Resolve"}, {"see": "Resolved"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Resolve …"}, {"press": "In the next release"}, {"see": "in the next release"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Resolve …"}, {"press": "In the latest release, shop@1.2.0"}, {"see": "in release shop@1.2.0"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Resolve …"}, {"fill": ["In release", "shop@9.9.9"]}, {"press": "Resolve there"}, {"see": "That was not possible"},
            {"open": path}, {"unfold": "Resolve …"}, {"fill": ["In release", "shop@1.1.0"]}, {"press": "Resolve there"}, {"see": "in release shop@1.1.0"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Ignore …"}, {"fill": ["Until so many events", "10"]}, {"choose": ["Within", "an hour"]}, {"press": "Ignore until then"},
            {"see": "until 10 events in 60 min"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Ignore …"}, {"fill": ["Until (UTC)", "2099-01-02T03:04"]}, {"press": "Ignore until then"}, {"see": "until 2099-01-02 03:04:00"}, {"press": "Reopen"},
            {"open": path}, {"unfold": "Ignore …"}, {"choose": ["For", "2 hours"]}, {"press": "Ignore until then"}, {"see": "until 20"}, {"press": "Reopen"},
            {"press": "Bookmark"},
        ]);
        walk_far(&platform, looks, &steps).with_context(|| format!("{what}: the decision is {:?}", decision()))?;
        ensure!(platform.sql("select count(*) from issue_bookmarks")? == "1", "{what}, it is bookmarked");
        // Whoever decided is told of what happens already.
        let back =
            json!([{"open": path}, {"press": "Remove bookmark"}, {"press": "Unsubscribe"}, {"press": "Subscribe"}]);
        walk(&platform, looks, &back)?;
        ensure!(platform.sql("select count(*) from issue_bookmarks")? == "0", "{what}, it is not bookmarked any more");
    }
    let assigned = json!([{"open": path}, {"choose": ["Assign to …", "grace@example.com"]}, {"press": "Assign"}, {"open": format!("{path}activity/")}, {"see": "assigned it to grace@example.com"}]);
    walk(&platform, WITHOUT_SCRIPTS, &assigned)?;
    let shared = json!([{"open": path}, {"unfold": "More"}, {"press": "Share with a link"}, {"unfold": "More"}, {"press": "Stop sharing"}, {"open": format!("{path}activity/")}, {"see": "shared it with a link"}, {"see": "stopped sharing it"}]);
    walk(&platform, WITHOUT_SCRIPTS, &shared)
}

fn comments(world: &World) -> Result<()> {
    let (platform, _, path) = fill(world)?;
    let activity = format!("{path}activity/");
    let steps = json!([
        {"open": activity},
        {"fill": ["Comment", "**Bold** <script>alert(1)</script> @grace and #checkout, [bad](javascript:alert(1))"]}, {"press": "Comment"},
        {"see": "alert(1)"}, {"unfold": "Edit"}, {"fill": ["Edit", "Never mind, @grace"]}, {"press": "Save"}, {"see": "Never mind"}, {"gone": "alert(1)"},
    ]);
    for looks in [WITHOUT_SCRIPTS, AT_A_DESK] {
        walk(&platform, looks, &steps)?;
        let told = platform.sql("select string_agg(split_part(email, '@', 1) || ' ' || reason, ',' order by email) from issue_subscriptions s join users u on u.id = s.user_id")?;
        ensure!(told == "ada comment,grace mentioned", "told are {told}");
        platform.sql("delete from issue_activity where kind = 'note'")?;
    }
    Ok(())
}

fn events(world: &World) -> Result<()> {
    let (platform, _, path) = fill(world)?;
    let of = |query: &str| platform.sql(&format!("select count(*) from events e where {query}"));
    ensure!(of("true")? == "12", "all are there");
    let steps = json!([
        {"open": format!("{path}events/")}, {"lines": 12},
        {"fill": ["Search its events", "environment:staging"]}, {"press": "Search"}, {"lines": 3},
        {"fill": ["Search its events", "user.email:user1@example.com region:us"]}, {"press": "Search"}, {"lines": 2},
        {"fill": ["Search its events", "is:resolved"]}, {"press": "Search"}, {"marked": "is:resolved"},
        {"fill": ["Search its events", "region:mars"]}, {"press": "Search"}, {"see": "No event fits this search"},
        // From the distribution of a tag to the events that have a value, to one of them, and along.
        {"open": path}, {"follow": "staging"}, {"lines": 3}, {"line": 1}, {"follow": "Oldest"}, {"follow": "Newer"}, {"follow": "Newest"},
    ]);
    for looks in [WITHOUT_SCRIPTS, AT_A_DESK] {
        walk_far(&platform, looks, &steps)?;
    }
    Ok(())
}

fn fingerprints(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    for name in ["one", "two"] {
        let mut event = error("Gone", name);
        event["fingerprint"] = json!([name]);
        platform.receives(&shop, &event)?;
        platform.stores(if name == "one" { 1 } else { 2 })?;
    }
    let first = platform.sql("select id from issues where short_id = 1")?;
    let path = format!("/acme/shop/issues/{first}/fingerprints/");
    let steps = json!([
        {"open": path}, {"fill": ["Another issue of this project, as SHOP-7. The one that was seen most stays.", "SHOP-99"]}, {"press": "Merge into one"},
        {"see": "There is no other issue"},
        {"fill": ["Another issue of this project, as SHOP-7. The one that was seen most stays.", "SHOP-2"]}, {"press": "Merge into one"}, {"boxes": 2},
        {"press": "Take out of this issue"}, {"see": "but not all of them"},
        {"box": 1}, {"press": "Take out of this issue"}, {"at": "/issues/"}, {"see": "SHOP-3"},
    ]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    ensure!(platform.sql("select count(*) from issues")? == "2", "they are two again");
    Ok(())
}

fn text(world: &World) -> Result<()> {
    let (platform, _, path) = fill(world)?;
    platform.sign_in()?;
    let trace = platform.page(&format!("{path}events/latest/text/"))?;
    let expected =
        "Traceback (most recent call last):\n  File \"shop/stock.py\", line 41, in find\n    return stock[sku]\n";
    ensure!(trace.starts_with(expected), "the trace reads\n{trace}");
    let steps = json!([
        {"open": path}, {"gone": "flask/app.py"}, {"follow": "Full"}, {"see": "flask/app.py"}, {"follow": "Raw"}, {"see": "Traceback (most recent call last):"},
        {"open": path}, {"unfold": "as curl"}, {"see": "https://shop.example/cart/add?sku=u-7"},
        {"see": "SELECT * FROM stock"}, {"uncheck": "debug"}, {"gone": "SELECT * FROM stock"}, {"see": "the stock is not known"},
    ]);
    for looks in [WITHOUT_SCRIPTS, AT_A_DESK] {
        walk(&platform, looks, &steps)?;
    }
    Ok(())
}

fn removal(world: &World) -> Result<()> {
    let (platform, shop, path) = fill(world)?;
    let steps =
        json!([{"open": path}, {"unfold": "More"}, {"begin": "Delete and discard"}, {"see": "1 issue deleted."}]);
    walk(&platform, WITHOUT_SCRIPTS, &steps)?;
    ensure!(platform.sql("select count(*) from discarded_issues")? == "1", "it is discarded");
    platform.receives(&shop, &rich(1))?;
    platform.wait_for_sql("select sum(quantity) from outcomes where outcome = 1 and reason = 'discarded-hash'", "1")
}
