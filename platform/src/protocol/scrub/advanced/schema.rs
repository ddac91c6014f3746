//! What of an event is about a person: everything an application fills in, some of what an SDK does, nothing of what is technical.
//!
//! The table holds paths; below one that is `yes` or `maybe` everything is, unless it says otherwise. What is in no line is `no`.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::Value;

/// Whether a value is about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pii {
    No,
    /// It depends; only a rule that names it is for it.
    Maybe,
    Yes,
}

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    String,
    Number,
    Boolean,
    Array,
    Object,
    DateTime,
    Event,
    Exception,
    Stacktrace,
    Frame,
    Request,
    User,
    LogEntry,
    Message,
    Thread,
    Breadcrumb,
    Span,
    Sdk,
    /// Files that come with events; no rule meets them here.
    File,
}

const KINDS: &[(&str, Kind)] = &[
    ("string", Kind::String),
    ("number", Kind::Number),
    ("boolean", Kind::Boolean),
    ("bool", Kind::Boolean),
    ("array", Kind::Array),
    ("object", Kind::Object),
    ("datetime", Kind::DateTime),
    ("event", Kind::Event),
    ("exception", Kind::Exception),
    ("error", Kind::Exception),
    ("stacktrace", Kind::Stacktrace),
    ("stack", Kind::Stacktrace),
    ("frame", Kind::Frame),
    ("request", Kind::Request),
    ("http", Kind::Request),
    ("user", Kind::User),
    ("logentry", Kind::LogEntry),
    ("message", Kind::Message),
    ("thread", Kind::Thread),
    ("breadcrumb", Kind::Breadcrumb),
    ("span", Kind::Span),
    ("sdk", Kind::Sdk),
    ("clientsdkinfo", Kind::Sdk),
    ("attachments", Kind::File),
    ("minidump", Kind::File),
    ("heap_memory", Kind::File),
    ("stack_memory", Kind::File),
    ("binary", Kind::File),
    ("log", Kind::File),
    ("replay", Kind::File),
    ("useragent", Kind::File),
];

impl Kind {
    /// By the name selectors use.
    pub fn named(name: &str) -> Option<Kind> {
        KINDS.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, kind)| *kind)
    }

    /// Of a value that the table says nothing of.
    pub fn of(value: &Value) -> Option<Kind> {
        Some(match value {
            Value::Null => return None,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::String,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
        })
    }

    /// Whether it is a part of an event, and not just a shape of JSON.
    pub fn is_structure(self) -> bool {
        !matches!(
            self,
            Kind::String | Kind::Number | Kind::Boolean | Kind::Array | Kind::Object | Kind::DateTime | Kind::Message
        )
    }
}

/// Paths with what they hold: how personal, and of which kind where the shape does not say.
const TABLE: &str = "
    breadcrumbs.values.* no breadcrumb
    breadcrumbs.values.*.data yes
    breadcrumbs.values.*.message yes
    contexts.* yes
    contexts.*.type no
    culprit maybe
    csp.blocked_uri yes
    csp.document_uri yes
    csp.effective_directive yes
    csp.referrer yes
    csp.source_file maybe
    exception.values.* no exception
    exception.values.*.mechanism.data yes
    exception.values.*.value yes
    extra yes
    logentry no logentry
    logentry.formatted yes message
    logentry.params yes
    request no request
    request.cookies yes object
    request.data yes
    request.env yes
    request.fragment yes
    request.headers yes object
    request.query_string yes object
    request.url maybe
    sdk no sdk
    sdk.client_ip yes
    spans.* no span
    spans.*.data maybe
    spans.*.description maybe
    tags maybe object
    template.abs_path yes
    template.filename yes
    threads.values.* no thread
    user no user
    user.data yes
    user.email yes
    user.geo.* yes
    user.id yes
    user.ip_address yes
    user.name yes
    user.sentry_user yes
    user.username yes
