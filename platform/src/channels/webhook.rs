//! A webhook: JSON to a server of one's own, signed as <https://www.standardwebhooks.com> says.
//!
//! `webhook-id` is the same when a message is tried again or replayed, so that a receiver knows what it has; the signature is
//! made anew each time. The body may be a template of one's own.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::DateTime;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    Failure, Kind, Outgoing,
    message::{Message, Notice, Sending},
    schema::{Both, Config, Field, Input, LANGUAGE, Wrong, both},
};
use crate::outbound::{Answer, Post};

/// The shortest secret that is none to guess.
const SHORTEST_SECRET: usize = 16;

const FIELDS: &[Field] = &[
    Field::required(
        "url",
        Input::Url,
        both("Address", "地址"),
        both("Where messages are posted to.", "接收消息的地址。"),
    ),
    Field::required(
        "secret",
        Input::Secret,
        both("Secret", "密钥"),
        both("At least 16 characters; messages are signed with it.", "至少 16 个字符，用于对消息签名。"),
    ),
    Field::optional(
        "template",
        Input::Text,
        both("Body", "消息体模板"),
        both(
            "JSON of your own, with {{title}}, {{url}}, {{level}}, {{project}}, {{environment}}, {{release}}, {{events}} and other fields of the usual body. Empty for that.",
            "自定义 JSON，可用 {{title}}、{{url}}、{{level}}、{{project}}、{{environment}}、{{release}}、{{events}} 等默认消息体中的字段；留空则使用默认消息体。",
        ),
    ),
    LANGUAGE,
];

const SHORT: Both = both("A secret has at least 16 characters.", "密钥至少 16 个字符。");
const NO_JSON: Both = both("With its fields filled in, this is no JSON.", "填入字段后不是合法的 JSON。");

/// A webhook.
pub struct Webhook;

impl Kind for Webhook {
    fn id(&self) -> &'static str {
        "webhook"
    }

    fn label(&self) -> Both {
        both("Webhook", "Webhook")
    }

    fn text(&self) -> Both {
        both("Signed JSON to a server of your own.", "向自有服务器发送带签名的 JSON。")
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        120
    }

    fn resolves(&self) -> bool {
        true
    }

    fn check(&self, config: &Config) -> Vec<Wrong> {
        let is_short = config.text("secret").len() < SHORTEST_SECRET;
        let filled = fill(config.text("template"), &about(&Notice::example("", "", "", DateTime::UNIX_EPOCH)));
        let is_wrong = !filled.is_empty() && serde_json::from_str::<Value>(&filled).is_err();
        let wrong = [(is_short, "secret", SHORT), (is_wrong, "template", NO_JSON)];
        wrong.into_iter().filter(|(is, ..)| *is).map(|(_, name, why)| (name.to_owned(), why)).collect()
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let usual = body(message, sending);
        let body = match config.text("template") {
            "" => usual.to_string(),
            template => fill(template, &usual),
        };
        let (id, timestamp) = (format!("msg_{}", sending.id.simple()), sending.at.timestamp().to_string());
        let signature = sign(config.text("secret"), &format!("{id}.{timestamp}.{body}"));
        let headers = vec![
            ("webhook-id", id),
            ("webhook-timestamp", timestamp),
            ("webhook-signature", format!("v1,{signature}")),
        ];
        Outgoing::Http(Post { url: config.text("url").to_owned(), headers, body })
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        // Whoever answers so has taken its webhook away for good.
        if answer.status == 410 {
            return Err(Failure::broken("http 410", ""));
        }
        match super::by_status(answer) {
            Err(failure) if answer.status != 413 && answer.status < 500 => {
                Err(Failure::later(&failure.code, &failure.said))
            }
            judged => judged,
        }
    }
}

