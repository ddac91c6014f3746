//! What a person looks at in an event, purely: from the typed event to the parts of its page.
//!
//! Exceptions come last raised first and their frames innermost first, because that is where reading begins. Frames of the
//! application are open, runs of library frames are folded into one line.

use crate::protocol::{
    event::{Breadcrumb, Event, Exception},
    json::cut,
    stacktrace::{Frame, Stacktrace},
};

/// Values longer than this are cut on pages; the raw event has them whole.
const MOST_SHOWN: usize = 4_000;
/// Frames of the application that are open to begin with.
const MOST_OPEN: usize = 5;
/// Breadcrumbs shown without asking: the last ones.
const MOST_CRUMBS: usize = 12;

/// An exception with its frames, ready to be shown.
#[derive(Clone, Debug, Default)]
pub struct ExceptionView {
    pub kind: Option<String>,
    pub value: Option<String>,
    pub module: Option<String>,
    pub mechanism: Option<String>,
    /// False for what nobody caught.
    pub handled: Option<bool>,
    pub blocks: Vec<Block>,
}

/// One or more frames of a stack trace.
#[derive(Clone, Debug)]
pub enum Block {
    Frame(FrameView),
    /// A run of library frames.
    Library(Vec<FrameView>),
}

/// A frame, ready to be shown.
#[derive(Clone, Debug)]
pub struct FrameView {
    pub function: String,
    pub file: String,
    /// Where it is exactly, when that says more than `file`.
    pub path: String,
    pub lineno: Option<i64>,
    pub in_app: bool,
    pub is_open: bool,
    pub lines: Vec<Line>,
    pub vars: Vec<(String, String)>,
}

impl FrameView {
    /// Whether there is anything to unfold.
    pub fn has_more(&self) -> bool {
        !self.lines.is_empty() || !self.vars.is_empty()
    }
}

/// One line of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: Option<i64>,
    pub code: String,
    pub is_hit: bool,
}

/// Which frames of a stack trace are to be read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Those of the application; the others are folded.
    OfApplication,
    All,
}

/// The exceptions of an event. A stack trace that none of them carries is the last one's, or one without a name.
pub fn exceptions(event: &Event, frames: Frames) -> Vec<ExceptionView> {
    let blocks = |stacktrace: &Stacktrace| blocks(stacktrace, frames);
    let mut views: Vec<ExceptionView> = event.exceptions.iter().rev().map(|raised| exception(raised, frames)).collect();
    // The SDKs for Rust and Cocoa put it into the thread that ran.
    let of_thread = || event.main_thread().and_then(|thread| thread.stacktrace.as_ref());
    let bare = event.stacktrace.as_ref().or_else(of_thread).filter(|_| views.iter().all(|view| view.blocks.is_empty()));
    if let Some(stacktrace) = bare {
        match views.first_mut() {
            Some(last) => last.blocks = blocks(stacktrace),
            None => views.push(ExceptionView { blocks: blocks(stacktrace), ..ExceptionView::default() }),
        }
    }
    views
}

fn exception(exception: &Exception, frames: Frames) -> ExceptionView {
    ExceptionView {
        kind: exception.kind.clone(),
        value: exception.value.as_deref().map(shortened),
        module: exception.module.clone(),
        mechanism: exception.mechanism.as_ref().map(|mechanism| mechanism.kind.clone()),
        handled: exception.mechanism.as_ref().and_then(|mechanism| mechanism.handled),
        blocks: exception.stacktrace.as_ref().map(|trace| blocks(trace, frames)).unwrap_or_default(),
    }
}

/// Frames innermost first; of a trace without application frames the innermost is the one to read.
fn blocks(stacktrace: &Stacktrace, frames: Frames) -> Vec<Block> {
    let any_in_app = stacktrace.frames.iter().any(|frame| frame.in_app);
    let mut open = 0;
    let mut blocks = Vec::new();
    let mut library = Vec::new();
    for (depth, frame) in stacktrace.frames.iter().rev().enumerate() {
        let matters = frame.in_app || (!any_in_app && depth == 0);
        let mut view = FrameView::new(frame);
        if frames == Frames::All && !frame.in_app {
            blocks.push(Block::Frame(view));
            continue;
        }
        if !matters {
            library.push(view);
            continue;
        }
        fold(&mut blocks, &mut library);
        open += 1;
        view.is_open = open <= MOST_OPEN;
        blocks.push(Block::Frame(view));
    }
    fold(&mut blocks, &mut library);
    blocks
}

fn fold(blocks: &mut Vec<Block>, library: &mut Vec<FrameView>) {
    match library.len() {
        0 => (),
        1 => blocks.extend(library.drain(..).map(Block::Frame)),
        _ => blocks.push(Block::Library(std::mem::take(library))),
    }
}

impl FrameView {
    fn new(frame: &Frame) -> FrameView {
        let file = frame.filename.as_deref().unwrap_or_else(|| frame.place());
        FrameView {
            function: frame.function.clone().unwrap_or_else(|| "?".into()),
            file: file.to_owned(),
            path: frame.abs_path.clone().unwrap_or_else(|| frame.place().to_owned()),
            lineno: frame.lineno,
            in_app: frame.in_app,
            is_open: false,
            lines: lines(frame),
            vars: shortened_pairs(&frame.vars),
        }
    }
}

