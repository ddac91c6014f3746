//! Picket's operator: a `SentryInstance` becomes a running, migrated error tracker.
//!
//! `fetch → validate → advance → desired → apply → status`: what to do is decided by pure functions from what was read;
//! `reconcile` is the line that calls them, `apply` the only place that writes objects. Not here: `SentryProject`, scaling by
//! load and monitoring objects, which will be slices beside these.

pub mod advance;
pub mod apply;
pub mod context;
pub mod controller;
pub mod drift;
pub mod events;
pub mod fetch;
pub mod instance;
pub mod leader;
pub mod metrics;
pub mod observe;
pub mod reconcile;
pub mod reference;
pub mod resources;
pub mod secret_key;
pub mod secrets;
pub mod status;
#[cfg(test)]
mod testing;
pub mod validate;

use kube::CustomResourceExt;
use serde_json::{Map, Value};

/// The CRD, as committed in `crds/sentryinstance.yaml`.
///
/// It is kept small: left out is what Kubernetes says of conditions, what the names within a reference or in a rule of scheduling mean,
/// and that a field may be `null`, which the API server leaves out whether or not a schema says so.
pub fn crd_yaml() -> anyhow::Result<String> {
    let mut crd = serde_json::to_value(instance::SentryInstance::crd())?;
    shorten(&mut crd);
    Ok(serde_saphyr::to_string(&crd)?)
}

fn shorten(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            fields.remove("nullable");
            for (name, field) in fields.iter_mut() {
                let inner = match name.as_str() {
                    "conditions" | "tolerations" | "topologySpread" => field.pointer_mut("/items/properties"),
                    name if name.ends_with("ecretRef") => field.get_mut("properties"),
                    _ => None,
                };
                for named in inner.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
                    named.as_object_mut().and_then(|named| named.remove("description"));
                }
                shorten(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        _ => (),
    }
}