fn sign(secret: &str, text: &str) -> String {
    // Of a secret in the standard's form the key is what follows, in base64.
    let key = secret.strip_prefix("whsec_").and_then(|key| STANDARD.decode(key).ok());
    let key = key.unwrap_or_else(|| secret.as_bytes().to_vec());
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length will do");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn body(message: &Message, sending: &Sending) -> Value {
    match message {
        Message::Alert(notice) => {
            let mut body = about(notice);
            body["type"] = json!(format!("issue.{}", notice.news.name()));
            body["headline"] = json!(notice.headline(sending.language));
            body
        }
        Message::Digest(digest) => json!({
            "type": "digest", "headline": digest.headline(sending.language), "title": digest.headline(sending.language),
            "alerts": digest.alerts, "issues": digest.issues, "since": digest.since, "until": digest.until,
            "url": digest.url,
            "lines": digest.lines.iter().map(|(notice, times)| {
                let mut line = about(notice);
                line["alerts"] = json!(times);
                line
            }).collect::<Vec<_>>(),
        }),
    }
}

fn about(notice: &Notice) -> Value {
    json!({
        "organization": notice.organization, "project": notice.project, "rule": notice.rule, "issue": notice.issue,
        "short_id": notice.short_id, "event": notice.event.simple().to_string(), "title": notice.title,
        "culprit": notice.culprit, "level": notice.level.name(), "environment": notice.environment,
        "release": notice.release, "events": notice.events, "users": notice.users, "first_seen": notice.first_seen,
        "last_seen": notice.last_seen, "url": notice.url,
    })
}

/// Puts values in the place of their names. Inside of a JSON text: what is put there is escaped as such.
fn fill(template: &str, values: &Value) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            filled.push_str("{{");
            rest = after;
            continue;
        };
        match &values[name.trim()] {
            Value::String(text) => {
                let quoted = json!(text).to_string();
                filled.push_str(&quoted[1..quoted.len() - 1]);
            }
            Value::Null => (),
            other => filled.push_str(&other.to_string()),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::tests::{digest, notice, sending},
        super::tests::{config, post},
        *,
    };
    use crate::ui::Language;

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    #[test]
    fn a_message_is_signed_as_the_standard_says() {
        // The example of the standard's own libraries.
        let text = r#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        assert_eq!(sign(SECRET, text), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_id_stays_when_a_message_is_tried_again() {
        let config = config(&Webhook, &[("url", "https://example.com/hook"), ("secret", SECRET)]);
        let first = sending(Language::English);
        let again = Sending { at: first.at + chrono::TimeDelta::seconds(9), ..first };
        let id = |sending| post(&Webhook, &config, &Message::Alert(notice()), &sending).headers[0].clone();
        let signature = |sending| post(&Webhook, &config, &Message::Alert(notice()), &sending).headers[2].clone();
        assert_eq!(id(first), id(again));
        assert_ne!(signature(first), signature(again));
    }

    #[test]
    fn a_body_of_ones_own_stays_json_whatever_was_sent() {
        let template = r#"{"text": "{{title}} in {{ project }}", "count": {{events}}, "env": "{{environment}}", "no": "{{nothing}}"}"#;
        let config =
            config(&Webhook, &[("url", "https://example.com/hook"), ("secret", SECRET), ("template", template)]);
        let nasty = Notice { title: "a \"quote\" \\ and\nmore {{url}}".into(), ..notice() };
        let post = post(&Webhook, &config, &Message::Alert(nasty), &sending(Language::English));
        let body: Value = serde_json::from_str(&post.body).unwrap();
        assert_eq!(
            body,
            json!({"text": "a \"quote\" \\ and\nmore {{url}} in shop", "count": 3, "env": "production", "no": ""})
        );
    }

    #[test]
    fn what_makes_no_sense_is_said() {
        let wrong = |template: &str, secret: &str| {
            let values = [("url", "https://example.com"), ("secret", secret), ("template", template)];
            Webhook.check(&config(&Webhook, &values)).into_iter().map(|(name, _)| name).collect::<Vec<_>>()
        };
        assert_eq!(wrong("", SECRET), [""; 0]);
        assert_eq!(wrong("{\"a\": {{", "short"), ["secret", "template"]);
        let Outgoing::Http(post) =
            Webhook.compose(&Config::default(), &Message::Digest(digest(2, 5)), &sending(Language::Chinese))
        else {
            panic!()
        };
        let body: Value = serde_json::from_str(&post.body).unwrap();
        assert_eq!((&body["alerts"], &body["lines"][0]["alerts"]), (&json!(412), &json!(3)));
    }
}
