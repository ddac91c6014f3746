//! Guides for SDKs that are no longer made; what reports with them goes on doing so.

use super::{Era, Guide};

pub const GUIDES: &[&Guide] = &[
    &Guide {
        id: "raven-python",
        name: "raven (Python)",
        era: Era::Older,
        install: &[("", "pip install raven")],
        configure: &[(
            "main.py",
            r#"
from raven import Client

client = Client("{DSN}", release="shop@1.0.0", environment="production")"#,
        )],
        send: &[("", "raven test {DSN}")],
    },
    &Guide {
        id: "raven-node",
        name: "raven (Node.js)",
        era: Era::Older,
        install: &[("", "npm install raven")],
        configure: &[(
            "main.js",
            r#"
const Raven = require("raven");

Raven.config("{DSN}", { release: "shop@1.0.0", environment: "production" }).install();"#,
        )],
        send: &[("main.js", r#"Raven.captureException(new Error("Hello from Picket"));"#)],
    },
    &Guide {
        id: "raven-js",
        name: "raven-js (browser)",
        era: Era::Older,
        install: &[("", "npm install raven-js")],
        configure: &[(
            "main.js",
            r#"
import Raven from "raven-js";

Raven.config("{DSN}", { release: "shop@1.0.0", environment: "production" }).install();"#,
        )],
        send: &[("main.js", r#"Raven.captureException(new Error("Hello from Picket"));"#)],
    },
    &Guide {
        id: "java-1",
        name: "sentry-java 1",
        era: Era::Older,
        install: &[("build.gradle", r#"implementation "io.sentry:sentry:1.7.30""#)],
        configure: &[(
            "Main.java",
            "import io.sentry.Sentry;\n\nSentry.init(\"{DSN}?release=shop@1.0.0&environment=production\");",
        )],
        send: &[("Main.java", r#"Sentry.capture(new IllegalStateException("Hello from Picket"));"#)],
    },
];
