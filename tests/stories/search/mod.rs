//! What a search finds, compared with what a slow evaluation of the same question finds in the story's own memory.

mod model;
mod reference;

use std::{collections::BTreeMap, thread};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use harness::net::wait_for_some;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{ADMIN, PASSWORD, Platform, Project, SOON, TOKEN, World, error},
};
use model::{Issue, issues};
use reference::{Leaf, Query, leaves, queries};

pub const STORIES: &[Story] = &[
    Story { name: "every_search_finds_what_a_slow_evaluation_finds", run: everything },
    Story { name: "a_search_that_takes_too_long_is_stopped_and_says_so", run: too_slow },
    Story { name: "a_search_is_completed_while_it_is_typed", run: suggestions },
    Story { name: "rare_values_beyond_those_that_are_counted_are_found", run: uncounted },
];

/// Queries of any shape that are compared.
const QUERIES: u32 = 300;

/// What a list is ordered by.
type Order = fn(&Issue) -> i64;

/// A project with generated events, and what the story knows of them.
struct Shop<'p> {
    platform: &'p Platform<'p>,
    issues: Vec<Issue>,
    now: DateTime<Utc>,
}

fn everything(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = Shop::open(&platform)?;
    let leaves = leaves(shop.now);
    for nth in 0..leaves.len() {
        for is_negated in [false, true] {
            shop.compare(&Query::Leaf { nth, is_negated }, &leaves)?;
        }
    }
    let config = Config { cases: QUERIES, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let compared = TestRunner::new(config).run(&queries(leaves.len()), |query| {
        shop.compare(&query, &leaves).map_err(|error| TestCaseError::fail(format!("{error:#}")))
    });
    compared.map_err(|failure| anyhow::anyhow!("{failure}"))?;
    shop.is_in_order()?;
    shop.finds_by_event()?;
    shop.finds_events(&leaves)
}

impl<'p> Shop<'p> {
    fn open(platform: &'p Platform<'p>) -> Result<Shop<'p>> {
        let project = platform.project("shop")?;
        let now = picket_platform::app::now();
        let mut issues = issues(now);
        let events: Vec<Value> = issues.iter().flat_map(|issue| issue.events.iter().map(model::Event::json)).collect();
        // One sender waits for the answers of the other.
        thread::scope(|scope| {
            let senders =
                events.chunks(events.len() / 4 + 1).map(|part| scope.spawn(|| send(platform, &project, part)));
            senders.collect::<Vec<_>>().into_iter().try_for_each(|sender| sender.join().expect("it does not panic"))
        })?;
        platform.stores(model::EVENTS)?;
        let numbers = platform.sql(
            "select encode(uuid_send(e.id), 'hex'), i.id, i.short_id from events e join issues i on i.id = e.issue_id",
        )?;
        let numbers: BTreeMap<&str, (&str, &str)> = numbers
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('|');
                Some((fields.next()?, (fields.next()?, fields.next()?)))
            })
            .collect();
        for issue in &mut issues {
            let (id, short) = numbers.get(issue.events[0].id.as_str()).context("every event is stored")?;
            (issue.id, issue.short_id) = (id.parse()?, short.parse()?);
        }
        let mut shop = Shop { platform, issues, now };
        shop.decide()?;
        Ok(shop)
    }

    /// People decide about some of the issues.
    fn decide(&mut self) -> Result<()> {
        let grace = ["createuser", "--email", "grace@example.com", "--password", PASSWORD, "--no-input"];
        self.platform.picket(&grace)?;
        self.platform.sql(&format!(
            "insert into members (organization_id, user_id, role) select o.id, u.id, 'member' from organizations o, users u
                 where o.slug = 'acme' on conflict do nothing;
             insert into teams (organization_id, slug, name) select id, 'checkout', 'Checkout' from organizations where slug = 'acme';
             insert into team_members (team_id, user_id) select t.id, u.id from teams t, users u where u.email = '{ADMIN}'"
        ))?;
        for issue in &mut self.issues {
            "unresolved".clone_into(&mut issue.status);
        }
        self.put(|nth| nth % 5 == 1, &json!({"status": "resolved"}), |issue| issue.status = "resolved".into())?;
        self.put(|nth| nth % 7 == 2, &json!({"status": "ignored"}), |issue| issue.status = "ignored".into())?;
        self.put(|nth| nth % 4 == 0, &json!({"assignedTo": ADMIN}), |issue| issue.assigned = Some("me"))?;
        self.put(
            |nth| nth % 4 == 1,
            &json!({"assignedTo": "grace@example.com"}),
            |issue| issue.assigned = Some("grace"),
        )?;
        self.put(|nth| nth % 9 == 2, &json!({"assignedTo": "#checkout"}), |issue| issue.assigned = Some("checkout"))?;
        self.put(|nth| nth % 3 == 0, &json!({"isBookmarked": true}), |issue| issue.is_bookmarked = true)?;
        // Who decides about an issue, has it or marks it, is told of it.
        for (nth, issue) in self.issues.iter_mut().enumerate() {
            issue.is_subscribed = nth % 5 == 1 || nth % 7 == 2 || nth % 4 == 0 || nth % 3 == 0;
        }
        self.put(|nth| nth % 6 == 0, &json!({"isSubscribed": false}), |issue| issue.is_subscribed = false)
    }

    fn put(&mut self, is_meant: fn(usize) -> bool, wanted: &Value, change: fn(&mut Issue)) -> Result<()> {
        let mut ids = String::new();
        for (nth, issue) in self.issues.iter_mut().enumerate().filter(|(nth, _)| is_meant(*nth)) {
            ids.push_str("&id=");
            ids.push_str(&issue.id.to_string());
            ensure!(issue.id > 0, "issue {nth} has no number");
            change(issue);
        }
        let (status, answer) = self.platform.ask(Method::PUT, &format!("/projects/acme/shop/issues/?{ids}"), wanted)?;
        ensure!(status == 200, "{wanted} was answered {status}: {answer}");
        Ok(())
    }

    fn compare(&self, query: &Query, leaves: &[Leaf]) -> Result<()> {
        let text = query.text(leaves);
        let found = self.find(&text, "date")?;
        let mut expected: Vec<&Issue> =
            self.issues.iter().filter(|issue| query.holds(leaves, issue, self.now)).collect();
        expected.sort_by_key(|issue| std::cmp::Reverse((issue.latest().at, issue.id)));
        let expected: Vec<i64> = expected.iter().map(|issue| issue.id).collect();
        let of =
            |ids: &[i64], others: &[i64]| ids.iter().filter(|id| !others.contains(id)).copied().collect::<Vec<_>>();
        ensure!(
            found == expected,
            "{text} finds {} issues and should find {}: {:?} too many, {:?} missing",
            found.len(),
            expected.len(),
            of(&found, &expected),
            of(&expected, &found)
        );
        Ok(())
    }

    /// Every page of a search.
    fn find(&self, query: &str, sort: &str) -> Result<Vec<i64>> {
        let mut found = Vec::new();
        let mut url = format!("{}/api/0/projects/acme/shop/issues/", self.platform.url);
        let mut asked = vec![("query", query), ("sort", sort), ("statsPeriod", ""), ("limit", "60")];
        loop {
            let request = self.platform.client.get(&url).query(&asked).bearer_auth(TOKEN);
            let answer = request.send()?;
            let next = next_page(&answer)?;
            ensure!(answer.status() == 200, "{query} was answered {}: {}", answer.status(), answer.text()?);
            let page: Vec<Value> = answer.json()?;
            found.extend(page.iter().filter_map(|issue| issue["id"].as_str()?.parse::<i64>().ok()));
            let Some(next) = next else { return Ok(found) };
            (url, asked) = (next, Vec::new());
        }
    }

    /// Every sort, over several pages.
    fn is_in_order(&self) -> Result<()> {
        let orders: [(&str, Order); 5] = [
            ("date", |issue| issue.latest().at.timestamp_micros()),
            ("new", |issue| issue.first().at.timestamp_micros()),
            ("freq", Issue::times),
            ("user", Issue::users),
            ("priority", priority),
        ];
        for (name, key) in orders {
            let found = self.find("", name)?;
            let mut expected: Vec<(i64, i64)> = self.issues.iter().map(|issue| (key(issue), issue.id)).collect();
            expected.sort_unstable_by_key(|order| std::cmp::Reverse(*order));
            let expected: Vec<i64> = expected.into_iter().map(|(_, id)| id).collect();
            ensure!(found == expected, "by {name} it is {found:?}, not {expected:?}");
        }
        Ok(())
    }

    fn finds_by_event(&self) -> Result<()> {
        let issue = &self.issues[42];
        let event = &issue.events.last().context("it has events")?.id;
        ensure!(self.find(&format!("id:{event}"), "date")? == [issue.id], "an event leads to its issue");
        ensure!(self.find(&format!("issue.id:{}", issue.id), "date")? == [issue.id]);
        let latest = self.find("release:latest", "date")?;
        let mut expected: Vec<i64> = self
            .issues
            .iter()
            .filter(|issue| {
                issue.events.iter().any(|event| {
                    event.tags.get("release").is_some_and(|v| Some(v.as_str()) == self.latest().as_deref())
                })
            })
            .map(|issue| issue.id)
            .collect();
        let mut latest = latest;
        latest.sort_unstable();
        expected.sort_unstable();
        ensure!(latest == expected, "the latest release is {:?}: {latest:?}, not {expected:?}", self.latest());
        let (status, answer) =
            self.platform.ask(Method::GET, "/projects/acme/shop/issues/?query=is:purple", &json!(null))?;
        let said = answer["detail"].as_str().unwrap_or_default();
        ensure!(status == 400 && said.contains("characters 3 to 9"), "{status}: {said}");
        Ok(())
    }

    /// The events of the largest issue, by everything that is asked of single events.
    fn finds_events(&self, leaves: &[Leaf]) -> Result<()> {
        let issue = self.issues.iter().max_by_key(|issue| issue.events.len()).context("there are issues")?;
        let mut asked = 0;
        for leaf in leaves {
            let Some(of_event) = leaf.of_event() else { continue };
            asked += 1;
            for is_negated in [false, true] {
                let text = format!("{}{}", if is_negated { "!" } else { "" }, leaf.text);
                let mut expected: Vec<&model::Event> =
                    issue.events.iter().filter(|event| of_event(event) != is_negated).collect();
                expected.sort_by_key(|event| std::cmp::Reverse((event.at, event.id.clone())));
                let expected: Vec<&str> = expected.iter().map(|event| event.id.as_str()).collect();
                let found = self.events(issue, &text)?;
                ensure!(found == expected, "{text} finds the events {found:?}, not {expected:?}");
            }
        }
        ensure!(asked > 40, "only {asked} questions are about events");
        let both = self.events(issue, "region:eu environment:production OR level:fatal")?;
        let is =
            |event: &&model::Event, key: &str, value: &str| event.tags.get(key).is_some_and(|known| known == value);
        let expected = issue.events.iter().filter(|event| {
            (is(event, "region", "eu") && is(event, "environment", "production")) || is(event, "level", "fatal")
        });
        ensure!(both.len() == expected.count(), "both must be so of one event");
        let path = format!("/issues/{}/events/?query=is:unresolved", issue.id);
        let (status, answer) = self.platform.ask(Method::GET, &path, &json!(null))?;
        ensure!(
            status == 400 && answer["detail"].as_str().is_some_and(|said| said.contains("is:unresolved")),
            "{answer}"
        );
        ensure!(self.events(issue, &issue.events[0].id)? == [issue.events[0].id.as_str()], "an id alone is enough");
        Ok(())
    }

    /// Every page of an issue's events.
    fn events(&self, issue: &Issue, query: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut url = format!("{}/api/0/issues/{}/events/", self.platform.url, issue.id);
        let mut asked = vec![("query", query), ("limit", "30")];
        loop {
            let answer = self.platform.client.get(&url).query(&asked).bearer_auth(TOKEN).send()?;
            let next = next_page(&answer)?;
            ensure!(answer.status() == 200, "{query} was answered {}: {}", answer.status(), answer.text()?);
            let page: Vec<Value> = answer.json()?;
            found.extend(page.iter().filter_map(|event| Some(event["eventID"].as_str()?.to_owned())));
            let Some(next) = next else { return Ok(found) };
            (url, asked) = (next, Vec::new());
        }
    }

    /// Which release came first to the platform depends on the workers; which is newest follows from that.
    fn latest(&self) -> Option<String> {
        let newest = self.platform.sql(
            "with last as (select package, numbers is not null as is_version, version from releases order by created_at desc limit 1)
             select r.version from releases r, last
             where case when last.is_version then r.package = last.package and r.numbers is not null else r.version = last.version end
             order by r.numbers desc, r.pre = '' desc limit 1",
        );
        newest.ok()
    }
}

