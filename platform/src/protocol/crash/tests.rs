//! Crashes as handlers send them, and the events they become. The files are those the fuzzer begins with.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::{
    super::{
        EventId,
        event::Event,
        grouping::{Version, group, rules::Rules},
        json::Object,
        normalize::{Addresses, Context, normalize},
        title,
    },
    Part, What, dump, event, packed, unreal,
};

const LINUX: &[u8] = include_bytes!("../../../fuzz/corpus/dump/linux");
const WINDOWS: &[u8] = include_bytes!("../../../fuzz/corpus/dump/windows");
const CONTAINER: &[u8] = include_bytes!("../../../fuzz/corpus/unreal/container");
const OLD_CONTAINER: &[u8] = include_bytes!("../../../fuzz/corpus/unreal/old");
const CONTEXT: &[u8] = include_bytes!("../../../fuzz/corpus/unreal/context");
const SDK_EVENT: &[u8] = include_bytes!("../../../fuzz/corpus/packed/event");
const BREADCRUMBS: &[u8] = include_bytes!("../../../fuzz/corpus/packed/breadcrumbs");
const OLDER_BREADCRUMBS: &[u8] = include_bytes!("../../../fuzz/corpus/packed/breadcrumb");
const TEXTS: &[u8] = include_bytes!("../../../fuzz/corpus/texts/texts");

/// The event as it is stored.
fn made(parts: &[Part<'_>]) -> Object {
    let mut event = event(Object::new(), parts);
    let context = Context {
        event_id: EventId(uuid::Uuid::nil()),
        received_at: DateTime::from_timestamp(1_700_000_100, 0).unwrap(),
        sent_at: None,
        retention: TimeDelta::days(90),
        client_ip: None,
        addresses: Addresses::Keep,
        client: None,
    };
    normalize(&mut event, &context);
    event
}

/// Title and culprit.
fn named(event: &Object) -> (String, String) {
    let event = Event::read(event);
    (title::title(&event), title::culprit(&event))
}

fn fingerprint(event: &Object) -> u128 {
    u128::from_be_bytes(group(&Event::outline(event), &Rules::default(), Version::NEWEST).fingerprint.0)
}

/// A dump with some bytes in other places.
fn patched(dump: &[u8], find: &[u8], replace: &[u8]) -> Vec<u8> {
    let mut dump = dump.to_vec();
    let starts: Vec<usize> = (0..=dump.len() - find.len()).filter(|at| dump[*at..].starts_with(find)).collect();
    assert!(!starts.is_empty(), "there is something to patch");
    for at in starts {
        dump[at..at + replace.len()].copy_from_slice(replace);
    }
    dump
}

#[test]
fn a_dump_says_why_and_where_the_program_ended() {
    let event = made(&[(What::Dump, Ok(LINUX))]);
    assert_eq!(event.get("errors"), None);
    let title = "SIGSEGV / SEGV_MAPERR: Fatal Error: SIGSEGV / SEGV_MAPERR at 0x10 in shop";
    assert_eq!(named(&event), (title.into(), "shop+0x1a2b".into()));
    assert_eq!((&event["platform"], &event["level"]), (&"native".into(), &"fatal".into()));
    assert_eq!(Event::read(&event).timestamp, DateTime::from_timestamp(1_700_000_000, 0), "the dump says when");
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["mechanism"], json!({"type": "minidump", "handled": false}));
    let frames = exception["stacktrace"]["frames"].as_array().unwrap();
    let functions: Vec<&Value> = frames.iter().map(|frame| &frame["function"]).collect();
    assert_eq!(functions, ["libc.so.6+0x4444", "shop+0x3333", "shop+0x2222", "shop+0x1a2b"]);
    assert_eq!(
        (&frames[3]["instruction_addr"], &frames[3]["package"]),
        (&"0x555500001a2b".into(), &"/opt/shop/bin/shop".into())
    );
    assert_eq!(exception["stacktrace"]["registers"]["rip"], "0x555500001a2b");
    let threads = json!([
        {"id": 42, "name": "render", "crashed": true, "current": true}, {"id": 7, "name": null, "crashed": false, "current": false},
    ]);
    let shown = |thread: &Value| (thread["id"].to_string(), thread["name"].clone(), thread["crashed"].clone());
    let listed: Vec<_> = event["threads"]["values"].as_array().unwrap().iter().map(shown).collect();
    assert_eq!(listed.len(), threads.as_array().unwrap().len());
    assert_eq!((&listed[0].1, &listed[0].2, &listed[1].2), (&"render".into(), &true.into(), &false.into()));
    let image = &event["debug_meta"]["images"][0];
    assert_eq!(
        (&image["type"], &image["code_file"], &image["image_addr"]),
        (&"elf".into(), &"/opt/shop/bin/shop".into(), &"0x555500000000".into())
    );
    assert_eq!(image["code_id"], "000102030405060708090a0b0c0d0e0f10111213");
    let contexts = &event["contexts"];
    assert_eq!(
        (&contexts["os"]["name"], &contexts["os"]["kernel_version"]),
        (&"Linux".into(), &"6.1.0-18-amd64".into())
    );
    assert_eq!((&contexts["device"]["arch"], &contexts["device"]["processor_count"]), (&"x86_64".into(), &8.into()));
}