/// The source around a frame's line, each line with its number.
pub fn lines(frame: &Frame) -> Vec<Line> {
    let Some(hit) = &frame.context_line else { return Vec::new() };
    let before = i64::try_from(frame.pre_context.len()).unwrap_or(0);
    let first = frame.lineno.map(|lineno| lineno - before);
    let texts = frame.pre_context.iter().chain([hit]).chain(&frame.post_context);
    let line = |(offset, code): (i64, &String)| Line {
        number: first.map(|first| first + offset),
        code: shortened(code),
        is_hit: offset == before,
    };
    (0..).zip(texts).map(line).collect()
}

/// The tags Sentry derives from an event, and those the sender set, by name.
pub fn tags(event: &Event) -> Vec<(String, String)> {
    let mechanism = event.main_exception().and_then(|exception| exception.mechanism.as_ref());
    let handled = mechanism.and_then(|mechanism| mechanism.handled).map(|handled| if handled { "yes" } else { "no" });
    let derived = [
        ("level", Some(event.level.name().to_owned())),
        ("environment", event.environment.clone()),
        ("release", event.release.clone()),
        ("server_name", event.server_name.clone()),
        ("transaction", event.transaction.clone()),
        ("logger", event.logger.clone()),
        ("url", event.request.as_ref().and_then(|request| request.url.clone())),
        ("mechanism", mechanism.map(|mechanism| mechanism.kind.clone())),
        ("handled", handled.map(str::to_owned)),
    ];
    let derived = derived.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let own = event.tags.iter().filter(|(name, _)| name != "level" && name != "environment" && name != "release");
    let mut tags: Vec<_> = derived.chain(own.cloned()).map(|(name, value)| (name, cut(&value, 200))).collect();
    tags.sort();
    tags.dedup_by(|a, b| a.0 == b.0);
    tags
}

/// Breadcrumbs in the order they happened: the early ones, which are folded, and the last ones.
pub fn breadcrumbs(event: &Event) -> (&[Breadcrumb], &[Breadcrumb]) {
    event.breadcrumbs.split_at(event.breadcrumbs.len().saturating_sub(MOST_CRUMBS))
}

/// How grave a breadcrumb is; most SDKs say so only of others than `info`.
pub fn level(crumb: &Breadcrumb) -> &'static str {
    crumb.level.map_or("info", crate::protocol::Level::name)
}

/// The levels that an event's breadcrumbs have, the gravest first.
pub fn levels(event: &Event) -> Vec<&'static str> {
    let all = ["fatal", "error", "warning", "info", "debug"];
    all.into_iter().filter(|name| event.breadcrumbs.iter().any(|crumb| level(crumb) == *name)).collect()
}

/// A value as a page shows it.
pub fn shortened(value: &str) -> String {
    cut(value, MOST_SHOWN)
}

/// Values as a page shows them.
pub fn shortened_pairs(pairs: &[(String, String)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.clone(), shortened(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, in_app: bool) -> Frame {
        Frame { function: Some(function.into()), in_app, ..Frame::default() }
    }

    fn shape(frames: Vec<Frame>) -> Vec<String> {
        let name = |block: &Block| match block {
            Block::Frame(frame) if frame.is_open => format!("[{}]", frame.function),
            Block::Frame(frame) => frame.function.clone(),
            Block::Library(frames) => format!("{} folded", frames.len()),
        };
        blocks(&Stacktrace { frames }, Frames::OfApplication).iter().map(name).collect()
    }

    #[test]
    fn frames_come_innermost_first_with_libraries_folded() {
        let frames = vec![
            frame("main", true),
            frame("run", false),
            frame("call", false),
            frame("view", true),
            frame("get", false),
        ];
        assert_eq!(shape(frames), ["get", "[view]", "2 folded", "[main]"]);
    }

    #[test]
    fn where_all_is_library_the_innermost_is_open() {
        assert_eq!(shape(vec![frame("a", false), frame("b", false), frame("c", false)]), ["[c]", "2 folded"]);
    }

    #[test]
    fn lines_are_numbered_around_the_hit() {
        let frame = Frame {
            lineno: Some(42),
            pre_context: vec!["a".into(), "b".into()],
            context_line: Some("c".into()),
            post_context: vec!["d".into()],
            ..Frame::default()
        };
        let lines = lines(&frame);
        assert_eq!(lines.iter().map(|line| line.number.unwrap()).collect::<Vec<_>>(), [40, 41, 42, 43]);
        assert_eq!(lines.iter().position(|line| line.is_hit), Some(2));
    }

    #[test]
    fn the_senders_tags_stand_beside_ours() {
        let event =
            Event::parse(br#"{"level": "fatal", "release": "1.0", "tags": {"tenant": "acme", "level": "x"}}"#).unwrap();
        let names: Vec<_> = tags(&event).into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(names, ["level=fatal", "release=1.0", "tenant=acme"]);
    }
}
