//! Frames that never tell one bug from another.
//!
//! Noise is what runtimes put between a caller and its callee: async wrappers, reflection, thread starters, signal handlers and
//! the SDK itself. It does not count even where the SDK takes it for the application's.

use std::sync::LazyLock;

use super::{
    super::{
        stacktrace::Frame,
        words::{Lazy, Words},
    },
    family::Family,
    libraries::starts_any,
};

/// Whether a frame never counts.
pub fn is_noise(frame: &Frame, family: Family) -> bool {
    let path = frame.filename.as_deref().or(frame.abs_path.as_deref()).unwrap_or_default();
    let module = frame.module.as_deref().unwrap_or_default();
    let function = frame.function.as_deref().unwrap_or_default();
    match family {
        Family::JavaScript => {
            let function = function.strip_prefix("async ").unwrap_or(function);
            let function = if function.contains(" (index ") { "Promise.all" } else { function };
            JS_NOISE_FUNCTIONS.contains(&function) || JS_NOISE.are_in(path) || JS_NOISE.are_in(module)
        }
        // Since 3.12 a comprehension is part of its function.
        Family::Python => {
            PYTHON_NOISE.are_in(path)
                || starts_any(module, PYTHON_NOISE_MODULES)
                || matches!(function, "<listcomp>" | "<dictcomp>" | "<setcomp>")
        }
        Family::Java => {
            let module = module.rsplit_once('/').filter(|(_, own)| own.contains('.')).map_or(module, |(_, own)| own);
            starts_any(module, JAVA_NOISE)
                || JAVA_GENERATED.are_in(module)
                || function.starts_with("access$")
                || function == "GUICE$TRAMPOLINE"
                || (function == "invoke" && module.contains("$$FastClassBy"))
        }
        Family::DotNet => starts_any(module, DOTNET_NOISE),
        Family::Go => {
            starts_any(module, &["runtime", "github.com/getsentry/sentry-go"]) && !module.starts_with("runtime/debug.")
        }
        Family::Dart => function == "<asynchronous suspension>" || path.contains("dart:async"),
        Family::Php => {
            path.contains("vendor/sentry/") || path.contains("__CG__") || starts_any(function, &["Sentry\\"])
        }
        Family::Ruby => RUBY_NOISE.are_in(path),
        Family::Native | Family::Other => {
            NATIVE_NOISE.contains(&function)
                || starts_any(function, NATIVE_NOISE_STARTS)
                || function.ends_with(" as core::future::future::Future>::poll")
        }
    }
}

