//! Which frames are libraries', where the SDK said nothing of any.
//!
//! The tables are plain starts and parts of names: they run for every frame, so no patterns. A frame that is in no table is the
//! application's.

use std::sync::LazyLock;

use super::{
    super::{
        stacktrace::Frame,
        words::{Lazy, Words},
    },
    family::Family,
};

/// Whether a frame that the SDK said nothing of is a library's.
pub fn is_library(frame: &Frame, family: Family) -> bool {
    let path = frame.abs_path.as_deref().or(frame.filename.as_deref()).unwrap_or_default();
    let module = frame.module.as_deref().unwrap_or_default();
    let function = frame.function.as_deref().unwrap_or_default();
    match family {
        Family::JavaScript => {
            JS_PATHS.are_in(path) || starts_any(path, JS_CORE) || starts_any(module, &["node:", "internal/"])
        }
        Family::Python => PYTHON_PATHS.are_in(path),
        Family::Php => path.contains("/vendor/") || path.starts_with("vendor/") || path.starts_with("[internal"),
        Family::Ruby => RUBY_PATHS.are_in(path),
        Family::Java => starts_any(module, JAVA_PACKAGES),
        Family::DotNet => starts_any(module, DOTNET_NAMESPACES),
        Family::Go => is_go_library(path, module),
        Family::Dart => DART_PATHS.are_in(path),
        Family::Native | Family::Other => {
            frame.package.as_deref().is_some_and(is_system_package)
                || starts_any(function, NATIVE_FUNCTIONS)
                || NATIVE_PATHS.are_in(path)
        }
    }
}

/// Whether a frame is of the language's own library, which compilers copy into every program.
pub fn is_standard(frame: &Frame, family: Family) -> bool {
    let function = frame.function.as_deref().unwrap_or_default();
    family == Family::Native && starts_any(function, STANDARD)
}

/// Whether the text has one of the starts.
pub fn starts_any(text: &str, starts: &[&str]) -> bool {
    !text.is_empty() && starts.iter().any(|start| text.starts_with(start))
}

/// The standard library's import paths have no host; neither has the program's own `main`.
fn is_go_library(path: &str, module: &str) -> bool {
    let first = module.split('/').next().unwrap_or_default();
    let is_standard = !first.is_empty() && !first.contains('.') && first != "main" && GO_STANDARD.contains(&first);
    is_standard || GO_PATHS.are_in(path)
}

fn is_system_package(package: &str) -> bool {
    let is_system = starts_any(package, SYSTEM_PACKAGES);
    let lower = package.to_ascii_lowercase();
    is_system || SYSTEM_PARTS.are_in(&lower) || WINDOWS_LIBRARIES.iter().any(|name| lower.ends_with(name))
}

static JS_PATHS: Lazy = LazyLock::new(|| {
    Words::new(&[
        "node_modules/",
        "/bower_components/",
        "webpack/bootstrap",
        "webpack/runtime",
        "chrome-extension://",
        "moz-extension://",
        "[native code]",
        "(webpack)",
    ])
});
const JS_CORE: &[&str] = &[
    "node:",
    "internal/",
    "native ",
    "native",
    "<anonymous>",
    "module.js",
    "events.js",
    "timers.js",
    "net.js",
    "_http",
    "fs.js",
    "domain.js",
    "next_tick.js",
];
static PYTHON_PATHS: Lazy = LazyLock::new(|| {
    Words::new(&["site-packages/", "dist-packages/", "/lib/python", "<frozen", "\\lib\\", "\\Lib\\", "/pypy"])
});
static RUBY_PATHS: Lazy = LazyLock::new(|| {
    Words::new(&["/gems/", "/lib/ruby/", "<internal:", "/rubygems/", "/vendor/bundle/", "/bin/bundle"])
});
static DART_PATHS: Lazy = LazyLock::new(|| Words::new(&["dart:", "package:flutter/", "package:sentry"]));
static GO_PATHS: Lazy =
    LazyLock::new(|| Words::new(&["/pkg/mod/", "/usr/local/go/src/", "/vendor/", "/go/src/runtime/"]));
