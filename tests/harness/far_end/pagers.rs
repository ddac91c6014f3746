//! PagerDuty, and a webhook that checks what the standard says.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Shared, hmac, is_near, lock};

/// <https://developer.pagerduty.com/docs/send-alert-event>
pub async fn pagerduty(State(memory): State<Shared>, Json(event): Json<Value>) -> (StatusCode, Json<Value>) {
    let mut memory = lock(&memory);
    let key = event["routing_key"].as_str().unwrap_or_default().to_owned();
    let mut errors = errors(&event);
    if key.len() != 32 || memory.places.get(&key).is_none_or(|place| place.is_gone) {
        errors.push("'routing_key' is invalid".to_owned());
    }
    if !errors.is_empty() {
        memory.refuse(&format!("pagerduty {errors:?}"));
        let answer = json!({"status": "invalid event", "message": "Event object is invalid", "errors": errors});
        return (StatusCode::BAD_REQUEST, Json(answer));
    }
    if !memory.has_room(&key) {
        memory.refuse("pagerduty 429");
        return (StatusCode::TOO_MANY_REQUESTS, Json(json!({"status": "throttle exceeded"})));
    }
    let dedup = event["dedup_key"].as_str().unwrap_or_default().to_owned();
    memory.incidents.insert(dedup.clone(), event["event_action"] == "trigger");
    memory.tell(&key, Some(format!("{}:{dedup}", event["event_action"])), event);
    (StatusCode::ACCEPTED, Json(json!({"status": "success", "message": "Event processed", "dedup_key": dedup})))
}

fn errors(event: &Value) -> Vec<String> {
    let mut errors = Vec::new();
    let text =
        |value: &Value, most: usize| value.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()));
    let action = event["event_action"].as_str().unwrap_or_default();
    if !matches!(action, "trigger" | "acknowledge" | "resolve") {
        errors.push("'event_action' is invalid".to_owned());
    }
    if !event["dedup_key"].is_null() && !text(&event["dedup_key"], 255) {
        errors.push("'dedup_key' is too long".to_owned());
    }
    if action != "trigger" {
        if event["dedup_key"].is_null() {
            errors.push("'dedup_key' is missing".to_owned());
        }
        return errors;
    }
    let payload = &event["payload"];
    if !text(&payload["summary"], 1_024) {
        errors.push("'payload.summary' is missing or too long".to_owned());
    }
    if !text(&payload["source"], 255) {
        errors.push("'payload.source' is missing".to_owned());
    }
    if !matches!(payload["severity"].as_str(), Some("critical" | "error" | "warning" | "info")) {
        errors.push("'payload.severity' is invalid".to_owned());
    }
    let links = event["links"].as_array().into_iter().flatten();
    errors.extend(links.filter(|link| !text(&link["href"], 2_048)).map(|_| "'links' is invalid".to_owned()));
    errors
}

/// <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
pub async fn webhook(
    State(memory): State<Shared>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: String,
) -> StatusCode {
    let mut memory = lock(&memory);
    let Some(place) = memory.places.get(&name).cloned() else {
        memory.refuse("webhook 404");
        return StatusCode::NOT_FOUND;
    };
    if place.is_gone {
        memory.refuse("webhook 410");
        return StatusCode::GONE;
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, timestamp, signatures) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    if let Some(secret) = place.secret {
        let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
        let expected = hmac(&key.unwrap_or_else(|| secret.into()), &format!("{id}.{timestamp}.{body}"));
        let signed = signatures.split(' ').any(|signature| signature == format!("v1,{expected}"));
        let near = timestamp.parse::<i64>().is_ok_and(|seconds| is_near(seconds, 300));
        if !signed || !near || id.is_empty() {
            memory.refuse("webhook 401");
            return StatusCode::UNAUTHORIZED;
        }
    }
    let Ok(body) = serde_json::from_str(&body) else {
        memory.refuse("webhook 400");
        return StatusCode::BAD_REQUEST;
    };
    memory.tell(&name, Some(id), body);
    StatusCode::NO_CONTENT
}
