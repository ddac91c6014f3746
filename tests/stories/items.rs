//! What SDKs and browsers send besides events: every endpoint, and that it is kept as it was sent, once.

use anyhow::{Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, all_hold, id, row, sentry},
    platform::{Platform, SOON, World, error},
};

pub const STORIES: &[Story] = &[
    Story {
        name: "what_an_envelope_holds_is_kept_beside_its_event",
        run: what_an_envelope_holds_is_kept_beside_its_event,
    },
    Story {
        name: "an_envelope_too_large_in_one_kind_is_refused_whole",
        run: an_envelope_too_large_in_one_kind_is_refused_whole,
    },
    Story { name: "every_endpoint_takes_what_it_is_for", run: every_endpoint_takes_what_it_is_for },
    Story { name: "a_native_crash_is_kept_with_its_files", run: a_native_crash_is_kept_with_its_files },
    Story { name: "what_became_of_everything_is_counted", run: what_became_of_everything_is_counted },
];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const SOME_UUID: Answer = Answer::Uuid;

/// Headers and body of each item of a kind, as text.
pub fn kept(platform: &Platform, kind: &str) -> Result<Vec<String>> {
    let rows = platform.sql(&format!(
        "select coalesce(json_agg(json_build_array(headers, encode(body, 'base64'))), '[]') from items where kind = '{kind}'"
    ))?;
    let rows: Vec<(Value, String)> = serde_json::from_str(&rows)?;
    let text = |(headers, body): (Value, String)| {
        let body = BASE64_STANDARD.decode(body.replace('\n', ""))?;
        Ok(format!("{headers}\n{}", String::from_utf8_lossy(&zstd::decode_all(&body[..])?)))
    };
    rows.into_iter().map(text).collect()
}

fn what_an_envelope_holds_is_kept_beside_its_event(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let mut event = error("Gone", "item");
    event["event_id"] = ID.into();
    let items: [(Value, String); 14] = [
        (json!({"type": "event"}), event.to_string()),
        (json!({"type": "event"}), error("Gone", "a second event").to_string()),
        (json!({"type": "attachment", "length": 5, "filename": "a\u{0}.txt"}), "a\nb\nc".into()),
        (json!({"type": "user_report"}), json!({"event_id": ID, "comments": "oops"}).to_string()),
        (json!({"type": "session"}), json!({"init": true, "status": "ok"}).to_string()),
        (json!({"type": "sessions"}), json!({"aggregates": []}).to_string()),
        (json!({"type": "check_in"}), json!({"status": "ok"}).to_string()),
        (json!({"type": "client_report"}), json!({"discarded_events": []}).to_string()),
        (
            json!({"type": "span", "item_count": 2, "content_type": "application/vnd.sentry.items.span.v2+json"}),
            "{}".into(),
        ),
        (json!({"type": "attachment", "length": 0}), String::new()),
        (json!({"type": "profile"}), "{}".into()),
        (json!({"type": "replay_event"}), "{}".into()),
        (json!({"type": "log", "item_count": 1}), "{}".into()),
        (json!({"type": "from_the_future"}), "???".into()),
    ];
    let items = items.iter().map(|(header, payload)| format!("{header}\n{payload}\n")).collect::<Vec<_>>().concat();
    let path = format!("/api/{}/envelope/", shop.id);
    let envelope =
        row(&path, format!("{{\"event_id\":\"{ID}\"}}\n{items}"), 200, id(ID)).with("X-Sentry-Auth", sentry(&shop));
    envelope.hold(&platform)?;
    platform.stores(1)?;
    let kept = "select string_agg(kind || coalesce('=' || (event_id is not null), ''), ' ' order by kind, octet_length(body)) from items";
    let expected = "attachment=true attachment=true check_in=false client_report=false session=false sessions=false span=false user_report=true";
    platform.wait_for_sql(kept, expected)?;
    let names = platform.sql("select count(*) from items where position('\\u0000.txt' in headers::text) > 0")?;
    ensure!(names == "1", "headers are kept whole");

    // A transaction is an event of its own kind, and feedback too.
    for kind in ["transaction", "feedback"] {
        let body = format!("{{}}\n{{\"type\":\"{kind}\"}}\n{{\"event_id\":\"{ID}\"}}\n");
        row(&path, body, 200, id(ID)).with("X-Sentry-Auth", sentry(&shop)).hold(&platform)?;
    }
    platform.wait_for_sql(
        "select count(*) from items where kind in ('transaction', 'feedback') and event_id is not null",
        "2",
    )?;
    platform.worker.kill_now();
    row(&path, "{}\n{\"type\":\"session\"}\n{}", 200, Answer::Anything)
        .with("X-Sentry-Auth", sentry(&shop))
        .hold(&platform)?;
    platform.worker.restart()?;
    platform.wait_for_sql("select count(*) from items", "11")
}

