//! What a fuzzer feeds, one function per target: bytes in, nothing out, no panic. The corpus of `platform/fuzz` is run by a test.
//!
//! Each drives everything that web or a worker does with bytes a stranger sent, as far as that is pure.

use std::net::{IpAddr, Ipv4Addr};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};

use super::{
    EventId,
    auth::{self, Dsn, Places},
    check_in, client_report,
    crash::{self, What, unreal},
    encoding::{Unpacking, at_once},
    envelope::{self, Envelope},
    event::{self, Event},
    feedback,
    filter::{Filters, Legacy, globs, health_checks},
    form::{self, Form},
    grouping::{self, rules::Rules},
    item,
    json::Object,
    normalize::{Addresses, Context, normalize},
    origin,
    repair::repair,
    report, scrub,
    security::{
        self,
        incoming::{Additions, Endpoint},
    },
    sent::Sent,
    store, title,
};

/// Smaller than in production, so that a fuzzer finds its way to the bound.
const MOST: usize = 1 << 16;

/// A target: its name, and what it drives.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("auth", auth),
    ("body", body),
    ("check_in", check_in),
    ("client_report", client_report),
    ("dump", dump),
    ("envelope", envelope),
    ("event", event),
    ("feedback", feedback),
    ("form", form),
    ("packed", packed),
    ("security", security),
    ("store", store),
    ("texts", texts),
    ("unreal", unreal),
];

/// First line: the header; second: the query; third: a DSN; fourth: an origin; fifth: patterns of allowed ones.
pub fn auth(input: &[u8]) {
    let input = String::from_utf8_lossy(input);
    let mut lines = input.split('\n');
    let mut line = || lines.next().filter(|line| !line.is_empty());
    let (header, query, dsn, from, allowed) = (line(), line(), line(), line(), line());
    let _ = auth::find(Places { x_sentry_auth: header, ..Places::default() });
    let _ = auth::find(Places { authorization: header, query, ..Places::default() });
    let _ = auth::find(Places { path: header, ..Places::default() });
    let _ = dsn.map(Dsn::parse);
    if let Some(origin) = origin::of(from, header) {
        let patterns: Vec<String> = allowed.unwrap_or_default().split(',').map(str::to_owned).collect();
        let _ = origin::allows(&patterns, origin);
    }
}

/// First line: the `Content-Encoding`; then the body.
///
/// # Panics
/// When more was kept than may be, or when what is unpacked at once is not what is unpacked piece by piece.
pub fn body(input: &[u8]) {
    let (encodings, packed) = halves(input);
    let encodings = String::from_utf8_lossy(encodings);
    let at_once = at_once(&encodings, packed, MOST);
    let Ok(mut unpacking) = Unpacking::new(&encodings, MOST) else { return };
    let taken = packed.chunks(1000).try_for_each(|piece| unpacking.take(piece));
    let whole = taken.and_then(|()| unpacking.finish()).ok();
    assert!(whole.as_ref().map_or(0, Vec::len) <= MOST, "the bound holds");
    assert!(at_once.is_none() || at_once == whole, "both ways lead to the same");
}

/// First line: the query; then the body.
pub fn check_in(input: &[u8]) {
    let (query, body) = halves(input);
    let _ = check_in::payload("backup", &String::from_utf8_lossy(query), body);
}

/// The report.
pub fn client_report(input: &[u8]) {
    let _ = client_report::read(input);
}

/// A minidump, all the way to what is stored of its event.
pub fn dump(input: &[u8]) {
    finish(&mut crash::event(Object::new(), &[(What::Dump, Ok(input))]));
}

/// The envelope, and the heads of what is in it.
pub fn envelope(input: &[u8]) {
    let input = Bytes::copy_from_slice(input);
    let _ = envelope::sender(&input);
    let Ok(envelope) = Envelope::parse(&input) else { return };
    let _ = envelope.agrees_with("0123456789abcdef0123456789abcdef", 7);
    let _ = item::over_limit(&envelope.items);
    for item in &envelope.items {
        let category = item::find(&item.kind).map_or(item::Category::Unknown, |kind| kind.category);
        let _ = item::quantity(category, &item.headers, item.payload.len());
        let _ = store::Head::read(item.payload.clone());
    }
}

