//! `podTemplate`: a patch of a component's pod template for what has no field in the spec.
//!
//! It is merged as `kubectl patch` merges: objects field by field, `null` removes, lists of named things by name and mounts by
//! path, other lists are replaced. The CRD has no schema for it, so it is checked here: an unknown field or a wrong type is
//! told, and what remains is told by the API server when the Deployment is applied. Secrets are refused here as everywhere.

use k8s_openapi::api::core::v1::{Affinity, PodTemplateSpec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::labels::Role;
use super::pod::{CONTAINER, Pods};

/// The template with the patches of `pods`, or why they cannot be merged.
pub fn merged(template: PodTemplateSpec, pods: Pods, role: Role) -> Result<PodTemplateSpec, String> {
    let field = |name: &str| format!("spec.{}.{name}", role.as_str());
    if !pods.scheduling.affinity.is_empty() {
        read::<Affinity>(&pods.scheduling.affinity.clone().into(), &field("scheduling.affinity"))?;
    }
    if pods.patch.is_empty() {
        return Ok(template);
    }
    let field = field("podTemplate");
    let patch = Value::Object(pods.patch.clone());
    if let Some(name) = inline_secret(&patch) {
        let help = "put it into a Secret and name it with valueFrom.secretKeyRef";
        return Err(format!("{field}: {name} is a secret, and is not written here: {help}"));
    }
    let mut merged = serde_json::to_value(&template).map_err(|error| error.to_string())?;
    merge(&mut merged, &patch);
    let template: PodTemplateSpec = read(&merged, &field)?;
    let containers = template.spec.iter().flat_map(|spec| &spec.containers);
    if containers.filter(|container| container.name == CONTAINER).count() != 1 {
        return Err(format!("{field}: the container {CONTAINER} stays: patch it by its name"));
    }
    Ok(template)
}

/// Reads a value, and says which field was not understood.
fn read<T: DeserializeOwned + Serialize>(value: &Value, field: &str) -> Result<T, String> {
    let typed: T = serde_json::from_value(value.clone()).map_err(|error| format!("{field}: {error}"))?;
    let understood = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    match unknown(value, &understood) {
        None => Ok(typed),
        Some(path) => Err(format!("{field}: there is no field {path}")),
    }
}

/// The path of the first thing in `value` that is not in `understood`.
pub fn unknown(value: &Value, understood: &Value) -> Option<String> {
    let below = |key: &str, path: String| if path.is_empty() { key.to_owned() } else { format!("{key}.{path}") };
    match (value, understood) {
        (Value::Object(fields), Value::Object(known)) => fields.iter().find_map(|(key, field)| match known.get(key) {
            _ if field.is_null() || is_empty(field) => None,
            Some(known) => unknown(field, known).map(|path| below(key, path)),
            None => Some(key.clone()),
        }),
        (Value::Array(items), Value::Array(known)) => items
            .iter()
            .zip(known)
            .enumerate()
            .find_map(|(index, (item, known))| unknown(item, known).map(|path| below(&format!("[{index}]"), path))),
        _ => None,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert(Value::Null), value);
                }
            }
        }
        (Value::Array(target), Value::Array(patch)) => match merge_key(target, patch) {
            Some(key) => merge_items(target, patch, key),
            None => *target = patch.iter().map(without_nulls).collect(),
        },
        (target, patch) => *target = without_nulls(patch),
    }
}

fn merge_items(target: &mut Vec<Value>, patch: &[Value], key: &str) {
    for item in patch {
        match target.iter_mut().find(|other| other.get(key) == item.get(key)) {
            Some(other) => merge(other, item),
            None => target.push(without_nulls(item)),
        }
    }
}

