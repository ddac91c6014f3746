//! Errors that say more of a deployment than of the program, as Sentry's generic filters know them.

use std::sync::LazyLock;

use super::super::{
    event::Event,
    glob::{Glob, any_matches},
};

/// React's numbers for them, which minified builds link to.
static HYDRATION: LazyLock<Vec<Glob>> = LazyLock::new(|| {
    let patterns = [
        "*https://reactjs.org/docs/error-decoder.html?invariant={418,419,422,423,425}*",
        "*https://react.dev/errors/{418,419,422,423,425}*",
    ];
    patterns.iter().map(|pattern| Glob::text(pattern)).collect()
});
static CHUNKS: LazyLock<Vec<Glob>> = LazyLock::new(|| {
    let patterns = ["ChunkLoadError: Loading chunk *", "*Uncaught *: ChunkLoadError: Loading chunk *"];
    patterns.iter().map(|pattern| Glob::text(pattern)).collect()
});

/// Whether React could not take over the page that the server had made.
pub fn is_hydration_error(event: &Event) -> bool {
    event
        .exceptions
        .iter()
        .filter_map(|exception| exception.value.as_deref())
        .any(|value| any_matches(&HYDRATION, value))
}

/// Whether a part of the page is no longer there.
pub fn is_chunk_load_error(event: &Event) -> bool {
    event.exceptions.iter().any(|exception| {
        let (kind, value) = (exception.kind.as_deref(), exception.value.as_deref().unwrap_or_default());
        (kind == Some("ChunkLoadError") && value.starts_with("Loading chunk ")) || any_matches(&CHUNKS, value)
    })
}
