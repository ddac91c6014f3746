//! DingTalk: a custom robot of a group. <https://open.dingtalk.com/document/robots/custom-robot-access>
//!
//! A robot checks a signature, keywords or addresses, takes 20 messages a minute, and says what is wrong in a 200. A message that
//! has none of the robot's keywords gets the first of them; one that is tried again is signed anew, since a signature is good
//! for an hour.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{
    Failure, Kind, Outgoing,
    message::{Message, OPEN, Sending},
    schema::{Both, CALL_ASSIGNEE, Config, Field, Input, LANGUAGE, both},
};
use crate::outbound::{Answer, Post};

/// A robot refuses more than 20 KB.
const LONGEST: usize = 16_000;
const SERVER: &str = "https://oapi.dingtalk.com";

const FIELDS: &[Field] = &[
    Field::required(
        "access_token",
        Input::Secret,
        both("Access token", "Access Token"),
        both(
            "From the robot's webhook address, or the whole address.",
            "机器人 Webhook 地址中的 access_token，也可以粘贴完整地址。",
        ),
    ),
    Field::optional(
        "secret",
        Input::Secret,
        both("Signing secret", "加签密钥"),
        both("Begins with SEC; where the robot checks signatures.", "以 SEC 开头；机器人启用加签时填写。"),
    ),
    Field::optional(
        "keywords",
        Input::Lines,
        both("Keywords", "自定义关键词"),
        both("Those the robot asks for, one a line.", "机器人要求的关键词，每行一个。"),
    ),
    Field::optional(
        "style",
        Input::Choice(&[
            ("markdown", both("Text with a link", "Markdown 文本")),
            ("action_card", both("Card with a button", "带按钮的卡片")),
        ]),
        both("Form", "消息形式"),
        both("A card calls nobody by name.", "卡片消息不能 @ 成员。"),
    )
    .or("markdown"),
    Field::optional(
        "mobiles",
        Input::Lines,
        both("Call by mobile number", "按手机号 @"),
        both("Members of the group who are called, one a line.", "要 @ 的群成员手机号，每行一个。"),
    ),
    Field::optional(
        "user_ids",
        Input::Lines,
        both("Call by user id", "按用户 ID @"),
        both("Members of the group who are called, one a line.", "要 @ 的群成员 userId，每行一个。"),
    ),
    CALL_ASSIGNEE,
    Field::optional(
        "at_all",
        Input::Switch,
        both("Call everybody", "@ 所有人"),
        both("Each message calls the whole group.", "每条消息都会 @ 所有人。"),
    )
    .or("false"),
    Field::optional(
        "server",
        Input::Url,
        both("Server", "服务器"),
        both("Only where DingTalk runs on a server of your own.", "仅专属钉钉需要修改。"),
    )
    .or(SERVER),
    LANGUAGE,
];

/// A robot.
pub struct DingTalk;

impl Kind for DingTalk {
    fn id(&self) -> &'static str {
        "dingtalk"
    }

    fn label(&self) -> Both {
        both("DingTalk", "钉钉")
    }

    fn text(&self) -> Both {
        both(
            "A custom robot: in the group's settings, Robots, Add, Custom.",
            "自定义机器人：群设置 → 机器人 → 添加机器人 → 自定义。",
        )
    }

    fn fields(&self) -> &'static [Field] {
        FIELDS
    }

    fn per_minute(&self) -> u32 {
        20
    }

    fn compose(&self, config: &Config, message: &Message, sending: &Sending) -> Outgoing {
        Outgoing::Http(Post::json(url(config, sending), &body(config, message, sending)))
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        super::by_status(answer)?;
        let said: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = said["errcode"].as_i64().ok_or_else(|| Failure::later("unreadable", &answer.body))?;
        let words = said["errmsg"].as_str().unwrap_or_default();
        match code {
            0 => Ok(()),
            130_101 | -1 => Err(Failure::later(&code.to_string(), words)),
            310_000 | 300_001 | 300_005 | 400_013 | 400_101 | 404 => {
                Err(Failure::broken(&security(code, words), words))
            }
            _ => Err(Failure::refused(&code.to_string(), words)),
        }
    }

    fn explain(&self, code: &str) -> Option<Both> {
        Some(match code {
            "310000 sign" => both(
                "The robot checks signatures and ours does not fit: copy the signing secret again, and see that this server's clock is right.",
                "机器人校验加签失败：请重新复制加签密钥，并检查服务器时钟。",
            ),
            "310000 keyword" => both(
                "The robot wants one of its keywords in every message: enter them under Keywords.",
                "机器人要求消息包含自定义关键词：请在“自定义关键词”中填写。",
            ),
            "310000 address" => both(
                "The robot takes messages only from addresses on its list: add this server's, or turn the list off.",
                "机器人限制了 IP 地址段：请加入本服务器的出口 IP，或关闭该限制。",
            ),
            "310000" => both("The robot's security settings refuse the message.", "机器人的安全设置拒绝了该消息。"),
            "300001" | "300005" | "400101" => both(
                "There is no robot of this access token: copy it again from the robot's webhook address.",
                "access_token 无效：请从机器人的 Webhook 地址重新复制。",
            ),
            "400013" => both("The robot's group was disbanded.", "机器人所在的群已解散。"),
            "404" => both("The server knows no such address: is it DingTalk's?", "地址不存在：请检查服务器地址。"),
            "130101" => both(
                "The robot takes 20 messages a minute and had more; it is silent for about ten minutes.",
                "机器人每分钟最多 20 条消息，已超限，约 10 分钟后恢复。",
            ),
            "-1" => both("DingTalk is busy.", "钉钉系统繁忙。"),
            "40035" | "43004" => both("DingTalk does not take a message of this form.", "钉钉不接受该消息格式。"),
            _ => return None,
        })
    }
}

