//! Stack traces: frames from the outermost call to the innermost, as SDKs send them.

use serde_json::Value;

use super::json::{Object, text};

/// The frames of one thread or exception, outermost first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stacktrace {
    pub frames: Vec<Frame>,
}

/// One call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Frame {
    /// Short, relative to the project.
    pub filename: Option<String>,
    pub abs_path: Option<String>,
    /// `shop.cart`, `com.acme.Cart`
    pub module: Option<String>,
    pub function: Option<String>,
    /// The name as the compiler wrote it, where `function` was trimmed from it.
    pub raw_function: Option<String>,
    /// The library or program a native frame is in.
    pub package: Option<String>,
    /// Where one event mixes platforms.
    pub platform: Option<String>,
    /// From 1.
    pub lineno: Option<i64>,
    pub colno: Option<i64>,
    /// Code of the application, not of a library.
    pub in_app: bool,
    /// The SDK said whether it is.
    pub in_app_sent: bool,
    /// Lines before, at and after the call.
    pub pre_context: Vec<String>,
    pub context_line: Option<String>,
    pub post_context: Vec<String>,
    /// Local variables, as the SDK rendered them.
    pub vars: Vec<(String, String)>,
}

/// How much is read of what an event holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// What names and groups it.
    Outline,
    /// All that is shown.
    Whole,
}

impl Stacktrace {
    /// Reads `{"frames": […]}`; none when there is no frame.
    pub fn parse(value: Option<&Value>, detail: Detail) -> Option<Stacktrace> {
        let frames = value?.get("frames")?.as_array()?;
        let frames: Vec<Frame> =
            frames.iter().filter_map(Value::as_object).map(|frame| Frame::parse(frame, detail)).collect();
        (!frames.is_empty()).then_some(Stacktrace { frames })
    }

    /// The call that matters most: the innermost of the application, or the innermost at all.
    pub fn crash_frame(&self) -> Option<&Frame> {
        self.frames.iter().rev().find(|frame| frame.in_app).or(self.frames.last())
    }
}

impl Frame {
    /// Reads one frame, key by key: of frames there are many.
    pub fn parse(frame: &Object, detail: Detail) -> Frame {
        let mut read = Frame::default();
        let (mut function, mut symbol) = (None, None);
        for (key, value) in frame {
            match key.as_str() {
                "filename" => read.filename = text(Some(value)),
                "abs_path" => read.abs_path = text(Some(value)),
                "module" => read.module = text(Some(value)),
                "function" => function = Some(value).filter(|value| !value.is_null()),
                "symbol" => symbol = Some(value),
                "raw_function" => read.raw_function = text(Some(value)),
                "package" => read.package = text(Some(value)),
                "platform" => read.platform = text(Some(value)),
                "lineno" => read.lineno = value.as_i64(),
                "colno" => read.colno = value.as_i64(),
                "in_app" => (read.in_app, read.in_app_sent) = (value.as_bool().unwrap_or(false), value.is_boolean()),
                "context_line" => read.context_line = text(Some(value)),
                "pre_context" if detail == Detail::Whole => read.pre_context = lines(value),
                "post_context" if detail == Detail::Whole => read.post_context = lines(value),
                "vars" if detail == Detail::Whole => read.vars = value.as_object().map(vars).unwrap_or_default(),
                _ => {}
            }
        }
        read.function = text(function.or(symbol)).filter(|name| name != "?");
        read.filename = read.filename.or_else(|| read.abs_path.clone());
        read
    }

    /// Where the frame is, in the words of its platform: a module, or else a file, or else a library.
    pub fn place(&self) -> &str {
        self.module.as_deref().or(self.filename.as_deref()).or(self.package.as_deref()).unwrap_or("?")
    }
}

fn lines(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
}

fn vars(vars: &Object) -> Vec<(String, String)> {
    let shown = |value: &Value| text(Some(value)).unwrap_or_else(|| value.to_string());
    vars.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}
