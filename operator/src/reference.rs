//! PURE. The API reference: every field of the CRD as a page for people, from the types that the CRD is made of.
//!
//! One section per object, in the order of its path; the rules that the API server checks stand below the fields they are about.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use kube::CustomResourceExt as _;
use serde_json::Value;

use crate::instance::SentryInstance;

const HEAD: &str = "# SentryInstance

`picket.dev/v1alpha1`, namespaced, short name `si`. Printed by `picket-operator reference`, from the same types as the CRD.

What `status` says is for reading; `spec` is what you write. A field is required where that is said; every other has the default that
is shown, or may be left out. A field that is not in here is refused by strict clients and dropped by others.
";

/// The page, as committed in `crds/reference.md`.
pub fn page() -> Result<String> {
    let crd = serde_json::to_value(SentryInstance::crd()).context("rendering the CRD")?;
    let schema = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties").context("a CRD without a schema")?;
    let mut page = HEAD.to_owned();
    for part in ["spec", "status"] {
        section(&mut page, part, &schema[part])?;
    }
    Ok(page)
}

fn section(page: &mut String, path: &str, object: &Value) -> Result<()> {
    writeln!(page, "\n## `{path}`\n")?;
    if let Some(text) = words(object) {
        writeln!(page, "{text}\n")?;
    }
    writeln!(page, "| field | type | default | |\n|---|---|---|---|")?;
    let fields = || object["properties"].as_object().into_iter().flatten();
    for (name, field) in fields() {
        let required = object["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name.as_str()));
        let default = match &field["default"] {
            _ if required => "required".to_owned(),
            Value::Null => "–".to_owned(),
            default => format!("`{default}`"),
        };
        let text = words(field).unwrap_or_default().replace('|', "\\|");
        writeln!(page, "| `{name}` | {} | {default} | {text} |", kind(field))?;
    }
    let without_section = fields().filter(|(_, field)| !field["properties"].is_object());
    let rules = without_section.flat_map(|(_, field)| messages(field)).chain(messages(object));
    let rules: Vec<String> = rules.map(|rule| format!("- {rule}\n")).collect();
    if !rules.is_empty() {
        write!(page, "\nChecked by the API server:\n\n{}", rules.concat())?;
    }
    for (name, field) in fields() {
        if field["properties"].is_object() {
            section(page, &format!("{path}.{name}"), field)?;
        } else if field["items"]["properties"].is_object() {
            section(page, &format!("{path}.{name}[]"), &field["items"])?;
        }
    }
    Ok(())
}

/// The rules of a field that has no section of its own, or of an object in its section.
fn messages(schema: &Value) -> Vec<String> {
    let rules = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    rules.filter_map(|rule| rule["message"].as_str()).map(str::to_owned).collect()
}

fn words(schema: &Value) -> Option<String> {
    schema["description"].as_str().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn kind(field: &Value) -> String {
    if let Some(values) = field["enum"].as_array() {
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return values.join(" \\| ");
    }
    if field["x-kubernetes-int-or-string"] == true {
        return "quantity".to_owned();
    }
    let bounds = |least: &str, most: &str| match (field[least].as_i64(), field[most].as_i64()) {
        (Some(least), Some(most)) => format!(" ({least}–{most})"),
        (None, Some(most)) => format!(" (≤ {most})"),
        (Some(least), None) => format!(" (≥ {least})"),
        (None, None) => String::new(),
    };
    match field["type"].as_str() {
        Some("array") => format!("list of {}{}", kind(&field["items"]), bounds("minItems", "maxItems")),
        Some("object") if field["additionalProperties"].is_object() => {
            format!("map to {}", kind(&field["additionalProperties"]))
        }
        Some("string") => format!("{}{}", field["format"].as_str().unwrap_or("text"), bounds("minLength", "maxLength")),
        Some("integer" | "number") => format!("number{}", number(field)),
        Some(other) => other.to_owned(),
        None => "anything".to_owned(),
    }
}

fn number(field: &Value) -> String {
    let bound = |name: &str| field[name].as_f64().map(|bound| bound.to_string());
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(" ({least}–{most})"),
        (Some(least), None) => format!(" (≥ {least})"),
        (None, Some(most)) => format!(" (≤ {most})"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_reference_is_what_the_types_say() {
        let committed = include_str!("../../crds/reference.md");
        let same = committed == super::page().expect("the page can be rendered");
        assert!(same, "run: cargo run -p picket-operator -- reference > crds/reference.md");
    }
}
