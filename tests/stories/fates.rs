//! What becomes of every kind of item that an envelope may hold, as the protocol's table says.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use picket_platform::protocol::item::{self, Fate};
use serde_json::{Value, json};

use crate::{
    Story,
    edge::{Answer, row},
    platform::{Platform, Project, World, error},
};

pub const STORIES: &[Story] = &[
    Story { name: "every_kind_of_item_meets_the_fate_of_its_row", run: every_kind_meets_its_fate },
    Story { name: "traces_that_make_no_sense_are_counted_as_such", run: traces_that_make_no_sense },
];

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const TRACE: &str = "4c79f60c11214eb38604f4ae0781bfb2";
const SPAN: &str = "fa90fdead5f74052";
const OUTCOMES: &str = "select string_agg(concat_ws(' ', category, outcome, nullif(reason, ''), quantity), ', ' \
                        order by category, outcome, reason) from outcomes";

fn transaction() -> Value {
    json!({
        "type": "transaction", "transaction": "/cart", "start_timestamp": 1_700_000_000, "timestamp": 1_700_000_001,
        "contexts": {"trace": {"trace_id": TRACE, "span_id": SPAN}},
    })
}

fn span() -> Value {
    json!({
        "trace_id": TRACE, "span_id": SPAN, "name": "GET /", "status": "ok", "start_timestamp": 1_700_000_000,
        "end_timestamp": 1_700_000_001,
    })
}

/// A kind, what is sent of it, and what is counted: category, outcome and reason, quantity.
type Kind = (&'static str, Value, &'static [(&'static str, u64)]);

fn kinds() -> Vec<Kind> {
    let csp = json!({"csp-report": {"document-uri": "https://shop.example/", "effective-directive": "img-src", "blocked-uri": "data"}});
    let policy = json!({"csp": {"effective_directive": "img-src", "blocked_uri": "data"}, "message": "Blocked"});
    let nel = json!({"type": "network-error", "url": "https://shop.example/", "body": {"type": "tcp.reset"}});
    let wrote = json!({"contexts": {"feedback": {"message": "slow"}}});
    let now = picket_platform::app::now().to_rfc3339();
    let session = json!({"sid": TRACE, "init": true, "started": now, "attrs": {"release": "shop@1"}});
    let sessions = json!({"aggregates": [{"started": now, "exited": 3}], "attrs": {"release": "shop@1"}});
    let report = json!({"discarded_events": [{"reason": "sample_rate", "category": "replay", "quantity": 4}]});
    let check_in = json!({"monitor_slug": "backup", "status": "ok"});
    let nothing = || json!({});
    vec![
        ("event", error("Gone", "item"), &[("error 0", 1)]),
        ("transaction", transaction(), &[("transaction 0", 1)]),
        ("security", policy, &[("security 0", 1)]),
        ("raw_security", csp, &[("security 0", 1)]),
        ("feedback", wrote.clone(), &[("feedback 0", 1)]),
        ("user_report_v2", wrote, &[("feedback 0", 1)]),
        ("user_report", json!({"event_id": ID, "comments": "oops"}), &[("feedback 0", 1)]),
        ("attachment", nothing(), &[("attachment 0", 2)]),
        ("minidump", nothing(), &[("attachment 0", 2), ("error 0", 1)]),
        ("unreal_report", nothing(), &[("attachment 0", 2), ("error 0", 1)]),
        ("form_data", json!([["guid", "7"]]), &[("unknown 3 no_event_payload", 1)]),
        ("session", session, &[("session 0", 1)]),
        ("sessions", sessions, &[("session 0", 1)]),
        ("client_report", report, &[("replay 5 sample_rate", 4)]),
        ("check_in", check_in, &[("monitor 0", 1)]),
        ("span", json!({"items": [span()]}), &[("span 0", 1)]),
        ("nel", nel, &[("security 0", 1)]),
        ("profile", nothing(), &[("profile 3 feature_disabled", 1)]),
        ("profile_chunk", nothing(), &[("profile_chunk 3 feature_disabled", 1)]),
        ("profile_chunk_ui", nothing(), &[("profile_chunk 3 feature_disabled", 1)]),
        ("replay_event", nothing(), &[("replay 3 feature_disabled", 1)]),
        ("replay_recording", nothing(), &[("replay 3 feature_disabled", 1)]),
        ("replay_video", nothing(), &[("replay 3 feature_disabled", 1)]),
        ("log", nothing(), &[("log_item 3 feature_disabled", 1)]),
        ("trace_metric", nothing(), &[("trace_metric 3 feature_disabled", 1)]),
        ("statsd", nothing(), &[("metric_bucket 3 feature_disabled", 1)]),
        ("metric_buckets", nothing(), &[("metric_bucket 3 feature_disabled", 1)]),
    ]
}

fn sends(platform: &Platform, shop: &Project, header: &Value, payload: &Value) -> Result<()> {
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    row(&path, format!("{{}}\n{header}\n{payload}\n"), 200, Answer::Anything).hold(platform)
}

fn every_kind_meets_its_fate(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let sent = kinds();
    let known: BTreeSet<&str> =
        item::kinds().filter(|kind| kind.fate != Fate::Internal).map(|kind| kind.name).collect();
    let told: BTreeSet<&str> = sent.iter().map(|(name, ..)| *name).collect();
    ensure!(known == told, "every kind of the table has its row here: {known:?} {told:?}");
    let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, payload, counted) in &sent {
        let is_dropped = counted.iter().all(|(outcome, _)| outcome.ends_with("feature_disabled"));
        let fate = item::find(name).map(|kind| kind.fate);
        ensure!(is_dropped == (fate == Some(Fate::Dropped)), "{name} is {fate:?} in the table");
        sends(&platform, &shop, &json!({"type": name}), payload)?;
        for (outcome, quantity) in *counted {
            *expected.entry(outcome).or_default() += quantity;
        }
    }
    let expected: Vec<String> = expected.iter().map(|(outcome, quantity)| format!("{outcome} {quantity}")).collect();
    platform.wait_for_sql(OUTCOMES, &expected.join(", "))?;
    ensure!(
        platform.sql("select count(*) from events")? == "6",
        "event, two policies, a failed request and two crashes"
    );
    Ok(())
}

fn traces_that_make_no_sense(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let without = |name: &str| {
        let mut transaction = transaction();
        transaction[name] = Value::Null;
        transaction
    };
    let backwards = {
        let mut transaction = transaction();
        transaction["start_timestamp"] = 1_700_000_009.into();
        transaction
    };
    for payload in [transaction(), without("timestamp"), without("contexts"), backwards, json!("oops")] {
        sends(&platform, &shop, &json!({"type": "transaction"}), &payload)?;
    }
    let container = "application/vnd.sentry.items.span.v2+json";
    let header = json!({"type": "span", "item_count": 3, "content_type": container});
    sends(&platform, &shop, &header, &json!({"items": [span(), span(), {"name": "GET /"}]}))?;
    let expected = "span 0 2, span 3 invalid_span 1, transaction 0 1, transaction 3 invalid_json 1, \
                    transaction 3 invalid_transaction 3";
    platform.wait_for_sql(OUTCOMES, expected)
}
