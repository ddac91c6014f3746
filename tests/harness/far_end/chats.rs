//! DingTalk, Feishu, WeCom and Slack.

use std::collections::HashMap;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
};
use serde_json::{Value, json};

use super::{Memory, Shared, hmac, is_json, is_near, lock};

const HOUR: i64 = 3_600;

/// <https://open.dingtalk.com/document/robots/custom-robot-access>
pub async fn dingtalk(
    State(memory): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
    body: String,
) -> Json<Value> {
    let mut memory = lock(&memory);
    let (code, words) = match robot(&mut memory, &query, &headers, &body) {
        Ok(()) => (0, "ok".to_owned()),
        Err((code, words)) => {
            memory.refuse(&format!("dingtalk {code} {words}"));
            (code, words)
        }
    };
    Json(json!({"errcode": code, "errmsg": words}))
}

type Refusal = (i64, String);

fn robot(memory: &mut Memory, query: &HashMap<String, String>, headers: &HeaderMap, body: &str) -> Result<(), Refusal> {
    let refuse = |code: i64, words: &str| Err((code, words.to_owned()));
    let Some(token) = query.get("access_token") else { return refuse(300_001, "token is not exist") };
    let Some(place) = memory.places.get(token).cloned() else { return refuse(300_005, "token is not exist") };
    if place.is_gone {
        return refuse(400_013, "the group has been disbanded");
    }
    if !is_json(headers) {
        return refuse(43_004, "invalid content type");
    }
    let Ok(message) = serde_json::from_str::<Value>(body) else { return refuse(40_035, "invalid json") };
    if place.has_address_list {
        return refuse(310_000, "ip 127.0.0.1 not in whitelist");
    }
    if let Some(secret) = place.secret {
        let timestamp = query.get("timestamp").map(String::as_str).unwrap_or_default();
        let near = timestamp.parse::<i64>().is_ok_and(|milliseconds| is_near(milliseconds / 1_000, HOUR));
        if !near {
            return refuse(310_000, "invalid timestamp, sign not match");
        }
        if query.get("sign") != Some(&hmac(secret.as_bytes(), &format!("{timestamp}\n{secret}"))) {
            return refuse(310_000, "sign not match");
        }
    }
    let kind = message["msgtype"].as_str().unwrap_or_default().to_owned();
    let part = &message[&kind];
    let (title, text) = (part["title"].as_str().unwrap_or_default(), part["text"].as_str().unwrap_or_default());
    let has_button = part["singleTitle"].is_string() && part["singleURL"].is_string();
    if !matches!(kind.as_str(), "markdown" | "actionCard") || (kind == "actionCard" && !has_button) {
        return refuse(40_035, "invalid msgtype");
    }
    if title.is_empty() || text.is_empty() || body.len() > 20_000 {
        return refuse(40_035, "title and text are needed, and no more than 20000 bytes");
    }
    let called = message["at"]["atMobiles"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = called.into_iter().find(|mobile| !text.contains(&format!("@{mobile}"))) {
        return refuse(40_035, &format!("@{missing} is not in the text"));
    }
    if !place.keywords.is_empty() && !place.keywords.iter().any(|word| text.contains(word) || title.contains(word)) {
        return refuse(310_000, "keywords not in content");
    }
    if !memory.has_room(token) {
        return refuse(130_101, "send too fast, exceed 20 times per minute");
    }
    memory.tell(token, None, message);
    Ok(())
}

/// <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>
pub async fn feishu(
    State(memory): State<Shared>,
    Path(token): Path<String>,
    body: String,
) -> (StatusCode, Json<Value>) {
    let mut memory = lock(&memory);
    match bot(&mut memory, &token, &body) {
        Ok(()) => (StatusCode::OK, Json(json!({"code": 0, "msg": "success", "data": {}}))),
        Err((code, words)) => {
            memory.refuse(&format!("feishu {code} {words}"));
            let status = if code == 9_499 { StatusCode::BAD_REQUEST } else { StatusCode::OK };
            (status, Json(json!({"code": code, "msg": words, "data": {}})))
        }
    }
}

fn bot(memory: &mut Memory, token: &str, body: &str) -> Result<(), Refusal> {
    let refuse = |code: i64, words: &str| Err((code, words.to_owned()));
    let place = memory.places.get(token).filter(|place| !place.is_gone).cloned();
    let Some(place) = place else { return refuse(19_001, "param invalid: incoming webhook access token invalid") };
    let Ok(message) = serde_json::from_str::<Value>(body) else { return refuse(9_499, "Bad Request") };
    if place.has_address_list {
        return refuse(19_022, "Ip Not Allowed");
    }
    if let Some(secret) = place.secret {
        let timestamp = message["timestamp"].as_str().unwrap_or_default();
        let near = timestamp.parse::<i64>().is_ok_and(|seconds| is_near(seconds, HOUR));
        if !near || message["sign"] != json!(hmac(format!("{timestamp}\n{secret}").as_bytes(), "")) {
            return refuse(19_021, "sign match fail or timestamp is not within one hour from current time");
        }
    }
    let card = &message["card"];
    let title = card["header"]["title"]["content"].as_str().unwrap_or_default();
    let text = card["elements"][0]["text"]["content"].as_str().unwrap_or_default();
    if message["msg_type"] != "interactive" || title.is_empty() || text.is_empty() || body.len() > 20_480 {
        return refuse(9_499, "Bad Request");
    }
    if !place.keywords.is_empty() && !place.keywords.iter().any(|word| text.contains(word) || title.contains(word)) {
        return refuse(19_024, "Key Words Not Found");
    }
    if !memory.has_room(token) {
        return refuse(11_232, "frequency limited");
    }
    memory.tell(token, None, message);
    Ok(())
}

/// <https://developer.work.weixin.qq.com/document/path/91770>
pub async fn wecom(
    State(memory): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    body: String,
) -> Json<Value> {
    let mut memory = lock(&memory);
    let key = query.get("key").cloned().unwrap_or_default();
    let message: Value = serde_json::from_str(&body).unwrap_or_default();
    let text = message["markdown"]["content"].as_str().unwrap_or_default();
    let (code, words) = if memory.places.get(&key).is_none_or(|place| place.is_gone) {
        (93_000, "invalid webhook url")
    } else if message["msgtype"] != "markdown" {
        (40_008, "invalid message type")
    } else if text.is_empty() || text.len() > 4_096 {
        (40_058, "markdown.content exceed max length 4096")
    } else if !memory.has_room(&key) {
        (45_009, "api freq out of limit")
    } else {
        (0, "ok")
    };
    if code == 0 {
        memory.tell(&key, None, message);
    } else {
        memory.refuse(&format!("wecom {code} {words}"));
    }
    Json(json!({"errcode": code, "errmsg": words}))
}

/// <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
pub async fn slack(
    State(memory): State<Shared>,
    Path(token): Path<String>,
    body: String,
) -> (StatusCode, HeaderMap, &'static str) {
    let mut memory = lock(&memory);
    let mut headers = HeaderMap::new();
    let place = memory.places.get(&token).cloned();
    let message: Option<Value> = serde_json::from_str(&body).ok();
    let (status, word) = match (place, message) {
        (None, _) => (StatusCode::NOT_FOUND, "no_service"),
        (Some(place), _) if place.is_gone => (StatusCode::GONE, "channel_is_archived"),
        (_, None) => (StatusCode::BAD_REQUEST, "invalid_payload"),
        (_, Some(message)) if message["text"].as_str().is_none_or(str::is_empty) => {
            (StatusCode::BAD_REQUEST, "no_text")
        }
        (_, Some(message)) if !blocks_fit(&message) => (StatusCode::BAD_REQUEST, "invalid_blocks"),
        (_, Some(_)) if !memory.has_room(&token) => {
            headers.insert("retry-after", 1.into());
            (StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        }
        (_, Some(message)) => {
            memory.tell(&token, None, message);
            (StatusCode::OK, "ok")
        }
    };
    if status != StatusCode::OK {
        memory.refuse(&format!("slack {word}"));
    }
    (status, headers, word)
}

/// <https://docs.slack.dev/reference/block-kit/blocks/section-block>
fn blocks_fit(message: &Value) -> bool {
    let blocks = message["attachments"].as_array().into_iter().flatten();
    let mut blocks = blocks.flat_map(|attachment| attachment["blocks"].as_array().into_iter().flatten());
    let fits = |text: &Value, most: usize| {
        text["text"].as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()))
    };
    blocks.all(|block| match block["type"].as_str() {
        Some("section") => {
            let fields = block["fields"].as_array();
            (block["text"].is_null() || fits(&block["text"], 3_000))
                && fields.is_none_or(|fields| fields.len() <= 10 && fields.iter().all(|field| fits(field, 2_000)))
                && (fields.is_some() || !block["text"].is_null())
        }
        Some("actions") => {
            let buttons = block["elements"].as_array();
            buttons.is_some_and(|all| {
                all.iter().all(|one| one["type"] == "button" && fits(&one["text"], 75) && one["url"].is_string())
            })
        }
        _ => false,
    })
}
