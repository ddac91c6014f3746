//! Every way to send that SDKs of fourteen years know, and every answer they expect: one row each, on one platform.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, SOON, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_sender_may_name_itself_in_one_of_many_ways", run: a_sender_may_name_itself_in_one_of_many_ways },
    Story { name: "a_body_may_be_packed_in_many_ways", run: a_body_may_be_packed_in_many_ways },
    Story { name: "a_bomb_of_10_gb_costs_little_and_is_answered_413", run: a_bomb_costs_little },
    Story { name: "an_envelope_is_read_to_the_byte", run: an_envelope_is_read_to_the_byte },
    Story { name: "a_browser_may_send_from_everywhere", run: a_browser_may_send_from_everywhere },
    Story { name: "what_an_old_sdk_wrote_is_stored_whole", run: what_an_old_sdk_wrote_is_stored_whole },
];

const EVENT: &str = r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hi"}"#;
const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";
const UNKNOWN: &str = "00000000000000000000000000000000";

/// A request and what it must be answered.
pub struct Row {
    method: Method,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    answer: Answer,
}

/// What an answer's body must be.
pub enum Answer {
    Exactly(String),
    /// An id, whichever.
    SomeId,
    /// A JSON error with this detail, and a first cause that contains the second text.
    Refusal(&'static str, &'static str),
    /// An id with hyphens, as plain text.
    Uuid,
    /// Plain text that contains this.
    Text(&'static str),
    Anything,
}

pub fn row(path: &str, body: impl Into<Vec<u8>>, status: u16, answer: Answer) -> Row {
    Row { method: Method::POST, path: path.to_owned(), headers: Vec::new(), body: body.into(), status, answer }
}

impl Row {
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Row {
        self.headers.push((name, value.into()));
        self
    }

    pub fn method(mut self, method: Method) -> Row {
        self.method = method;
        self
    }

    pub fn answered(mut self, status: u16) -> Row {
        self.status = status;
        self
    }

    fn send(&self, platform: &Platform) -> Result<Response> {
        let request = platform
            .client
            .request(self.method.clone(), format!("{}{}", platform.url, self.path))
            .body(self.body.clone());
        Ok(self.headers.iter().fold(request, |request, (name, value)| request.header(*name, value)).send()?)
    }

