//! Feishu, and Lark: a custom bot of a group. <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>
//!
//! Messages are cards. A bot takes 100 a minute and 5 a second, and says what is wrong in a 200.

use std::fmt::Write as _;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    Failure, Kind, Outgoing,
    message::{Message, OPEN, Sending},
    schema::{Both, CALL_ASSIGNEE, Config, Field, Input, LANGUAGE, both},
};
use crate::{
    outbound::{Answer, Post},
    protocol::Level,
};

/// A request may have 20 KB.
const LONGEST: usize = 14_000;

const FIELDS: &[Field] = &[
    Field::required(
        "url",
        Input::SecretUrl,
        both("Webhook address", "Webhook 地址"),
        both(
            "As the bot shows it: https://open.feishu.cn/open-apis/bot/v2/hook/…",
            "机器人显示的地址：https://open.feishu.cn/open-apis/bot/v2/hook/…",
        ),
    ),
    Field::optional(
        "secret",
        Input::Secret,
        both("Signing secret", "签名密钥"),
        both("Where the bot checks signatures.", "机器人启用签名校验时填写。"),
    ),
    Field::optional(
        "keywords",
        Input::Lines,
        both("Keywords", "自定义关键词"),
        both("Those the bot asks for, one a line.", "机器人要求的关键词，每行一个。"),
    ),
    Field::optional(
        "user_ids",
        Input::Lines,
        both("Call by user id", "按用户 ID @"),
        both(
            "Members of the group who are called, one a line; all calls everybody.",
            "要 @ 的群成员 ID，每行一个；填 all 表示所有人。",
        ),
    ),
    CALL_ASSIGNEE,
    LANGUAGE,
];

/// A bot.
pub struct Feishu;

impl Kind for Feishu {
    fn id(&self) -> &'static str {
        "feishu"
    }

    fn label(&self) -> Both {
        both("Feishu", "飞书")
    }

    fn text(&self) -> Both {
        both(
            "A custom bot: in the group's settings, Bots, Add Bot, Custom Bot.",
            "自定义机器人：群设置 → 群机器人 → 添加机器人 → 自定义机器人。",
        )
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        60
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let mut body = json!({"msg_type": "interactive", "card": card(config, message, sending)});
        let secret = config.text("secret");
        if !secret.is_empty() {
            let timestamp = sending.at.timestamp().to_string();
            body["sign"] = json!(sign(secret, &timestamp));
            body["timestamp"] = json!(timestamp);
        }
        Outgoing::Http(Post::json(config.text("url").to_owned(), &body))
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let Some(code) = said["code"].as_i64().or(said["StatusCode"].as_i64()) else {
            super::by_status(answer)?;
            return Err(Failure::later("unreadable", &answer.body));
        };
        let words = said["msg"].as_str().or(said["StatusMessage"].as_str()).unwrap_or_default();
        let code_name = code.to_string();
        match code {
            0 => Ok(()),
            11_232 | 11_233 => Err(Failure::later(&code_name, words)),
            19_001 | 19_007 | 19_021 | 19_022 | 19_024 => Err(Failure::broken(&code_name, words)),
            _ if answer.status >= 500 => Err(Failure::later(&code_name, words)),
            _ => Err(Failure::refused(&code_name, words)),
        }
    }

    fn explain(&self, code: &str) -> Option<Both> {
        Some(match code {
            "19001" => both("There is no bot at this address: copy it again.", "Webhook 地址无效：请重新复制。"),
            "19007" => both("The bot is turned off in its group.", "机器人已在群中停用。"),
            "19021" => both(
                "The bot checks signatures and ours does not fit: copy the signing secret again, and see that this server's clock is right.",
                "签名校验失败：请重新复制签名密钥，并检查服务器时钟。",
            ),
            "19022" => both(
                "The bot takes messages only from addresses on its list: add this server's, or turn the list off.",
                "机器人启用了 IP 白名单：请加入本服务器的出口 IP，或关闭该限制。",
            ),
            "19024" => both(
                "The bot wants one of its keywords in every message: enter them under Keywords.",
                "机器人要求消息包含自定义关键词：请在“自定义关键词”中填写。",
            ),
            "11232" | "11233" => {
                both("The bot takes 100 messages a minute and had more.", "机器人每分钟最多 100 条消息，已超限。")
            }
            "9499" => both("Feishu does not take a message of this form.", "飞书不接受该消息格式。"),
            _ => return None,
        })
    }
}

