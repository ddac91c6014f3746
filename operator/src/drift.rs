//! PURE. Is an object still as it was applied? Then it is not applied again, and a steady instance costs no write.
//!
//! Two questions. Did what we want change? The annotation `picket.dev/applied` holds a hash of what was applied last, which
//! also notices fields that we no longer send. Did somebody change what we sent? Everything we send must be contained in
//! what is there; what others added is theirs, as it is for the API server's server-side apply. When in doubt the answer is
//! no, and the apply that follows changes nothing.

use anyhow::Context;
use kube::ResourceExt;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::resources::labels::{APPLIED, hex10};

/// Writes the hash of `wanted` into its annotation.
pub fn stamp<K: ResourceExt + Serialize>(wanted: &mut K) -> anyhow::Result<()> {
    let text = serde_json::to_vec(wanted).context("rendering an object")?;
    let hash = hex10(&Sha256::digest(&text));
    wanted.annotations_mut().insert(APPLIED.to_owned(), hash);
    Ok(())
}

/// Whether `live` is what `wanted`, stamped, asks for.
pub fn settled<K: Serialize>(wanted: &K, live: &K) -> bool {
    match (serde_json::to_value(wanted), serde_json::to_value(live)) {
        (Ok(wanted), Ok(live)) => contains(&live, &wanted),
        _ => false,
    }
}

fn contains(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null) => true,
        (Value::Object(live), Value::Object(wanted)) => wanted.iter().all(|(key, value)| field(live, key, value)),
        (Value::Array(live), Value::Array(wanted)) => items(live, wanted),
        _ => live == wanted,
    }
}

fn field(live: &Map<String, Value>, key: &str, wanted: &Value) -> bool {
    match (live.get(key), wanted) {
        (_, Value::Null) => true,
        (Some(Value::Object(live)), Value::Object(wanted)) if key == "requests" || key == "limits" => {
            wanted.iter().all(|(name, value)| live.get(name).is_some_and(|live| same_quantity(live, value)))
        }
        (Some(live), wanted) => contains(live, wanted),
        (None, _) => false,
    }
}

/// Lists of named things are maps to the API server; all others are compared as they stand.
fn items(live: &[Value], wanted: &[Value]) -> bool {
    let name = |item: &Value| item.get("name").and_then(Value::as_str).map(str::to_owned);
    if wanted.iter().all(|item| name(item).is_some()) && !wanted.is_empty() {
        return wanted.iter().all(|item| live.iter().any(|other| name(other) == name(item) && contains(other, item)));
    }
    live.len() == wanted.len() && live.iter().zip(wanted).all(|(live, wanted)| contains(live, wanted))
}

/// `1000m` is stored as `1`.
fn same_quantity(live: &Value, wanted: &Value) -> bool {
    live == wanted || amount(live).is_some_and(|live| amount(wanted) == Some(live))
}

/// A quantity in thousandths.
fn amount(quantity: &Value) -> Option<i128> {
    let text = quantity.as_str().map_or_else(|| quantity.to_string(), str::to_owned);
    let digits = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let thousandths = match suffix {
        "m" => 1,
        "" => 1000,
        "k" => 1_000_000,
        "M" => 1_000_000_000,
        "G" => 1_000_000_000_000,
        "T" => 1_000_000_000_000_000,
        "Ki" => 1000 << 10,
        "Mi" => 1000 << 20,
        "Gi" => 1000 << 30,
        "Ti" => 1000_i128 << 40,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let value: i128 = format!("{whole}{fraction}").parse().ok()?;
    Some(value.checked_mul(thousandths)? / scale)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::contains;

    #[test]
    fn defaults_and_sidecars_that_others_added_are_no_drift() {
        let wanted = json!({"containers": [{"name": "picket", "image": "a"}]});
        let live = json!({"dnsPolicy": "ClusterFirst", "containers": [
            {"name": "istio"}, {"name": "picket", "image": "a", "terminationMessagePath": "/dev/termination-log"}]});
        assert!(contains(&live, &wanted));
    }

    #[test]
    fn a_changed_field_a_missing_one_and_a_changed_list_are_drift() {
        let wanted = json!({"replicas": 1, "args": ["run", "web"]});
        assert!(!contains(&json!({"replicas": 2, "args": ["run", "web"]}), &wanted));
        assert!(!contains(&json!({"args": ["run", "web"]}), &wanted));
        assert!(!contains(&json!({"replicas": 1, "args": ["run", "web", "--debug"]}), &wanted));
    }

    #[test]
    fn a_quantity_is_the_same_in_other_words() {
        let wanted = json!({"limits": {"cpu": "1000m", "memory": "1024Mi"}, "requests": {"cpu": "0.5"}});
        let live = json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}});
        assert!(contains(&live, &wanted));
        assert!(!contains(&json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "500m"}}), &wanted));
    }
}