    pub fn hold(&self, platform: &Platform) -> Result<()> {
        let answer = self.send(platform)?;
        let status = answer.status().as_u16();
        let said = answer.headers().get("x-sentry-error").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let text = answer.text()?;
        let sent =
            || format!("{} {} {:?} {:?}", self.method, self.path, self.headers, String::from_utf8_lossy(&self.body));
        ensure!(status == self.status, "{} was answered {status} {text}, not {}", sent(), self.status);
        let parsed =
            || serde_json::from_str::<Value>(&text).with_context(|| format!("{} was answered {text:?}", sent()));
        match &self.answer {
            Answer::Exactly(expected) => {
                ensure!(text == *expected, "{} was answered {text:?}, not {expected:?}", sent());
            }
            Answer::SomeId => ensure!(parsed()?["id"].as_str().is_some_and(|id| id.len() == 32), "{}: {text}", sent()),
            Answer::Refusal(detail, cause) => {
                let answer = parsed()?;
                let caused = answer["causes"][0].as_str().unwrap_or_default();
                ensure!(answer["detail"] == *detail && caused.contains(cause), "{} was answered {text}", sent());
                ensure!(said.as_deref() == Some(detail), "{}: the header says {said:?}", sent());
            }
            Answer::Text(part) => ensure!(text.contains(part) && parsed().is_err(), "{} was answered {text:?}", sent()),
            Answer::Uuid => {
                ensure!(text.len() == 36 && text.parse::<uuid::Uuid>().is_ok(), "{} was answered {text:?}", sent());
            }
            Answer::Anything => (),
        }
        Ok(())
    }
}

pub fn all_hold(platform: &Platform, rows: Vec<Row>) -> Result<()> {
    rows.into_iter().try_for_each(|row| row.hold(platform))
}

pub fn id(id: &str) -> Answer {
    Answer::Exactly(json!({"id": id}).to_string())
}

fn nothing() -> Answer {
    Answer::Exactly("{}".to_owned())
}

pub fn sentry(project: &Project) -> String {
    format!("Sentry sentry_version=7, sentry_client=story/1.0, sentry_key={}", project.key)
}

fn a_sender_may_name_itself_in_one_of_many_ways(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other) = (platform.project("shop")?, platform.project("other")?);
    let store = format!("/api/{}/store/", shop.id);
    let query = format!("?sentry_key={}&sentry_version=7&sentry_client=raven-js%2F3.27.2", shop.key);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:", shop.key)));
    let sent = |path: &str| row(path, EVENT, 200, id(ID));
    let refused = |status, detail| row(&store, EVENT, status, Answer::Refusal(detail, ""));
    let missing = "missing authorization information";
    let forbidden = "event submission rejected with_reason: ProjectId";
    all_hold(
        &platform,
        vec![
            sent(&store).with("X-Sentry-Auth", sentry(&shop)),
            sent(&store).with("X-Sentry-Auth", sentry(&shop).replace("Sentry ", "SENTRY  ")),
            sent(&store).with("X-Sentry-Auth", format!("{}, sentry_secret=abc, sentry_timestamp=1", sentry(&shop))),
            sent(&store).with("Authorization", sentry(&shop)),
            sent(&store).with("Authorization", basic.clone()),
            sent(&format!("{store}{query}")),
            sent(&format!("{store}{query}")).with("Authorization", "Bearer of nothing"),
            sent(&format!("/api/{}/store", shop.id)).with("X-Sentry-Auth", sentry(&shop)),
            sent(&format!("//api//{}/store//", shop.id)).with("X-Sentry-Auth", sentry(&shop)),
            sent("/api/store/").with("X-Sentry-Auth", sentry(&shop)),
            sent("/api/store").with("X-Sentry-Auth", sentry(&shop)),
            sent(&store).with("X-Sentry-Auth", sentry(&shop).replace("=7", "=2.0")),
            sent(&store).with("X-Sentry-Auth", sentry(&shop).replace(&shop.key, &format!("{}.no-cache", shop.key))),
            refused(401, missing),
            refused(401, missing).with("Authorization", "Bearer of nothing"),
            refused(401, "multiple authorization payloads detected")
                .with("X-Sentry-Auth", sentry(&shop))
                .with("Authorization", basic),
            row(
                &format!("{store}{query}"),
                EVENT,
                401,
                Answer::Refusal("multiple authorization payloads detected", ""),
            )
            .with("X-Sentry-Auth", sentry(&shop)),
            refused(401, "bad x-sentry-auth header").with("X-Sentry-Auth", "Sentry sentry_version=7"),
            row(&format!("{store}?sentry_version=7"), EVENT, 401, Answer::Refusal("bad x-sentry-auth header", "")),
            refused(400, "unsupported protocol version (8)").with("X-Sentry-Auth", sentry(&shop).replace("=7", "=8")),
            refused(400, "bad sentry DSN public key").with("X-Sentry-Auth", "Sentry sentry_key=short"),
            row("/api/shop/store/", EVENT, 400, Answer::Refusal("bad project path parameter", ""))
                .with("X-Sentry-Auth", sentry(&shop)),
            refused(403, forbidden).with("X-Sentry-Auth", sentry(&shop).replace(&shop.key, UNKNOWN)),
            refused(403, forbidden).with("X-Sentry-Auth", sentry(&other)),
        ],
    )?;
    platform.sql(&format!("update project_keys set is_active = false where public_key = '{}'", other.key))?;
    let refused = row("/api/store/", EVENT, 403, Answer::Refusal(forbidden, "")).with("X-Sentry-Auth", sentry(&other));
    harness::net::wait_for("the key to be forgotten", SOON, || refused.hold(&platform).is_ok())?;
    platform.wait_for_sql(&format!("select count(*) from events where project_id = {}", shop.id), "1")
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn zlib(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

fn a_body_may_be_packed_in_many_ways(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/store/?sentry_key={}", shop.id, shop.key);
    let sent = |body: &[u8], encoding: &str| row(&path, body, 200, id(ID)).with("Content-Encoding", encoding);
    let plain = EVENT.as_bytes();
    let refused = |body: &[u8], status, detail, cause| row(&path, body, status, Answer::Refusal(detail, cause));
    let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
    raw.write_all(plain)?;
    let large = vec![b' '; (1 << 20) + 1];
    all_hold(
        &platform,
        vec![
            sent(plain, "identity"),
            sent(plain, ""),
            sent(plain, "UTF-8"),
            sent(&gzip(plain)?, "gzip"),
            sent(&zlib(plain)?, "deflate"),
            sent(&gzip(&zlib(plain)?)?, "deflate, gzip"),
            sent(BASE64_STANDARD.encode(zlib(plain)?).as_bytes(), "").with("Content-Type", "application/octet-stream"),
            sent(BASE64_STANDARD.encode(plain).as_bytes(), ""),
            sent(plain, "").with("Content-Type", "text/plain;charset=UTF-8"),
            sent(EVENT.replace("\"hi\"", "[NaN, -Infinity]").as_bytes(), ""),
            row(&path, r#"{"message":"without an id"}"#, 200, Answer::SomeId),
            sent(EVENT.replace(ID, "9EC79C33-EC99-42AB-8353-589FCB2E04DC").as_bytes(), ""),
            sent(format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{EVENT}").as_bytes(), "")
                .with("Content-Type", "application/x-sentry-envelope"),
            refused(b"", 400, "empty request body", ""),
            refused(b" \n", 400, "empty request body", ""),
            refused(b"{\"message\": oops", 400, "invalid JSON data", "expected value"),
            refused(b"{\"event_id\":\"oops\"}", 400, "invalid JSON data", "expected an event identifier"),
            refused(b"[{}]", 400, "invalid request body", "Invalid symbol"),
            refused(b"no base64!", 400, "invalid request body", "Invalid symbol"),
            refused(b"aGVsbG8=", 400, "invalid request body", "corrupt deflate stream"),
            refused(plain, 415, "unsupported content encoding \"rot13\"", "").with("Content-Encoding", "rot13"),
            row(&path, plain, 400, Answer::Text("could not be read")).with("Content-Encoding", "gzip"),
            row(&path, raw.finish()?, 400, Answer::Text("could not be read")).with("Content-Encoding", "deflate"),
            row(&path, large.clone(), 413, Answer::Text("larger than 1048576 bytes")),
            row(&path, gzip(&large)?, 413, Answer::Text("larger than 1048576 bytes")).with("Content-Encoding", "gzip"),
            row(
                &path,
                BASE64_STANDARD.encode(zlib(&large)?),
                413,
                Answer::Refusal("invalid request body", "too large"),
            ),
        ],
    )
}

/// The most memory a process ever had, in bytes.
fn peak(pid: i32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim_end_matches("kB").trim().parse::<u64>()? << 10)
}

fn a_bomb_costs_little(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    // Each stream is a megabyte of nothing in a kilobyte; gzip lets them follow one another.
    let bomb = gzip(&vec![b' '; 1 << 20])?.repeat(10_000);
    let before = peak(platform.web.pid()?)?;
    for path in ["envelope", "store", "minidump"] {
        let path = format!("/api/{}/{path}/?sentry_key={}", shop.id, shop.key);
        let refused = row(&path, bomb.clone(), 413, Answer::Text("larger than")).with("Content-Encoding", "gzip");
        refused.hold(&platform)?;
        row(&path, gzip(&bomb)?, 413, Answer::Text("larger than"))
            .with("Content-Encoding", "gzip, gzip")
            .hold(&platform)?;
    }
    let cost = peak(platform.web.pid()?)? - before;
    ensure!(cost < 64 << 20, "it cost {} MB", cost >> 20);
    Ok(())
}

fn an_envelope_is_read_to_the_byte(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let (shop, other) = (platform.project("shop")?, platform.project("other")?);
    let path = format!("/api/{}/envelope/", shop.id);
    let authorised = format!("{path}?sentry_key={}", shop.key);
    let sent = |body: &str, answer| row(&authorised, body, 200, answer);
    let bad = |body: &str, cause| row(&authorised, body, 400, Answer::Refusal("invalid event envelope", cause));
    let header = json!({"event_id": ID}).to_string();
    let dsn = |dsn: &str| format!("{}\n{{\"type\":\"event\"}}\n{EVENT}\n", json!({"dsn": dsn}));
    all_hold(
        &platform,
        vec![
            sent("{}", nothing()),
            sent("{}\n", nothing()),
            sent(&header, id(ID)),
            sent(&format!("{header}\n{{\"type\":\"event\"}}\n{EVENT}"), id(ID)),
            sent(&format!("{{}}\n\n\n{{\"type\":\"event\",\"length\":{}}}\n{EVENT}\n", EVENT.len()), id(ID)),
            sent(&format!("{{}}\n{{\"type\":\"event\"}}\n{EVENT}\n\n"), id(ID)),
            sent(&format!("{header}\n{{\"type\":\"event\"}}\n{{\"message\": oops"), id(ID)),
            sent("{}\n{\"type\":\"event\"}\n{}", Answer::SomeId),
            sent("{}\n{\"type\":\"session\",\"length\":0}\n\n{\"type\":\"from_the_future\",\"x\":1}\n???", nothing()),
            sent(
                &format!(
                    "{header}\n{{\"type\":\"attachment\",\"length\":5}}\na\nb\nc\n{{\"type\":\"client_report\"}}\n{{}}"
                ),
                id(ID),
            ),
            sent(&dsn(&shop.dsn), id(ID)),
            row(&path, dsn(&shop.dsn), 200, id(ID)).with("Content-Type", "text/plain;charset=UTF-8"),
            row(&path, dsn(&shop.dsn), 200, id(ID)).with("X-Sentry-Auth", sentry(&shop)),
            row(path.trim_end_matches('/'), dsn(&shop.dsn), 200, id(ID)),
            row(&path, "{}\n", 401, Answer::Refusal("bad envelope authentication header", "")),
            row(&path, dsn("no dsn"), 401, Answer::Refusal("bad envelope authentication header", "")),
            row(&path, "", 401, Answer::Refusal("missing authorization information", "")),
            row(&path, dsn(&other.dsn), 403, Answer::Refusal("event submission rejected with_reason: ProjectId", "")),
            row(&authorised, "", 400, Answer::Refusal("empty request body", "")),
            bad(&dsn(&other.dsn), "project id header mismatch between envelope and request"),
            bad(&dsn(&shop.dsn.replace(&shop.key, UNKNOWN)), "public key header mismatch between envelope and request"),
            bad("no envelope", "invalid envelope header"),
            bad(&dsn("no dsn"), "invalid envelope header"),
            bad("{\"event_id\":\"oops\"}", "invalid envelope header"),
            bad("{\"sent_at\":\"yesterday\"}", "invalid envelope header"),
            bad("{}\r\n{\"type\":\"event\"}\r\n{}", "missing newline"),
            bad("{}\n{\"length\":2}\n{}", "invalid item header"),
            bad("{}\n{\"type\":\"event\",\"length\":3}\n{}", "unexpected end of file"),
            bad("{}\n{\"type\":\"event\",\"length\":1}\n{}", "missing newline"),
        ],
    )
}

fn a_browser_may_send_from_everywhere(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let zlib = BASE64_STANDARD.encode(zlib(EVENT.as_bytes())?);
    let escaped = zlib.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let picture = format!("/api/{}/store/?sentry_version=6&sentry_key={}&sentry_data={escaped}", shop.id, shop.key);
    let answer = row(&picture, "", 200, Answer::Anything).method(Method::GET).send(&platform)?;
    ensure!(answer.status() == 200 && answer.headers()["content-type"] == "image/gif", "answered {answer:?}");
    ensure!(answer.headers()["access-control-allow-origin"] == "*" && answer.bytes()?.starts_with(b"GIF89a"));

    for path in [format!("/api/{}/envelope/", shop.id), format!("/api/{}/store", shop.id), "/api/store/".to_owned()] {
        let preflight = row(&path, "", 200, Answer::Anything)
            .method(Method::OPTIONS)
            .with("Origin", "https://shop.example")
            .with("Access-Control-Request-Method", "POST")
            .with("Access-Control-Request-Headers", "x-sentry-auth");
        for asked in [preflight, row(&path, "", 200, Answer::Anything).method(Method::OPTIONS)] {
            let answer = asked.send(&platform)?;
            let header =
                |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            ensure!(answer.status() == 200 && header("access-control-allow-origin") == "*", "{path}: {answer:?}");
            ensure!(
                header("access-control-allow-methods") == "POST" && header("access-control-max-age") == "3600",
                "{answer:?}"
            );
            ensure!(header("access-control-allow-headers").contains("x-sentry-auth"), "{answer:?}");
        }
        let refused = row(&path, "", 405, Answer::Anything).method(Method::DELETE).send(&platform)?;
        ensure!(refused.status() == 405 && refused.headers()["allow"].to_str()?.contains("POST"), "{refused:?}");
    }
    let answer = row(&format!("/api/{}/envelope/", shop.id), "{}", 401, Answer::Anything)
        .with("Origin", "null")
        .send(&platform)?;
    for (name, value) in
        [("access-control-allow-origin", "*"), ("cross-origin-resource-policy", "cross-origin"), ("server", "picket")]
    {
        ensure!(answer.headers()[name] == value, "{name} is {:?}", answer.headers()[name]);
    }
    let exposed = answer.headers()["access-control-expose-headers"].to_str()?;
    ensure!(
        ["x-sentry-error", "x-sentry-rate-limits", "retry-after"].iter().all(|name| exposed.contains(name)),
        "{exposed}"
    );
    Ok(())
}

fn what_an_old_sdk_wrote_is_stored_whole(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let path = format!("/api/{}/store/?sentry_key={}", shop.id, shop.key);
    all_hold(
        &platform,
        vec![
            row(&path, r#"{"message":"not a number","extra":{"ratio":NaN,"most":-Infinity}}"#, 200, Answer::SomeId),
            row(&path, r#"{"message":"half a smile \ud83d","extra":{"whole":"\ud83d\ude00"}}"#, 200, Answer::SomeId),
        ],
    )?;
    platform.stores(2)?;
    platform
        .wait_for_sql("select count(*) from issues where title in ('not a number', 'half a smile \u{fffd}')", "2")?;
    platform.wait_for_sql("select count(*) from rejected_events", "0")
}
