//! The frames of one stack trace: whose they are, which count, and what of each.
//!
//! Marks come from the SDK, then from tables of libraries where it said nothing, then from the project's rules. Of a frame count
//! its module or file and its function or line of source, never a number of a line. Recursion counts once.

use std::{borrow::Cow, cell::OnceCell};

use super::{
    super::{
        event::Exception,
        stacktrace::{Frame, Stacktrace},
    },
    Part, Why,
    family::Family,
    files, libraries, names, noise,
    rules::{
        Rules,
        matcher::Seen,
        stack::{Limits, Mark},
    },
};

/// Longest line of source that a person wrote; longer ones are a bundler's.
const MOST_LINE: usize = 120;
/// Longest cycle of calls that is seen as recursion.
const MOST_CYCLE: usize = 6;
/// How often a frame occurs at least that is part of an endless recursion.
const ENDLESS: usize = 4;
/// What runtimes call an endless recursion.
const OVERFLOWS: [&str; 6] = [
    "StackOverflowError",
    "StackOverflowException",
    "RecursionError",
    "SystemStackError",
    "RangeError",
    "InternalError",
];

/// A stack trace with its marks.
pub struct Frames<'a> {
    calls: &'a [Frame],
    marks: Vec<Mark>,
    limits: Limits,
    /// Which of the project's rules matched a frame, by their numbers.
    matched: Vec<usize>,
    overflown: bool,
    identities: OnceCell<Vec<Option<Identity>>>,
}

/// What a frame is known by, and how much that tells.
type Identity = (String, Strength);

/// Which frames are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    App,
    System,
}

/// The frames that count, as parts, and how much they tell.
pub struct Counted {
    pub parts: Vec<Part>,
    pub strength: Strength,
}

/// How much frames tell of where it happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// No frame counts.
    Nothing,
    /// Files or minified names only: the error's text has to help.
    Weak,
    Strong,
}

