//! The named channels, as the JSON list of `SENTRY_CHANNELS`: of each its kind, its name and the fields of that kind.

use serde_json::{Map, Value, json};

use crate::instance::{Channel, SecretKeyRef, SentryInstanceSpec};
use crate::resources::snapshot::Env;
use crate::secrets::{self, Missing, Secrets};

/// Every channel, secrets included.
pub fn channels(spec: &SentryInstanceSpec, secrets: &Secrets) -> Result<Env, Missing> {
    let all: Vec<Value> = spec.channels.iter().map(|channel| render(channel, secrets)).collect::<Result<_, _>>()?;
    Ok(Env::from([("SENTRY_CHANNELS".to_owned(), Value::Array(all).to_string())]))
}

fn render(channel: &Channel, secrets: &Secrets) -> Result<Value, Missing> {
    let written = serde_json::to_value(channel).unwrap_or_default();
    let mut blocks = written.as_object().into_iter().flatten();
    // The rules of the CRD see to it that there is one block beside the name.
    let block = blocks.find_map(|(kind, block)| Some((kind, block.as_object()?)));
    let Some((kind, fields)) = block else { return Ok(json!({ "name": channel.name })) };
    let mut config = Map::new();
    for (name, value) in fields {
        match (name.as_str().strip_suffix("SecretRef"), name.as_str(), reference(value)) {
            (Some(of), _, Some(reference)) => {
                config.insert(snake(of), secrets::key(secrets, &reference)?.into());
            }
            (None, "secretRef", Some(reference)) => {
                config.insert("secret".to_owned(), secrets::key(secrets, &reference)?.into());
            }
            _ => _ = config.insert(snake(name), value.clone()),
        }
    }
    Ok(json!({ "kind": kind, "name": channel.name, "config": config }))
}

fn reference(value: &Value) -> Option<SecretKeyRef> {
    serde_json::from_value(value.clone()).ok()
}

/// `userIds` is `user_ids` to the platform.
fn snake(name: &str) -> String {
    name.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
        snake
    })
}
