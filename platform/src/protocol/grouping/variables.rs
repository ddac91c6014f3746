//! Variables in fingerprints: `{{ default }}`, `{{ error.type }}`, `{{ tags.tenant }}` …

use super::{super::event::Event, Trace};

/// Whether a part stands for what would group the event without a fingerprint.
pub fn is_default(part: &str) -> bool {
    name(part) == Some("default")
}

/// A part with its variable filled in. What is not there is named, so that it does not vanish; other text stays.
pub fn fill(part: &str, event: &Event, traces: &[Trace<'_>]) -> String {
    let Some(name) = name(part) else { return part.to_owned() };
    let exception = event.main_exception();
    let frame = traces.last().and_then(|(_, frames)| frames.crash_frame());
    let value = match name {
        "error.type" | "type" => exception.and_then(|exception| exception.kind.clone()),
        "error.value" | "value" => exception.and_then(|exception| exception.value.clone()),
        "error.module" => exception.and_then(|exception| exception.module.clone()),
        "stack.function" | "function" => frame.and_then(|frame| frame.function.clone()),
        "stack.module" | "module" => frame.and_then(|frame| frame.module.clone()),
        "stack.abs_path" | "path" => frame.and_then(|frame| frame.abs_path.clone().or_else(|| frame.filename.clone())),
        "stack.package" | "package" => frame.and_then(|frame| frame.package.clone()),
        "message" => event.message.clone().or_else(|| exception.and_then(|exception| exception.value.clone())),
        "logger" => event.logger.clone(),
        "level" => Some(event.level.name().to_owned()),
        "transaction" => event.transaction.clone(),
        "release" => event.release.clone(),
        "dist" => event.dist.clone(),
        "environment" => event.environment.clone(),
        _ => match name.strip_prefix("tags.") {
            Some(tag) => event.tags.iter().find(|(key, _)| key == tag).map(|(_, value)| value.clone()),
            None => return part.to_owned(),
        },
    };
    value.unwrap_or_else(|| format!("<no-{}>", name.replace('.', "-")))
}

fn name(part: &str) -> Option<&str> {
    part.trim().strip_prefix("{{")?.strip_suffix("}}").map(str::trim)
}
