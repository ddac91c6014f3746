//! Crashes of native programs: what their handlers send becomes an issue, with the files they sent.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, all_hold, id, row, zlib},
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_crash_of_a_native_program_is_an_issue_with_its_dump", run: a_native_program },
    Story { name: "a_crash_of_a_program_that_sends_its_event_too_is_one_event", run: with_its_own_event },
    Story { name: "a_crash_of_an_unreal_game_is_taken_apart", run: an_unreal_game },
    Story { name: "a_crash_of_which_the_dump_is_broken_is_an_event_that_says_so", run: a_broken_dump },
    Story { name: "a_crash_of_a_project_that_may_send_no_files_is_an_event_all_the_same", run: without_files },
];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const LINUX: &[u8] = include_bytes!("../../platform/fuzz/corpus/dump/linux");
const UNREAL: &[u8] = include_bytes!("../../platform/fuzz/corpus/unreal/container");
const SDK_EVENT: &[u8] = include_bytes!("../../platform/fuzz/corpus/packed/event");
const BREADCRUMBS: &[u8] = include_bytes!("../../platform/fuzz/corpus/packed/breadcrumbs");
const TITLE: &str = "SIGSEGV / SEGV_MAPERR: Fatal Error: SIGSEGV / SEGV_MAPERR at 0x10 in shop";
const OUTCOMES: &str = "select string_agg(concat_ws(' ', category, outcome, nullif(reason, ''), quantity), ', ' \
                        order by category, outcome, reason) from outcomes";

/// A dump too large for the queue, which lies in the file store.
fn large_dump() -> Vec<u8> {
    let mut dump = LINUX.to_vec();
    dump.resize(100_000, 0);
    dump
}

fn part(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n").as_bytes(), body, b"\r\n"].concat()
}

fn posts(platform: &Platform, shop: &Project, parts: &[Vec<u8>]) -> Result<()> {
    let body = [&parts.concat()[..], b"--b--\r\n"].concat();
    let path = format!("/api/{}/minidump/?sentry_key={}", shop.id, shop.key);
    row(&path, body, 200, Answer::Uuid).with("Content-Type", "multipart/form-data; boundary=b").hold(platform)
}

/// The latest event of the project's only issue.
fn latest(platform: &Platform, shop: &Project) -> Result<Value> {
    let issue = platform.only_issue(shop)?;
    platform.api(&format!("/issues/{}/events/latest/", issue["id"].as_str().context("an id")?))
}

fn entry<'a>(event: &'a Value, kind: &str) -> Result<&'a Value> {
    let found = event["entries"].as_array().and_then(|entries| entries.iter().find(|entry| entry["type"] == kind));
    Ok(&found.with_context(|| format!("no {kind} in {event:#}"))?["data"])
}

fn has_tag(event: &Value, key: &str, value: &str) -> Result<()> {
    let has = |tag: &Value| tag["key"] == key && tag["value"] == value;
    ensure!(event["tags"].as_array().is_some_and(|tags| tags.iter().any(has)), "{key}={value}: {}", event["tags"]);
    Ok(())
}

fn a_native_program(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let dump = large_dump();
    posts(
        &platform,
        &shop,
        &[
            part("name=\"upload_file_minidump\"; filename=\"a.dmp\"", &dump),
            part("name=\"__sentry-event\"; filename=\"__sentry-event\"", SDK_EVENT),
            part("name=\"__sentry-breadcrumb1\"; filename=\"__sentry-breadcrumb1\"", BREADCRUMBS),
            part("name=\"sentry[tags][branch]\"", b"main"),
            part("name=\"guid\"", b"0-1"),
            part("name=\"log\"; filename=\"log.txt\"", b"last words"),
        ],
    )?;
    platform.stores(1)?;
    let issue = platform.only_issue(&shop)?;
    ensure!(issue["title"] == TITLE && issue["culprit"] == "shop+0x1a2b", "{} {}", issue["title"], issue["culprit"]);
    ensure!(issue["level"] == "fatal", "{}", issue["level"]);

    let event = latest(&platform, &shop)?;
    let exception = &entry(&event, "exception")?["values"][0];
    ensure!(exception["mechanism"]["type"] == "minidump", "{exception:#}");
    ensure!(exception["stacktrace"]["frames"].as_array().map(Vec::len) == Some(4), "{exception:#}");
    ensure!(entry(&event, "threads")?["values"].as_array().map(Vec::len) == Some(2), "both threads");
    ensure!(entry(&event, "breadcrumbs")?["values"].as_array().map(Vec::len) == Some(3), "what happened before");
    for (key, value) in [("branch", "main"), ("region", "eu"), ("release", "shop@1"), ("level", "fatal")] {
        has_tag(&event, key, value)?;
    }
    ensure!(event["context"]["guid"] == "0-1", "{}", event["context"]);
    ensure!(event["contexts"]["os"]["name"] == "Linux", "{}", event["contexts"]);

    let id = event["eventID"].as_str().context("an id")?;
    platform.wait_for_sql(&format!("select count(*) from items where event_id = '{id}'"), "4")?;
    let files = platform.api(&format!("/projects/acme/shop/events/{id}/attachments/"))?;
    let file = files.as_array().and_then(|files| files.iter().find(|file| file["name"] == "a.dmp"));
    let file = file.and_then(|file| file["id"].as_str()).with_context(|| format!("the dump in {files:#}"))?;
    platform.sign_in()?;
    let url = format!("{}/api/0/projects/acme/shop/events/{id}/attachments/{file}/?download=1", platform.url);
    ensure!(platform.client.get(url).send()?.bytes()? == dump, "the dump is kept as it was sent");
    // What came twice is one event.
    posts(&platform, &shop, &[part("name=\"upload_file_minidump\"; filename=\"a.dmp\"", LINUX)])?;
    platform.stores(2)?;
    ensure!(platform.only_issue(&shop)?["count"] == "2", "the same crash is the same issue");
    Ok(())
}

