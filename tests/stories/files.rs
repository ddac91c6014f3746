//! Files of events: where they lie, who may have them, and when they go.

use std::{fs, path::Path};

use anyhow::{Context, Result, ensure};
use harness::{net::wait_for, s3::S3};
use serde_json::Value;

use crate::{
    Story,
    platform::{LOOPBACK, Platform, Project, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_file_lies_in_the_file_store_and_goes_with_its_event", run: a_file_lies_in_the_file_store },
    Story { name: "a_file_may_come_before_its_event", run: a_file_may_come_before_its_event },
    Story { name: "where_there_is_no_file_store_files_are_kept_all_the_same", run: without_a_file_store },
    Story { name: "files_go_when_their_day_is_gone", run: files_go_when_their_day_is_gone },
    Story { name: "files_that_nothing_names_go_and_no_others", run: files_that_nothing_names_go },
    Story { name: "a_file_lies_in_a_bucket_and_goes_with_its_day", run: a_file_lies_in_a_bucket },
    Story { name: "while_the_bucket_is_away_nothing_is_lost", run: the_bucket_is_away },
];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

/// Sends an envelope of items with their headers.
fn send(platform: &Platform, shop: &Project, items: &[(&str, &[u8])]) -> Result<()> {
    let mut envelope = format!("{{\"event_id\":\"{ID}\"}}\n").into_bytes();
    for (header, payload) in items {
        envelope.extend(format!("{},\"length\":{}}}\n", header.trim_end_matches('}'), payload.len()).bytes());
        envelope.extend(*payload);
        envelope.push(b'\n');
    }
    let url = format!("{}/api/{}/envelope/?sentry_key={}", platform.url, shop.id, shop.key);
    let answer = platform.client.post(url).body(envelope).send()?;
    ensure!(answer.status() == 200, "the envelope was answered {}", answer.status());
    Ok(())
}

fn event() -> String {
    let mut event = error("Gone", "umbrella");
    event["event_id"] = ID.into();
    event.to_string()
}

/// All files below a folder.
fn files(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries.flatten().map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn listed(platform: &Platform) -> Result<Vec<Value>> {
    let listed = platform.api(&format!("/projects/acme/shop/events/{ID}/attachments/"))?;
    Ok(listed.as_array().context("a list")?.clone())
}

fn a_file_lies_in_the_file_store(world: &World) -> Result<()> {
    let folder = world.run.folder("bucket")?;
    let platform = Platform::start_set(world, &[("SENTRY_FILESTORE_DIR", &folder.display().to_string())])?;
    let shop = platform.project("shop")?;
    let screenshot: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let header = r#"{"type":"attachment","filename":"über \"all\".png","content_type":"image/png"}"#;
    let log = r#"{"type":"attachment","filename":"a.log"}"#;
    send(
        &platform,
        &shop,
        &[(r#"{"type":"event"}"#, event().as_bytes()), (header, &screenshot), (log, b"last words")],
    )?;
    platform.stores(1)?;
    platform.wait_for_sql("select count(*) from items", "2")?;
    let lies = "select string_agg(in_store || ' ' || size, ', ' order by size) from items";
    ensure!(platform.sql(lies)? == "false 10, true 400000", "{}", platform.sql(lies)?);
    ensure!(files(&folder.join("attachments")) == 1, "the large one is a file");

    let listed = listed(&platform)?;
    let large = listed.iter().find(|file| file["size"] == 400_000).context("the large one is listed")?;
    ensure!(large["name"] == "über \"all\".png" && large["mimetype"] == "image/png", "{large:#}");
    ensure!(large["sha1"].as_str().is_some_and(|sha1| sha1.len() == 40), "{large:#}");

    platform.sign_in()?;
    let id = large["id"].as_str().context("an id")?;
    let url = format!("{}/api/0/projects/acme/shop/events/{ID}/attachments/{id}/", platform.url);
    let answer = platform.client.get(format!("{url}?download=1")).send()?;
    let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(
        header("content-disposition").starts_with("attachment; filename=\"_ber _all_.png\";"),
        "saved, never shown"
    );
    ensure!(header("x-content-type-options") == "nosniff" && header("content-type") == "image/png");
    ensure!(answer.bytes()? == screenshot, "it comes back as it was sent");
    let issue = platform.only_issue(&shop)?;
    let page = platform.page(&format!("/acme/shop/issues/{}/", issue["id"].as_str().unwrap_or_default()))?;
    ensure!(page.contains("390.6 KB") && page.contains("a.log"), "the event's page lists both");

    let stranger = reqwest::blocking::Client::new();
    ensure!(stranger.get(format!("{url}?download=1")).send()?.status() == 401, "strangers get nothing");
    ensure!(platform.client.delete(&url).send()?.status() == 204, "it is deleted");
    ensure!(platform.client.get(&url).send()?.status() == 404, "it is gone");
    ensure!(files(&folder.join("attachments")) == 0, "and so is its file");
    Ok(())
}

fn a_file_may_come_before_its_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    send(&platform, &shop, &[(r#"{"type":"attachment","filename":"first.txt"}"#, b"early")])?;
    platform.wait_for_sql("select count(*) from items", "1")?;
    send(&platform, &shop, &[(r#"{"type":"event"}"#, event().as_bytes())])?;
    platform.stores(1)?;
    ensure!(listed(&platform)?[0]["name"] == "first.txt", "it belongs to the event");
    Ok(())
}

fn without_a_file_store(world: &World) -> Result<()> {
    let platform = Platform::start_set(world, &[("SENTRY_FILESTORE_DIR", "/proc/picket")])?;
    let shop = platform.project("shop")?;
    let dump = vec![7; 100_000];
    send(&platform, &shop, &[(r#"{"type":"attachment","filename":"a.dmp"}"#, &dump)])?;
    platform.wait_for_sql("select in_store || ' ' || size from items", "false 100000")?;
    let id = listed(&platform)?[0]["id"].as_str().context("an id")?.to_owned();
    platform.sign_in()?;
    let url = format!("{}/api/0/projects/acme/shop/events/{ID}/attachments/{id}/?download=1", platform.url);
    ensure!(platform.client.get(url).send()?.bytes()? == dump, "it comes back as it was sent");
    Ok(())
}

fn files_go_when_their_day_is_gone(world: &World) -> Result<()> {
    let folder = world.run.folder("bucket")?;
    let platform = Platform::start_set(world, &[("SENTRY_FILESTORE_DIR", &folder.display().to_string())])?;
    let shop = platform.project("shop")?;
    send(&platform, &shop, &[(r#"{"type":"attachment","filename":"today.bin"}"#, &[7; 10_000])])?;
    platform.wait_for_sql("select count(*) from items", "1")?;
    let old = folder.join("attachments/2020-02-29/1");
    fs::create_dir_all(&old)?;
    fs::write(old.join(uuid::Uuid::now_v7().simple().to_string()), "long ago")?;
    let mut cron = platform.command(&["run", "cron"]).spawn()?;
    let gone = wait_for("the old file to go", SOON, || files(&old) == 0);
    cron.kill()?;
    cron.wait()?;
    gone?;
    ensure!(files(&folder.join("attachments")) == 1, "the one of today stays");
    Ok(())
}

/// Makes everything that was received today five days old.
const FIVE_DAYS_AGO: &str = "
    select make_item_partition(current_date - 5);
    update items set received_on = current_date - 5, received_at = received_at - interval '5 days'";

fn files_that_nothing_names_go(world: &World) -> Result<()> {
    let folder = world.run.folder("bucket")?;
    let platform = Platform::start_set(world, &[("SENTRY_FILESTORE_DIR", &folder.display().to_string())])?;
    let shop = platform.project("shop")?;
    let file = (r#"{"type":"attachment","filename":"core.bin"}"#, &[7; 10_000][..]);
    send(&platform, &shop, &[(r#"{"type":"event"}"#, event().as_bytes()), file])?;
    platform.stores(1)?;
    platform.wait_for_sql("select count(*) from items", "1")?;
    let day = |ago: &str| Ok::<_, anyhow::Error>(folder.join("attachments").join(platform.sql(ago)?));
    let (today, old) = (day("select current_date")?, day("select current_date - 5")?);
    platform.sql(FIVE_DAYS_AGO)?;
    fs::rename(&today, &old)?;
    for day in [&today, &old] {
        let lost = day.join(shop.id.to_string()).join(uuid::Uuid::now_v7().simple().to_string());
        fs::create_dir_all(lost.parent().context("a folder")?)?;
        fs::write(lost, "web died before the queue had its item")?;
    }
    let cron = platform.one_more("cron", &[])?;
    wait_for("the lost file of five days ago to go", SOON, || files(&old) == 1)?;
    ensure!(files(&today) == 1, "what is young may still be in a queue");
    ensure!(
        platform.sql("select count(*) from items")? == "1" && !listed(&platform)?.is_empty(),
        "what is named stays"
    );

    let issue = platform.only_issue(&shop)?;
    let path = format!("/issues/{}/", issue["id"].as_str().unwrap_or_default());
    ensure!(platform.ask(reqwest::Method::DELETE, &path, &Value::Null)?.0 == 202, "the issue is deleted");
    platform.wait_for_sql("select count(*) from items", "0")?;
    cron.kill_now();
    platform.sql("delete from leases")?;
    cron.restart()?;
    wait_for("the file to follow its event", SOON, || files(&old) == 0)
}

/// A platform whose files go to a bucket of this server.
fn with_bucket<'w>(world: &'w World, s3: &S3) -> Result<Platform<'w>> {
    let settings = [
        ("SENTRY_FILESTORE_S3_BUCKET", "files"),
        ("SENTRY_FILESTORE_S3_ENDPOINT", s3.url.as_str()),
        ("SENTRY_FILESTORE_S3_ACCESS_KEY", s3.access_key),
        ("SENTRY_FILESTORE_S3_SECRET_KEY", s3.secret_key),
    ];
    Platform::start_set(world, &settings)
}

/// The content of the one file of the event.
fn download(platform: &Platform) -> Result<Vec<u8>> {
    let listed = listed(platform)?;
    let id = listed.first().and_then(|file| file["id"].as_str()).context("an id")?;
    platform.sign_in()?;
    let url = format!("{}/api/0/projects/acme/shop/events/{ID}/attachments/{id}/?download=1", platform.url);
    Ok(platform.client.get(url).send()?.bytes()?.to_vec())
}

fn a_file_lies_in_a_bucket(world: &World) -> Result<()> {
    let s3 = S3::start(&world.run, LOOPBACK)?;
    let bucket = s3.bucket("files")?;
    let platform = with_bucket(world, &s3)?;
    let shop = platform.project("shop")?;
    let dump: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let file = (r#"{"type":"attachment","filename":"core.dmp"}"#, &dump[..]);
    send(&platform, &shop, &[(r#"{"type":"event"}"#, event().as_bytes()), file])?;
    platform.wait_for_sql("select string_agg(in_store || ' ' || size, '') from items", "true 400000")?;
    ensure!(files(&bucket) == 1, "it is an object");
    ensure!(download(&platform)? == dump, "it comes back as it was sent");

    // Its day goes, and it goes with it.
    platform.sql("select make_item_partition(current_date - 5)")?;
    let day = platform.sql("select current_date - 40")?;
    let today = platform.sql("select current_date")?;
    fs::rename(bucket.join("attachments").join(today), bucket.join("attachments").join(day))?;
    let _cron = platform.one_more("cron", &[])?;
    wait_for("the object to go", SOON, || files(&bucket) == 0)
}

fn the_bucket_is_away(world: &World) -> Result<()> {
    let s3 = S3::start(&world.run, LOOPBACK)?;
    let bucket = s3.bucket("files")?;
    let platform = with_bucket(world, &s3)?;
    let shop = platform.project("shop")?;
    s3.stop();
    platform.worker.kill_now();
    let dump = vec![7; 100_000];
    let file = (r#"{"type":"attachment","filename":"core.dmp"}"#, &dump[..]);
    send(&platform, &shop, &[(r#"{"type":"event"}"#, event().as_bytes()), file])?;
    s3.restart()?;
    platform.worker.restart()?;
    platform.wait_for_sql("select string_agg(in_store || ' ' || size, '') from items", "true 100000")?;
    ensure!(files(&bucket) == 1 && download(&platform)? == dump, "the worker has tried again");
    platform.stores(1)?;

    // The worker finds it away, too: it is kept all the same.
    s3.stop();
    let other = (r#"{"type":"attachment","filename":"other.dmp"}"#, &dump[..]);
    send(&platform, &shop, &[other])?;
    platform.wait_for_sql(
        "select string_agg(in_store || ' ' || size, ', ' order by id) from items",
        "true 100000, false 100000",
    )
}
