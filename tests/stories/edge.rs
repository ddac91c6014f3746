//! What the edge makes of bodies: bombs cost little, and what old SDKs wrote is stored whole. The answers are in `protocol`.

use std::io::Write;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_STANDARD};
use flate2::{
    Compress, Compression, FlushCompress,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use reqwest::{Method, blocking::Response};
use serde_json::{Value, json};

use crate::{
    Story,
    platform::{Platform, Project, World},
};

pub const STORIES: &[Story] = &[
    Story { name: "a_bomb_of_10_gb_costs_little_and_is_answered_413", run: a_bomb_costs_little },
    Story { name: "a_bomb_costs_little_wherever_it_is_hidden", run: a_bomb_costs_little_wherever_it_is_hidden },
    Story {
        name: "what_robots_and_unwanted_addresses_send_is_answered_200_and_not_kept",
        run: what_robots_and_unwanted_addresses_send_is_not_kept,
    },
    Story { name: "what_an_old_sdk_wrote_is_stored_whole", run: what_an_old_sdk_wrote_is_stored_whole },
];

pub const EVENT: &str = r#"{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hi"}"#;
pub const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

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

pub fn sentry(project: &Project) -> String {
    format!("Sentry sentry_version=7, sentry_client=story/1.0, sentry_key={}", project.key)
}

pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub fn zlib(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub fn raw_deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    encoder.write_all(bytes)?;
    Ok(encoder.into_inner())
}

pub fn zstd(bytes: &[u8]) -> Result<Vec<u8>> {
    Ok(zstd::encode_all(bytes, 3)?)
}

/// The most memory a process ever had, in bytes.
pub fn peak(pid: i32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(line.trim_end_matches("kB").trim().parse::<u64>()? << 10)
}

/// Ten thousand times a megabyte of nothing.
const TIMES: usize = 10_000;

fn a_bomb_costs_little(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    // Each stream is a megabyte of nothing in a kilobyte; gzip lets them follow one another.
    let bomb = gzip(&vec![b' '; 1 << 20])?.repeat(TIMES);
    ensure!(bomb.len() > 9 << 20, "it has {} bytes", bomb.len());
    let before = peak(platform.web.pid()?)?;
    for path in ["envelope", "store", "minidump"] {
        let path = format!("/api/{}/{path}/?sentry_key={}", shop.id, shop.key);
        let refused = row(&path, bomb.clone(), 413, Answer::Text("larger than")).with("Content-Encoding", "gzip");
        refused.hold(&platform)?;
    }
    costs_little(&platform, before)
}

fn a_bomb_costs_little_wherever_it_is_hidden(world: &World) -> Result<()> {
    let nothing = vec![b' '; 1 << 20];
    let in_gzip = gzip(&nothing)?.repeat(TIMES);
    let in_zstd = zstd(&nothing)?.repeat(TIMES);
    let mut deflate = Compress::new(Compression::best(), true);
    let in_zlib = again_and_again(|| {
        let mut part = Vec::with_capacity(1 << 16);
        deflate.compress_vec(&nothing, &mut part, FlushCompress::Full)?;
        Ok(part)
    })?;
    let mut encoder = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22);
    let in_brotli = again_and_again(|| {
        encoder.write_all(&nothing)?;
        encoder.flush()?;
        Ok(std::mem::take(encoder.get_mut()))
    })?;
    let bombs = [
        ("gzip, gzip", gzip(&in_gzip)?),
        ("deflate, br", brotli(&in_zlib)?),
        ("br, deflate, zstd", zstd(&zlib(&in_brotli)?)?),
        ("zstd", in_zstd.clone()),
        ("deflate", in_zlib.clone()),
        ("br", in_brotli),
    ];
    for (encoding, bomb) in bombs {
        for path in ["envelope", "minidump"] {
            let refused = |path: &str| row(path, bomb.clone(), 413, Answer::Text("larger than"));
            costs_little_alone(world, path, |path| refused(path).with("Content-Encoding", encoding))?;
        }
    }
    // Inside of base64, as old SDKs pack a body.
    let hidden = BASE64_STANDARD.encode(&in_zlib[..700 << 10]);
    let too_large = Answer::Refusal("invalid request body", "too large");
    costs_little_alone(world, "store", |path| row(path, hidden, 413, too_large))?;
    // A dump that is packed itself, alone and in a form.
    for bomb in [&in_gzip[..], &in_zstd] {
        let refused = |path: &str, body: &[u8]| row(path, body, 413, Answer::Text("larger than"));
        costs_little_alone(world, "minidump", |path| refused(path, bomb))?;
        let head = "--b\r\nContent-Disposition: form-data; name=\"upload_file_minidump\"; filename=\"a.dmp\"\r\n\r\n";
        let form = [head.as_bytes(), bomb, b"\r\n--b--\r\n"].concat();
        let form_type = ("Content-Type", "multipart/form-data; boundary=b");
        costs_little_alone(world, "minidump", |path| refused(path, &form).with(form_type.0, form_type.1))?;
    }
    Ok(())
}

/// To a web that has seen nothing else: what its allocator keeps of one bomb is not the cost of the next.
fn costs_little_alone(world: &World, path: &str, refused: impl FnOnce(&str) -> Row) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let before = peak(platform.web.pid()?)?;
    refused(&format!("/api/{}/{path}/?sentry_key={}", shop.id, shop.key)).hold(&platform)?;
    costs_little(&platform, before)
}

/// A stream of which every part after the first is the same.
fn again_and_again(mut part: impl FnMut() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    let (first, second) = (part()?, part()?);
    ensure!(second == part()?, "a part depends on those before it");
    Ok([first, second.repeat(TIMES)].concat())
}

fn costs_little(platform: &Platform, before: u64) -> Result<()> {
    let cost = peak(platform.web.pid()?)? - before;
    ensure!(cost < 64 << 20, "it cost {} MB", cost >> 20);
    Ok(())
}

fn what_robots_and_unwanted_addresses_send_is_not_kept(world: &World) -> Result<()> {
    let platform = Platform::start(world)?;
    let shop = platform.project("shop")?;
    let options = json!({"options": {"filters:blacklisted_ips": "192.0.2.0/24\n2001:db8::7"}});
    let (status, answer) = platform.ask(Method::PUT, "/projects/acme/shop/", &options)?;
    ensure!(status == 200, "answered {status}: {answer}");
    let path = format!("/api/{}/envelope/?sentry_key={}", shop.id, shop.key);
    let sent =
        |item: &str| row(&path, format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"{item}\"}}\n{{}}"), 200, id(ID));
    let robot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    all_hold(
        &platform,
        vec![
            sent("event").with("User-Agent", robot),
            sent("session").with("User-Agent", robot),
            sent("event").with("X-Forwarded-For", "192.0.2.7, 203.0.113.9"),
            sent("attachment").with("X-Forwarded-For", "2001:db8::7"),
            sent("event").with("X-Forwarded-For", "203.0.113.9, 192.0.2.7"),
        ],
    )?;
    let counted = "select string_agg(concat_ws(' ', category, reason, quantity), ', ' order by category, reason) \
                   from outcomes where outcome = 1";
    let expected = "attachment ip-address 2, error ip-address 1, error web-crawlers 1, session web-crawlers 1";
    platform.wait_for_sql(counted, expected)?;
    platform.stores(1)?;
    ensure!(platform.sql("select count(*) from items")? == "0", "nothing of theirs is kept");
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