#[test]
fn a_dump_of_windows_speaks_its_language() {
    let event = made(&[(What::Dump, Ok(WINDOWS))]);
    let reason = "EXCEPTION_ACCESS_VIOLATION_READ";
    assert_eq!(named(&event).0, format!("{reason}: Fatal Error: {reason} at 0x0 in shop.exe"));
    let image = &event["debug_meta"]["images"][0];
    assert_eq!((&image["type"], &image["debug_file"]), (&"pe".into(), &"shop.pdb".into()));
    assert_eq!(image["debug_id"], "03020100-0504-0706-0809-0a0b0c0d0e0f-1");
    assert_eq!(
        (&event["contexts"]["os"]["name"], &event["contexts"]["os"]["version"]),
        (&"Windows".into(), &"10.0.19045".into())
    );
}

#[test]
fn the_same_crash_is_one_issue_wherever_its_modules_were_loaded() {
    let group = |dump: &[u8]| fingerprint(&made(&[(What::Dump, Ok(dump))]));
    let elsewhere = patched(LINUX, &[0, 0x55, 0x55, 0, 0], &[0, 0x66, 0x55, 0, 0]);
    assert_ne!(elsewhere, LINUX);
    assert_eq!(group(LINUX), group(&elsewhere));
    let other = patched(LINUX, &0x5555_0000_1a2b_u64.to_le_bytes(), &0x5555_0000_1a99_u64.to_le_bytes());
    assert_ne!(group(LINUX), group(&other), "another place is another crash");
}

#[test]
fn a_broken_dump_is_an_event_that_says_so() {
    let cases: [(&[u8], &str); 4] = [
        (b"MDMP", "it ends before it begins"),
        (b"MDMP\0\0\0\0\0\0\0\0", "it is no minidump: "),
        (include_bytes!("../../../fuzz/corpus/dump/many_streams"), "it has 4294967295 streams"),
        (&LINUX[..60], "it is no minidump"),
    ];
    for (broken, reason) in cases {
        let event = made(&[(What::Dump, Ok(broken))]);
        assert_eq!(event["exception"]["values"][0]["value"], "Invalid Minidump");
        let error = &event["errors"][0];
        assert!(error["name"] == "minidump" && error["reason"].as_str().unwrap().starts_with(reason), "{error}");
    }
    let gone = made(&[(What::Dump, Err("it is gone"))]);
    assert_eq!(
        (&gone["exception"]["values"][0]["type"], &gone["errors"][0]["reason"]),
        (&"Minidump".into(), &"it is gone".into())
    );
    for cut in (40..LINUX.len()).step_by(7) {
        let event = made(&[(What::Dump, Ok(&LINUX[..cut]))]);
        assert!(event.contains_key("exception"), "cut at {cut}");
    }
}

#[test]
fn entries_that_all_hold_the_same_long_text_are_not_read() {
    // The first module's name is now as long as the file goes on, and both modules have it.
    let name = patched(LINUX, &36_u32.to_le_bytes(), &0x7fff_fffe_u32.to_le_bytes());
    let read = dump::read(&name).unwrap();
    let mut event = Object::new();
    read.fill(&mut event, &mut super::Problems::default());
    assert!(event.get("debug_meta").is_none(), "{event:#?}");
}

