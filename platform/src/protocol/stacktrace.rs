//! Stack traces: frames from the outermost call to the innermost, as SDKs send them.

use serde_json::Value;

use super::json::{Object, first, text};

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

impl Stacktrace {
    /// Reads `{"frames": […]}`; none when there is no frame.
    pub fn parse(value: Option<&Value>) -> Option<Stacktrace> {
        let frames = value?.get("frames")?.as_array()?;
        let frames: Vec<Frame> = frames.iter().filter_map(Value::as_object).map(Frame::parse).collect();
        (!frames.is_empty()).then_some(Stacktrace { frames })
    }

    /// The call that matters most: the innermost of the application, or the innermost at all.
    pub fn crash_frame(&self) -> Option<&Frame> {
        self.frames.iter().rev().find(|frame| frame.in_app).or(self.frames.last())
    }
}

impl Frame {
    /// Reads one frame.
    pub fn parse(frame: &Object) -> Frame {
        let lines = |name| match frame.get(name) {
            Some(Value::Array(lines)) => {
                lines.iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
            }
            _ => Vec::new(),
        };
        let abs_path = text(frame.get("abs_path"));
        Frame {
            filename: text(frame.get("filename")).or_else(|| abs_path.clone()),
            abs_path,
            module: text(frame.get("module")),
            function: text(first(frame, &["function", "symbol"])).filter(|name| name != "?"),
            raw_function: text(frame.get("raw_function")),
            package: text(frame.get("package")),
            platform: text(frame.get("platform")),
            lineno: frame.get("lineno").and_then(Value::as_i64),
            colno: frame.get("colno").and_then(Value::as_i64),
            in_app: frame.get("in_app").and_then(Value::as_bool).unwrap_or(false),
            in_app_sent: frame.get("in_app").is_some_and(Value::is_boolean),
            pre_context: lines("pre_context"),
            context_line: text(frame.get("context_line")),
            post_context: lines("post_context"),
            vars: frame.get("vars").and_then(Value::as_object).map(vars).unwrap_or_default(),
        }
    }

    /// Where the frame is, in the words of its platform: a module, or else a file, or else a library.
    pub fn place(&self) -> &str {
        self.module.as_deref().or(self.filename.as_deref()).or(self.package.as_deref()).unwrap_or("?")
    }
}

fn vars(vars: &Object) -> Vec<(String, String)> {
    let shown = |value: &Value| text(Some(value)).unwrap_or_else(|| value.to_string());
    vars.iter().map(|(name, value)| (name.clone(), shown(value))).collect()
}
