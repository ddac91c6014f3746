//! PagerDuty: an integration of a service, by Events API v2.
//! <https://developer.pagerduty.com/docs/send-alert-event>
//!
//! An issue is one incident, however often it is told: that is what the dedup key is for. It is resolved when the issue is, also
//! when it was a digest that opened it; a digest of several issues is an incident of its own, which people end.

use serde_json::{Value, json};

use super::{
    Failure, Kind, Outgoing,
    message::{Message, News, Notice, OPEN, Sending, shorten},
    schema::{Both, Config, Field, Input, LANGUAGE, both},
};
use crate::{
    outbound::{Answer, Post},
    protocol::Level,
};

const SERVER: &str = "https://events.pagerduty.com";
/// Characters of a summary.
const LONGEST_SUMMARY: usize = 1_000;

const FIELDS: &[Field] = &[
    Field::required(
        "routing_key",
        Input::Secret,
        both("Integration key", "Integration Key"),
        both("32 letters and digits, of an Events API v2 integration.", "Events API v2 集成的 32 位密钥。"),
    ),
    Field::optional(
        "server",
        Input::Url,
        both("Server", "服务器"),
        both("In the EU: https://events.eu.pagerduty.com", "欧盟区：https://events.eu.pagerduty.com"),
    )
    .or(SERVER),
    LANGUAGE,
];

/// An integration.
pub struct PagerDuty;

impl Kind for PagerDuty {
    fn id(&self) -> &'static str {
        "pagerduty"
    }

    fn label(&self) -> Both {
        both("PagerDuty", "PagerDuty")
    }

    fn text(&self) -> Both {
        both("A service's integration of the kind Events API v2.", "服务的 Events API v2 集成。")
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        60
    }

    fn resolves(&self) -> bool {
        true
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let mut body = match message {
            Message::Alert(notice) if notice.news == News::Resolved => {
                json!({"event_action": "resolve", "dedup_key": key(notice)})
            }
            Message::Alert(notice) => trigger(notice, sending),
            Message::Digest(digest) => json!({
                "event_action": "trigger",
                "dedup_key": match &digest.lines[..] {
                    [(notice, _)] if digest.issues == 1 => key(notice),
                    _ => format!("picket-digest-{}", sending.id.simple()),
                },
                "payload": {
                    "summary": digest.headline(sending.language), "source": digest.url, "severity": "error",
                    "timestamp": sending.at.to_rfc3339(),
                    "custom_details": digest.lines.iter().map(|(notice, times)| json!({
                        "issue": notice.short_id, "title": notice.title(), "alerts": times, "url": notice.url,
                    })).collect::<Vec<_>>(),
                },
            }),
        };
        body["routing_key"] = json!(config.text("routing_key"));
        if body["event_action"] == "trigger" {
            body["client"] = json!("Picket");
            body["client_url"] = json!(message.url());
            body["links"] = json!([{"href": message.url(), "text": OPEN.of(sending.language)}]);
        }
        let server = Some(config.text("server")).filter(|server| !server.is_empty()).unwrap_or(SERVER);
        Outgoing::Http(Post::json(format!("{}/v2/enqueue", server.trim_end_matches('/')), &body))
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        if answer.status != 400 {
            return super::by_status(answer);
        }
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let errors: Vec<&str> = said["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let words = errors.join(" ");
        if words.contains("routing_key") || said["message"].as_str().is_some_and(|said| said.contains("routing key")) {
            return Err(Failure::broken("invalid key", &words));
        }
        Err(Failure::refused("invalid event", &words))
    }

    fn explain(&self, code: &str) -> Option<Both> {
        Some(match code {
            "invalid key" => both(
                "PagerDuty knows no such integration key: copy it again from an Events API v2 integration.",
                "Integration Key 无效：请从 Events API v2 集成中重新复制。",
            ),
            "invalid event" => both("PagerDuty does not take an event of this form.", "PagerDuty 不接受该事件格式。"),
            _ => return None,
        })
    }
}

fn key(notice: &Notice) -> String {
    format!("picket-issue-{}", notice.issue)
}

fn trigger(notice: &Notice, sending: &Sending) -> Value {
    let severity = match notice.level {
        Level::Fatal => "critical",
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info | Level::Debug => "info",
    };
    let details: serde_json::Map<String, Value> =
        notice.facts(sending).into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    json!({
        "event_action": "trigger",
        "dedup_key": key(notice),
        "payload": {
            "summary": shorten(&format!("[{}] {}: {}", notice.project_name, notice.short_id, notice.title), LONGEST_SUMMARY),
            "source": notice.project, "severity": severity, "timestamp": notice.last_seen.to_rfc3339(),
            "component": notice.culprit, "group": notice.project, "class": notice.news.name(), "custom_details": details,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::{
            Digest,
            tests::{digest, notice, sending},
        },
        super::tests::{config, post},
        *,
    };
    use crate::ui::Language;

    fn body(message: &Message) -> Value {
        let config = config(&PagerDuty, &[("routing_key", "0123456789abcdef0123456789abcdef")]);
        let post = post(&PagerDuty, &config, message, &sending(Language::English));
        assert_eq!(post.url, "https://events.pagerduty.com/v2/enqueue");
        serde_json::from_str(&post.body).unwrap()
    }

    #[test]
    fn an_issue_is_one_incident_that_ends_with_it() {
        let told = body(&Message::Alert(notice()));
        let resolved = body(&Message::Alert(Notice { news: News::Resolved, ..notice() }));
        assert_eq!((&told["event_action"], &told["payload"]["severity"]), (&json!("trigger"), &json!("error")));
        assert_eq!((&resolved["event_action"], &resolved["dedup_key"]), (&json!("resolve"), &told["dedup_key"]));
        assert!(resolved["payload"].is_null());
        let rolled = body(&Message::Digest(digest(3, 9)));
        assert_eq!(rolled["payload"]["custom_details"].as_array().unwrap().len(), 3);
        assert_ne!(rolled["dedup_key"], told["dedup_key"]);
        let of_one = body(&Message::Digest(Digest { lines: vec![(notice(), 9)], ..digest(1, 1) }));
        assert_eq!(of_one["dedup_key"], told["dedup_key"], "many alerts of one issue are the incident of that issue");
    }

    #[test]
    fn a_wrong_key_is_told_from_a_wrong_event() {
        let answer = |status, body: Value| Answer { status, body: body.to_string(), retry_after: None };
        let judge =
            |status, body| PagerDuty.judge(&answer(status, body)).map_err(|failure| (failure.how.name(), failure.code));
        assert_eq!(judge(202, json!({"status": "success"})), Ok(()));
        let key = json!({"status": "invalid event", "errors": ["'routing_key' is invalid"]});
        assert_eq!(judge(400, key), Err(("broken", "invalid key".into())));
        let event = json!({"status": "invalid event", "errors": ["'payload.severity' is invalid"]});
        assert_eq!(judge(400, event), Err(("refused", "invalid event".into())));
        assert_eq!(judge(429, json!({})).unwrap_err().0, "later");
    }
}