/// The key is what is signed, and nothing is signed with it.
fn sign(secret: &str, timestamp: &str) -> String {
    let key = format!("{timestamp}\n{secret}");
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).expect("a key of any length will do");
    STANDARD.encode(mac.finalize().into_bytes())
}

fn card(config: &Config, message: &Message, sending: &Sending) -> Value {
    let title = message.headline(sending.language);
    let colour = match message {
        Message::Alert(notice) if notice.level >= Level::Error => "red",
        Message::Alert(notice) if notice.level == Level::Warning => "orange",
        Message::Alert(_) => "blue",
        Message::Digest(_) => "red",
    };
    let markdown = message.markdown(sending, LONGEST);
    // The card's title says what the text's heading does.
    let mut text = markdown.split_once("\n\n").map_or(markdown.as_str(), |(_, text)| text).to_owned();
    let mut called = config.lines("user_ids");
    called.extend(config.assignee(message, "feishu"));
    called.dedup();
    for user in called {
        let _ = write!(text, "<at id={}></at> ", user.replace(['<', '>', '"', ' '], ""));
    }
    let keywords = config.lines("keywords");
    if let Some(first) =
        keywords.first().filter(|_| !keywords.iter().any(|word| text.contains(word) || title.contains(word)))
    {
        let _ = write!(text, "\n{first}");
    }
    json!({
        "config": {"wide_screen_mode": true},
        "header": {"template": colour, "title": {"tag": "plain_text", "content": title}},
        "elements": [
            {"tag": "div", "text": {"tag": "lark_md", "content": text}},
            {"tag": "action", "actions": [{
                "tag": "button", "type": "primary", "url": message.url(),
                "text": {"tag": "plain_text", "content": OPEN.of(sending.language)},
            }]},
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::tests::{notice, sending},
        super::tests::{config, post},
        *,
    };
    use crate::ui::Language;

    #[test]
    fn a_card_is_signed_in_seconds_and_calls_by_id() {
        let config = config(
            &Feishu,
            &[
                ("url", "https://open.feishu.cn/open-apis/bot/v2/hook/x"),
                ("secret", "s"),
                ("user_ids", "ou_1\nall"),
                ("keywords", "告警"),
            ],
        );
        let post = post(&Feishu, &config, &Message::Alert(notice()), &sending(Language::English));
        let body: Value = serde_json::from_str(&post.body).unwrap();
        assert_eq!(body["timestamp"], "1790000000");
        assert_eq!(body["sign"], "wt6IGIiv3v1TAO6ImEMRNQLT9oZP9uQYLAqPNB+d9nE=");
        let text = body["card"]["elements"][0]["text"]["content"].as_str().unwrap();
        assert!(text.contains("<at id=ou_1></at> <at id=all></at>") && text.contains("告警"), "{text}");
        assert_eq!(body["card"]["header"]["title"]["content"], "New: error in Shop");
    }

    #[test]
    fn every_code_means_something_and_is_explained() {
        let answer = |status, body: Value| Answer { status, body: body.to_string(), retry_after: None };
        assert_eq!(Feishu.judge(&answer(200, json!({"code": 0, "msg": "success"}))), Ok(()));
        assert_eq!(Feishu.judge(&answer(200, json!({"StatusCode": 0, "StatusMessage": "success"}))), Ok(()));
        for (code, how) in [
            (19_021, "broken"),
            (19_024, "broken"),
            (19_001, "broken"),
            (19_022, "broken"),
            (11_232, "later"),
            (9_499, "refused"),
        ] {
            let failure = Feishu.judge(&answer(200, json!({"code": code, "msg": "no"}))).unwrap_err();
            assert_eq!(failure.how.name(), how, "{code}");
            assert!(Feishu.explain(&failure.code).is_some(), "{code}");
        }
    }
}