fn an_envelope_too_large_in_one_kind_is_refused_whole(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    let mib = "x".repeat(1 << 20);
    let large = |kind: &str, size: usize| format!("{{\"type\":\"{kind}\"}}\n{}\n", &mib[..size]);
    let header = format!("{{\"event_id\":\"{ID}\"}}\n");
    let refused = |body: String, detail| row(&path, format!("{header}{body}"), 413, Answer::Refusal(detail, ""));
    all_hold(
        &platform,
        vec![
            refused(large("event", 1 << 20) + &large("feedback", 1), "envelope exceeded size limits for type 'event'"),
            refused(
                large("client_report", 5_000) + &large("event", 2),
                "envelope exceeded size limits for type 'client_report'",
            ),
            refused(large("check_in", 200_000), "envelope exceeded size limits for type 'check_in'"),
            refused(large("session", 2).repeat(101), "envelope exceeded size limits for type 'session'"),
            row(&path, large("a", 1 << 20).repeat(20), 413, Answer::Text("larger than 20971520 bytes")),
            row(
                &path,
                "{}\n{\"type\":\"integration\"}\n{}",
                400,
                Answer::Refusal("envelope contains internal items", ""),
            ),
            row(&path, header.clone() + &large("attachment", 1 << 20).repeat(3), 200, id(ID)),
            row(&path, header.clone() + &large("session", 2).repeat(100), 200, id(ID)),
        ],
    )?;
    platform.wait_for_sql("select count(*) from items", "103")
}

fn every_endpoint_takes_what_it_is_for(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = |path: &str| format!("/api/{}/{path}?sentry_key={}", shop.id, shop.key);
    let in_path = |path: &str| format!("/api/{}/{path}/{}", shop.id, shop.key);
    let done = |status| move |path: &str, body: &str| row(path, body, status, Answer::Exactly(String::new()));
    let (taken, noted) = (done(200), done(202));
    let csp = r#"{"csp-report":{"document-uri":"https://shop.example/","violated-directive":"img-src"}}"#;
    let csp_type = "application/csp-report";
    let unauthorised = format!("/api/{}/security/", shop.id);
    all_hold(
        &platform,
        vec![
            taken(&(path("security/") + "&sentry_release=shop@1"), csp).with("Content-Type", csp_type),
            taken(&path("csp-report/"), csp).with("Content-Type", "application/json; charset=utf-8"),
            taken(&path("security"), "[{\"type\":\"csp-violation\"},{\"type\":\"csp-violation\"}]")
                .with("Content-Type", "application/reports+json"),
            taken(&path("nel/"), "[{\"type\":\"network-error\"},{}]").with("Content-Type", "application/reports+json"),
            row(&path("security/"), csp, 400, Answer::Refusal("mime parse error", "")),
            taken(&path("security/"), "").with("Content-Type", "text/html").answered(415),
            row(&path("security/"), "", 400, Answer::Refusal("empty request body", "")).with("Content-Type", csp_type),
            row(&path("nel/"), "{}", 400, Answer::Refusal("invalid JSON data", ""))
                .with("Content-Type", "application/json"),
            row(&unauthorised, csp, 401, Answer::Refusal("missing authorization information", ""))
                .with("Content-Type", csp_type),
            noted(&(path("cron/backup/") + "&status=in_progress"), "").method(Method::GET),
            noted(&(path("cron/backup") + "&status=ok"), ""),
            noted(&(in_path("cron/backup") + "/?status=on%20fire"), "").method(Method::GET),
            noted(&in_path("cron/backup"), "{\"status\":\"ok\",\"monitor_config\":{}}")
                .with("Content-Type", "application/json"),
            row(&path("cron/backup"), "", 400, Answer::Text("missing field `status`")),
            row(&path("cron/backup"), "{oops", 400, Answer::Text("invalid JSON data"))
                .with("Content-Type", "application/json"),
            row(
                &format!("/api/{}/cron/backup/short?status=ok", shop.id),
                "",
                400,
                Answer::Refusal("bad sentry DSN public key", ""),
            ),
            row(&(in_path("unreal") + "/?UserID=grace"), "CR1...", 200, SOME_UUID),
            row(&path("unreal/wrong/"), "CR1...", 401, Answer::Refusal("multiple authorization payloads detected", "")),
        ],
    )?;
    let kinds = "select string_agg(kind, ' ' order by kind) from (select kind || '=' || count(*) as kind from items group by items.kind) k";
    platform.wait_for_sql(kinds, "attachment=1 check_in=4")?;
    // The others say nothing that one could keep.
    platform.stores(3)
}