static SYSTEM_PARTS: Lazy = LazyLock::new(|| {
    Words::new(&["\\windows\\", "/windows/system32", "/.so", "linux-vdso", "/libc.so", "/libc-", "ld-linux"])
});
const JAVA_PACKAGES: &[&str] = &[
    "java.",
    "javax.",
    "jakarta.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "kotlinx.",
    "scala.",
    "groovy.",
    "clojure.",
    "org.codehaus.",
    "android.",
    "androidx.",
    "com.android.",
    "dalvik.",
    "libcore.",
    "org.springframework.",
    "org.apache.",
    "org.hibernate.",
    "org.jboss.",
    "org.eclipse.",
    "io.netty.",
    "io.undertow.",
    "reactor.",
    "io.reactivex.",
    "rx.",
    "okhttp3.",
    "okio.",
    "retrofit2.",
    "com.google.",
    "com.fasterxml.",
    "org.junit.",
    "junit.",
    "io.sentry.",
    "ch.qos.logback.",
    "org.slf4j.",
    "org.mockito.",
    "com.zaxxer.",
    "org.postgresql.",
    "com.mysql.",
    "io.vertx.",
    "akka.",
    "play.",
    "io.ktor.",
    "io.grpc.",
    "com.facebook.react.",
    "org.jetbrains.",
    "oracle.",
    "weblogic.",
    "com.mongodb.",
    "redis.clients.",
    "org.glassfish.",
    "io.micronaut.",
    "io.quarkus.",
];
const DOTNET_NAMESPACES: &[&str] = &[
    "System.",
    "Microsoft.",
    "mscorlib",
    "Newtonsoft.",
    "UnityEngine.",
    "UnityEditor.",
    "Mono.",
    "Npgsql.",
    "MySql.",
    "Dapper",
    "Serilog.",
    "NLog.",
    "Sentry.",
];
const GO_STANDARD: &[&str] = &[
    "archive",
    "bufio",
    "bytes",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unsafe",
];
const STANDARD: &[&str] = &["std::", "core::", "alloc::", "<std::", "<core::", "<alloc::", "__gnu_cxx::", "Swift."];
const NATIVE_FUNCTIONS: &[&str] = &[
    "std::",
    "core::",
    "alloc::",
    "<core::",
    "<alloc::",
    "<std::",
    "tokio::",
    "<tokio::",
    "futures_",
    "<futures_",
    "hyper::",
    "<hyper::",
    "__rust_",
    "rust_begin_unwind",
    "rust_panic",
    "backtrace::",
    "sentry_",
    "sentry::",
    "<sentry",
    "__libc_",
    "__cxa_",
    "swift_",
    "objc_",
    "_objc_",
    "CF",
    "__CF",
    "UIApplicationMain",
    "-[UI",
    "+[UI",
    "-[NS",
    "+[NS",
    "-[__NS",
    "NS",
    "__NS",
    "GSEvent",
    "_dispatch_",
    "dispatch_",
    "_pthread_",
    "pthread_",
];
static NATIVE_PATHS: Lazy = LazyLock::new(|| {
    Words::new(&["/rustc/", "/.cargo/registry/", "/usr/include/", "/usr/src/debug/", "/lib/rustlib/"])
});
const SYSTEM_PACKAGES: &[&str] = &[
    "/usr/lib/",
    "/lib/",
    "/lib64/",
    "/usr/lib64/",
    "/System/Library/",
    "/System/iOSSupport/",
    "/Library/",
    "/apex/",
    "/system/",
    "/vendor/",
    "/Developer/",
    "/usr/libexec/",
    "linux-gate",
];
const WINDOWS_LIBRARIES: &[&str] =
    &["ntdll.dll", "kernel32.dll", "kernelbase.dll", "ucrtbase.dll", "user32.dll", "win32u.dll", "combase.dll"];
