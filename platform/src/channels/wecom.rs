//! WeCom (Enterprise WeChat): a robot of a group. <https://developer.work.weixin.qq.com/document/path/91770>
//!
//! A robot takes 20 messages a minute of at most 4,096 bytes, and says what is wrong in a 200.

use serde_json::{Value, json};

use super::{
    Failure, Kind, Outgoing,
    message::{Message, Sending},
    schema::{Both, CALL_ASSIGNEE, Config, Field, Input, LANGUAGE, both},
};
use crate::outbound::{Answer, Post};

const LONGEST: usize = 4_096;
/// As much of a message names those who are called.
const LONGEST_CALL: usize = 1_000;

const FIELDS: &[Field] = &[
    Field::required(
        "url",
        Input::SecretUrl,
        both("Webhook address", "Webhook 地址"),
        both(
            "As the robot shows it: https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
            "机器人显示的地址：https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
        ),
    ),
    Field::optional(
        "user_ids",
        Input::Lines,
        both("Call by user id", "按用户 ID @"),
        both("Members of the group who are called, one a line.", "要 @ 的群成员 userid，每行一个。"),
    ),
    CALL_ASSIGNEE,
    LANGUAGE,
];

/// A robot.
pub struct WeCom;

impl Kind for WeCom {
    fn id(&self) -> &'static str {
        "wecom"
    }

    fn label(&self) -> Both {
        both("WeCom", "企业微信")
    }

    fn text(&self) -> Both {
        both("A group robot: in the group's menu, Add Group Robot.", "群机器人：群聊右上角菜单 → 添加群机器人。")
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        20
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        let users = config.lines("user_ids").into_iter().chain(config.assignee(message, "wecom"));
        let mut called = String::new();
        for user in users.map(|user| format!("<@{user}>")) {
            if !called.contains(&user) && called.len() + user.len() <= LONGEST_CALL {
                called.push_str(&user);
            }
        }
        let text = message.markdown(sending, LONGEST - called.len() - 1);
        let body = json!({"msgtype": "markdown", "markdown": {"content": format!("{text}{called}")}});
        Outgoing::Http(Post::json(config.text("url").to_owned(), &body))
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        super::by_status(answer)?;
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = said["errcode"].as_i64().ok_or_else(|| Failure::later("unreadable", &answer.body))?;
        let words = said["errmsg"].as_str().unwrap_or_default();
        match code {
            0 => Ok(()),
            -1 | 45_009 | 45_033 => Err(Failure::later(&code.to_string(), words)),
            93_000 | 93_004 | 93_008 => Err(Failure::broken(&code.to_string(), words)),
            _ => Err(Failure::refused(&code.to_string(), words)),
        }
    }

    fn explain(&self, code: &str) -> Option<Both> {
        Some(match code {
            "93000" => both("There is no robot at this address: copy it again.", "Webhook 地址无效：请重新复制。"),
            "93004" => both("The robot was removed.", "机器人已被停用。"),
            "93008" => both("The robot is not in the group any more.", "机器人不在群中。"),
            "45009" => {
                both("The robot takes 20 messages a minute and had more.", "机器人每分钟最多 20 条消息，已超限。")
            }
            "45033" => both("Too many requests at a time.", "并发请求过多。"),
            "-1" => both("WeCom is busy.", "企业微信系统繁忙。"),
            "40008" => both("WeCom does not know this type of message.", "企业微信不支持该消息类型。"),
            "40058" => both("The message is too long for WeCom, or lacks something.", "消息过长或缺少参数。"),
            _ => return None,
        })
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
    fn no_message_is_longer_than_a_robot_takes() {
        let config =
            config(&WeCom, &[("url", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"), ("user_ids", "ada")]);
        let long = super::super::message::Notice { title: "漢字".repeat(4_000), ..notice() };
        for message in [Message::Alert(long), Message::Digest(digest(100, 900))] {
            let post = post(&WeCom, &config, &message, &sending(Language::Chinese));
            let body: Value = serde_json::from_str(&post.body).unwrap();
            let text = body["markdown"]["content"].as_str().unwrap();
            assert!(text.len() <= LONGEST && text.ends_with("<@ada>"), "{} bytes", text.len());
        }
    }

    #[test]
    fn every_code_means_something_and_is_explained() {
        let answer = |code: i64| Answer {
            status: 200,
            body: json!({"errcode": code, "errmsg": "no"}).to_string(),
            retry_after: None,
        };
        assert_eq!(WeCom.judge(&answer(0)), Ok(()));
        for (code, how) in [
            (93_000, "broken"),
            (93_004, "broken"),
            (93_008, "broken"),
            (45_009, "later"),
            (-1, "later"),
            (40_008, "refused"),
            (40_058, "refused"),
        ] {
            let failure = WeCom.judge(&answer(code)).unwrap_err();
            assert_eq!(failure.how.name(), how, "{code}");
            assert!(WeCom.explain(&failure.code).is_some(), "{code}");
        }
    }
}