/// A message of no kind there is: a robot that lets us in refuses it for that, and its group sees nothing. Whether the robot
/// looks at keywords first is not documented; either way it has looked at token, address and signature.
pub fn trial(config: &Config, sending: &Sending) -> Post {
    Post::json(url(config, sending), &json!({ "msgtype": "none" }))
}

/// Where its server is.
pub fn server(config: &Config) -> &str {
    Some(config.text("server")).filter(|server| !server.is_empty()).unwrap_or(SERVER)
}

/// Of the three things a robot may check, the one that its words name.
fn security(code: i64, words: &str) -> String {
    let words = words.to_lowercase();
    let which = ["sign", "keyword", "ip"].into_iter().find(|which| words.contains(which));
    match (code, which) {
        (310_000, Some("ip")) => "310000 address".to_owned(),
        (310_000, Some(which)) => format!("310000 {which}"),
        _ => code.to_string(),
    }
}

fn url(config: &Config, sending: &Sending) -> String {
    let token = config.text("access_token");
    // People paste the whole address.
    let token = token.split_once("access_token=").map_or(token, |(_, token)| token.split('&').next().unwrap_or(token));
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("access_token", token);
    let secret = config.text("secret");
    if !secret.is_empty() {
        let timestamp = sending.at.timestamp_millis().to_string();
        query.append_pair("timestamp", &timestamp).append_pair("sign", &sign(secret, &timestamp));
    }
    format!("{}/robot/send?{}", server(config).trim_end_matches('/'), query.finish())
}