fn a_native_crash_is_kept_with_its_files(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/minidump/?sentry_key={}", shop.id, shop.key);
    let part = |head: &str, body: &str| format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{body}\r\n");
    let multipart = "multipart/form-data; boundary=b";
    let dump = part("name=\"upload_file_minidump\"; filename=\"a.dmp\"", "MDMP\0\0");
    let sentry = part("name=\"sentry\"", &format!("{{\"event_id\":\"{ID}\",\"release\":\"shop@1\"}}"));
    let log = part("name=\"log\"; filename=\"log.txt\"", "last words");
    let hyphenated = "9ec79c33-ec99-42ab-8353-589fcb2e04dc";
    let attachments = format!("/api/{}/events/{ID}/attachments/?sentry_key={}", shop.id, shop.key);
    all_hold(
        &platform,
        vec![
            row(&path, format!("{dump}{sentry}{log}--b--\r\n"), 200, Answer::Exactly(hyphenated.into()))
                .with("Content-Type", multipart),
            row(&path, "MDMP\0\0", 200, SOME_UUID).with("Content-Type", "application/octet-stream"),
            row(&path, "PMDM\0\0", 200, SOME_UUID),
            row(&path, "", 400, Answer::Refusal("empty request body", "")),
            row(&path, "GIF89a", 400, Answer::Refusal("invalid minidump", "")),
            row(&path, format!("{log}--b--\r\n"), 400, Answer::Refusal("missing minidump", ""))
                .with("Content-Type", multipart),
            row(&path, &dump.as_bytes()[..20], 400, Answer::Refusal("invalid multipart data", "incomplete"))
                .with("Content-Type", multipart),
            row(&attachments, format!("{log}--b--\r\n"), 201, Answer::Exactly(String::new()))
                .with("Content-Type", multipart),
            row(&attachments, "log", 400, Answer::Refusal("invalid multipart data", "no multipart")),
            row(&attachments.replace(ID, "oops"), "log", 400, Answer::Refusal("bad event id path parameter", "")),
        ],
    )?;
    let kept = format!(
        "select string_agg(kind || coalesce(' ' || (headers ->> 'filename'), ''), ', ' order by kind, headers ->> 'filename') \
         from items where event_id = '{ID}'"
    );
    let expected = "attachment a.dmp, attachment log.txt, attachment log.txt";
    harness::net::wait_for("the crash", SOON, || platform.sql(&kept).is_ok_and(|kept| kept == expected))?;
    platform.wait_for_sql("select count(*) from items where headers ->> 'attachment_type' = 'event.minidump'", "3")?;
    platform.stores(3)
}

fn what_became_of_everything_is_counted(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    let report = json!({
        "discarded_events": [{"reason": "queue_overflow", "category": "error", "quantity": 23}],
        "rate_limited_events": [{"reason": "backoff", "category": "session", "quantity": 2}],
    });
    let sent = |items: &[(Value, String)]| {
        let items = items.iter().map(|(header, payload)| format!("{header}\n{payload}\n")).collect::<Vec<_>>().concat();
        row(&path, format!("{{}}\n{items}"), 200, Answer::Anything)
    };
    let event = || (json!({"type": "event"}), error("Gone", "item").to_string());
    all_hold(
        &platform,
        vec![
            sent(&[event(), event(), (json!({"type": "attachment", "length": 10}), "0123456789".into())]),
            sent(&[(json!({"type": "event"}), "oops".into())]),
            sent(&[(json!({"type": "span", "item_count": 5}), "{}".into()), (json!({"type": "profile"}), "{}".into())]),
            sent(&[
                (json!({"type": "client_report"}), report.to_string()),
                (json!({"type": "from_the_future"}), "?".into()),
            ]),
            sent(&[(json!({"type": "check_in"}), "x".repeat(200_000))]).answered(413),
        ],
    )?;
    let counted = "select string_agg(concat_ws(' ', category, outcome, nullif(reason, ''), quantity), ', ' \
                   order by category, outcome, reason) from outcomes";
    let expected = [
        "attachment 0 10",
        "error 0 1",
        "error 3 duplicate_item 1",
        "error 3 payload 1",
        "error 5 queue_overflow 23",
        "monitor 3 too_large 1",
        "profile 3 feature_disabled 1",
        "session 2 backoff 2",
        "span 3 invalid_span 5",
        "unknown 3 unknown_item 1",
    ];
    platform.wait_for_sql(counted, &expected.join(", "))?;
    // What was counted but not yet added is added when a process ends.
    platform.receives(&shop, &error("Gone", "again"))?;
    platform.stores(2)?;
    platform.worker.stop();
    ensure!(platform.sql("select quantity from outcomes where category = 'error' and outcome = 0")? == "2");
    Ok(())
}