/// What tells the items of two lists apart: a mount's path (its name is the volume's), or else a name.
fn merge_key(target: &[Value], patch: &[Value]) -> Option<&'static str> {
    let all_have = |key: &str| target.iter().chain(patch).all(|item| item.get(key).is_some());
    ["mountPath", "name"].into_iter().find(|key| all_have(key))
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, field)| !field.is_null());
            Value::Object(kept.map(|(key, field)| (key.clone(), without_nulls(field))).collect())
        }
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// The name of a variable with a secret's name and a value, wherever it stands.
fn inline_secret(patch: &Value) -> Option<&str> {
    match patch {
        Value::Object(fields) => {
            let secret = |name: &&str| ["PASSWORD", "SECRET", "TOKEN", "_KEY"].iter().any(|end| name.ends_with(end));
            let name = fields.get("name").and_then(Value::as_str).filter(secret);
            let is_written = fields.get("value").is_some_and(|value| value.as_str().is_some_and(|it| !it.is_empty()));
            name.filter(|_| is_written).or_else(|| fields.values().find_map(inline_secret))
        }
        Value::Array(items) => items.iter().find_map(inline_secret),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{merge, merged};
    use crate::instance::SentryInstance;
    use crate::resources::labels::Role;
    use crate::resources::pod::{Pods, Program, template};
    use crate::testing::Shop;

    fn patched(patch: Value) -> Result<Value, String> {
        let mut shop: SentryInstance = Shop::running().instance;
        shop.spec.web.pod_template = serde_json::from_value(patch).expect("a patch is an object");
        let image = crate::validate::ImageToRun {
            reference: "picket:dev".to_owned(),
            pull_policy: crate::instance::PullPolicy::IfNotPresent,
            pull_secrets: Vec::new(),
        };
        let pods = Pods::of(&shop.spec, Role::Web).expect("web has pods");
        let program =
            Program { role: Role::Web, image: "picket:dev", args: &["run"], snapshots: Vec::new(), pods: Some(pods) };
        let template = template(&shop, &image, &program);
        merged(template, pods, Role::Web).map(|template| serde_json::to_value(template).expect("JSON"))
    }

    #[test]
    fn a_patch_adds_and_changes_by_name_and_leaves_the_rest() {
        let template = patched(json!({
            "metadata": {"annotations": {"sidecar.istio.io/inject": "true"}},
            "spec": {
                "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["db"]}],
                "containers": [
                    {"name": "picket", "volumeMounts": [{"name": "certs", "mountPath": "/certs"}]},
                    {"name": "proxy", "image": "proxy:1"},
                ],
                "volumes": [{"name": "certs", "secret": {"secretName": "certs"}}],
                "securityContext": {"seccompProfile": null},
            },
        }))
        .expect("it can be merged");
        let spec = &template["spec"];
        assert_eq!(spec["containers"][0]["image"], "picket:dev");
        assert_eq!(spec["containers"][0]["volumeMounts"].as_array().map(Vec::len), Some(2));
        assert_eq!((&spec["containers"][1]["name"], &spec["volumes"][1]["name"]), (&json!("proxy"), &json!("certs")));
        assert_eq!(spec["securityContext"], json!({"runAsNonRoot": true}));
        assert_eq!(template["metadata"]["annotations"]["sidecar.istio.io/inject"], "true");
    }

    #[test]
    fn what_is_no_pod_is_told_by_its_field() {
        let wrong = |patch: Value| patched(patch).expect_err("it is refused");
        let unknown = wrong(json!({"spec": {"hostAlias": []}, "metadata": {"lables": {"a": "b"}}}));
        assert_eq!(unknown, "spec.web.podTemplate: there is no field metadata.lables");
        let nested = wrong(json!({"spec": {"containers": [{"name": "picket", "livenes": {"x": 1}}]}}));
        assert_eq!(nested, "spec.web.podTemplate: there is no field spec.containers.[0].livenes");
        let typed = wrong(json!({"spec": {"terminationGracePeriodSeconds": "long"}}));
        assert!(typed.starts_with("spec.web.podTemplate: invalid type: string"), "{typed}");
        let gone = wrong(json!({"spec": {"containers": null}}));
        assert!(gone.contains("the container picket stays"), "{gone}");
    }

    #[test]
    fn no_secret_is_written_into_a_patch() {
        let env = json!([{"name": "PROXY_TOKEN", "value": "hush"}]);
        let refused = patched(json!({"spec": {"containers": [{"name": "proxy", "image": "p", "env": env}]}}));
        assert!(refused.is_err_and(|why| why.contains("PROXY_TOKEN is a secret")));
    }

    #[test]
    fn lists_without_names_are_replaced() {
        let mut target = json!({"args": ["run", "web"]});
        merge(&mut target, &json!({"args": ["run", "web", "--verbose"]}));
        assert_eq!(target, json!({"args": ["run", "web", "--verbose"]}));
    }
}
