//! Errors that come from a browser's extensions and not from the page: known by their texts and by where they happened.

use super::super::event::Event;

/// What the first exception says.
const TEXTS: &[&str] = &[
    "top.GLOBALS",
    "originalCreateNotification",
    "canvas.contentDocument",
    "MyApp_RemoveAllHighlights",
    "http://tt.epicplay.com",
    "Can't find variable: ZiteReader",
    "jigsaw is not defined",
    "ComboSearch is not defined",
    "http://loading.retry.widdit.com/",
    "atomicFindClose",
    "fb_xd_fragment",
    "bmi_SafeAddOnload",
    "EBCallBackMessageReceived",
    "_gCrWeb",
    "conduitPage",
    "null is not an object (evaluating 'elt.parentNode')",
    "plugin.setSuspendState is not a function",
    "Extension context invalidated",
    "webkit-masked-url:",
    "can't access dead object",
    "Cannot redefine property: solana",
    "Cannot redefine property: ethereum",
    "Cannot redefine property: googletag",
    "Permission denied to access property ",
    "Can't find variable: gmo",
];
/// What a minified extension's error says, up to its one capital letter.
const MINIFIED: &str = "undefined is not an object (evaluating 'a.";
/// How the place starts.
const STARTS: &[&str] = &[
    "chrome://",
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
    "webkit-masked-url",
    "https://graph.facebook.com",
    "https://connect.facebook.net/",
    "https://eatdifferent.com.woopra-ns.com",
    "https://static.woopra.com/js/woopra.js",
];
/// What is in the place.
const PARTS: &[&str] = &[
    "127.0.0.1:4001/isrunning",
    "webappstoolbarba.texthelp.com/",
    "metrics.itunes.apple.com.edgesuite.net/",
    "kaspersky-labs.com",
    "webkit-masked-url:",
    "graph.facebook.com/",
    "connect.facebook.net/",
    "static.woopra.com/",
];

/// Whether an extension caused the event.
pub fn caused(event: &Event) -> bool {
    let Some(exception) = event.exceptions.first() else { return false };
    let text = exception.value.as_deref().unwrap_or_default();
    let minified = text.split_once(MINIFIED).is_some_and(|(_, rest)| {
        let mut rest = rest.chars();
        rest.next().is_some_and(|c| c.is_ascii_uppercase()) && rest.next() == Some('\'')
    });
    let frames = exception.stacktrace.iter().flat_map(|stacktrace| stacktrace.frames.iter().rev());
    let paths = frames.filter_map(|frame| frame.abs_path.as_deref().or(frame.filename.as_deref()));
    let place = paths.into_iter().find(|path| !matches!(*path, "<anonymous>" | "[native code]")).unwrap_or_default();
    minified
        || TEXTS.iter().any(|known| text.contains(known))
        || STARTS.iter().any(|known| place.starts_with(known))
        || PARTS.iter().any(|known| place.contains(known))
}