impl<'a> Frames<'a> {
    /// Marks the frames of a stack trace.
    pub fn mark(
        stacktrace: &'a Stacktrace,
        exception: Option<&Exception>,
        platform: &str,
        rules: &Rules,
    ) -> Frames<'a> {
        let frames = &stacktrace.frames;
        // An SDK that marks what is the application's means the other frames are not.
        let told = frames.iter().any(|frame| frame.in_app);
        let mut marks: Vec<Mark> = frames.iter().map(|frame| mark(frame, platform, told)).collect();
        let mut limits = Limits::default();
        let mut matched = Vec::new();
        for (number, rule) in rules.stack.iter().enumerate() {
            if rule.apply(frames, exception, &mut marks, &mut limits) {
                matched.push(number);
            }
        }
        let kind = exception.and_then(|exception| exception.kind.as_deref()).unwrap_or_default();
        let overflown = OVERFLOWS.iter().any(|name| kind.ends_with(name));
        Frames { calls: frames, marks, limits, matched, overflown, identities: OnceCell::new() }
    }

    /// The frames with what is thought of them.
    pub fn seen(&self) -> impl Iterator<Item = Seen<'a>> {
        self.calls.iter().zip(&self.marks).map(|(frame, mark)| Seen {
            frame,
            family: mark.family,
            in_app: mark.in_app,
            category: None,
        })
    }

    /// The innermost frame of the application, or the innermost at all.
    pub fn crash_frame(&self) -> Option<&'a Frame> {
        let mut inwards = self.calls.iter().zip(&self.marks).rev();
        inwards.find(|(_, mark)| mark.in_app).map(|(frame, _)| frame).or(self.calls.last())
    }

    /// The rules that matched a frame, as they were written; `rules` are those it was marked by.
    pub fn matched<'r>(&self, rules: &'r Rules) -> impl Iterator<Item = &'r str> {
        self.matched.iter().filter_map(|number| rules.stack.get(*number)).map(|rule| rule.text.as_str())
    }

    /// Which frames are the application's, outermost first.
    pub fn in_app(&self) -> impl Iterator<Item = bool> {
        self.marks.iter().map(|mark| mark.in_app)
    }

    /// How much the frames of a scope tell.
    pub fn strength(&self, scope: Scope) -> Strength {
        self.strength_of(&self.items(scope))
    }

    /// The parts that the frames of a scope give.
    pub fn counted(&self, scope: Scope) -> Counted {
        let items = self.items(scope);
        let strength = self.strength_of(&items);
        Counted { parts: items.into_iter().map(Item::into_part).collect(), strength }
    }

    fn items(&self, scope: Scope) -> Vec<Item<'_>> {
        // Looked at once for every scope, and not at all where a fingerprint says it all.
        let identify =
            || self.calls.iter().zip(&self.marks).map(|(frame, mark)| identity(frame, mark.family)).collect();
        let identities = self.identities.get_or_init(identify);
        let mut items: Vec<Item<'_>> = Vec::with_capacity(self.calls.len());
        for ((frame, mark), identity) in self.calls.iter().zip(&self.marks).zip(identities) {
            let out_of_scope = scope == Scope::App && !mark.in_app;
            let why = match (identity, out_of_scope, mark.counts) {
                (_, true, _) => Why::NotInApp,
                (_, _, false) => mark.why,
                (None, _, _) => Why::TellsNothing,
                (Some(_), _, _) => Why::Counts,
            };
            let unknown = || (frame.function.as_deref().unwrap_or("?"), Strength::Nothing);
            let (text, strength) =
                identity.as_ref().map_or_else(unknown, |(text, strength)| (text.as_str(), *strength));
            items.push(Item { text: Cow::Borrowed(text), strength, why });
        }
        if self.overflown && self.calls.len() > 2 * ENDLESS {
            keep_endless(&mut items);
        }
        drop_unnamed(&mut items);
        drop_recursion(&mut items);
        self.limit(&mut items);
        items
    }

    fn strength_of(&self, items: &[Item<'_>]) -> Strength {
        let counting = || items.iter().filter(|item| item.why == Why::Counts);
        if counting().count() < self.limits.min_frames {
            return Strength::Nothing;
        }
        counting().map(|item| item.strength).max().unwrap_or(Strength::Nothing)
    }

    fn limit(&self, items: &mut [Item<'_>]) {
        let Some(most) = self.limits.max_frames else { return };
        let counting: Vec<usize> = (0..items.len()).filter(|at| items[*at].why == Why::Counts).collect();
        let surplus = counting.len().saturating_sub(most);
        let dropped = if self.limits.inverted { &counting[counting.len() - surplus..] } else { &counting[..surplus] };
        for at in dropped {
            items[*at].why = Why::BeyondMaxFrames;
        }
    }
}

/// A frame on its way to a part; it counts while nothing says why not.
struct Item<'a> {
    text: Cow<'a, str>,
    strength: Strength,
    why: Why,
}

impl Item<'_> {
    fn into_part(self) -> Part {
        Part { depth: 1, what: "frame", text: self.text.into_owned(), counts: self.why == Why::Counts, why: self.why }
    }
}

fn mark(frame: &Frame, platform: &str, told: bool) -> Mark {
    let family = Family::of(frame, platform);
    let noise = noise::is_noise(frame, family);
    let in_app = if told || frame.in_app_sent {
        // What a compiler made of its own library for the program lies in the program's file, and is nobody's bug there.
        frame.in_app && !libraries::is_standard(frame, family)
    } else {
        !libraries::is_library(frame, family)
    };
    let why = if noise { Why::RuntimesOwn } else { Why::Counts };
    Mark { family, in_app, counts: !noise, why, category: None }
}

/// An unnamed function beside a named one of the same file says nothing more; browsers leave it out or do not.
fn drop_unnamed(items: &mut [Item<'_>]) {
    let counting: Vec<usize> = (0..items.len()).filter(|at| items[*at].why == Why::Counts).collect();
    let is_of = |item: &Item<'_>, place: &str| {
        item.strength == Strength::Strong
            && item.text.strip_prefix(place).is_some_and(|rest| rest.starts_with(" in ") || rest.starts_with(" | "))
    };
    for (nth, at) in counting.iter().enumerate() {
        let beside = [nth.checked_sub(1), Some(nth + 1)].into_iter().flatten().filter_map(|nth| counting.get(nth));
        let is_said = beside.into_iter().any(|other| is_of(&items[*other], &items[*at].text));
        if items[*at].strength == Strength::Weak && is_said {
            items[*at].why = Why::Unnamed;
        }
    }
}

