//! Which family of platforms a frame belongs to: each names functions, files and libraries in its own way.

use super::super::stacktrace::Frame;

/// Platforms that write frames alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    JavaScript,
    Python,
    Php,
    Ruby,
    Java,
    DotNet,
    Go,
    Native,
    Dart,
    Other,
}

impl Family {
    /// The family of a frame: its own platform, or the event's, or what the file's ending tells.
    pub fn of(frame: &Frame, platform: &str) -> Family {
        let named = Family::named(frame.platform.as_deref().unwrap_or(platform));
        match named {
            Family::Other => frame.filename.as_deref().map_or(Family::Other, Family::by_extension),
            known => known,
        }
    }

    fn named(platform: &str) -> Family {
        match platform {
            "javascript" | "node" => Family::JavaScript,
            "python" => Family::Python,
            "php" => Family::Php,
            "ruby" => Family::Ruby,
            "java" | "groovy" | "kotlin" | "scala" | "android" => Family::Java,
            "csharp" => Family::DotNet,
            "go" => Family::Go,
            "native" | "c" | "cocoa" | "objc" | "rust" | "swift" => Family::Native,
            "dart" => Family::Dart,
            _ => Family::Other,
        }
    }

    fn by_extension(filename: &str) -> Family {
        let name = filename.split(['?', '#']).next().unwrap_or_default();
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js" | "jsx" | "ts" | "tsx" | "mjs" | "cjs" | "vue") => Family::JavaScript,
            Some("py") => Family::Python,
            Some("php") => Family::Php,
            Some("rb" | "erb") => Family::Ruby,
            Some("java" | "kt" | "scala" | "clj" | "groovy") => Family::Java,
            Some("cs" | "fs" | "vb") => Family::DotNet,
            Some("go") => Family::Go,
            Some("rs" | "c" | "cc" | "cpp" | "h" | "hpp" | "m" | "mm" | "swift") => Family::Native,
            Some("dart") => Family::Dart,
            _ => Family::Other,
        }
    }

    /// Whether the line's text tells frames apart better than names do: interpreted languages send it along.
    pub fn has_source_lines(self) -> bool {
        matches!(self, Family::JavaScript | Family::Python | Family::Php | Family::Ruby | Family::Other)
    }

    /// The name that rules know it by.
    pub fn rule_name(self) -> &'static str {
        match self {
            Family::JavaScript => "javascript",
            Family::Native => "native",
            _ => "other",
        }
    }
}