fn sign(secret: &str, timestamp: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length will do");
    mac.update(format!("{timestamp}\n{secret}").as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

fn body(config: &Config, message: &Message, sending: &Sending) -> Value {
    let title = message.headline(sending.language);
    let text = with_keyword(message.markdown(sending, LONGEST), &title, &config.lines("keywords"));
    if config.text("style") == "action_card" {
        return json!({"msgtype": "actionCard", "actionCard": {
            "title": title, "text": text, "singleTitle": OPEN.of(sending.language), "singleURL": message.url(),
        }});
    }
    let mobiles = called(config, message, ("mobiles", "mobile"));
    let users = called(config, message, ("user_ids", "dingtalk"));
    // Who is called has to stand in the text as well.
    let names = mobiles.iter().chain(&users).map(|who| format!("@{who}")).collect::<Vec<_>>().join(" ");
    let text = if names.is_empty() { text } else { format!("{text}\n{names}\n") };
    json!({
        "msgtype": "markdown", "markdown": {"title": title, "text": text},
        "at": {"atMobiles": mobiles, "atUserIds": users, "isAtAll": config.is_on("at_all")},
    })
}

/// Who is called: those of the channel, and whoever sees to the issue.
fn called<'a>(config: &'a Config, message: &'a Message, (field, kind): (&str, &str)) -> Vec<&'a str> {
    let mut called = config.lines(field);
    for who in config.assignee(message, kind) {
        if !called.contains(&who) {
            called.push(who);
        }
    }
    called
}

fn with_keyword(text: String, title: &str, keywords: &[&str]) -> String {
    match keywords.first() {
        Some(first) if !keywords.iter().any(|word| text.contains(word) || title.contains(word)) => {
            format!("{text}\n{first}\n")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::message::{
            Assignee, Contact, Notice,
            tests::{digest, notice, sending},
        },
        super::tests::{config, post},
        *,
    };
    use crate::ui::Language;

    #[test]
    fn a_message_is_signed_as_the_robot_checks_it() {
        let config = config(
            &DingTalk,
            &[("access_token", "https://oapi.dingtalk.com/robot/send?access_token=abc"), ("secret", "SEC1")],
        );
        let post = post(&DingTalk, &config, &Message::Alert(notice()), &sending(Language::Chinese));
        // printf '1790000000000\nSEC1' | openssl dgst -sha256 -hmac SEC1 -binary | base64
        let expected = "https://oapi.dingtalk.com/robot/send?access_token=abc&timestamp=1790000000000&sign=";
        assert!(post.url.starts_with(expected), "{}", post.url);
        assert_eq!(sign("SEC1", "1790000000000"), "OhgpQypMoi3Ml7GQA4AsxpIoHERAKyVD87oFjnwpWIE=");
    }

    #[test]
    fn who_is_called_stands_in_the_text_and_a_keyword_is_there() {
        let config = config(
            &DingTalk,
            &[("access_token", "abc"), ("mobiles", "13800000000"), ("user_ids", "u1"), ("keywords", "告警\nBUG")],
        );
        let body = body(&config, &Message::Alert(notice()), &sending(Language::English));
        let text = body["markdown"]["text"].as_str().unwrap();
        assert!(text.contains("@13800000000 @u1") && text.contains("告警"), "{text}");
        assert_eq!(body["at"], json!({"atMobiles": ["13800000000"], "atUserIds": ["u1"], "isAtAll": false}));
    }

    #[test]
    fn whoever_sees_to_the_issue_is_called_once() {
        let contact = |kind: &str, value: &str| Contact { kind: kind.into(), value: value.into() };
        let contacts =
            vec![contact("mobile", "13800000000"), contact("dingtalk", "manager7"), contact("feishu", "ou_7")];
        let notice = Notice { assignee: Some(Assignee { name: "Grace".into(), contacts }), ..notice() };
        let message = Message::Alert(notice);
        let sent = |call: &str| {
            let values = [("access_token", "abc"), ("mobiles", "13800000000"), ("call_assignee", call)];
            body(&config(&DingTalk, &values), &message, &sending(Language::English))
        };
        let called = json!({"atMobiles": ["13800000000"], "atUserIds": ["manager7"], "isAtAll": false});
        assert_eq!(sent("true")["at"], called);
        let text = sent("true")["markdown"]["text"].as_str().unwrap().to_owned();
        assert!(text.contains("@13800000000 @manager7\n") && text.contains("Assigned to: Grace"), "{text}");
        assert_eq!(sent("false")["at"]["atUserIds"], json!([]));
    }

    #[test]
    fn a_card_has_a_button_to_the_issue() {
        let config = config(&DingTalk, &[("access_token", "abc"), ("style", "action_card")]);
        let body = body(&config, &Message::Digest(digest(20, 500)), &sending(Language::Chinese));
        assert_eq!(body["msgtype"], "actionCard");
        assert_eq!(body["actionCard"]["singleURL"], "https://picket.example/acme/");
        assert_eq!(body["actionCard"]["title"], "412 条告警汇总，涉及 500 个问题");
    }

    #[test]
    fn every_code_means_something_and_is_explained() {
        let answer = |code: i64, words: &str| Answer {
            status: 200,
            body: json!({"errcode": code, "errmsg": words}).to_string(),
            retry_after: None,
        };
        assert_eq!(DingTalk.judge(&answer(0, "ok")), Ok(()));
        let code = |code, words: &str| DingTalk.judge(&answer(code, words)).unwrap_err();
        assert_eq!(code(310_000, "sign not match").code, "310000 sign");
        assert_eq!(code(310_000, "keywords not in content").code, "310000 keyword");
        assert_eq!(code(310_000, "ip 1.2.3.4 not in whitelist").code, "310000 address");
        for number in [310_000, 300_001, 300_005, 400_013, 400_101, 404, 130_101, -1, 40_035, 43_004] {
            assert!(DingTalk.explain(&code(number, "").code).is_some(), "{number}");
        }
        assert!(matches!(code(130_101, "").how, super::super::How::Later(_)));
        assert!(matches!(code(40_035, "").how, super::super::How::Refused));
        assert!(matches!(code(400_013, "").how, super::super::How::Broken));
    }
}
