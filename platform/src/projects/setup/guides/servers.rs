//! Guides for what runs on servers, and in browsers.

use super::{Era, Guide};

pub static PYTHON: Guide = Guide {
    id: "python",
    name: "Python",
    era: Era::Current,
    install: &[("", "pip install --upgrade sentry-sdk")],
    configure: &[(
        "main.py, settings.py …",
        r#"
import sentry_sdk

sentry_sdk.init(
    dsn="{DSN}",
    release="shop@1.0.0",
    environment="production",
)"#,
    )],
    send: &[("", r#"python -c 'import sentry_sdk; sentry_sdk.init("{DSN}"); 1 / 0'"#)],
};

pub const GUIDES: &[&Guide] = &[
    &PYTHON,
    &Guide {
        id: "javascript",
        name: "JavaScript (browser)",
        era: Era::Current,
        install: &[("", "npm install @sentry/browser")],
        configure: &[(
            "main.js",
            r#"
import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: "{DSN}",
  release: "shop@1.0.0",
  environment: "production",
});"#,
        )],
        send: &[("main.js", r#"setTimeout(() => { throw new Error("Hello from Picket"); });"#)],
    },
    &Guide {
        id: "node",
        name: "Node.js",
        era: Era::Current,
        install: &[("", "npm install @sentry/node")],
        configure: &[(
            "instrument.js",
            r#"
// Required before everything else.
const Sentry = require("@sentry/node");

Sentry.init({ dsn: "{DSN}", release: "shop@1.0.0", environment: "production" });"#,
        )],
        send: &[("", r#"node -r ./instrument.js -e 'throw new Error("Hello from Picket")'"#)],
    },
    &Guide {
        id: "java",
        name: "Java, Kotlin",
        era: Era::Current,
        install: &[("build.gradle", r#"implementation "io.sentry:sentry:8.62.0""#)],
        configure: &[(
            "Main.java",
            r#"
import io.sentry.Sentry;

Sentry.init(options -> {
    options.setDsn("{DSN}");
    options.setRelease("shop@1.0.0");
    options.setEnvironment("production");
});"#,
        )],
        send: &[("Main.java", r#"Sentry.captureException(new IllegalStateException("Hello from Picket"));"#)],
    },
    &Guide {
        id: "go",
        name: "Go",
        era: Era::Current,
        install: &[("", "go get github.com/getsentry/sentry-go")],
        configure: &[(
            "main.go",
            r#"
err := sentry.Init(sentry.ClientOptions{
	Dsn:         "{DSN}",
	Release:     "shop@1.0.0",
	Environment: "production",
})
if err != nil {
	log.Fatal(err)
}
defer sentry.Flush(2 * time.Second)"#,
        )],
        send: &[("main.go", r#"sentry.CaptureException(errors.New("Hello from Picket"))"#)],
    },
    &Guide {
        id: "rust",
        name: "Rust",
        era: Era::Current,
        install: &[("", "cargo add sentry")],
        configure: &[(
            "src/main.rs",
            r#"
// Lives as long as the program: what is left is sent when it goes.
let _sentry = sentry::init(("{DSN}", sentry::ClientOptions {
    release: sentry::release_name!(),
    ..Default::default()
}));"#,
        )],
        send: &[("src/main.rs", r#"panic!("Hello from Picket");"#)],
    },
    &Guide {
        id: "php",
        name: "PHP",
        era: Era::Current,
        install: &[("", "composer require sentry/sentry")],
        configure: &[(
            "index.php",
            r"
require __DIR__ . '/vendor/autoload.php';

\Sentry\init([
    'dsn' => '{DSN}',
    'release' => 'shop@1.0.0',
    'environment' => 'production',
]);",
        )],
        send: &[("index.php", "throw new RuntimeException('Hello from Picket');")],
    },
    &Guide {
        id: "ruby",
        name: "Ruby",
        era: Era::Current,
        install: &[("", "bundle add sentry-ruby")],
        configure: &[(
            "config/initializers/sentry.rb",
            r#"
require "sentry-ruby"

Sentry.init do |config|
  config.dsn = "{DSN}"
  config.release = "shop@1.0.0"
  config.environment = "production"
end"#,
        )],
        send: &[("irb", r#"Sentry.capture_message("Hello from Picket")"#)],
    },
    &Guide {
        id: "dotnet",
        name: ".NET",
        era: Era::Current,
        install: &[("", "dotnet add package Sentry")],
        configure: &[(
            "Program.cs",
            r#"
using var sentry = SentrySdk.Init(options =>
{
    options.Dsn = "{DSN}";
    options.Release = "shop@1.0.0";
    options.Environment = "production";
});"#,
        )],
        send: &[("Program.cs", r#"SentrySdk.CaptureMessage("Hello from Picket");"#)],
    },
];