";
/// Where stack traces are, and what of a frame is about a person.
const STACK_TRACES: [&str; 6] = [
    "stacktrace",
    "exception.values.*.stacktrace",
    "exception.values.*.raw_stacktrace",
    "threads.values.*.stacktrace",
    "threads.values.*.raw_stacktrace",
    "raw_stacktrace",
];
const FRAMES: [(&str, Pii, Option<Kind>); 7] = [
    ("", Pii::No, Some(Kind::Stacktrace)),
    (".frames.*", Pii::No, Some(Kind::Frame)),
    (".frames.*.abs_path", Pii::Maybe, None),
    (".frames.*.filename", Pii::Maybe, None),
    (".frames.*.module", Pii::Maybe, None),
    (".frames.*.package", Pii::Maybe, None),
    (".frames.*.vars", Pii::Yes, None),
];
/// Contexts that SDKs fill. What is named here says nothing about a person, the rest of them may.
const CONTEXTS: &[(&str, &[&str])] = &[
    (
        "app",
        &[
            "app_build",
            "app_identifier",
            "app_memory",
            "app_name",
            "app_version",
            "build_type",
            "in_foreground",
            "view_names",
        ],
    ),
    ("browser", &["browser", "name", "version"]),
    ("culture", &["is_24_hour_format"]),
    (
        "device",
        &[
            "arch",
            "battery_level",
            "battery_status",
            "brand",
            "charging",
            "family",
            "low_memory",
            "manufacturer",
            "model",
            "model_id",
            "online",
            "orientation",
            "processor_count",
            "simulator",
        ],
    ),
    ("feedback", &["associated_event_id", "contact_email", "message", "name", "replay_id", "source", "url"]),
    ("flags", &[]),
    ("gpu", &[]),
    ("memory_info", &[]),
    ("monitor", &[]),
    ("nel", &[]),
    ("os", &["name", "os", "rooted", "version"]),
    ("ota_updates", &[]),
    ("otel", &[]),
    ("performance_score", &[]),
    ("profile", &["profile_id", "profiler_id"]),
    ("replay", &["replay_id"]),
    ("response", &["body_size", "inferred_content_type", "status_code"]),
    ("runtime", &["name", "runtime", "version"]),
    ("spring", &["active_profiles"]),
    ("threadpool_info", &[]),
    (
        "trace",
        &["client_sample_rate", "exclusive_time", "op", "parent_span_id", "sampled", "span_id", "status", "trace_id"],
    ),
    ("unity", &["copy_texture_support", "rendering_threading_mode"]),
];

/// A path's end in the table.
#[derive(Debug, Default)]
pub struct Node {
    pii: Option<Pii>,
    pub kind: Option<Kind>,
    children: HashMap<&'static str, Node>,
    /// What is in it is known by its `type`, or else by its key.
    typed: bool,
}

static ROOT: LazyLock<Node> = LazyLock::new(|| {
    let mut root = Node { pii: Some(Pii::No), ..Node::default() };
    for line in TABLE.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let path = words.next().unwrap_or_default();
        let pii = match words.next() {
            Some("yes") => Pii::Yes,
            Some("maybe") => Pii::Maybe,
            _ => Pii::No,
        };
        root.add(&[path], pii, words.next().and_then(Kind::named));
    }
    for trace in STACK_TRACES {
        for (path, pii, kind) in FRAMES {
            root.add(&[trace, path], pii, kind);
        }
    }
    for (name, technical) in CONTEXTS {
        let own = root.children.get_mut("contexts").expect("it is in the table");
        own.add(&[name], Pii::No, None);
        own.add(&[name, ".*"], Pii::Maybe, None);
        for field in technical.iter().chain(&["type"]) {
            own.add(&[name, ".", field], Pii::No, None);
        }
    }
    let contexts = root.children.get_mut("contexts").expect("it is in the table");
    contexts.typed = true;
    contexts.add(&["device.device_unique_identifier"], Pii::Yes, None);
    for (name, kind) in [("cookies", Some(Kind::Object)), ("data", None), ("headers", Some(Kind::Object))] {
        contexts.add(&["response.", name], Pii::Yes, kind);
    }
    root
});

/// The event itself.
pub fn root() -> &'static Node {
    &ROOT
}

impl Node {
    fn add(&mut self, path: &[&'static str], pii: Pii, kind: Option<Kind>) {
        let mut node = self;
        for key in path.iter().flat_map(|part| part.split('.')).filter(|key| !key.is_empty()) {
            node = node.children.entry(key).or_default();
        }
        (node.pii, node.kind) = (Some(pii), kind);
    }

    /// What is under a key, if the table says anything of it. A context is what its `type` says it is.
    pub fn child(&self, key: &str, value: &Value) -> Option<&Node> {
        let kind = value.get("type").and_then(Value::as_str).filter(|_| self.typed);
        let name = kind.unwrap_or(key);
        self.children.get(name).or_else(|| self.children.get("*"))
    }

    /// How personal it is, where what is around it is `around`.
    pub fn pii(&self, around: Pii) -> Pii {
        self.pii.unwrap_or(around)
    }
}
