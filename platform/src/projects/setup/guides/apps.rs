//! Guides for applications on phones and desktops, for games, and for what has no SDK.

use super::{Era, Guide};

pub const GUIDES: &[&Guide] = &[
    &Guide {
        id: "android",
        name: "Android",
        era: Era::Current,
        install: &[("app/build.gradle", r#"implementation "io.sentry:sentry-android:8.62.0""#)],
        configure: &[(
            "AndroidManifest.xml",
            r#"
<application>
  <meta-data android:name="io.sentry.dsn" android:value="{DSN}" />
  <meta-data android:name="io.sentry.environment" android:value="production" />
</application>"#,
        )],
        send: &[(
            "MainActivity.kt",
            r#"
import io.sentry.Sentry

Sentry.captureException(RuntimeException("Hello from Picket"))"#,
        )],
    },
    &Guide {
        id: "ios",
        name: "iOS, macOS",
        era: Era::Current,
        install: &[("Package.swift", r#".package(url: "https://github.com/getsentry/sentry-cocoa", from: "8.0.0")"#)],
        configure: &[(
            "App.swift",
            r#"
import Sentry

SentrySDK.start { options in
    options.dsn = "{DSN}"
    options.environment = "production"
}"#,
        )],
        send: &[("App.swift", r#"SentrySDK.capture(message: "Hello from Picket")"#)],
    },
    &Guide {
        id: "flutter",
        name: "Flutter",
        era: Era::Current,
        install: &[("", "flutter pub add sentry_flutter")],
        configure: &[(
            "lib/main.dart",
            r"
import 'package:sentry_flutter/sentry_flutter.dart';

Future<void> main() async {
  await SentryFlutter.init(
    (options) => options.dsn = '{DSN}',
    appRunner: () => runApp(const MyApp()),
  );
}",
        )],
        send: &[("lib/main.dart", "await Sentry.captureMessage('Hello from Picket');")],
    },
    &Guide {
        id: "react-native",
        name: "React Native",
        era: Era::Current,
        install: &[("", "npm install @sentry/react-native\nnpx pod-install")],
        configure: &[(
            "App.js",
            r#"
import * as Sentry from "@sentry/react-native";

Sentry.init({ dsn: "{DSN}", environment: "production" });

export default Sentry.wrap(App);"#,
        )],
        send: &[("App.js", r#"Sentry.captureException(new Error("Hello from Picket"));"#)],
    },
    &Guide {
        id: "unity",
        name: "Unity",
        era: Era::Current,
        install: &[("Package Manager, Add package from git URL", "https://github.com/getsentry/unity.git")],
        configure: &[("Tools, Sentry, Core, DSN", "{DSN}")],
        send: &[("Start.cs", r#"Sentry.SentrySdk.CaptureMessage("Hello from Picket");"#)],
    },
    &Guide {
        id: "native",
        name: "C, C++",
        era: Era::Current,
        install: &[("", "vcpkg install sentry-native")],
        configure: &[(
            "main.c",
            r#"
#include <sentry.h>

sentry_options_t *options = sentry_options_new();
sentry_options_set_dsn(options, "{DSN}");
sentry_options_set_release(options, "shop@1.0.0");
sentry_init(options);"#,
        )],
        send: &[(
            "main.c",
            r#"
sentry_capture_event(sentry_value_new_message_event(SENTRY_LEVEL_INFO, "test", "Hello from Picket"));
sentry_close();"#,
        )],
    },
    &Guide {
        id: "other",
        name: "HTTP (curl)",
        era: Era::Current,
        install: &[],
        configure: &[],
        send: &[(
            "",
            r#"
curl "{STORE}" \
  -H "X-Sentry-Auth: Sentry sentry_version=7, sentry_key={KEY}" \
  -H "Content-Type: application/json" \
  -d '{"message": "Hello from Picket"}'"#,
        )],
    },
];
