//! How good grouping is, measured on events of our own: sets of one bug, and sets in which every event is another bug.
//!
//! The text files hold them, one event a line: `platform | Type: value | frame > frame`, outermost frame first, causes separated
//! by ` || `. A frame is `+place@function#12` and perhaps a line of source in backticks; `+` is in the application, `-` is not, `?`
//! is not said. A place with a slash or a file's ending is a file, else a module. `"…"` is a message, `{…}` the JSON itself.
//! `same` starts a set of one bug, of which every event is paired with the first; `other` one in which all are paired with all.

use serde_json::{Value, json};

use super::{super::event::Event, Grouping, Version, group, rules::Rules};

const TEXTS: [&str; 20] = [
    include_str!("javascript.txt"),
    include_str!("python_php_ruby.txt"),
    include_str!("java_dotnet_go.txt"),
    include_str!("native.txt"),
    include_str!("messages.txt"),
    include_str!("sdks.txt"),
    include_str!("made_jvm.txt"),
    include_str!("made_scripts.txt"),
    include_str!("made_words.txt"),
    include_str!("made_native.txt"),
    include_str!("made_servers.txt"),
    include_str!("second.txt"),
    include_str!("third.txt"),
    include_str!("fourth.txt"),
    include_str!("fifth.txt"),
    include_str!("sixth.txt"),
    include_str!("seventh.txt"),
    include_str!("eighth.txt"),
    include_str!("ninth.txt"),
    include_str!("tenth.txt"),
];

struct Set<'a> {
    name: &'a str,
    same: bool,
    events: Vec<&'a str>,
}

#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn percent(&self) -> usize {
        self.right * 100 / self.all.max(1)
    }
}

#[test]
fn the_same_bug_stays_together_and_other_bugs_stay_apart() {
    let (mut same, mut other) = (Score::default(), Score::default());
    for set in TEXTS.iter().flat_map(|text| sets(text)) {
        let groups: Vec<Grouping> =
            set.events.iter().map(|line| group(&event(line), &Rules::default(), Version::NEWEST)).collect();
        for (first, second) in pairs(&set) {
            let together = groups[first].fingerprint == groups[second].fingerprint;
            let score = if set.same { &mut same } else { &mut other };
            score.all += 1;
            score.right += usize::from(together == set.same);
            if together != set.same {
                println!(
                    "{}:\n  {}\n  {}\n  {:?}\n  {:?}",
                    set.name,
                    set.events[first],
                    set.events[second],
                    shown(&groups[first]),
                    shown(&groups[second])
                );
            }
        }
    }
    println!("same bug together: {}/{} · other bugs apart: {}/{}", same.right, same.all, other.right, other.all);
    assert!(same.all + other.all >= 900);
    assert!(same.percent() >= 95, "{}%", same.percent());
    assert!(other.percent() >= 97, "{}%", other.percent());
}

fn shown(grouping: &Grouping) -> Vec<&str> {
    grouping.info.parts.iter().filter(|part| part.counts).map(|part| part.text.as_str()).collect()
}

fn pairs(set: &Set<'_>) -> Vec<(usize, usize)> {
    let firsts = if set.same { 1 } else { set.events.len() };
    (0..firsts).flat_map(|first| (first + 1..set.events.len()).map(move |second| (first, second))).collect()
}

fn sets(text: &str) -> Vec<Set<'_>> {
    let mut sets: Vec<Set<'_>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.split_once(": ") {
            Some((kind @ ("same" | "other"), name)) => {
                sets.push(Set { name, same: kind == "same", events: Vec::new() });
            }
            _ => sets.last_mut().expect("a set starts with its kind").events.push(line),
        }
    }
    sets
}

fn event(line: &str) -> Event {
    let json = if line.starts_with('{') { serde_json::from_str(line).expect(line) } else { compact(line) };
    Event::parse(json.to_string().as_bytes()).expect(line)
}

fn compact(line: &str) -> Value {
    let line = line.replace("\\n", "\n");
    let (platform, rest) = line.split_once(" | ").expect("a line starts with its platform");
    if let Some(message) = rest.strip_prefix('"') {
        let (message, frames) =
            message.split_once("\" | ").map_or((message.trim_end_matches('"'), None), |(m, f)| (m, Some(f)));
        return json!({"platform": platform, "message": message, "stacktrace": frames.map(stacktrace)});
    }
    let exceptions: Vec<Value> = rest.split(" || ").map(exception).collect();
    json!({"platform": platform, "exception": {"values": exceptions}})
}

fn exception(text: &str) -> Value {
    let (name, frames) = text.split_once(" | ").map_or((text, None), |(name, frames)| (name, Some(frames)));
    let (kind, value) = name.split_once(": ").unwrap_or((name, ""));
    json!({"type": kind, "value": value, "stacktrace": frames.map(stacktrace)})
}

fn stacktrace(frames: &str) -> Value {
    json!({"frames": frames.split(" > ").map(frame).collect::<Vec<_>>()})
}

fn frame(text: &str) -> Value {
    let text = text.trim();
    let (text, line) =
        text.split_once(" `").map_or((text, None), |(text, line)| (text, Some(line.trim_end_matches('`'))));
    let (text, lineno) = match text.rsplit_once('#') {
        Some((before, number)) if number.parse::<u32>().is_ok() => (before, number.parse::<u32>().ok()),
        _ => (text, None),
    };
    let in_app = match &text[..1] {
        "+" => Some(true),
        "-" => Some(false),
        _ => None,
    };
    let (place, function) = text[1..].rsplit_once('@').unwrap_or((&text[1..], ""));
    let is_import = place.contains("$$") || place.starts_with("net/") || place.starts_with("example.com/");
    let is_file = !is_import
        && (place.contains('/')
            || place.contains('\\')
            || [".js", ".py", ".rb", ".php", ".go", ".cs", ".c", ".ts", ".dart"]
                .iter()
                .any(|end| place.ends_with(end)));
    let (file, module) =
        if is_file { (Some(place), None) } else { (None, Some(place).filter(|place| !place.is_empty())) };
    json!({"filename": file, "module": module, "function": function, "lineno": lineno, "in_app": in_app, "context_line": line})
}
