//! What SDKs send, and what they are answered.

use std::io::Write;

use anyhow::{Result, ensure};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "an_event_becomes_an_issue_that_counts", run: an_event_becomes_an_issue_that_counts },
    Story { name: "a_store_request_of_an_old_sdk_is_taken", run: a_store_request_of_an_old_sdk_is_taken },
    Story { name: "a_refused_sender_is_told_why", run: a_refused_sender_is_told_why },
    Story { name: "an_event_sent_twice_is_stored_once", run: an_event_sent_twice_is_stored_once },
    Story { name: "a_broken_event_is_kept_with_its_reason", run: a_broken_event_is_kept_with_its_reason },
    Story { name: "a_clock_that_is_a_year_behind_is_put_right", run: a_clock_that_is_a_year_behind_is_put_right },
    Story { name: "an_address_left_to_us_is_the_clients", run: an_address_left_to_us_is_the_clients },
    Story {
        name: "a_message_of_another_version_is_kept_with_its_reason",
        run: another_version_is_kept_with_its_reason,
    },
    Story { name: "a_gzipped_event_waits_as_small_as_it_came", run: a_gzipped_event_waits_as_small_as_it_came },
    Story { name: "items_not_kept_yet_do_not_fail_their_envelope", run: items_not_kept_yet_do_not_fail_their_envelope },
];

fn an_event_becomes_an_issue_that_counts(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    for item in 0..3 {
        platform.receives(&project, &error("Gone", &format!("item {item}")))?;
    }
    platform.receives(&project, &error("Refused", "card"))?;
    platform.stores(4)?;

    let issues = platform.api("/projects/acme/shop/issues/")?;
    let mut told: Vec<(&str, &str)> = issues
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|issue| Some((issue["metadata"]["type"].as_str()?, issue["count"].as_str()?)))
        .collect();
    told.sort_unstable();
    ensure!(told == [("Gone", "3"), ("Refused", "1")], "the issues are {issues:#}");
    Ok(())
}

fn a_store_request_of_an_old_sdk_is_taken(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let answer = platform
        .client
        .post(format!("{}/api/{}/store/?sentry_version=7&sentry_key={}", platform.url, project.id, project.key))
        .body(json!({"message": "Hello from 2012", "level": "warning"}).to_string())
        .send()?;
    ensure!(answer.status() == 200, "answered {}", answer.status());
    let id = answer.json::<Value>()?["id"].as_str().unwrap_or_default().to_owned();
    ensure!(id.len() == 32, "an id is made for an event without one, got {id:?}");

    let issue = platform.only_issue(&project)?;
    ensure!(issue["title"] == "Hello from 2012" && issue["level"] == "warning", "the issue is {issue:#}");
    let event = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    ensure!(event["groupID"] == issue["id"] && event["eventID"] == id.as_str(), "the event is {event:#}");
    Ok(())
}

fn a_refused_sender_is_told_why(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let other = platform.project("other")?;
    let envelope = |project: i64, auth: Option<&str>, encoding: &str, body: &'static str| {
        let request = platform.client.post(format!("{}/api/{project}/envelope/", platform.url)).body(body);
        let request = if encoding.is_empty() { request } else { request.header("Content-Encoding", encoding) };
        match auth {
            Some(key) => request.header("X-Sentry-Auth", format!("Sentry sentry_key={key}")).send(),
            None => request.send(),
        }
    };
    let key = Some(project.key.as_str());
    let unknown = Some("00000000000000000000000000000000");
    let cases = [
        (envelope(project.id, None, "", "{}\n")?, 401, "bad envelope authentication header"),
        (envelope(project.id, unknown, "", "{}\n")?, 403, "event submission rejected with_reason: ProjectId"),
        (envelope(other.id, key, "", "{}\n")?, 403, "event submission rejected with_reason: ProjectId"),
        (envelope(project.id, key, "", "")?, 400, "empty request body"),
        (envelope(project.id, key, "", "no envelope")?, 400, "invalid event envelope"),
        (envelope(project.id, key, "rot13", "{}\n")?, 415, "unsupported content encoding \"rot13\""),
    ];
    for (answer, status, detail) in cases {
        let got = answer.status().as_u16();
        let header = answer.headers().get("x-sentry-error").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body: Value = answer.json()?;
        ensure!(got == status && body["detail"] == detail, "expected {status} {detail}, got {got} {body}");
        ensure!(header.as_deref() == Some(detail), "the reason stands in a header too, got {header:?}");
    }
    Ok(())
}

fn an_event_sent_twice_is_stored_once(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let event = error("Gone", "item");
    for _ in 0..3 {
        platform.receives(&project, &event)?;
    }
    platform.receives(&project, &error("Refused", "card"))?;
    platform.wait_for_sql("select count(*) from issues where title like 'Refused%'", "1")?;
    ensure!(platform.sql("select count(*), sum(times_seen) from events, issues where issue_id = issues.id")? == "2|2");
    Ok(())
}

