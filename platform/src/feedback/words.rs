//! What the crash-report dialog says, once per language, under the names that SDKs know its options by.

use serde::Serialize;
use serde_json::Value;

use crate::{protocol::json::Object, ui::Language};

/// A word that a language lacks does not compile.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Words {
    title: &'static str,
    subtitle: &'static str,
    subtitle2: &'static str,
    label_name: &'static str,
    label_email: &'static str,
    label_comments: &'static str,
    label_close: &'static str,
    label_submit: &'static str,
    error_generic: &'static str,
    error_form_entry: &'static str,
    success_message: &'static str,
}

const ENGLISH: Words = Words {
    title: "Something went wrong here.",
    subtitle: "We have been told about it.",
    subtitle2: "If you would like to help, tell us what happened.",
    label_name: "Name",
    label_email: "Email",
    label_comments: "What happened?",
    label_close: "Close",
    label_submit: "Send report",
    error_generic: "Your report could not be sent. Please try again later.",
    error_form_entry: "Something is missing or not right. Please look at the marked fields.",
    success_message: "Your report has been sent. Thank you!",
};

const CHINESE: Words = Words {
    title: "这里出了点问题。",
    subtitle: "我们已经收到通知。",
    subtitle2: "如果你愿意帮忙，请告诉我们发生了什么。",
    label_name: "姓名",
    label_email: "电子邮箱",
    label_comments: "发生了什么？",
    label_close: "关闭",
    label_submit: "发送报告",
    error_generic: "报告未能发送，请稍后再试。",
    error_form_entry: "有内容缺失或有误，请检查标出的字段。",
    success_message: "报告已发送，谢谢！",
};

/// All of them, by name.
pub fn of(language: Language) -> Object {
    let words = match language {
        Language::English => &ENGLISH,
        Language::Chinese => &CHINESE,
    };
    match serde_json::to_value(words) {
        Ok(Value::Object(words)) => words,
        _ => Object::new(),
    }
}