/// An event's JSON, all the way to what is stored of it.
pub fn event(input: &[u8]) {
    let Ok(mut json) = event::object(&repair(input)) else { return };
    finish(&mut json);
}

/// What a worker does with an event once it is one.
fn finish(json: &mut Object) {
    let context = Context {
        event_id: EventId(uuid::Uuid::nil()),
        received_at: DateTime::UNIX_EPOCH + TimeDelta::days(20_000),
        sent_at: None,
        retention: TimeDelta::days(90),
        client_ip: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        addresses: Addresses::Keep,
        client: None,
    };
    normalize(json, &context);
    scrub::scrub(json, &scrub::Settings::default());
    let event = Event::read(json);
    let filters = Filters {
        releases: globs(["*beta*"]),
        error_messages: globs(["*Error: *"]),
        localhost: true,
        browser_extensions: true,
        legacy_browsers: Legacy::named("default"),
        web_crawlers: true,
        transactions: health_checks(),
        ..Filters::default()
    };
    let _ = filters.reason(&event, context.client_ip);
    for version in grouping::Version::ALL {
        let _ = grouping::explain(&event, &Rules::default(), version);
    }
    let _ = (title::title(&event), title::culprit(&event), title::location(&event), title::metadata(&event));
}

/// What a person wrote, as a form, as JSON, and as the two kinds of items.
pub fn feedback(input: &[u8]) {
    let fields = [Some(feedback::form(input)), event::object(input).ok()];
    for report in fields.iter().flatten().filter_map(|fields| feedback::Report::read(fields).ok()) {
        let _ = report.payload();
    }
    let _ = (report::read_report(input), report::read(input));
}

/// First line: the `Content-Type`; then the body.
pub fn form(input: &[u8]) {
    let (content_type, body) = halves(input);
    let Some(boundary) = form::boundary(&String::from_utf8_lossy(content_type)) else { return };
    let _ = Form::parse(Bytes::copy_from_slice(body), boundary, "upload_file_minidump");
}

/// A native SDK's msgpack, as event and as breadcrumbs.
pub fn packed(input: &[u8]) {
    finish(&mut crash::event(Object::new(), &[(What::Event, Ok(input)), (What::Breadcrumbs, Ok(input))]));
}

/// A browser's report, or a list of them.
pub fn security(input: &[u8]) {
    let input = Bytes::copy_from_slice(input);
    for report in security::reports(&input).unwrap_or_else(|_| vec![input]) {
        let Ok(report) = event::object(&report) else { continue };
        let _ = security::Report::read(&report);
        let received_at = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        for endpoint in [Endpoint::Security, Endpoint::Nel] {
            let sent = (&Sent::default(), received_at);
            if let Ok(mut made) = security::incoming::event(&report, endpoint, sent, &Additions::default()) {
                finish(&mut made);
            }
        }
    }
}

/// A body of the legacy endpoint.
pub fn store(input: &[u8]) {
    let Ok(payload) = store::decode(&Bytes::copy_from_slice(input), MOST) else { return };
    let _ = store::Head::read(payload);
}

/// Texts of a crash handler's form.
pub fn texts(input: &[u8]) {
    finish(&mut crash::event(Object::new(), &[(What::Texts, Ok(input))]));
}

/// A container of the Unreal Engine, unpacked, or the XML in it.
pub fn unreal(input: &[u8]) {
    let files = unreal::open(&Bytes::copy_from_slice(input)).unwrap_or_default();
    for content in files.iter().map(|file| &file.content[..]).chain([input]) {
        finish(&mut crash::event(Object::new(), &[(What::Engine, Ok(content))]));
    }
}

fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    (&input[..end], input.get(end + 1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn nothing_in_the_corpus_brings_anything_down() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
        for (name, target) in TARGETS {
            let folder = corpus.join(name);
            let mut inputs = 0;
            for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                target(&fs::read(entry.unwrap().path()).unwrap());
                inputs += 1;
            }
            assert!(inputs >= 5, "{name} has {inputs} inputs");
        }
    }
}