fn a_broken_event_is_kept_with_its_reason(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let body = "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{\"message\": oops\n";
    let answer = platform
        .client
        .post(format!("{}/api/{}/envelope/?sentry_key={}", platform.url, project.id, project.key))
        .body(body)
        .send()?;
    ensure!(answer.status() == 200, "Sentry takes it too, and so SDKs do not send it again; got {}", answer.status());
    platform.receives(&project, &error("Gone", "in the same batch"))?;
    platform.stores(1)?;
    platform.wait_for_sql(
        "select count(*) from rejected_events where reason like 'invalid JSON data: expected value%'",
        "1",
    )
}

fn a_clock_that_is_a_year_behind_is_put_right(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let now: f64 = platform.sql("select extract(epoch from now())")?.parse()?;
    let behind = now - 365.0 * 86_400.0;
    let mut event = error("Gone", "umbrella");
    event["timestamp"] = json!(behind - 10.0);
    let sent_at = platform.sql(&format!("select to_json(to_timestamp({behind})) #>> '{{}}'"))?;
    let header = json!({"event_id": event["event_id"], "sent_at": sent_at});
    let body = format!("{header}\n{}\n{event}\n", json!({"type": "event"}));
    let answer = platform.envelope(&project, &event).body(body).send()?;
    ensure!(answer.status() == 200, "answered {}", answer.status());
    platform.stores(1)?;
    let off = "select abs(extract(epoch from received_at - occurred_at) - 10) < 1 from events";
    ensure!(platform.sql(off)? == "t", "ten seconds before it was sent is ten seconds before it came");
    Ok(())
}

fn an_address_left_to_us_is_the_clients(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let cases = [(None, "127.0.0.1"), (Some("203.0.113.9, 198.51.100.2"), "203.0.113.9")];
    for (at, (forwarded, expected)) in cases.into_iter().enumerate() {
        let mut event = error("Gone", "umbrella");
        event["user"] = json!({"ip_address": "{{auto}}"});
        let request = platform.envelope(&project, &event);
        let request = forwarded.into_iter().fold(request, |request, list| request.header("X-Forwarded-For", list));
        ensure!(request.send()?.status() == 200);
        platform.stores(at + 1)?;
        let id = event["event_id"].as_str().unwrap_or_default();
        let event = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
        ensure!(event["user"]["ip_address"] == expected, "the user is {:#}", event["user"]);
        ensure!(event["sdk"]["name"] == "story", "the client stands in the authentication alone: {:#}", event["sdk"]);
    }
    Ok(())
}

fn another_version_is_kept_with_its_reason(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.redis.command(&["xadd", "picket:events", "*", "m", "\u{1}of a version long gone"])?;
    platform.receives(&project, &error("Gone", "umbrella"))?;
    platform.stores(1)?;
    let dead = platform.redis.command(&["xrange", "picket:events:dead", "-", "+"])?;
    ensure!(dead.contains("the message is of version 1, this worker reads"), "the dead letters are {dead:?}");
    Ok(())
}

fn a_gzipped_event_waits_as_small_as_it_came(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    platform.worker.stop();
    let mut event = error("Gone", "umbrella");
    event["extra"] = json!({"log": "the shelf is empty\n".repeat(500)});
    let envelope = format!("{}\n{}\n{event}\n", json!({"event_id": event["event_id"]}), json!({"type": "event"}));
    let mut packing = GzEncoder::new(Vec::new(), Compression::default());
    packing.write_all(envelope.as_bytes())?;
    let request = platform.envelope(&project, &event).header("Content-Encoding", "gzip").body(packing.finish()?);
    ensure!(request.send()?.status() == 200);
    let waiting: usize = platform.redis.command(&["memory", "usage", "picket:events"])?.parse()?;
    ensure!(waiting < envelope.len() / 2, "{} bytes take {waiting} in the queue", envelope.len());

    platform.worker.restart()?;
    platform.stores(1)?;
    let id = event["event_id"].as_str().unwrap_or_default();
    let stored = platform.api(&format!("/projects/acme/shop/events/{id}/"))?;
    ensure!(stored["context"] == event["extra"], "the extra data is {:#}", stored["context"]);
    Ok(())
}

fn items_not_kept_yet_do_not_fail_their_envelope(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let project = platform.project("shop")?;
    let event = error("Gone", "item");
    let body = format!(
        "{{\"dsn\":\"{}\"}}\n{{\"type\":\"from_the_future\"}}\n???\n{{\"type\":\"event\"}}\n{event}\n{{\"type\":\"session\",\"length\":2}}\n{{}}",
        project.dsn
    );
    let answer = platform.client.post(format!("{}/api/{}/envelope/", platform.url, project.id)).body(body).send()?;
    ensure!(answer.status() == 200, "the DSN in the envelope names the sender; got {}", answer.status());
    ensure!(answer.json::<Value>()?["id"] == event["event_id"]);
    platform.stores(1)
}