const JS_NOISE_FUNCTIONS: &[&str] = &[
    "asyncToGenerator",
    "_asyncToGenerator",
    "asyncGeneratorStep",
    "__awaiter",
    "__generator",
    "fulfilled",
    "rejected",
    "_next",
    "_throw",
    "Generator.next",
    "Generator.throw",
    "Generator.invoke [as _invoke]",
    "Generator._invoke",
    "Generator.next (<anonymous>)",
    "Generator.throw (<anonymous>)",
    "new Promise (<anonymous>)",
    "step",
    "Generator.prototype.<computed> [as next]",
    "new Promise",
    "Promise.then",
    "processTicksAndRejections",
    "process.processTicksAndRejections",
    "runMicrotasks",
    "Promise.all",
    "tryCatch",
    "invoke",
    "sentryWrapped",
    "__webpack_require__",
    "__webpack_exec__",
    "webpackJsonpCallback",
    "ZoneDelegate.invokeTask",
    "ZoneTask.invokeTask",
    "[native code]",
];
static JS_NOISE: Lazy = LazyLock::new(|| {
    Words::new(&[
        "@babel/runtime",
        "babel-runtime",
        "regenerator-runtime",
        "tslib",
        "core-js",
        "zone.js",
        "webpack/bootstrap",
        "webpack/runtime",
        "@sentry/",
        "@sentry-internal/",
        "raven-js",
        "process/task_queues",
        "task_queues",
        "internal/modules",
        "node_modules/async/",
        "promise-polyfill",
        "_async_to_generator",
        "asyncToGenerator",
        "async_hooks",
        "sentry-javascript",
    ])
});
static PYTHON_NOISE: Lazy = LazyLock::new(|| {
    Words::new(&[
        "sentry_sdk/",
        "raven/",
        "asyncio/",
        "concurrent/futures/",
        "<frozen importlib",
        "gevent/",
        "greenlet",
        "/trio/",
        "/anyio/",
        "threading.py",
    ])
});
const PYTHON_NOISE_MODULES: &[&str] = &[
    "sentry_sdk",
    "asyncio.",
    "concurrent.futures",
    "importlib",
    "gevent.",
    "trio.",
    "anyio.",
    "contextlib",
    "functools",
];
static RUBY_NOISE: Lazy = LazyLock::new(|| Words::new(&["/sentry-ruby", "sentry/", "/gems/sentry-"]));
const JAVA_NOISE: &[&str] = &[
    "java.lang.reflect.",
    "java.lang.invoke.",
    "jdk.internal.",
    "sun.reflect.",
    "java.util.concurrent.",
    "java.lang.Thread",
    "kotlinx.coroutines.",
    "kotlin.coroutines.",
    "org.springframework.aop.",
    "org.springframework.cglib.",
    "io.sentry.",
    "reactor.core.",
    "io.reactivex.internal.",
    "rx.internal.",
    "java.util.stream.",
    "java.security.AccessController",
    "com.sun.proxy.",
    "net.sf.cglib.",
    "net.bytebuddy.",
];
static JAVA_GENERATED: Lazy = LazyLock::new(|| {
    Words::new(&[
        "GeneratedMethodAccessor",
        "GeneratedConstructorAccessor",
        "GeneratedSerializationConstructorAccessor",
        // What only calls the method that comes next.
        "$$Lambda",
        "ExternalSyntheticLambda",
        ".$Proxy",
        "$auxiliary$",
        "$AjcClosure",
    ])
});
const DOTNET_NOISE: &[&str] = &[
    "System.Runtime.CompilerServices.",
    "System.Runtime.ExceptionServices.",
    "System.Threading.",
    "System.Environment",
    "Cysharp.Threading.",
    "Sentry.",
    "Castle.",
    "System.RuntimeMethodHandle",
    "System.Reflection.",
];
const NATIVE_NOISE: &[&str] = &[
    "_start",
    "start",
    "start_thread",
    "clone",
    "clone3",
    "thread_start",
    "start_wqthread",
    "abort",
    "raise",
    "gsignal",
    "__abort",
    "invoke_main",
    "__pthread_kill",
    "pthread_kill",
    "RtlUserThreadStart",
    "BaseThreadInitThunk",
    "__scrt_common_main_seh",
    "KiUserExceptionDispatcher",
    "__rust_begin_short_backtrace",
    "__rust_end_short_backtrace",
    "rust_begin_unwind",
    "rust_panic",
    "__rust_start_panic",
    "__restore_rt",
    "<redacted>",
    "<unknown>",
    "<deduplicated_symbol>",
    "__libc_start_main",
    "__libc_start_call_main",
    "std::terminate",
    "terminate",
    "_Unwind_RaiseException",
    "UnhandledExceptionFilter",
    "tgkill",
    "??",
];
const NATIVE_NOISE_STARTS: &[&str] = &[
    "std::panicking::",
    "core::panicking::",
    "std::panic::",
    "std::sys",
    "std::rt::",
    "core::ops::function::",
    "<alloc::boxed::Box",
    "std::thread::",
    "tokio::runtime::",
    "<core::pin::Pin",
    "core::future::",
    "<futures_util::",
    "<tracing::instrument",
    "backtrace::",
    "sentry_",
    "sentry::",
    "<sentry",
    "__cxa_",
    "__cxxabi",
    "_dispatch_",
    "_pthread_",
    "swift_task",
    "thunk for",
    "partial apply",
    "reabstraction thunk",
    "completeTask",
    "std::__1::__function::",
    "std::__invoke",
    "std::function",
    "core::result::unwrap_failed",
    "core::option::",
    "core::result::",
    "_objc_terminate",
    "objc_exception_",
    "__exceptionPreprocess",
    "sentrycrash",
    "-[Sentry",
    "+[Sentry",
    "Sentry",
    "boost::detail::thread",
    "RaiseException",
    "_CxxThrowException",
];