/// Counts every cycle of calls once.
fn drop_recursion(items: &mut [Item<'_>]) {
    let mut kept: Vec<usize> = Vec::with_capacity(items.len());
    for at in 0..items.len() {
        if items[at].why != Why::Counts {
            continue;
        }
        kept.push(at);
        for length in 1..=MOST_CYCLE.min(kept.len() / 2) {
            let (before, last) = kept[kept.len() - 2 * length..].split_at(length);
            if before.iter().zip(last).all(|(a, b)| items[*a].text == items[*b].text) {
                for at in kept.split_off(kept.len() - length) {
                    items[at].why = Why::Recursion;
                }
                break;
            }
        }
    }
}

/// Of an endless recursion only the cycle counts: where it began and where it broke are chance.
fn keep_endless(items: &mut [Item<'_>]) {
    let mut counts: std::collections::HashMap<Cow<'_, str>, usize> = std::collections::HashMap::new();
    for item in items.iter().filter(|item| item.why == Why::Counts) {
        *counts.entry(item.text.clone()).or_default() += 1;
    }
    let endless = |item: &Item<'_>| counts.get(&item.text).is_some_and(|count| *count >= ENDLESS);
    if !items.iter().any(|item| item.why == Why::Counts && endless(item)) {
        return;
    }
    let mut seen = std::collections::BTreeSet::new();
    for item in items.iter_mut().filter(|item| item.why == Why::Counts) {
        if !endless(item) || !seen.insert(item.text.clone()) {
            item.why = Why::EndlessRecursion;
        }
    }
    // Where in the cycle the trace was cut is chance too.
    let mut texts = seen.into_iter();
    for item in items.iter_mut().filter(|item| item.why == Why::Counts) {
        item.text = texts.next().unwrap_or_default();
    }
}

fn identity(frame: &Frame, family: Family) -> Option<Identity> {
    let module = frame.module.as_deref().filter(|module| !module.is_empty() && *module != "__main__" && *module != "?");
    let filename = frame.filename.as_deref();
    let resumed = match (family, module, frame.function.as_deref()) {
        (Family::Java, Some(module), Some(function)) => names::suspended(module, function),
        _ => None,
    };
    let (module, function) = match resumed {
        Some((class, method)) => (Some(class), Some(method)),
        None => (module, frame.function.as_deref()),
    };
    let function = function.and_then(|name| names::function(name, module.unwrap_or_default(), family));
    if family == Family::Native {
        let place = || filename.or(frame.package.as_deref()).map(base_name);
        return match function {
            Some(function) => Some((function, Strength::Strong)),
            None => place().map(|place| (place, Strength::Weak)),
        };
    }
    let place = match module {
        Some(module) if family == Family::Go => names::go_package(module),
        Some(module) if !module.contains("://") => names::module(module, family),
        _ => files::file(filename.or(module)?),
    };
    let place = if family == Family::JavaScript { files::without_script_ending(&place) } else { place };
    // React Native's bundle lies in another folder with every update over the air.
    let place = if place.ends_with("/bundle") { "bundle".to_owned() } else { place };
    let line = source_line(frame, family);
    Some(match (family, line, function) {
        // A minifier's name is another one in the next build; a browser's may be another one in each.
        (Family::JavaScript, None, Some(function)) if function.len() > 2 => {
            (format!("{place} in {function}"), Strength::Strong)
        }
        (Family::JavaScript, None, _) | (_, None, None) => (place, Strength::Weak),
        (Family::JavaScript, Some(line), _) | (_, Some(line), None) => (format!("{place} | {line}"), Strength::Strong),
        (_, None, Some(function)) => (format!("{place} in {function}"), Strength::Strong),
        (_, Some(line), Some(function)) => (format!("{place} in {function} | {line}"), Strength::Strong),
    })
}

/// The text of the line, if a person wrote it and it says something.
fn source_line(frame: &Frame, family: Family) -> Option<String> {
    if !family.has_source_lines() {
        return None;
    }
    let line = frame.context_line.as_deref()?.trim();
    let letters = line.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < 3 || line.len() > MOST_LINE || line.contains("{snip}") {
        return None;
    }
    Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn base_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()
}