/// Ten times as many events are worth six hours, ten times as many users twelve.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "it is a time in seconds")]
fn priority(issue: &Issue) -> i64 {
    let weight = |count: i64| (1.0 + count as f64).log10();
    let seconds = issue.latest().at.timestamp_micros() as f64 / 1e6;
    (seconds + 21_600.0 * weight(issue.times()) + 43_200.0 * weight(issue.users())).round() as i64
}

fn send(platform: &Platform<'_>, project: &Project, events: &[Value]) -> Result<()> {
    events.iter().try_for_each(|event| platform.receives(project, event).map(drop))
}

/// What the `Link` header says comes next.
fn next_page(answer: &reqwest::blocking::Response) -> Result<Option<String>> {
    let Some(link) = answer.headers().get("link") else { return Ok(None) };
    let next = link.to_str()?.split(", ").find(|link| link.contains(r#"rel="next"; results="true""#));
    Ok(next.and_then(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned())))
}

fn too_slow(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.receives(&project, &error("Gone", "umbrella"))?;
    platform.only_issue(&project)?;
    // Somebody holds a lock for longer than a search may wait.
    let mut holder = platform.command(&["projects", "list"]);
    drop(holder.output()?);
    let (status, answer) = thread::scope(|scope| {
        let lock = scope.spawn(|| {
            platform.sql("begin; lock table issue_traits in access exclusive mode; select pg_sleep(15); commit")
        });
        wait_for_some("the lock", SOON, || {
            let held = platform.sql("select count(*) from pg_locks where relation = 'issue_traits'::regclass and mode = 'AccessExclusiveLock' and granted");
            held.is_ok_and(|held| held == "1").then_some(())
        })?;
        let answer = platform.ask(Method::GET, "/projects/acme/shop/issues/?query=error.type:Gone", &json!(null));
        drop(lock.join());
        answer
    })?;
    let said = answer["detail"].as_str().unwrap_or_default();
    ensure!(status == 400 && said.contains("took too long"), "{status}: {said}");
    let found = platform.api("/projects/acme/shop/issues/?query=error.type:Gone")?;
    ensure!(found.as_array().is_some_and(|found| found.len() == 1), "afterwards it is found: {found}");
    Ok(())
}

fn suggestions(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    for (region, user) in [("eu", "ada"), ("eu", "grace"), ("us west", "ada")] {
        let mut event = error("Gone", "umbrella");
        event["tags"] = json!({"region": region, "rack": "7"});
        event["user"] = json!({"id": user, "email": format!("{user}@x.cn")});
        platform.receives(&project, &event)?;
    }
    platform.stores(3)?;
    let suggest = |query: &str| -> Result<Value> {
        let request = platform.client.get(format!("{}/api/0/organizations/acme/search-suggestions/", platform.url));
        Ok(request.query(&[("query", query)]).bearer_auth(TOKEN).send()?.json()?)
    };
    for (typed, expected) in [
        ("is:unres", json!(["unresolved"])),
        ("level:error ra", json!(["rack:"])),
        ("region:", json!(["eu", "\"us west\""])),
        ("region:[eu, u", json!(["eu", "\"us west\""])),
        ("user.email:ad", json!(["ada@x.cn"])),
        ("error.type:g", json!(["Gone"])),
        ("stack.function:a", json!(["add"])),
        ("assigned:ad", json!(["ada@example.com"])),
        ("release:l", json!(["latest"])),
        ("project:sh", json!(["shop"])),
        ("has:reg", json!(["region"])),
    ] {
        let answer = suggest(typed)?;
        ensure!(answer["suggestions"] == expected, "{typed:?} is completed with {answer:#}");
    }
    let answer = suggest("商店 region:e")?;
    ensure!(
        answer["from"] == 10 && answer["to"] == 11 && answer["meaning"] == r#"all(text "商店", tag region "e")"#,
        "{answer:#}"
    );
    let answer = suggest("is:purple")?;
    ensure!(answer["problem"]["from"] == 3 && answer["problem"]["to"] == 9, "{answer:#}");
    let chinese = platform.client.get(format!("{}/api/0/organizations/acme/search-suggestions/?query=(", platform.url));
    let answer: Value = chinese.header("Accept-Language", "zh-CN").bearer_auth(TOKEN).send()?.json()?;
    ensure!(answer["problem"]["text"].as_str().is_some_and(|text| text.contains("括号")), "{answer:#}");
    Ok(())
}

/// Of the values of a key the first thousand of an issue are counted for themselves.
fn uncounted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let mut event = error("Gone", "umbrella");
    event["tags"] = json!({"order": "first"});
    platform.receives(&project, &event)?;
    platform.stores(1)?;
    // As a thousand further orders would have left it.
    platform.sql("update issue_tag_keys set values = 1000 where key = 'order'")?;
    let mut event = error("Gone", "umbrella");
    event["tags"] = json!({"order": "late"});
    platform.receives(&project, &event)?;
    platform.stores(2)?;
    ensure!(
        platform.sql("select others from issue_tag_keys where key = 'order'")? == "1",
        "it is not counted for itself"
    );
    for (query, found) in
        [("order:late", 1), ("order:never", 0), ("has:order", 1), ("!has:order", 0), ("order:[never, late]", 1)]
    {
        let answer = platform.api(&format!("/projects/acme/shop/issues/?query={query}"))?;
        ensure!(answer.as_array().is_some_and(|issues| issues.len() == found), "{query} finds {answer:#}");
    }
    Ok(())
}