fn with_its_own_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let event = json!({"event_id": ID, "platform": "native", "release": "shop@3", "tags": {"a": "b"}}).to_string();
    let header =
        json!({"type": "attachment", "attachment_type": "event.minidump", "filename": "b.dmp", "length": LINUX.len()});
    let start = format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{event}\n{header}\n");
    let envelope = [start.as_bytes(), LINUX].concat();
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    row(&path, envelope, 200, id(ID)).hold(&platform)?;
    platform.stores(1)?;
    let event = latest(&platform, &shop)?;
    ensure!(event["title"] == TITLE && event["eventID"] == ID, "{} {}", event["title"], event["eventID"]);
    has_tag(&event, "release", "shop@3")?;
    has_tag(&event, "a", "b")?;
    platform.wait_for_sql(OUTCOMES, &format!("attachment 0 {}, error 0 1", LINUX.len()))
}

fn an_unreal_game(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/unreal/{}/?UserID=grace", shop.id, shop.key);
    row(&path, zlib(UNREAL)?, 200, Answer::Uuid).hold(&platform)?;
    platform.stores(1)?;
    let event = latest(&platform, &shop)?;
    let exception = &entry(&event, "exception")?["values"][0];
    ensure!(exception["type"] == "EXCEPTION_ACCESS_VIOLATION_READ", "{exception:#}");
    ensure!(exception["stacktrace"]["frames"].as_array().map(Vec::len) == Some(5), "the engine's stack: {exception:#}");
    ensure!(event["culprit"] == "ShopGame+0x1a2b", "{}", event["culprit"]);
    ensure!(event["user"]["id"] == "grace" && event["user"]["username"] == "anna", "{}", event["user"]);
    has_tag(&event, "unreal.engine_version", "5.3.2-29314046")?;
    has_tag(&event, "release", "shop@5")?;
    let names =
        "select string_agg(headers ->> 'filename', ', ' order by headers ->> 'filename' collate \"C\") from items";
    platform.wait_for_sql(names, "CrashContext.runtime-xml, Shop.log, UEMinidump.dmp")?;

    row(&path, "CR1 is not all it takes", 200, Answer::Uuid).hold(&platform)?;
    platform.stores(2)?;
    platform.wait_for_sql("select count(*) from items where headers ->> 'attachment_type' = 'unreal.report'", "1")
}

fn a_broken_dump(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/minidump/?sentry_key={}", shop.id, shop.key);
    all_hold(&platform, vec![row(&path, &LINUX[..50], 200, Answer::Uuid)])?;
    platform.stores(1)?;
    let event = latest(&platform, &shop)?;
    let exception = &entry(&event, "exception")?["values"][0];
    ensure!(exception["type"] == "Minidump" && exception["value"] == "Invalid Minidump", "{exception:#}");
    let error = &event["errors"][0];
    let reason = error["data"]["reason"].as_str().unwrap_or_default();
    ensure!(error["data"]["name"] == "minidump" && reason.starts_with("it is no minidump"), "{}", event["errors"]);
    platform.wait_for_sql("select count(*) from items where kind = 'attachment'", "1")?;

    // A form without a dump says something about nothing.
    let lone = "{}\n{\"type\":\"form_data\"}\n[[\"guid\",\"7\"]]\n";
    let envelope = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    row(&envelope, lone, 200, Answer::Anything).hold(&platform)?;
    let counted = "select quantity from outcomes where reason = 'no_event_payload'";
    platform.wait_for_sql(counted, "1")
}

fn without_files(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    platform.sql(&format!(
        "insert into quotas (project_id, categories, most, window_seconds, reason) values ({}, '{{attachment}}', 0, 604800, 'story')",
        shop.id
    ))?;
    let dump = large_dump();
    posts(&platform, &shop, &[part("name=\"upload_file_minidump\"; filename=\"a.dmp\"", &dump)])?;
    platform.stores(1)?;
    ensure!(latest(&platform, &shop)?["title"] == TITLE, "the dump was read");
    ensure!(platform.sql("select count(*) from items")? == "0", "and not kept");
    platform.wait_for_sql(OUTCOMES, &format!("attachment 2 story {}, error 0 1", dump.len()))
}
