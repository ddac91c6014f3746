//! What the Unreal Engine knows of a crash: `CrashContext.runtime-xml`, read into contexts, tags, user and message.

use quick_xml::{Reader, events::Event};
use serde_json::{Value, json};

use super::{
    super::json::{Object, cut, parse},
    fill, merge, object, stack,
};

const MOST_BYTES: usize = 4 << 20;
const MOST_PROPERTIES: usize = 300;
const LONGEST: usize = 8_192;
/// What our context does not repeat: it stands elsewhere in the event.
const ELSEWHERE: [&str; 7] =
    ["CallStack", "PCallStack", "PCallStackHash", "Threads", "Modules", "ErrorMessage", "UserDescription"];
const TAGS: [(&str, &str); 4] = [
    ("CrashType", "unreal.crash_type"),
    ("EngineVersion", "unreal.engine_version"),
    ("BuildConfiguration", "unreal.build_configuration"),
    ("GameName", "unreal.game_name"),
];

/// Adds what the XML says to an event.
pub fn add(event: &mut Object, xml: &[u8]) -> Result<(), String> {
    if xml.len() > MOST_BYTES {
        return Err(format!("it is larger than {MOST_BYTES} bytes"));
    }
    let properties = read(&String::from_utf8_lossy(xml))?;
    let get = |name: &str| properties.get(name).and_then(Value::as_str).unwrap_or_default();
    if let Ok(Value::Object(own)) = parse(get("__sentry").as_bytes()) {
        merge(event, own);
    }
    let shown = properties.iter().filter(|(name, _)| !ELSEWHERE.contains(&name.as_str()) && *name != "__sentry");
    let shown: Object = shown.map(|(name, value)| (snake(name), value.clone())).collect();
    fill(event, &["contexts", "unreal"], shown);
    fill(event, &["contexts", "unreal"], object([("type", "unreal".into())]));
    let os = [("name", get("Misc.OSVersionMajor").into()), ("version", get("Misc.OSVersionMinor").into())];
    if event.get("contexts").is_none_or(|contexts| contexts.get("os").is_none())
        && !get("Misc.OSVersionMajor").is_empty()
    {
        fill(event, &["contexts", "os"], object(os));
    }
    let memory = get("MemoryStats.TotalPhysical").parse::<u64>().map_or(Value::Null, Value::from);
    let cpu = get("Misc.CPUBrand").trim();
    fill(event, &["contexts", "device"], object([("cpu_description", cpu.into()), ("memory_size", memory)]));
    if !get("Misc.PrimaryGPUBrand").is_empty() {
        fill(event, &["contexts", "gpu"], object([("name", get("Misc.PrimaryGPUBrand").trim().into())]));
    }
    if ["UserName", "LoginId"].iter().any(|name| !get(name).is_empty()) {
        fill(event, &["user"], object([("username", get("UserName").into()), ("id", get("LoginId").into())]));
    }
    tags(event, &get);
    exception(event, &get);
    Ok(())
}

fn tags<'a>(event: &mut Object, get: &impl Fn(&str) -> &'a str) {
    let own: Object = TAGS
        .iter()
        .filter(|(name, _)| !get(name).is_empty())
        .map(|(name, tag)| ((*tag).to_owned(), Value::from(get(name))))
        .collect();
    match event.get_mut("tags") {
        Some(Value::Array(tags)) => tags.extend(own.into_iter().map(|(name, value)| json!([name, value]))),
        _ => fill(event, &["tags"], own),
    }
}

/// The engine's words for it, and its stack where the dump tells less.
fn exception<'a>(event: &mut Object, get: &impl Fn(&str) -> &'a str) {
    let (kind, message) = (get("CrashType"), get("ErrorMessage"));
    if kind == "Ensure" {
        event.insert("level".into(), "error".into());
    }
    let exceptions = event.entry("exception").or_insert_with(|| json!({"values": []}));
    let Some(exceptions) = exceptions.get_mut("values").and_then(Value::as_array_mut) else { return };
    if exceptions.is_empty() {
        let kind = if matches!(kind, "" | "Crash") { "Unhandled Exception" } else { kind };
        let mechanism = json!({"type": "unreal", "handled": false});
        exceptions.push(json!({"type": kind, "value": "", "mechanism": mechanism}));
    }
    let Some(last) = exceptions.last_mut().and_then(Value::as_object_mut) else { return };
    if !message.is_empty() {
        last.insert("value".into(), cut(message, LONGEST).into());
    }
    let known = last.get("stacktrace").and_then(|trace| trace["frames"].as_array()).map_or(0, Vec::len);
    let frames = stack::portable(get("PCallStack"));
    if frames.len() > known {
        let trace = last.entry("stacktrace").or_insert_with(|| json!({}));
        trace["frames"] = frames.into();
    }
}

/// The properties of a crash by name, of whichever part: their names do not clash.
fn read(xml: &str) -> Result<Object, String> {
    let mut reader = Reader::from_str(xml);
    let mut names: Vec<String> = Vec::new();
    let mut text = String::new();
    let mut properties = Object::new();
    loop {
        match reader.read_event().map_err(|error| format!("it is no XML: {error}"))? {
            Event::Start(tag) => {
                names.push(tag.name().as_ref().to_owned());
                text.clear();
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::CData(piece) => text.push_str(&piece),
            Event::GeneralRef(entity) => text.push(character(&entity)),
            Event::End(_) => {
                let name = names.pop().unwrap_or_default();
                let value = text.trim();
                if !value.is_empty() && names.len() <= 3 && properties.len() < MOST_PROPERTIES {
                    let longest = if name == "PCallStack" || name == "__sentry" { 64 * LONGEST } else { LONGEST };
                    properties.entry(name).or_insert_with(|| cut(value, longest).into());
                }
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
        if names.len() > 64 {
            return Err("it is nested too deeply".into());
        }
    }
    if properties.is_empty() { Err("it says nothing".into()) } else { Ok(properties) }
}

fn character(entity: &str) -> char {
    match entity {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        other => {
            let digits = other.strip_prefix('#').unwrap_or_default();
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok(),
                None => digits.parse().ok(),
            };
            number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
    }
}

/// `Misc.CPUBrand` → `misc_cpu_brand`, `bIsEnsure` → `is_ensure`
fn snake(name: &str) -> String {
    let is_flag = name.starts_with('b') && name.chars().nth(1).is_some_and(|c| c.is_ascii_uppercase());
    let name = if is_flag { &name[1..] } else { name };
    let characters: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 8);
    for (at, c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        let starts_word = c.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || (before.is_ascii_uppercase() && characters.get(at + 1).is_some_and(char::is_ascii_lowercase))
            });
        if starts_word {
            snake.push('_');
        }
        snake.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    snake
}
