//! Slack: an incoming webhook. <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>
//!
//! It takes a message a second, and says what is wrong with a status and a word.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    Failure, Kind, Outgoing,
    message::{Digest, Message, Notice, OPEN, Sending, shorten},
    schema::{Both, Config, Field, Input, LANGUAGE, both},
};
use crate::{
    outbound::{Answer, Post},
    protocol::Level,
};

const FIELDS: &[Field] = &[
    Field::required(
        "url",
        Input::SecretUrl,
        both("Webhook address", "Webhook 地址"),
        both(
            "As Slack shows it: https://hooks.slack.com/services/…",
            "Slack 显示的地址：https://hooks.slack.com/services/…",
        ),
    ),
    LANGUAGE,
];

/// A webhook.
pub struct Slack;

impl Kind for Slack {
    fn id(&self) -> &'static str {
        "slack"
    }

    fn label(&self) -> Both {
        both("Slack", "Slack")
    }

    fn text(&self) -> Both {
        both(
            "An incoming webhook of a Slack app, for one channel. Mattermost and Rocket.Chat take the same.",
            "Slack 应用的 Incoming Webhook，对应一个频道。Mattermost 与 Rocket.Chat 也适用。",
        )
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        60
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let body = match message {
            Message::Alert(notice) => alert(notice, sending),
            Message::Digest(digest) => rolled_up(digest, sending),
        };
        Outgoing::Http(Post::json(config.text("url").to_owned(), &body))
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        let word = shorten(&answer.body, 100);
        match answer.status {
            200..300 => Ok(()),
            429 | 500.. => super::by_status(answer),
            400 if !matches!(word.as_str(), "user_not_found" | "channel_not_found") => Err(Failure::refused(&word, "")),
            _ => Err(Failure::broken(&word, "")),
        }
    }

    fn explain(&self, code: &str) -> Option<Both> {
        Some(match code {
            "no_service" | "no_active_hooks" | "invalid_token" | "no_team" => both(
                "This webhook was removed or never was: make a new one in Slack.",
                "该 Webhook 已被删除或不存在：请在 Slack 中重新创建。",
            ),
            "channel_not_found" | "channel_is_archived" | "user_not_found" => {
                both("The channel of this webhook was deleted or archived.", "该 Webhook 对应的频道已被删除或归档。")
            }
            "action_prohibited" | "team_disabled" | "posting_to_general_channel_denied" => both(
                "An administrator of Slack does not allow this webhook to write there.",
                "Slack 管理员不允许该 Webhook 发送消息。",
            ),
            "invalid_payload" | "no_text" | "too_many_attachments" | "invalid_blocks" => {
                both("Slack does not take a message of this form.", "Slack 不接受该消息格式。")
            }
            _ => return None,
        })
    }
}

/// What Slack reads as markup: <https://docs.slack.dev/messaging/formatting-message-text#escaping>.
fn plain(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn alert(notice: &Notice, sending: &Sending) -> Value {
    let headline = plain(&notice.headline(sending.language));
    let title = format!("{} {}", notice.short_id, plain(&notice.title()));
    let fields = notice.facts(sending).into_iter().take(10);
    let fields = fields.map(|(name, value)| json!({"type": "mrkdwn", "text": format!("*{name}*\n{}", plain(&value))}));
    let mut text = format!("*{headline}*\n<{}|{title}>", notice.url);
    if !notice.culprit.is_empty() {
        let _ = write!(text, "\n{}", plain(&shorten(&notice.culprit, 300)));
    }
    json!({
        "text": format!("{headline}: {title}"),
        "attachments": [{"color": colour(notice.level), "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            {"type": "section", "fields": fields.collect::<Vec<_>>()},
            button(&notice.url, sending),
        ]}],
    })
}

fn rolled_up(digest: &Digest, sending: &Sending) -> Value {
    let headline = digest.headline(sending.language);
    let mut text = format!("*{headline}*\n{}", digest.why(sending));
    let mut named = 0;
    for (notice, times) in &digest.lines {
        let line = format!("\n• {times} × <{}|{}> {}", notice.url, notice.short_id, plain(&shorten(&notice.title, 60)));
        // A text may have 3,000 characters.
        if text.len() + line.len() > 2_700 {
            break;
        }
        text.push_str(&line);
        named += 1;
    }
    let shown = Digest { lines: digest.lines[..named].to_vec(), ..digest.clone() };
    if let Some(more) = shown.and_more(sending.language) {
        let _ = write!(text, "\n• {more}");
    }
    json!({"text": headline, "attachments": [{"color": colour(Level::Error), "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        button(&digest.url, sending),
    ]}]})
}

fn button(url: &str, sending: &Sending) -> Value {
    let text = OPEN.of(sending.language);
    json!({"type": "actions", "elements": [{"type": "button", "url": url, "text": {"type": "plain_text", "text": text}}]})
}

fn colour(level: Level) -> &'static str {
    match level {
        Level::Fatal => "#b1301c",
        Level::Error => "#e0452f",
        Level::Warning => "#e8a117",
        Level::Info | Level::Debug => "#3b6ecc",
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::tests::{digest, notice, sending},
        super::tests::{config, post},
        *,
    };
    use crate::ui::Language;

    #[test]
    fn what_was_sent_is_no_markup_and_a_text_is_no_longer_than_slack_takes() {
        let config = config(&Slack, &[("url", "https://hooks.slack.com/services/T/B/x")]);
        let body = |message| -> Value {
            serde_json::from_str(&post(&Slack, &config, &message, &sending(Language::English)).body).unwrap()
        };
        let alert = body(Message::Alert(notice()));
        let text = alert["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
        assert!(
            text.contains("<https://picket.example/acme/shop/issues/7/|SHOP-7 Gone: *umbrella* &lt;b&gt; @all>"),
            "{text}"
        );
        let rolled = body(Message::Digest(digest(100, 900)));
        let text = rolled["attachments"][0]["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
        let named = text.matches("|SHOP-").count();
        assert!(text.chars().count() <= 3_000 && text.contains(&format!("and {} more issues", 900 - named)), "{text}");
    }

    #[test]
    fn every_word_means_something_and_is_explained() {
        let answer = |status, body: &str| Answer { status, body: body.into(), retry_after: None };
        assert_eq!(Slack.judge(&answer(200, "ok")), Ok(()));
        for (status, word, how) in [
            (400, "invalid_payload", "refused"),
            (400, "user_not_found", "broken"),
            (403, "action_prohibited", "broken"),
            (404, "channel_not_found", "broken"),
            (404, "no_service", "broken"),
            (410, "channel_is_archived", "broken"),
        ] {
            let failure = Slack.judge(&answer(status, word)).unwrap_err();
            assert_eq!((failure.how.name(), failure.code.as_str()), (how, word));
            assert!(Slack.explain(word).is_some(), "{word}");
        }
        assert_eq!(Slack.judge(&answer(500, "rollup_error")).unwrap_err().how.name(), "later");
        assert_eq!(Slack.judge(&answer(429, "")).unwrap_err().how.name(), "later");
    }
}