#[test]
fn what_the_sdk_left_behind_is_in_the_event() {
    let parts = [
        (What::Dump, Ok(LINUX)),
        (What::Event, Ok(SDK_EVENT)),
        (What::Breadcrumbs, Ok(BREADCRUMBS)),
        (What::Breadcrumbs, Ok(OLDER_BREADCRUMBS)),
        (What::Texts, Ok(TEXTS)),
    ];
    let event = made(&parts);
    assert_eq!(event.get("errors"), None);
    assert_eq!(
        (&event["release"], &event["user"]["id"]),
        (&"shop@2".into(), &"42".into()),
        "the form is laid over the file"
    );
    assert_eq!(event["extra"]["guid"], "0-1");
    assert_eq!(event["fingerprint"], json!(["x"]));
    let tags = event["tags"].as_array().unwrap();
    for tag in [["region", "eu"], ["a", "b"], ["c", "d"], ["e", "f"]] {
        assert!(tags.contains(&json!(tag)), "{tag:?} of {tags:?}");
    }
    let said = |crumb: &Value| crumb["message"].as_str().unwrap_or_default().to_owned();
    let crumbs: Vec<String> = event["breadcrumbs"]["values"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(crumbs, ["step -1", "step 0", "step 1", "step 2"]);
}

#[test]
fn files_that_are_no_msgpack_cost_only_themselves() {
    let deep: &[u8] = include_bytes!("../../../fuzz/corpus/packed/deep");
    let length: &[u8] = include_bytes!("../../../fuzz/corpus/packed/large_length");
    for broken in [b"\xc1", &SDK_EVENT[..SDK_EVENT.len() - 5], deep, length, b"\x01"] {
        assert!(packed::event(broken).is_err(), "{broken:?}");
    }
    assert_eq!(packed::event(b""), Ok(Object::new()), "the SDK had nothing to say yet");
    let halves = [&BREADCRUMBS[..BREADCRUMBS.len() - 5]];
    assert_eq!(packed::breadcrumbs(&halves).map(|crumbs| crumbs.len()), Ok(2), "the last one was being written");
    let event = made(&[(What::Event, Ok(b"\xc1")), (What::Texts, Ok(b"[[\"sentry\",\"{oops\"]]"))]);
    assert_eq!((&event["errors"][0]["name"], &event["errors"][1]["name"]), (&"__sentry-event".into(), &"form".into()));
}

#[test]
fn a_container_of_the_unreal_engine_is_taken_apart() {
    let files = unreal::open(&Bytes::from_static(CONTAINER)).unwrap();
    let kinds: Vec<_> = files.iter().map(|file| (file.name.as_str(), file.attachment_type())).collect();
    let expected = [
        ("CrashContext.runtime-xml", "unreal.context"),
        ("UEMinidump.dmp", "event.minidump"),
        ("Shop.log", "unreal.logs"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(files[1].content, WINDOWS);
    let old = unreal::open(&Bytes::from_static(OLD_CONTAINER)).unwrap();
    assert_eq!(old.len(), 2);
    for cut in 0..CONTAINER.len() - 1 {
        assert_eq!(unreal::open(&Bytes::from_static(&CONTAINER[..cut])), None, "cut at {cut}");
    }
}

#[test]
fn the_unreal_engine_says_who_played_what_and_how_it_got_there() {
    let event = made(&[(What::Dump, Ok(WINDOWS)), (What::Engine, Ok(CONTEXT))]);
    assert_eq!(event.get("errors"), None);
    let exception = &event["exception"]["values"][0];
    assert_eq!(exception["type"], "EXCEPTION_ACCESS_VIOLATION_READ");
    assert_eq!(exception["value"], "Unhandled Exception: EXCEPTION_ACCESS_VIOLATION reading \"cart\" & more");
    let frames = exception["stacktrace"]["frames"].as_array().unwrap();
    assert_eq!(
        (frames.len(), &frames[4]["function"], &frames[0]["package"]),
        (5, &"ShopGame+0x1a2b".into(), &"ntdll".into())
    );
    assert_eq!((&event["user"]["username"], &event["user"]["id"]), (&"anna".into(), &"0123abcd".into()));
    assert_eq!(event["release"], "shop@5");
    let tags = event["tags"].as_array().unwrap();
    for tag in [["map", "harbour"], ["unreal.crash_type", "Crash"], ["unreal.engine_version", "5.3.2-29314046"]] {
        assert!(tags.contains(&json!(tag)), "{tag:?} of {tags:?}");
    }
    let contexts = &event["contexts"];
    assert_eq!(
        (&contexts["unreal"]["crash_guid"], &contexts["gpu"]["name"]),
        (&"UECC-Windows-0123".into(), &"NVIDIA GeForce RTX 3080".into())
    );
    assert_eq!(contexts["device"]["memory_size"], 34_282_512_384_u64);
    assert_eq!(contexts["os"]["version"], "10.0.19045", "the dump knows better");
    let alone = made(&[(What::Engine, Ok(CONTEXT))]);
    assert_eq!(named(&alone).1, "ShopGame+0x1a2b");
    let broken = made(&[(What::Engine, Ok(b"<a><b>"))]);
    assert_eq!(broken["errors"][0]["name"], "CrashContext.runtime-xml");
}
