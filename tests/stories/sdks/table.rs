//! A row for each SDK: what it tells of the shop, as far as it can.

use super::{Sdk, programs};

const ATTACHMENT: (&str, &str) = ("attachment", "umbrella");
const CHECK_IN: (&str, &str) = ("check_in", "backup");
const FEEDBACK: (&str, &str) = ("feedback", "it does not work");
const SESSION: (&str, &str) = ("session", "shop@1.2.3");
const SPAN: (&str, &str) = ("span", "restock");
/// What feedback was before; SDKs still send it.
const USER_REPORT: (&str, &str) = ("user_report", "it did not work either");
const TRANSACTION: (&str, &str) = ("transaction", "restock");

/// PyPI `sentry-sdk`.
pub const PYTHON: Sdk = Sdk {
    name: "sentry.python",
    report: programs::python,
    types: &["RuntimeError", "LookupError"],
    file: "report.py",
    source: Some("raise RuntimeError(f\\\"the {basket} is empty\\\") from cause"),
    dist: true,
    extra: true,
    contexts: true,
    items: &[ATTACHMENT, CHECK_IN, SESSION, TRANSACTION],
    pass: &["check_in", "session"],
};

/// PyPI `raven`, until 2018.
pub const RAVEN: Sdk = Sdk {
    name: "raven-python",
    report: programs::raven,
    types: &["RuntimeError", "LookupError"],
    file: "report.py",
    source: Some("from cause"),
    dist: false,
    extra: true,
    contexts: false,
    items: &[],
    pass: &[],
};

/// npm `@sentry/node`.
pub const NODE: Sdk = Sdk {
    name: "sentry.javascript.node",
    report: programs::node,
    types: &["RangeError", "TypeError"],
    file: "report.js",
    source: Some("throw new RangeError"),
    dist: true,
    extra: true,
    contexts: true,
    items: &[ATTACHMENT, CHECK_IN, FEEDBACK, SESSION, SPAN],
    pass: &["check_in", "session"],
};

/// npm `raven`, until 2018. It does not pause.
pub const RAVEN_NODE: Sdk = Sdk {
    name: "raven-node",
    report: programs::raven_node,
    types: &["RangeError"],
    file: "report.js",
    source: Some("throw new RangeError"),
    dist: false,
    extra: true,
    contexts: false,
    items: &[],
    pass: &[],
};

/// npm `@sentry/browser`, in Chromium. It has no check-ins.
pub const BROWSER: Sdk = Sdk {
    name: "sentry.javascript.browser",
    report: programs::sentry_browser,
    types: &["RangeError", "TypeError"],
    file: "/shop.js",
    source: None,
    dist: true,
    extra: true,
    contexts: true,
    items: &[ATTACHMENT, FEEDBACK, SESSION, SPAN],
    pass: &["session"],
};

/// npm `raven-js`, until 2018, in Chromium.
pub const RAVEN_JS: Sdk = Sdk {
    name: "raven-js",
    report: programs::raven_js,
    types: &["RangeError"],
    file: "/shop.js",
    source: None,
    dist: false,
    extra: true,
    contexts: false,
    items: &[],
    pass: &[],
};

/// crates.io `sentry`. It has no feedback.
pub const RUST: Sdk = Sdk {
    name: "sentry.rust",
    report: programs::rust,
    types: &["EmptyBasket", "SoldOut"],
    file: "main.rs",
    source: None,
    dist: false,
    extra: true,
    contexts: true,
    items: &[ATTACHMENT, CHECK_IN, SESSION, TRANSACTION],
    pass: &["check_in", "session"],
};

/// Maven `io.sentry:sentry`.
pub const JAVA: Sdk = Sdk {
    name: "sentry.java",
    report: programs::java,
    types: &["IllegalStateException", "NoSuchElementException"],
    file: "Report.java",
    source: None,
    dist: true,
    extra: true,
    contexts: true,
    items: &[ATTACHMENT, CHECK_IN, FEEDBACK, SESSION, TRANSACTION, USER_REPORT],
    pass: &["check_in", "session"],
};

/// Maven `io.sentry:sentry` 1.7, until 2020.
pub const JAVA_1: Sdk = Sdk {
    name: "sentry-java",
    report: programs::java_1,
    types: &["IllegalStateException", "NoSuchElementException"],
    file: "Report.java",
    source: None,
    dist: true,
    extra: true,
    contexts: false,
    items: &[],
    pass: &[],
};

/// `sentry-go`. It has neither sessions nor feedback.
pub const GO: Sdk = Sdk {
    name: "sentry.go",
    report: programs::go,
    types: &["*fmt.wrapError", "*errors.errorString"],
    file: "main.go",
    source: None,
    dist: true,
    extra: false,
    contexts: true,
    items: &[ATTACHMENT, CHECK_IN, TRANSACTION],
    pass: &["check_in"],
};
